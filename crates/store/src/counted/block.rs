//! The memory itself: a header and the room behind it, by pointer.

use core::fmt;
use core::mem::size_of;
use core::ptr::NonNull;
use core::slice;

use crate::memory;
use crate::pool::Piece;
use crate::sync::{AtomicU32, Ordering, Witness};

#[repr(C)]
pub(super) struct Header {
    /// `LINKED` while the store has it, and a `READER` for each reader.
    pub(super) count: AtomicU32,
    pub(super) value_bytes: u32,
    pub(super) room_bytes: u32,
    /// What all this stands in.
    pub(super) extent: Piece,
    pub(super) witness: Witness,
}

/// Points to an extent that starts with a header. `1 + key + value <= room`.
pub(super) struct Block(pub(super) NonNull<Header>);

// SAFETY: a block is memory without ties to a thread; it is changed only by its single owner
// (`Unique`), and the count is atomic.
unsafe impl Send for Block {}
// SAFETY: as above; through shared references it is only read and counted.
unsafe impl Sync for Block {}

impl Block {
    /// # Panics
    ///
    /// If the extent is not longer than a header, or longer than `u32::MAX`.
    pub(super) fn new(extent: Piece) -> Self {
        const { assert!(align_of::<Header>() <= memory::ALIGN) }
        let room_bytes = extent.len().checked_sub(HEADER_BYTES);
        let room_bytes = room_bytes.expect("an extent has room behind the header");
        let start = extent.start().cast::<Header>();
        let header = Header {
            count: AtomicU32::new(LINKED),
            value_bytes: 0,
            room_bytes: u32::try_from(room_bytes).expect("items are at most 1 GiB"),
            extent,
            witness: Witness::new(),
        };
        // SAFETY: the extent is longer than a header and aligned for it, as asserted above; it is
        // owned by the header, and so is touched through this block only until `free`.
        unsafe { start.write(header) };
        Self(start)
    }

    pub(super) fn header(&self) -> &Header {
        // SAFETY: the header was written by `new` and lives until `free`, which waits for the
        // last reference; it is written by the only owner of the block (`Unique`), and not while borrowed.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.header().extent.memory_bytes()
    }

    pub(super) fn key(&self) -> &[u8] {
        let room = self.room();
        &room[1..][..usize::from(room[0])]
    }

    pub(super) fn value(&self) -> &[u8] {
        let room = self.room();
        &room[1 + usize::from(room[0])..][..self.header().value_bytes as usize]
    }

    fn room(&self) -> &[u8] {
        let header = self.header();
        header.witness.read();
        // SAFETY: the extent has that many bytes behind the header, initialised as those of every
        // piece; who writes to them is the only owner of the block, so not while this borrow lives.
        unsafe { slice::from_raw_parts(self.room_start(), header.room_bytes as usize) }
    }

    /// # Safety
    ///
    /// The caller is the only reference to the block.
    pub(super) unsafe fn room_mut(&mut self) -> &mut [u8] {
        let room_bytes = self.header().room_bytes as usize;
        // SAFETY: that many bytes are there (see `room`); no one else looks (caller).
        unsafe { slice::from_raw_parts_mut(self.room_start(), room_bytes) }
    }

    fn room_start(&self) -> *mut u8 {
        // SAFETY: the extent is longer than a header.
        unsafe { self.0.as_ptr().cast::<u8>().add(HEADER_BYTES) }
    }

    /// Gives up one reference of the kind `unit`, and frees the block if it was the last; returns
    /// the count as it was before.
    ///
    /// # Safety
    ///
    /// The caller has such a reference and does not use it again.
    pub(super) unsafe fn let_go(&self, unit: u32) -> u32 {
        // Release: our reads come before the free; acquire: those of the others do.
        let before = self.header().count.fetch_sub(unit, Ordering::AcqRel);
        if before == unit {
            // SAFETY: no reference is left, and a new one needs one.
            unsafe { self.free() };
        }
        before
    }

    /// # Safety
    ///
    /// The caller is the only reference to the block and does not use it again.
    pub(super) unsafe fn free(&self) {
        self.header().witness.write();
        // SAFETY: the header is read once and not looked at again (caller); its extent outlives
        // the read, as it is owned by what was read, and goes back when that is dropped.
        drop(unsafe { self.0.read() });
    }
}

impl Block {
    /// Keys and values are peers' secrets: lengths only.
    pub(super) fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("key_bytes", &self.key().len())
            .field("value_bytes", &self.value().len())
            .finish_non_exhaustive()
    }
}

pub(super) const HEADER_BYTES: usize = size_of::<Header>();
pub(super) const LINKED: u32 = 1;
pub(super) const READER: u32 = 2;
/// Half of what the count can hold, so that no number of readers overflows it.
pub(super) const READERS_MAX: u32 = 1 << 31;
