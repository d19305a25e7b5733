//! The twin of a segment's memory, in which each slot is an allocation of its own.
//!
//! In one piece of memory an item that is read or written beyond its slot meets its neighbour, and
//! no tool sees it. Here it meets the end of a slice; and AddressSanitizer sees what is used after
//! its segment was reclaimed. Built with `--cfg steadfast_checked`.

use std::collections::BTreeMap;

use crate::pool::Piece;

/// As the plain one; `end <= len`, and the slots fill what is before `end`.
#[derive(Debug)]
pub(super) struct Bytes {
    /// Pays for the segment, and is not touched.
    piece: Piece,
    end: usize,
    /// By offset.
    slots: BTreeMap<u32, Box<[u8]>>,
}

impl Bytes {
    pub(super) fn new(piece: Piece) -> Self {
        Self {
            piece,
            end: 0,
            slots: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.piece.len()
    }

    pub(super) fn end(&self) -> usize {
        self.end
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.piece.memory_bytes()
    }

    pub(super) fn allocate(&mut self, bytes: usize) -> u32 {
        let offset = u32::try_from(self.end).expect("a segment is at most 1 MiB");
        self.end += bytes;
        assert!(
            bytes > 0 && self.end <= self.len(),
            "a slot of {bytes} bytes ends at {} of {}",
            self.end,
            self.len()
        );
        // As in the plain one, what is not yet written is whatever was there before.
        let stale = vec![STALE; bytes].into_boxed_slice();
        self.slots.insert(offset, stale);
        offset
    }

    /// Goes to the end of the slot only.
    pub(super) fn slot(&self, offset: u32) -> &[u8] {
        let before = self.slots.range(..=offset).next_back();
        let (start, slot) = before.expect("slots fill a segment from its start");
        &slot[(offset - start) as usize..]
    }

    pub(super) fn slot_mut(&mut self, offset: u32) -> &mut [u8] {
        let before = self.slots.range_mut(..=offset).next_back();
        let (start, slot) = before.expect("slots fill a segment from its start");
        &mut slot[(offset - start) as usize..]
    }

    pub(super) fn copy_within(&mut self, from: u32, to: u32, bytes: usize) {
        let copy = self.slot(from)[..bytes].to_vec();
        self.slot_mut(to)[..bytes].copy_from_slice(&copy);
    }
}

/// No item begins like that: with so many bytes it would be longer than any segment.
const STALE: u8 = 0xA5;
