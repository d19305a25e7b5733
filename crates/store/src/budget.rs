//! The books of memory: one budget for all stripes.

use crossbeam::utils::CachePadded;

use crate::sync::{AtomicUsize, Ordering};

/// The memory of a store: `used <= limit` at all times.
///
/// The stripes share it, so that none starves while another has room to spare. Memory is taken
/// before it is allocated and given back after it is freed: by the pool for segments and extents, by
/// the stripes for their tables.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    held_max: usize,
    used: CachePadded<AtomicUsize>,
    held: CachePadded<AtomicUsize>,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            held_max: limit / HELD_SHARE,
            used: CachePadded::new(AtomicUsize::new(0)),
            held: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    /// Takes `bytes` if they are free.
    pub(crate) fn try_take(&self, bytes: usize) -> bool {
        add_within(&self.used, bytes, self.limit)
    }

    /// Gives back what was taken, once it is freed.
    pub(crate) fn give(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Ordering::Release);
        debug_assert!(
            before >= bytes,
            "{bytes} bytes given back of {before} taken"
        );
    }

    /// Counts `bytes` as held by readers or reservations, within their share of the memory.
    pub(crate) fn try_hold(&self, bytes: usize) -> bool {
        add_within(&self.held, bytes, self.held_max)
    }

    /// Counts `bytes` as held, whatever the share.
    pub(crate) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn release(&self, bytes: usize) {
        let before = self.held.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "{bytes} bytes released of {before} held");
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

fn add_within(counter: &AtomicUsize, bytes: usize, max: usize) -> bool {
    let add = |present: usize| present.checked_add(bytes).filter(|&sum| sum <= max);
    counter
        .fetch_update(Ordering::Acquire, Ordering::Relaxed, add)
        .is_ok()
}

/// Readers and reservations together may hold one part in this many; the rest can be evicted.
const HELD_SHARE: usize = 2;

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is() {
        let budget = Budget::new(100);
        assert!(budget.try_take(60));
        assert!(!budget.try_take(41));
        assert!(!budget.try_take(usize::MAX));
        assert!(budget.try_take(40));
        budget.give(100);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn readers_hold_half_at_most() {
        let budget = Budget::new(100);
        assert!(budget.try_hold(50));
        assert!(!budget.try_hold(1));
        budget.release(50);
        assert!(budget.try_hold(1));
    }
}
