//! Where the memory for items comes from.
//!
//! Items live in large pieces: segments for small ones, an extent for each large one; the tables that
//! say where they are take pieces, too. A [`Memory`] hands them out; [`Heap`] is the global
//! allocator's, and a daemon may bring pages of its own.
//!
//! This and `counted` are the two modules with `unsafe` for items' bytes; `chunks` has it for tables.

#![allow(
    unsafe_code,
    reason = "memory is handed out as pointers, and owned by one type"
)]

use core::alloc::Layout;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::slice;
use std::sync::Arc;

use crate::sync::{alloc_zeroed, dealloc};

/// A source of large pieces of memory.
///
/// Each piece is owned by one caller until it is freed. The figures are what keeps a store within
/// its budget: they count what the system really spends, rounding and overhead included.
///
/// # Safety
///
/// Whoever implements this vouches for each piece from [`allocate`](Self::allocate) until it is freed: its
/// first `bytes` bytes are valid for reads and writes, belong to no one else, start at a multiple of
/// [`ALIGN`], those of a [`Kind::Table`] of [`TABLE_ALIGN`], and are initialised (zero, or whatever an
/// earlier owner left). Freeing may come from any
/// thread.
pub unsafe trait Memory: fmt::Debug + Send + Sync {
    /// Returns how many bytes, at least `bytes`, a piece can have at the same cost.
    ///
    /// Asked again with the result, it returns the result.
    fn usable_bytes(&self, kind: Kind, bytes: usize) -> usize;

    /// Returns the most that a piece of `bytes` takes from the system: what to pay in advance.
    ///
    /// Never less for more bytes.
    fn memory_bytes_max(&self, kind: Kind, bytes: usize) -> usize;

    /// Hands out a piece of `bytes` bytes, at least 1; `None` if there is no memory or no place.
    fn allocate(&self, kind: Kind, bytes: usize) -> Option<Allocation>;

    /// Takes a piece back, and returns how many bytes of memory went back to the system.
    ///
    /// When all pieces are back, so is all that they took.
    ///
    /// # Safety
    ///
    /// The piece came from [`allocate`](Self::allocate) of this very source, with this kind and size,
    /// and its owner does not use it again.
    unsafe fn free(&self, kind: Kind, start: NonNull<u8>, bytes: usize) -> usize;
}

/// What a piece is for; a source may lay them out differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the store has these three")]
pub enum Kind {
    /// Many small items. All have one size in a store, a power of two from 4 KiB to 1 MiB or 64 bytes
    /// less, whatever [`Memory::usable_bytes`] would allow, and live long; worth huge pages.
    Segment,
    /// One large item: any size up to the largest item, may come and go quickly.
    Extent,
    /// A part of the index. All have one size in a store, a power of two from 4 KiB to 256 KiB, are read
    /// at random all the time and live as long as the store; worth huge pages once there are many.
    Table,
}

/// A piece as [`Memory::allocate`] hands it out.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "complete: a place and its price")]
pub struct Allocation {
    /// Where it starts.
    pub start: NonNull<u8>,
    /// What it took from the system just now, at most [`Memory::memory_bytes_max`].
    pub memory_bytes: usize,
}

/// The alignment of every piece, in bytes.
pub const ALIGN: usize = 16;

/// The alignment of a [`Kind::Table`], in bytes: a look-up reads one line of the processor's cache.
pub const TABLE_ALIGN: usize = 64;

/// The global allocator. Works anywhere.
///
/// What an allocation costs is counted after glibc's malloc. An allocator that fragments takes more
/// than that in the long run.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Heap;

impl Heap {
    fn layout(kind: Kind, bytes: usize) -> Layout {
        let align = match kind {
            Kind::Segment | Kind::Extent => ALIGN,
            Kind::Table => TABLE_ALIGN,
        };
        Layout::from_size_align(bytes, align).expect("pieces are smaller than isize::MAX")
    }

    /// What a table of `bytes` takes from the system, room for its alignment included.
    pub(crate) const fn table_bytes(bytes: usize) -> usize {
        allocated_bytes(bytes + TABLE_ALIGN)
    }
}

// SAFETY: each piece is an allocation of its own from the global allocator, zeroed, of the layout
// that `free` computes again from the same kind and size.
unsafe impl Memory for Heap {
    fn usable_bytes(&self, kind: Kind, bytes: usize) -> usize {
        match kind {
            Kind::Segment | Kind::Table => bytes,
            Kind::Extent if bytes >= MAPPED_BYTES_MIN => allocated_bytes(bytes) - 2 * WORD_BYTES,
            // The step of extents, so that a freed one fits the next of about its size.
            Kind::Extent => {
                let usable = (bytes + WORD_BYTES).next_multiple_of(STEP_BYTES) - WORD_BYTES;
                usable.min(MAPPED_BYTES_MIN - 1)
            }
        }
    }

    fn memory_bytes_max(&self, kind: Kind, bytes: usize) -> usize {
        match kind {
            Kind::Segment | Kind::Extent => allocated_bytes(bytes),
            Kind::Table => Self::table_bytes(bytes),
        }
    }

    fn allocate(&self, kind: Kind, bytes: usize) -> Option<Allocation> {
        assert!(bytes > 0, "a piece has a byte at least");
        // SAFETY: the layout is not empty, by the line above.
        let start = NonNull::new(unsafe { alloc_zeroed(Self::layout(kind, bytes)) })?;
        Some(Allocation {
            start,
            memory_bytes: self.memory_bytes_max(kind, bytes),
        })
    }

