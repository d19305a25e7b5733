//! The block that holds an item, and the references that count on it.
//!
//! One allocation holds a header, the key and the value. While it is filled, it has one owner
//! ([`Unique`]); then the store holds one reference ([`Linked`]) and readers any number ([`Lent`]):
//!
//! ```text
//! | count | value length | room | flags | id | key length | key | value | spare |
//!                                             `---------------- room ----------'
//! ```
//!
//! Whoever lets go last frees it. Bytes change only while the store's is the only reference. This
//! is the one module of the crate with `unsafe` in it.

#![allow(
    unsafe_code,
    reason = "one allocation for header, key and value, shared by counting"
)]

use core::alloc::Layout;
use core::fmt;
use core::mem::{self, size_of};
use core::ptr::{self, NonNull};
use core::slice;

use crate::budget::Account;
use crate::item::CasId;
use crate::memory;
use crate::sync::{Arc, AtomicU32, Ordering, Witness, alloc_zeroed, dealloc};

/// A block that has one owner and is being filled. The value is zero at first.
pub(crate) struct Unique(Block);

impl Unique {
    /// Allocates a block, or returns `None` if the system has no memory.
    ///
    /// # Panics
    ///
    /// If the key is longer than 255 bytes or the block than `u32::MAX`.
    pub(crate) fn new(key: &[u8], value_bytes: usize, flags: u32) -> Option<Self> {
        let block = Block::allocate(room_bytes(key.len(), value_bytes))?;
        let key_bytes = u8::try_from(key.len()).expect("keys are checked to be at most 255 bytes");
        let mut unique = Self(block);
        let header = unique.header_mut();
        header.value_bytes = u32::try_from(value_bytes).expect("items are at most 1 GiB");
        header.flags = flags;
        let room = unique.room_mut();
        room[0] = key_bytes;
        room[1..=key.len()].copy_from_slice(key);
        Some(unique)
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

    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }

    pub(crate) fn set_cas(&mut self, cas: CasId) {
        self.header_mut().cas = cas.get();
    }

    /// Hands the block to the store.
    pub(crate) fn into_linked(self) -> Linked {
        self.0.header().count.store(LINKED, Ordering::Relaxed);
        Linked(self.into_block())
    }

    /// Hands the block to a reader; it is in no store and on no account.
    pub(crate) fn into_lent(self) -> Lent {
        self.0.header().count.store(READER, Ordering::Relaxed);
        Lent {
            block: self.into_block(),
            account: None,
        }
    }

    fn into_block(self) -> Block {
        let block = Block(self.0.0);
        mem::forget(self);
        block
    }

