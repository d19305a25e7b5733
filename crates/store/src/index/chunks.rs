//! A growing array of cache lines that never moves.

use crate::memory;

/// Cache lines, taken from memory a chunk at a time, so that growth copies nothing and its cost is
/// known before.
#[derive(Debug)]
pub(super) struct Chunks {
    chunks: Vec<Box<[Line]>>,
    /// The logarithm of a chunk's lines.
    shift: u32,
}

/// Eight words side by side in one cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [u64; LINE_WORDS]);

impl Chunks {
    /// An empty array that grows by `chunk_bytes` at a time, a power of two.
    pub(super) fn new(chunk_bytes: usize) -> Self {
        debug_assert!(chunk_bytes.is_power_of_two() && chunk_bytes >= LINE_BYTES);
        Self {
            chunks: Vec::new(),
            shift: (chunk_bytes / LINE_BYTES).trailing_zeros(),
        }
    }

    /// What one more chunk takes from the memory, its part of the directory included.
    pub(super) const fn growth_bytes(chunk_bytes: usize) -> usize {
        memory::allocated_bytes(chunk_bytes + LINE_BYTES) + DIRECTORY_BYTES
    }

    pub(super) fn len(&self) -> u32 {
        (self.chunks.len() as u32) << self.shift
    }

    pub(super) fn chunk_bytes(&self) -> usize {
        LINE_BYTES << self.shift
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.chunks.len() * Self::growth_bytes(self.chunk_bytes())
    }

    /// Adds a chunk of zeros.
    pub(super) fn grow(&mut self) {
        let lines = 1 << self.shift;
        self.chunks.push(vec![Line::default(); lines].into());
    }

    #[inline]
    pub(super) fn at(&self, number: u32) -> &Line {
        let within = number & ((1 << self.shift) - 1);
        &self.chunks[(number >> self.shift) as usize][within as usize]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, number: u32) -> &mut Line {
        let within = number & ((1 << self.shift) - 1);
        &mut self.chunks[(number >> self.shift) as usize][within as usize]
    }
}

pub(super) const LINE_WORDS: usize = 8;
pub(super) const LINE_BYTES: usize = 64;
/// A pointer and a length in a vector that doubles: three times their size while it moves.
const DIRECTORY_BYTES: usize = 3 * size_of::<Box<[Line]>>();
