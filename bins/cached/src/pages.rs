//! The store's memory: pages that are resident only while items are on them.

#![allow(
    unsafe_code,
    reason = "the store asks for memory by pointer; who hands it out vouches for it"
)]

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use steadfast_host::memory::{PageSize, Pages};
use steadfast_host::{exit, log};
use steadfast_store::{Allocation, Heap, Kind, Memory};

use crate::PROGRAM;

/// Returns the memory for a store with this budget: mapped pages, or the heap where the system
/// refuses the addresses for them, with a line in the log.
pub(crate) fn for_budget(memory_bytes: usize) -> Arc<dyn Memory> {
    match Mapped::reserve(memory_bytes) {
        Ok(mapped) => Arc::new(mapped),
        Err(cause) => {
            let what = "warning: items live in the heap: cannot reserve addresses for them";
            log::line(PROGRAM, format_args!("{what}: {}", exit::reason(&cause)));
            Arc::new(Heap::default())
        }
    }
}

/// Two ranges of addresses: one that segments fill, one in which extents come and go.
#[derive(Debug)]
struct Mapped {
    segments: Pages,
    extents: Pages,
}

impl Mapped {
    fn reserve(memory_bytes: usize) -> io::Result<Self> {
        let extent_addresses = memory_bytes
            .checked_mul(EXTENT_ADDRESSES)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self {
            segments: Pages::reserve(memory_bytes, PageSize::Huge)?,
            extents: Pages::reserve(extent_addresses, PageSize::Small)?,
        })
    }

    fn pages(&self, kind: Kind) -> &Pages {
        match kind {
            Kind::Segment => &self.segments,
            Kind::Extent => &self.extents,
        }
    }
}

// SAFETY: `Pages` hands out pieces of a mapping that do not overlap, initialised, at multiples of
// 512 bytes, and keeps them until they are freed; the mapping lives as long as `self`.
unsafe impl Memory for Mapped {
    fn usable_bytes(&self, kind: Kind, bytes: usize) -> usize {
        self.pages(kind).usable_bytes(bytes)
    }

    fn memory_bytes_max(&self, kind: Kind, bytes: usize) -> usize {
        self.pages(kind).memory_bytes_max(bytes)
    }

    fn allocate(&self, kind: Kind, bytes: usize) -> Option<Allocation> {
        let (start, memory_bytes) = self.pages(kind).allocate(bytes)?;
        Some(Allocation {
            start,
            memory_bytes,
        })
    }

    unsafe fn free(&self, kind: Kind, start: NonNull<u8>, bytes: usize) -> usize {
        // SAFETY: the piece is from the same range, as its kind is the same (caller).
        unsafe { self.pages(kind).free(start, bytes) }
    }
}

/// Addresses for extents, in budgets: among holes of all sizes there should be one that fits.
/// Addresses cost nothing; only touched pages do.
const EXTENT_ADDRESSES: usize = 4;