    fn header_mut(&mut self) -> &mut Header {
        // SAFETY: the block is allocated and its header written (`allocate`); a `Unique` is the only
        // reference to it, and it is borrowed for as long as the result.
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

    pub(crate) fn flags(&self) -> u32 {
        self.0.header().flags
    }

    pub(crate) fn cas(&self) -> CasId {
        CasId::new(self.0.header().cas)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }

    pub(crate) fn has_readers(&self) -> bool {
        self.0.header().count.load(Ordering::Relaxed) >= READER
    }

    /// Remembers that the item was read; returns whether it was before.
    pub(crate) fn mark_read(&self) -> bool {
        let count = &self.0.header().count;
        if count.load(Ordering::Relaxed) & READ != 0 {
            return true;
        }
        count.fetch_or(READ, Ordering::Relaxed) & READ != 0
    }

    pub(crate) fn was_read(&self) -> bool {
        self.0.header().count.load(Ordering::Relaxed) & READ != 0
    }

    /// Makes a reference for a reader, on the books of `account`.
    ///
    /// `None` if readers hold their share of the memory already.
    pub(crate) fn lend(&self, account: &Arc<Account>) -> Option<Lent> {
        let count = &self.0.header().count;
        let bytes = self.memory_bytes();
        let present = count.load(Ordering::Relaxed);
        let expect_first = present < READER;
        if present >= READERS_MAX || (expect_first && !account.budget().try_hold(bytes)) {
            return None;
        }
        // Meanwhile readers may have left, or come, where threads share the view of an item.
        let is_first = count.fetch_add(READER, Ordering::Relaxed) < READER;
        match (expect_first, is_first) {
            (true, false) => account.budget().release(bytes),
            (false, true) => account.budget().hold(bytes),
            _ => {}
        }
        Some(Lent {
            block: Block(self.0.0),
            account: Some(Arc::clone(account)),
        })
    }

    /// Writes a new version in place, unread again, if nobody reads the block and it fits.
    pub(crate) fn overwrite(&mut self, value: &[u8], flags: u32, cas: CasId) -> bool {
        let start = 1 + self.key().len();
        let header = self.0.header();
        let fits = start + value.len() <= header.room_bytes as usize;
        // Acquire: whatever the last reader read, it read before we write.
        if !fits || header.count.load(Ordering::Acquire) >= READER {
            return false;
        }
        header.count.store(LINKED, Ordering::Relaxed);
        header.witness.write();
        // SAFETY: `&mut self` is the store's only reference and the count shows no reader; a new one
        // can come from `lend` only, which needs this borrow to end. So the block is ours alone.
        let header = unsafe { self.0.0.as_mut() };
        header.value_bytes = u32::try_from(value.len()).expect("the value fits the room");
        header.flags = flags;
        header.cas = cas.get();
        // SAFETY: as above.
        let room = unsafe { self.0.room_mut() };
        room[start..start + value.len()].copy_from_slice(value);
        true
    }

    /// Lets go of the block; returns whether that freed it. Else the last reader frees it.
    pub(crate) fn unlink(self) -> bool {
        let block = Block(self.0.0);
        mem::forget(self);
        // SAFETY: the reference given up is `self`, which no longer drops.
        unsafe { block.let_go(LINKED) }.is_freed
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        // SAFETY: the reference given up is `self`, which is gone after this.
        unsafe { self.0.let_go(LINKED) };
    }
}

/// A reader's reference. When the last one goes, the books are told.
pub(crate) struct Lent {
    block: Block,
    account: Option<Arc<Account>>,
}

impl Lent {
    pub(crate) fn key(&self) -> &[u8] {
        self.block.key()
    }

    pub(crate) fn value(&self) -> &[u8] {
        self.block.value()
    }

    pub(crate) fn flags(&self) -> u32 {
        self.block.header().flags
    }

    pub(crate) fn cas(&self) -> CasId {
        CasId::new(self.block.header().cas)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let bytes = self.block.memory_bytes();
        // SAFETY: the reference given up is `self`, which is gone after this.
        let end = unsafe { self.block.let_go(READER) };
        let Some(account) = &self.account else { return };
        if end.was_last_reader {
            account.budget().release(bytes);
        }
        if end.is_freed {
            account.budget().give(bytes);
        }
    }
}

/// Returns the memory a block for such an item takes, the allocator's part included.
pub(crate) fn memory_bytes(key_bytes: usize, value_bytes: usize) -> usize {
    memory::allocated_bytes(HEADER_BYTES + room_bytes(key_bytes, value_bytes))
}

/// The room for an item: up to the end of what the allocator hands out anyway.
fn room_bytes(key_bytes: usize, value_bytes: usize) -> usize {
    memory::usable_bytes(HEADER_BYTES + 1 + key_bytes + value_bytes) - HEADER_BYTES
}

#[repr(C)]
struct Header {
    /// `LINKED` while the store has it, `READ` if it was read, and a `READER` for each reader.
    count: AtomicU32,
    value_bytes: u32,
    room_bytes: u32,
    flags: u32,
    cas: u64,
    witness: Witness,
}

/// Points to an allocation that starts with a header. `1 + key + value <= room`.
struct Block(NonNull<Header>);

// SAFETY: a block is memory without ties to a thread; it is changed only by its single owner
// (`Unique`, or `Linked::overwrite` while the count shows no reader), and the count is atomic.
unsafe impl Send for Block {}
// SAFETY: as above; through shared references it is only read and counted.
unsafe impl Sync for Block {}

impl Block {
    fn allocate(room_bytes: usize) -> Option<Self> {
        let layout = Self::layout(room_bytes);
        // SAFETY: the layout is not empty, a header is part of it.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?.cast::<Header>();
        let header = Header {
            count: AtomicU32::new(LINKED),
            value_bytes: 0,
            room_bytes: u32::try_from(room_bytes).expect("items are at most 1 GiB"),
            flags: 0,
            cas: 0,
            witness: Witness::new(),
        };
        // SAFETY: the allocation is ours, large enough and aligned for a header.
        unsafe { start.write(header) };
        Some(Self(start))
    }

