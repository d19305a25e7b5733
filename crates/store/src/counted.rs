//! The block that holds a large value and its key, and the references that count on it.
//!
//! One extent holds a header, the key and the value. While it is filled, it has one owner
//! ([`Unique`]); then the store holds one reference ([`Linked`]) and readers any number ([`Lent`]):
//!
//! ```text
//! | count | value length | room | extent | key length | key | value | spare |
//!                                         `------------- room -----------'
//! ```
//!
//! Whoever lets go last gives the extent back. Bytes change only before the store has it: a new
//! version goes to another extent, likely one that was just given back and is warm. The extent is
//! owned by what stands in its own header, so it is paid for until then.

#![allow(
    unsafe_code,
    reason = "one extent for header, key and value, shared by counting"
)]

use core::fmt;
use core::mem;
use std::sync::Arc;

use crate::pool::{Piece, Pool};
use crate::sync::Ordering;

mod block;

use block::{Block, HEADER_BYTES, Header, LINKED, READER, READERS_MAX};

/// A block that has one owner and is being filled. The value is at first whatever was there.
pub(crate) struct Unique(Block);

impl Unique {
    /// Makes a block in an extent of at least [`block_bytes`].
    ///
    /// # Panics
    ///
    /// If the extent is smaller, the key longer than 255 bytes or the extent than `u32::MAX`.
    pub(crate) fn new(extent: Piece, key: &[u8], value_bytes: usize) -> Self {
        assert!(
            extent.len() >= block_bytes(key.len(), value_bytes),
            "an extent of {} bytes is asked to hold {value_bytes}",
            extent.len()
        );
        let key_bytes = u8::try_from(key.len()).expect("keys are checked to be at most 255 bytes");
        let mut unique = Self(Block::new(extent));
        let header = unique.header_mut();
        header.value_bytes = u32::try_from(value_bytes).expect("items are at most 1 GiB");
        let room = unique.room_mut();
        room[0] = key_bytes;
        room[1..=key.len()].copy_from_slice(key);
        unique
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.0.key()
    }

    pub(crate) fn value(&self) -> &[u8] {
        self.0.value()
    }

    pub(crate) fn value_mut(&mut self) -> &mut [u8] {
        let start = 1 + self.0.key().len();
        let value_bytes = self.0.value().len();
        &mut self.room_mut()[start..start + value_bytes]
    }

    /// Hands the block to the store.
    pub(crate) fn into_linked(self) -> Linked {
        self.0.header().count.store(LINKED, Ordering::Relaxed);
        let block = Block(self.0.0);
        mem::forget(self);
        Linked(block)
    }

    fn header_mut(&mut self) -> &mut Header {
        // SAFETY: the block's header was written by `Block::new`; a `Unique` is the only reference
        // to it, and it is borrowed for as long as the result.
        unsafe { self.0.0.as_mut() }
    }

    fn room_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `header_mut`; the room lies behind the header and overlaps nothing.
        unsafe { self.0.room_mut() }
    }
}

impl Drop for Unique {
    fn drop(&mut self) {
        // SAFETY: a `Unique` is the only reference to its block, and is gone after this.
        unsafe { self.0.free() }
    }
}

/// The store's own reference: one for each item, not cloned, kept behind its stripe's lock.
pub(crate) struct Linked(Block);

impl Linked {
    pub(crate) fn key(&self) -> &[u8] {
        self.0.key()
    }

    pub(crate) fn value(&self) -> &[u8] {
        self.0.value()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }

    pub(crate) fn has_readers(&self) -> bool {
        self.0.header().count.load(Ordering::Relaxed) >= READER
    }

    /// Makes a reference for a reader; its bytes count as held on the budget until it is dropped.
    ///
    /// `None` if readers hold their share of the memory already.
    pub(crate) fn lend(&self) -> Option<Lent> {
        let header = self.0.header();
        let (count, pool) = (&header.count, header.extent.pool());
        let budget = pool.budget();
        let bytes = self.memory_bytes();
        let present = count.load(Ordering::Relaxed);
        let expect_first = present < READER;
        if present >= READERS_MAX || (expect_first && !budget.try_hold(bytes)) {
            return None;
        }
        // Meanwhile readers may have left, or come, where threads share the view of an item.
        let is_first = count.fetch_add(READER, Ordering::Relaxed) < READER;
        match (expect_first, is_first) {
            (true, false) => budget.release(bytes),
            (false, true) => budget.hold(bytes),
            _ => {}
        }
        Some(Lent {
            block: Block(self.0.0),
            pool: Arc::clone(pool),
        })
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        // SAFETY: the reference given up is `self`, which is gone after this.
        unsafe { self.0.let_go(LINKED) };
    }
}

/// A reader's reference. When the last one goes, its bytes are no longer held.
pub(crate) struct Lent {
    block: Block,
    /// For the books when the block may be gone already.
    pool: Arc<Pool>,
}

impl Lent {
    pub(crate) fn key(&self) -> &[u8] {
        self.block.key()
    }

    pub(crate) fn value(&self) -> &[u8] {
        self.block.value()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let bytes = self.block.memory_bytes();
        // SAFETY: the reference given up is `self`, which is gone after this.
        let before = unsafe { self.block.let_go(READER) };
        if before < 2 * READER {
            self.pool.budget().release(bytes);
        }
    }
}

/// Returns how long an extent for such an item must be at least.
pub(crate) fn block_bytes(key_bytes: usize, value_bytes: usize) -> usize {
    HEADER_BYTES + 1 + key_bytes + value_bytes
}

impl fmt::Debug for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("Unique", f)
    }
}

impl fmt::Debug for Linked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("Linked", f)
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.block.describe("Lent", f)
    }
}

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests;
