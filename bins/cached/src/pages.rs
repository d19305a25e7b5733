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
    let plenty = Mapped::reserve(memory_bytes, EXTENT_ADDRESSES);
    match plenty.or_else(|_| Mapped::reserve(memory_bytes, EXTENT_ADDRESSES_MIN)) {
        Ok(mapped) => Arc::new(mapped),
        Err(cause) => {
            let what = "warning: items live in the heap, which fragments beyond -m";
            let why = "addresses for them cannot be reserved";
            log::line(
                PROGRAM,
                format_args!("{what}: {why}: {}", exit::reason(&cause)),
            );
            Arc::new(Heap::default())
        }
    }
}

/// Three ranges of addresses: one that segments fill, one in which extents come and go, one for
/// tables.
#[derive(Debug)]
struct Mapped {
    segments: Pages,
    extents: Pages,
    tables: Pages,
}

impl Mapped {
    fn reserve(memory_bytes: usize, extent_addresses: usize) -> io::Result<Self> {
        let extent_addresses = memory_bytes
            .checked_mul(extent_addresses)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        // Not all that is allowed: buffers and tables need addresses, too.
        let _headroom = Pages::reserve(HEADROOM_BYTES, PageSize::Small)?;
        Ok(Self {
            segments: Pages::reserve(memory_bytes, PageSize::Huge)?,
            extents: Pages::reserve(extent_addresses, PageSize::Small)?,
            // A cache with few items has small ones. All are paid from the budget.
            tables: Pages::reserve(memory_bytes, PageSize::HugeLater)?,
        })
    }

    fn pages(&self, kind: Kind) -> &Pages {
        match kind {
            Kind::Segment => &self.segments,
            Kind::Extent => &self.extents,
            Kind::Table => &self.tables,
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
/// Addresses that are left to the heap at least.
const HEADROOM_BYTES: usize = 64 << 20;
/// With fewer, large values might find no hole while there is memory for them.
const EXTENT_ADDRESSES_MIN: usize = 2;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test reports")]
mod tests {
    use steadfast_store::{Attributes, Condition, NewItem, Settings, Store, Timestamp};

    use super::*;

    #[test]
    fn a_store_on_pages_keeps_its_books_and_its_values() {
        let mut settings = Settings::default();
        settings.memory_bytes_max = 8 << 20;
        let store = Store::with_memory(settings, for_budget(8 << 20)).unwrap();
        let now = Timestamp::from_secs(1);
        let key = |number: usize| format!("key-{}", number % 900).into_bytes();
        for number in 0..3000 {
            let bytes = number * number % 70_001;
            let value = vec![number as u8; bytes];
            let item = NewItem::new(&value, Attributes::default());
            let _ = store
                .put(&key(number), item, Condition::Always, now)
                .unwrap();
            if let Some(found) = store.get(&key(number * 7), now) {
                let first = found.value().first();
                assert!(found.value().iter().all(|byte| Some(byte) == first));
            }
            store.remove(&key(number * 11), now);
            if number % 100 == 0 {
                assert_eq!(store.check_invariants(), 0, "after {number}");
            }
        }
        assert!(store.stats().evictions > 0);
    }
}
