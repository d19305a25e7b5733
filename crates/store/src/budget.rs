//! The books of memory: one budget for all stripes.

use crossbeam::utils::CachePadded;

use crate::sync::{AtomicUsize, Lock, Ordering};

/// The memory of a store: `used <= limit` at all times, as both are without what was given up.
///
/// The stripes share it, so that none starves while another has room to spare. Memory is taken
/// before it is allocated and given back after it is freed: by the pool for segments and extents, by
/// the stripes for their tables.
#[derive(Debug)]
pub(crate) struct Budget {
    /// All that may ever be taken; only grows, so that whoever has read it is never wrong by too much.
    bound: AtomicUsize,
    /// What was taken to make the budget smaller: counted in `used`.
    given_up: AtomicUsize,
    /// What the limit is to become.
    goal: Lock<usize>,
    used: CachePadded<AtomicUsize>,
    held: CachePadded<AtomicUsize>,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bound: AtomicUsize::new(limit),
            given_up: AtomicUsize::new(0),
            goal: Lock::new(limit),
            used: CachePadded::new(AtomicUsize::new(0)),
            held: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    /// Lets the limit become `bytes`: at once if that is more, else as [`Self::give_up`] brings it
    /// there.
    pub(crate) fn set_goal(&self, bytes: usize) {
        let mut goal = self.goal.lock();
        *goal = bytes;
        let more = bytes.saturating_sub(self.limit());
        let back = more.min(self.given_up.load(Ordering::Relaxed));
        if back > 0 {
            self.given_up.fetch_sub(back, Ordering::Relaxed);
            self.give(back);
        }
        self.bound.fetch_add(more - back, Ordering::Relaxed);
    }

    /// What the limit is to become; it may still be above.
    pub(crate) fn goal(&self) -> usize {
        *self.goal.lock()
    }

    /// By how much the limit is still to shrink.
    pub(crate) fn excess_bytes(&self) -> usize {
        self.limit().saturating_sub(self.goal())
    }

    /// Takes `bytes`, which the caller has taken, out of the limit; what is too much goes back.
    pub(crate) fn give_up(&self, bytes: usize) {
        let goal = self.goal.lock();
        let lowered = bytes.min(self.limit().saturating_sub(*goal));
        self.given_up.fetch_add(lowered, Ordering::Relaxed);
        if lowered < bytes {
            self.give(bytes - lowered);
        }
    }

    /// Takes `bytes` if they are free.
    pub(crate) fn try_take(&self, bytes: usize) -> bool {
        add_within(&self.used, bytes, self.bound.load(Ordering::Relaxed))
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
        add_within(&self.held, bytes, self.limit() / HELD_SHARE)
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
        let given_up = self.given_up.load(Ordering::Relaxed);
        self.bound.load(Ordering::Relaxed).saturating_sub(given_up)
    }

    pub(crate) fn used(&self) -> usize {
        let given_up = self.given_up.load(Ordering::Relaxed);
        self.used.load(Ordering::Relaxed).saturating_sub(given_up)
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
    fn the_limit_grows_at_once_and_shrinks_by_what_is_given_up() {
        let budget = Budget::new(100);
        assert!(budget.try_take(90));
        budget.set_goal(60);
        assert_eq!((budget.limit(), budget.goal()), (100, 60));
        assert_eq!(budget.excess_bytes(), 40);
        assert!(budget.try_take(10));
        budget.give_up(10);
        assert_eq!((budget.limit(), budget.used()), (90, 90));
        assert!(!budget.try_take(1));
        budget.give(50);
        assert!(budget.try_take(40));
        budget.give_up(40);
        assert_eq!((budget.limit(), budget.used()), (60, 40), "and no further");
        budget.set_goal(80);
        assert_eq!((budget.limit(), budget.used()), (80, 40));
        budget.set_goal(120);
        assert_eq!((budget.limit(), budget.used()), (120, 40));
        assert!(budget.try_take(80) && !budget.try_take(1));
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
