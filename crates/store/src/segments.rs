//! A growing array that never moves.

use crate::memory;

/// An array that grows by whole segments, so that growth copies nothing and costs a known amount.
#[derive(Debug)]
pub(crate) struct Segments<T> {
    segments: Vec<Box<[T; SEGMENT_LEN]>>,
}

impl<T> Segments<T> {
    /// The memory of one more segment, its part of the directory included.
    pub(crate) const GROWTH_BYTES: usize =
        memory::allocated_bytes(SEGMENT_LEN * size_of::<T>()) + DIRECTORY_BYTES;

    pub(crate) fn new() -> Self {
        Self {
            segments: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.segments.len() * SEGMENT_LEN
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.segments.len() * Self::GROWTH_BYTES
    }

    /// Adds a segment filled by `fill`, which gets each element's index.
    pub(crate) fn grow(&mut self, fill: impl FnMut(u32) -> T) {
        let start = u32::try_from(self.len()).expect("fewer than 2^32 elements");
        let segment: Box<[T]> = (start..start + SEGMENT_LEN as u32).map(fill).collect();
        let segment = segment
            .try_into()
            .ok()
            .expect("a segment has as many elements as asked for");
        self.segments.push(segment);
    }

    #[inline]
    pub(crate) fn at(&self, index: u32) -> &T {
        &self.segments[index as usize / SEGMENT_LEN][index as usize % SEGMENT_LEN]
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> &mut T {
        &mut self.segments[index as usize / SEGMENT_LEN][index as usize % SEGMENT_LEN]
    }
}

pub(crate) const SEGMENT_LEN: usize = 256;
/// A pointer in a vector that doubles: three times its size while it moves.
const DIRECTORY_BYTES: usize = 3 * size_of::<Box<u8>>();
