//! A growing array that never moves.

#![allow(
    unsafe_code,
    reason = "elements live in pieces of memory, which are handed out as pointers"
)]

use core::fmt;
use core::ptr::NonNull;
use std::alloc::{Layout, handle_alloc_error};
use std::sync::Arc;

use crate::memory::{Heap, Kind, Memory, Owned, TABLE_ALIGN};

/// An array of elements, at first `T::default()`, taken from memory a chunk at a time, so that
/// growth copies nothing and its cost is known before.
///
/// Invariant: each of `starts` is that of the piece of the same number, all of which is elements.
pub(crate) struct Chunks<T> {
    /// Where each chunk starts, for look-ups: close together.
    starts: Vec<NonNull<T>>,
    /// What keeps them there.
    pieces: Vec<Owned>,
    memory: Arc<dyn Memory>,
    /// The logarithm of a chunk's elements.
    shift: u32,
    /// What one chunk takes from the memory.
    chunk_cost: usize,
}

// SAFETY: the elements are owned as those of a vector are: changed through `&mut self` only, and
// dropped with it.
unsafe impl<T: Send> Send for Chunks<T> {}
// SAFETY: as above; `&self` gives out shared references only.
unsafe impl<T: Sync> Sync for Chunks<T> {}

impl<T: Copy + Default> Chunks<T> {
    /// An empty array that grows by `chunk_bytes` at a time, a power of two and a multiple of the
    /// element's size. The memory is the heap where `memory` has none.
    pub(crate) fn new(chunk_bytes: usize, memory: Arc<dyn Memory>) -> Self {
        const { assert!(align_of::<T>() <= TABLE_ALIGN && size_of::<T>().is_power_of_two()) };
        assert!(chunk_bytes.is_power_of_two() && chunk_bytes >= size_of::<T>());
        Self {
            starts: Vec::new(),
            pieces: Vec::new(),
            chunk_cost: chunk_cost(chunk_bytes, &*memory),
            memory,
            shift: (chunk_bytes / size_of::<T>()).trailing_zeros(),
        }
    }

    pub(crate) fn len(&self) -> u32 {
        (self.starts.len() as u32) << self.shift
    }

    /// The elements of one chunk, a power of two.
    pub(crate) fn chunk_len(&self) -> u32 {
        1 << self.shift
    }

    /// Where the chunks are.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = usize> + '_ {
        self.starts.iter().map(|start| start.addr().get())
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.starts.len() * self.growth_bytes()
    }

    /// What the next growth takes from the memory.
    #[inline]
    pub(crate) fn growth_bytes(&self) -> usize {
        self.chunk_cost
    }

    #[cold]
    pub(crate) fn grow(&mut self) {
        let bytes = size_of::<T>() << self.shift;
        let piece = Owned::allocate(&self.memory, Kind::Table, bytes).or_else(|| {
            let heap: Arc<dyn Memory> = Arc::new(Heap);
            Owned::allocate(&heap, Kind::Table, bytes)
        });
        let Some((piece, _)) = piece else {
            let layout = Layout::from_size_align(bytes, TABLE_ALIGN);
            handle_alloc_error(layout.expect("a chunk is smaller than isize::MAX"))
        };
        let start = piece.start().cast::<T>();
        assert!(start.is_aligned() && piece.len() >= bytes);
        for number in 0..1 << self.shift {
            // SAFETY: within the piece, which has room for that many elements and is aligned for
            // them, by the line above; no one else has it.
            unsafe { start.add(number).write(T::default()) };
        }
        self.starts.push(start);
        self.pieces.push(piece);
    }

    #[inline]
    pub(crate) fn at(&self, number: u32) -> &T {
        // SAFETY: `place` is that of an element, valid while `self` is; `self` is borrowed for as
        // long as the result, so that no one changes it.
        unsafe { self.place(number).as_ref() }
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, number: u32) -> &mut T {
        // SAFETY: as for `at`; `self` is borrowed for as long as the result, and only for it.
        unsafe { self.place(number).as_mut() }
    }

    /// Where an element is. Panics if there are not so many.
    #[inline(always)]
    fn place(&self, number: u32) -> NonNull<T> {
        let start = self.starts[(number >> self.shift) as usize];
        let within = (number & ((1 << self.shift) - 1)) as usize;
        // SAFETY: a chunk has `1 << shift` elements, and `within` is less; all were written when
        // the chunk was made.
        unsafe { start.add(within) }
    }
}

impl<T> fmt::Debug for Chunks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks")
            .field("chunks", &self.starts.len())
            .field("shift", &self.shift)
            .finish_non_exhaustive()
    }
}

/// What one chunk takes from `memory`, its part of the directory included.
pub(crate) fn chunk_cost(chunk_bytes: usize, memory: &dyn Memory) -> usize {
    memory.memory_bytes_max(Kind::Table, chunk_bytes) + DIRECTORY_BYTES
}

/// What one chunk takes from the [`Heap`].
pub(crate) const fn heap_chunk_cost(chunk_bytes: usize) -> usize {
    Heap::table_bytes(chunk_bytes) + DIRECTORY_BYTES
}

/// Entries in vectors that double: three times their size while they move.
const DIRECTORY_BYTES: usize = 3 * (size_of::<usize>() + size_of::<Owned>());

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_where_they_are_and_keep_what_they_were_given() {
        let mut chunks = Chunks::<u64>::new(64, Arc::new(Heap));
        let (mut plain, mut places) = (Vec::new(), Vec::new());
        for round in 0..50_u32 {
            chunks.grow();
            for number in round * 8..round * 8 + 8 {
                assert_eq!(*chunks.at(number), 0);
                let value = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                *chunks.at_mut(number) = value;
                plain.push(value);
                places.push(core::ptr::from_ref(chunks.at(number)));
            }
            let found = (0..chunks.len()).map(|number| *chunks.at(number));
            assert!(found.eq(plain.iter().copied()));
        }
        let now = (0..chunks.len()).map(|number| core::ptr::from_ref(chunks.at(number)));
        assert!(now.eq(places));
        assert_eq!(chunks.memory_bytes(), 50 * heap_chunk_cost(64));
        assert_eq!(
            chunks
                .addresses()
                .filter(|at| at % TABLE_ALIGN != 0)
                .count(),
            0
        );
    }
}
