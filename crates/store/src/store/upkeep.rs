//! What concerns all items: flushing, sweeping, walking, counting.

use super::{Store, fixed_bytes};
use crate::entry::Entry;
use crate::item::Timestamp;
use crate::size;
use crate::stats::{ClassStats, ClassTable, Stats};
use crate::stripe::{Position, Stripe};
use crate::sync::Ordering;

impl Store {
    /// Ends every item that is in the store now; items stored later live, even in this second.
    ///
    /// Replaces a pending [`Store::flush_at`]. Takes each stripe's lock once, however many items there
    /// are; memory comes back as they are met, swept or evicted. The items' ids do not matter.
    pub fn flush(&self, _now: Timestamp) {
        self.each(Stripe::flush_now);
    }

    /// Ends, as soon as `now` reaches `deadline`, every item stored up to and in that second.
    ///
    /// Until then nothing changes. There is one deadline: a new flush of either kind replaces one that
    /// is yet to come. A deadline before `now` does only that, and ends nothing. (memcached's
    /// `flush_all 10` is a deadline 9 seconds from now.)
    pub fn flush_at(&self, deadline: Timestamp, now: Timestamp) {
        self.each(|stripe| stripe.flush_at(deadline, now));
    }

    /// Looks at up to `items_max` further items and removes those that are expired or flushed;
    /// returns how many that were.
    ///
    /// Calls go round all items; 64 vacant places count as one. A stripe's lock is held for at
    /// most 64 items.
    pub fn sweep(&self, items_max: usize, now: Timestamp) -> usize {
        let (mut left, mut removed, mut rounds) = (items_max, 0, 0);
        while left > 0 && rounds <= self.stripes.len() {
            let number = self.sweep_turn.load(Ordering::Relaxed) % self.stripes.len();
            let step = left.min(SWEEP_STEP_ITEMS);
            let swept = self.with(number, |stripe| stripe.sweep(step, now));
            removed += swept.removed;
            left = left.saturating_sub(swept.spent);
            if swept.is_round {
                self.sweep_turn.store(number + 1, Ordering::Relaxed);
                rounds += 1;
            }
        }
        removed
    }

    /// Shows some live items to `visit`, starting where `from` points, and returns where to go on;
    /// `None` at the end. The items do not count as used.
    ///
    /// A walk from `Cursor::default()` to the end shows every item that stays where it is exactly
    /// once. One that moves meanwhile, as a new version or while others are evicted, may be shown
    /// twice or not at all. Each call takes one stripe's lock and looks at no more than 64 places.
    pub fn walk(
        &self,
        from: Cursor,
        now: Timestamp,
        visit: impl FnMut(&Entry<'_>),
    ) -> Option<Cursor> {
        let Cursor { stripe, position } = from;
        let number = stripe as usize;
        if number >= self.stripes.len() {
            return None;
        }
        let next = self.with(number, |stripe| {
            stripe.walk(position, WALK_STEP_SLOTS, now, visit)
        });
        match next {
            Some(position) => Some(Cursor { stripe, position }),
            None if number + 1 == self.stripes.len() => None,
            None => Some(Cursor {
                stripe: stripe + 1,
                ..Cursor::default()
            }),
        }
    }

    /// Sums the stripes' counters; takes their locks one after the other.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            memory_bytes_max: self.pool.budget().limit() as u64,
            memory_bytes: self.pool.budget().used() as u64,
            held_bytes: self.pool.budget().held() as u64,
            ..Stats::default()
        };
        self.each(|stripe| {
            stats.add_stripe(&stripe.counters, &stripe.classes);
            stats.index_bytes += stripe.index_bytes() as u64;
            stats.index_buckets += stripe.index_buckets() as u64;
        });
        stats
    }

    /// Sums the figures of memcached's size classes; looks at up to 1000 items of each stripe.
    #[must_use]
    pub fn class_stats(&self, now: Timestamp) -> Box<ClassTable> {
        let mut table: Box<ClassTable> = Box::new([ClassStats::default(); size::CLASSES]);
        let mut ages = [0; size::CLASSES];
        self.each(|stripe| {
            for (sum, class) in table.iter_mut().zip(stripe.classes.iter()) {
                sum.add(class);
            }
            stripe.tail_ages(&mut ages, now);
        });
        for (sum, age) in table.iter_mut().zip(ages) {
            sum.age_secs = age;
        }
        table
    }

    /// Sets the counters to zero (`stats reset`); what is there now still counts.
    pub fn reset_counters(&self) {
        self.each(Stripe::reset_counters);
    }

    /// Recounts everything, for tests and fuzzing, and returns the bytes of the budget that no
    /// stripe answers for: those of reservations, and of items that are gone but still read.
    ///
    /// Meant for a store that no other thread uses meanwhile. Cost: all items.
    ///
    /// # Panics
    ///
    /// If something does not add up.
    pub fn check_invariants(&self) -> usize {
        let used = self.pool.budget().used();
        assert!(
            used <= self.pool.budget().limit(),
            "{used} bytes in use are within the budget"
        );
        let memory = &**self.pool.memory();
        let start_bytes = self.stripes.len() * Stripe::start_bytes(&self.settings, memory);
        let mut counted =
            fixed_bytes(&self.settings, memory) - start_bytes + self.pool.idle_bytes();
        self.each(|stripe| counted += stripe.check_invariants());
        // Pieces that share pages do not cost what they do alone, which is counted.
        used.wrapping_add(self.pool.saved_bytes())
            .checked_sub(counted)
            .expect("all memory was taken from the budget")
    }
}

/// A place in a walk over all items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    stripe: u32,
    position: Position,
}

const SWEEP_STEP_ITEMS: usize = 64;
const WALK_STEP_SLOTS: usize = 64;