    unsafe fn free(&self, kind: Kind, start: NonNull<u8>, bytes: usize) -> usize {
        // SAFETY: `allocate` made it with this layout (caller: the same kind and size).
        unsafe { dealloc(start.as_ptr(), Self::layout(kind, bytes)) };
        self.memory_bytes_max(kind, bytes)
    }
}

/// Returns the memory that an allocation of `bytes` takes, rounding and overhead included.
///
/// After glibc's malloc: a word before each chunk, chunks in multiples of 16 from 32 on, whole pages
/// for large ones.
pub(crate) const fn allocated_bytes(bytes: usize) -> usize {
    if bytes >= MAPPED_BYTES_MIN {
        return (bytes + 2 * WORD_BYTES).next_multiple_of(PAGE_BYTES);
    }
    let chunk = (bytes + WORD_BYTES).next_multiple_of(ALIGN);
    if chunk < CHUNK_BYTES_MIN {
        CHUNK_BYTES_MIN
    } else {
        chunk
    }
}

/// A piece and its source: bytes that one owner reads and writes, freed when dropped.
pub(crate) struct Owned {
    start: NonNull<u8>,
    bytes: usize,
    kind: Kind,
    memory: Arc<dyn Memory>,
}

// SAFETY: a piece is memory without ties to a thread (contract of `Memory`), and its owner changes
// it through `&mut` only; the source is `Send + Sync` by its own bounds.
unsafe impl Send for Owned {}
// SAFETY: as above; through `&Owned` the bytes are only read.
unsafe impl Sync for Owned {}

impl Owned {
    /// Allocates a segment or table of `bytes`, or an extent of at least as many; returns the piece and what it
    /// took from the system.
    pub(crate) fn allocate(
        memory: &Arc<dyn Memory>,
        kind: Kind,
        bytes: usize,
    ) -> Option<(Self, usize)> {
        let bytes = match kind {
            // The places in them are numbered within their size.
            Kind::Segment | Kind::Table => bytes,
            Kind::Extent => memory.usable_bytes(kind, bytes),
        };
        let Allocation {
            start,
            memory_bytes,
        } = memory.allocate(kind, bytes)?;
        let memory = Arc::clone(memory);
        let owned = Self {
            start,
            bytes,
            kind,
            memory,
        };
        Some((owned, memory_bytes))
    }

    /// Frees the piece, and returns what went back to the system.
    pub(crate) fn free(self) -> usize {
        let piece = core::mem::ManuallyDrop::new(self);
        // SAFETY: the source is moved out once, and `piece` is neither used nor dropped after that.
        let memory = unsafe { core::ptr::read(&raw const piece.memory) };
        // SAFETY: made in `allocate` by this source with these values; `self` is consumed.
        unsafe { memory.free(piece.kind, piece.start, piece.bytes) }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the most that it takes from the system.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.memory_bytes_max(self.kind, self.bytes)
    }

    /// Where the bytes start, for `counted`, which shares them.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: made in `allocate` by this source with these values, and gone after this.
        unsafe { self.memory.free(self.kind, self.start, self.bytes) };
    }
}

impl Deref for Owned {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: that many bytes are valid and initialised until the piece is freed (contract of
        // `Memory`), and no one else has them.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }
}

impl DerefMut for Owned {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `deref`, and `&mut self` is the only way to them now.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}

impl fmt::Debug for Owned {
    /// The bytes are peers' secrets: their number only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned")
            .field("kind", &self.kind)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

const WORD_BYTES: usize = 8;
const CHUNK_BYTES_MIN: usize = 32;
const PAGE_BYTES: usize = 4096;
/// From here on glibc maps each allocation by itself, at first.
const MAPPED_BYTES_MIN: usize = 128 << 10;
const STEP_BYTES: usize = 512;

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests {
    use super::*;

    #[test]
    fn usable_bytes_are_stable_and_cost_little() {
        let sizes = (1..3000)
            .step_by(7)
            .chain(MAPPED_BYTES_MIN - 300..MAPPED_BYTES_MIN + 9000);
        for bytes in sizes {
            for kind in [Kind::Segment, Kind::Extent, Kind::Table] {
                let usable = Heap.usable_bytes(kind, bytes);
                assert!(usable >= bytes);
                assert_eq!(Heap.usable_bytes(kind, usable), usable, "{bytes}");
                assert!(Heap.memory_bytes_max(kind, usable) <= bytes + 2 * PAGE_BYTES);
            }
        }
    }

    #[test]
    fn small_chunks_are_those_of_malloc() {
        assert_eq!(allocated_bytes(1), 32);
        assert_eq!(allocated_bytes(24), 32);
        assert_eq!(allocated_bytes(25), 48);
        assert_eq!(allocated_bytes(1 << 20), (1 << 20) + 4096);
    }

    #[test]
    fn a_piece_is_aligned_and_zero_at_first_and_gives_back_what_it_took() {
        let memory: Arc<dyn Memory> = Arc::new(Heap);
        for bytes in [1, 4096, 20_000, 1 << 20] {
            let (mut piece, taken) = Owned::allocate(&memory, Kind::Extent, bytes).unwrap();
            assert!(piece.len() >= bytes);
            assert_eq!(piece.start().as_ptr() as usize % ALIGN, 0);
            assert!(piece.iter().all(|&byte| byte == 0));
            piece.fill(7);
            assert_eq!(piece.free(), taken);
        }
    }
}
