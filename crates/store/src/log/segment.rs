//! One piece of memory that items are appended to.

use crate::order::Queue;
use crate::pool::Piece;

/// A segment of the log and what is known of it.
///
/// Slots are allocated one behind the other and never again before the whole segment is reclaimed.
#[derive(Debug)]
pub(crate) struct Segment {
    bytes: Bytes,
    /// Sum of the slots of its items; the rest of what is allocated is gaps.
    pub(crate) live_bytes: usize,
    /// The memory of the extents that its items stand for.
    pub(crate) extent_bytes: usize,
    pub(crate) queue: Queue,
    /// Tells segments apart that had the same number one after the other.
    pub(crate) birth: u64,
}

impl Segment {
    pub(crate) fn new(piece: Piece, queue: Queue, birth: u64) -> Self {
        Self {
            bytes: Bytes::new(piece),
            live_bytes: 0,
            extent_bytes: 0,
            queue,
            birth,
        }
    }

    /// Where the next slot would begin.
    pub(crate) fn end(&self) -> usize {
        self.bytes.end()
    }

    /// How much is left behind the end.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.bytes.len() - self.bytes.end()
    }

    /// What all of it takes from the memory, extents aside.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.memory_bytes()
    }

    /// Returns where a new slot of `bytes` begins; the caller has asked for the room.
    #[inline]
    pub(crate) fn allocate(&mut self, bytes: usize) -> u32 {
        self.bytes.allocate(bytes)
    }

    /// Returns the bytes from the start of a slot; how far they go beyond it is left open.
    #[inline]
    pub(crate) fn slot(&self, offset: u32) -> &[u8] {
        self.bytes.slot(offset)
    }

    #[inline]
    pub(crate) fn slot_mut(&mut self, offset: u32) -> &mut [u8] {
        self.bytes.slot_mut(offset)
    }

    /// Copies `bytes` of one slot of this segment to another.
    pub(crate) fn copy_within(&mut self, from: u32, to: u32, bytes: usize) {
        self.bytes.copy_within(from, to, bytes);
    }
}

#[cfg(steadfast_checked)]
use self::checked::Bytes;
#[cfg(not(steadfast_checked))]
use self::plain::Bytes;

#[cfg(steadfast_checked)]
mod checked;

#[cfg(not(steadfast_checked))]
mod plain {
    use crate::pool::Piece;

    /// The memory itself; `end <= len`.
    #[derive(Debug)]
    pub(super) struct Bytes {
        piece: Piece,
        end: usize,
    }

    impl Bytes {
        pub(super) fn new(piece: Piece) -> Self {
            Self { piece, end: 0 }
        }

        #[inline]
        pub(super) fn len(&self) -> usize {
            self.piece.len()
        }

        #[inline]
        pub(super) fn end(&self) -> usize {
            self.end
        }

        pub(super) fn memory_bytes(&self) -> usize {
            self.piece.memory_bytes()
        }

        #[inline]
        pub(super) fn allocate(&mut self, bytes: usize) -> u32 {
            let start = self.end;
            self.end += bytes;
            start as u32
        }

        #[inline]
        pub(super) fn slot(&self, offset: u32) -> &[u8] {
            &self.piece[offset as usize..self.end]
        }

        #[inline]
        pub(super) fn slot_mut(&mut self, offset: u32) -> &mut [u8] {
            &mut self.piece[offset as usize..self.end]
        }

        pub(super) fn copy_within(&mut self, from: u32, to: u32, bytes: usize) {
            let from = from as usize;
            self.piece.copy_within(from..from + bytes, to as usize);
        }
    }
}
