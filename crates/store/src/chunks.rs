//! A growing array that never moves.

use crate::memory;

/// An array of zeroed elements, taken from memory a chunk at a time, so that growth copies nothing
/// and its cost is known before.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Box<[T]>>,
    /// The logarithm of a chunk's elements.
    shift: u32,
}

impl<T: Copy + Default> Chunks<T> {
    /// An empty array that grows by `chunk_bytes` at a time, a power of two.
    pub(crate) fn new(chunk_bytes: usize) -> Self {
        debug_assert!(chunk_bytes.is_power_of_two() && chunk_bytes >= size_of::<T>());
        Self {
            chunks: Vec::new(),
            shift: (chunk_bytes / size_of::<T>()).trailing_zeros(),
        }
    }

    /// What one chunk takes from the memory, its part of the directory included.
    pub(crate) const fn chunk_cost(chunk_bytes: usize) -> usize {
        memory::allocated_bytes(chunk_bytes + align_of::<T>()) + DIRECTORY_BYTES
    }

    pub(crate) fn len(&self) -> u32 {
        (self.chunks.len() as u32) << self.shift
    }

    /// The elements of one chunk, a power of two.
    pub(crate) fn chunk_len(&self) -> u32 {
        1 << self.shift
    }

    /// Where the chunks are.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = usize> + '_ {
        self.chunks.iter().map(|chunk| chunk.as_ptr().addr())
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.chunks.len() * self.growth_bytes()
    }

    /// What the next growth takes from the memory.
    pub(crate) fn growth_bytes(&self) -> usize {
        Self::chunk_cost(size_of::<T>() << self.shift)
    }

    pub(crate) fn grow(&mut self) {
        self.chunks.push(vec![T::default(); 1 << self.shift].into());
    }

    #[inline]
    pub(crate) fn at(&self, number: u32) -> &T {
        let within = number & ((1 << self.shift) - 1);
        &self.chunks[(number >> self.shift) as usize][within as usize]
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, number: u32) -> &mut T {
        let within = number & ((1 << self.shift) - 1);
        &mut self.chunks[(number >> self.shift) as usize][within as usize]
    }
}

/// A pointer and a length in a vector that doubles: three times their size while it moves.
const DIRECTORY_BYTES: usize = 3 * size_of::<Box<[u64]>>();