    fn layout(room_bytes: usize) -> Layout {
        Layout::from_size_align(HEADER_BYTES + room_bytes, align_of::<Header>())
            .expect("items are at most 1 GiB")
    }

    fn header(&self) -> &Header {
        // SAFETY: the header was written by `allocate` and lives until `free`, which waits for the
        // last reference; it is written by the only owner of the block, and not while borrowed.
        unsafe { self.0.as_ref() }
    }

    fn memory_bytes(&self) -> usize {
        memory::allocated_bytes(HEADER_BYTES + self.header().room_bytes as usize)
    }

    fn key(&self) -> &[u8] {
        let room = self.room();
        &room[1..][..usize::from(room[0])]
    }

    fn value(&self) -> &[u8] {
        let room = self.room();
        &room[1 + usize::from(room[0])..][..self.header().value_bytes as usize]
    }

    fn room(&self) -> &[u8] {
        let header = self.header();
        header.witness.read();
        // SAFETY: `allocate` gave that many zeroed bytes behind the header; who writes to them is
        // the only owner of the block, so not while this borrow lives.
        unsafe { slice::from_raw_parts(self.room_start(), header.room_bytes as usize) }
    }

    /// # Safety
    ///
    /// The caller is the only reference to the block.
    unsafe fn room_mut(&mut self) -> &mut [u8] {
        let room_bytes = self.header().room_bytes as usize;
        // SAFETY: that many bytes are there and zeroed (`allocate`); no one else looks (caller).
        unsafe { slice::from_raw_parts_mut(self.room_start(), room_bytes) }
    }

    fn room_start(&self) -> *mut u8 {
        // SAFETY: the allocation is longer than a header.
        unsafe { self.0.as_ptr().cast::<u8>().add(HEADER_BYTES) }
    }

    /// Gives up one reference of the kind `unit`, and frees the block if it was the last.
    ///
    /// # Safety
    ///
    /// The caller has such a reference and does not use it again.
    unsafe fn let_go(&self, unit: u32) -> End {
        // Release: our reads come before the free; acquire: those of the others do.
        let before = self.header().count.fetch_sub(unit, Ordering::AcqRel);
        let is_freed = (before - unit) & !READ == 0;
        if is_freed {
            // SAFETY: no reference is left, and a new one needs one.
            unsafe { self.free() };
        }
        End {
            is_freed,
            was_last_reader: unit == READER && before < 2 * READER,
        }
    }

    /// # Safety
    ///
    /// The caller is the only reference to the block and does not use it again.
    unsafe fn free(&self) {
        let header = self.header();
        header.witness.write();
        let layout = Self::layout(header.room_bytes as usize);
        // SAFETY: allocated with this layout, and nobody looks any more (caller).
        unsafe {
            ptr::drop_in_place(self.0.as_ptr());
            dealloc(self.0.as_ptr().cast(), layout);
        }
    }
}

struct End {
    is_freed: bool,
    was_last_reader: bool,
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

impl Block {
    /// Keys and values are peers' secrets: lengths only.
    fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("key_bytes", &self.key().len())
            .field("value_bytes", &self.value().len())
            .finish_non_exhaustive()
    }
}

const HEADER_BYTES: usize = size_of::<Header>();
const LINKED: u32 = 1;
const READ: u32 = 2;
const READER: u32 = 4;
/// Half of what the count can hold, so that no number of readers overflows it.
const READERS_MAX: u32 = 1 << 31;

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests;
