//! The store's memory: pages that are resident only while items are on them.

#![allow(
    unsafe_code,
    reason = "the store asks for memory by pointer; who hands it out vouches for it"
)]

use std::io;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

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

/// Addresses of three kinds: those that segments fill, those in which extents come and go, and those
/// of tables.
#[derive(Debug)]
struct Mapped {
    segments: Ranges,
    extents: Ranges,
    tables: Ranges,
}

/// A range of addresses, and further ones once it is full: the budget may grow later
/// (`cache_memlimit`).
#[derive(Debug)]
struct Ranges {
    first: Pages,
    /// Each as large as all before together.
    further: [OnceLock<Pages>; FURTHER_MAX],
    /// Held by whoever reserves the next one.
    growth: Mutex<()>,
    bytes: usize,
    size: PageSize,
}

impl Mapped {
    fn reserve(memory_bytes: usize, extent_addresses: usize) -> io::Result<Self> {
        let extent_addresses = memory_bytes
            .checked_mul(extent_addresses)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        // Not all that is allowed: buffers and tables need addresses, too.
        let _headroom = Pages::reserve(HEADROOM_BYTES, PageSize::Small)?;
        Ok(Self {
            segments: Ranges::reserve(memory_bytes, PageSize::Huge)?,
            // The kernel fills a value of a MiB a tenth faster than on small pages.
            extents: Ranges::reserve(extent_addresses, PageSize::Huge)?,
            // A cache with few items has small ones. All are paid from the budget.
            tables: Ranges::reserve(memory_bytes, PageSize::HugeLater)?,
        })
    }

    fn ranges(&self, kind: Kind) -> &Ranges {
        match kind {
            Kind::Segment => &self.segments,
            Kind::Extent => &self.extents,
            Kind::Table => &self.tables,
        }
    }
}

impl Ranges {
    fn reserve(bytes: usize, size: PageSize) -> io::Result<Self> {
        Ok(Self {
            first: Pages::reserve(bytes, size)?,
            further: [const { OnceLock::new() }; FURTHER_MAX],
            growth: Mutex::new(()),
            bytes,
            size,
        })
    }

    /// Hands out a piece from the first range that has room for it. All of them are paid from the budget.
    fn allocate(&self, bytes: usize) -> Option<(NonNull<u8>, usize)> {
        let in_first = self.first.allocate(bytes);
        in_first
            .or_else(|| (0..FURTHER_MAX).find_map(|number| self.further(number)?.allocate(bytes)))
    }

    /// Returns a further range, which is reserved when it is first asked for; `None` if the system has
    /// no addresses for it.
    #[cold]
    fn further(&self, number: usize) -> Option<&Pages> {
        let place = &self.further[number];
        if let Some(pages) = place.get() {
            return Some(pages);
        }
        let _growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        if place.get().is_none() {
            let bytes = self.bytes.checked_mul(1 << number)?;
            place.set(Pages::reserve(bytes, self.size).ok()?).ok()?;
        }
        place.get()
    }

    /// The range that a piece is from.
    fn of(&self, start: NonNull<u8>) -> &Pages {
        if self.first.contains(start) {
            return &self.first;
        }
        let mut further = self.further.iter().filter_map(OnceLock::get);
        let found = further.find(|pages| pages.contains(start));
        found.expect("a piece is from one of the ranges")
    }
}

// SAFETY: `Pages` hands out pieces of a mapping that do not overlap, initialised, at multiples of
// 512 bytes, and keeps them until they are freed; the mapping lives as long as `self`.
unsafe impl Memory for Mapped {
    fn usable_bytes(&self, kind: Kind, bytes: usize) -> usize {
        self.ranges(kind).first.usable_bytes(bytes)
    }

    fn memory_bytes_max(&self, kind: Kind, bytes: usize) -> usize {
        self.ranges(kind).first.memory_bytes_max(bytes)
    }

    fn allocate(&self, kind: Kind, bytes: usize) -> Option<Allocation> {
        let (start, memory_bytes) = self.ranges(kind).allocate(bytes)?;
        Some(Allocation {
            start,
            memory_bytes,
        })
    }

    unsafe fn free(&self, kind: Kind, start: NonNull<u8>, bytes: usize) -> usize {
        // SAFETY: the piece is from that range, which `contains` it, and of that size (caller).
        unsafe { self.ranges(kind).of(start).free(start, bytes) }
    }
}

/// Addresses for extents, in budgets: among holes of all sizes there should be one that fits.
/// Addresses cost nothing; only touched pages do.
const EXTENT_ADDRESSES: usize = 4;
/// Ranges that double what there is: a budget of a MiB can become a TiB.
const FURTHER_MAX: usize = 20;
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

    #[test]
    fn a_budget_that_grows_finds_pages() {
        let mut settings = Settings::default();
        settings.memory_bytes_max = 4 << 20;
        let store = Store::with_memory(settings, for_budget(4 << 20)).unwrap();
        let now = Timestamp::from_secs(1);
        let key = |number: usize| format!("key-{number}").into_bytes();
        let fill = |bytes: usize| {
            for number in 0..40 << 20 >> bytes.ilog2() {
                let value = vec![number as u8; bytes];
                let item = NewItem::new(&value, Attributes::default());
                let stored = store.put(&key(number), item, Condition::Always, now);
                assert!(stored.is_ok(), "{number} of {bytes} bytes: {stored:?}");
            }
        };
        fill(4 << 10);
        for mib in [30, 3, 50] {
            store.set_memory_bytes_max(mib << 20).unwrap();
            while store.stats().memory_bytes > (mib as u64) << 20 {
                store.sweep(10_000, now);
            }
            fill(4 << 10);
            let bytes = store.stats().memory_bytes;
            assert!(bytes > (mib as u64) << 19, "{bytes} of {mib} MiB are used");
            fill(300 << 10);
            fill(4 << 10);
            assert_eq!(store.check_invariants(), 0);
        }
    }
}
