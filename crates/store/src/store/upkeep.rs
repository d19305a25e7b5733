//! What concerns all items: flushing, sweeping, walking, counting.

use super::{Store, fixed_bytes};
use crate::entry::Entry;
use crate::index::BucketCursor;
use crate::item::Timestamp;
use crate::settings::SettingsError;
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
    /// After [`Store::set_memory_bytes_max`], it evicts as well, up to a segment's items for each 64.
    /// Calls go round all items; 64 vacant places count as one. A stripe's lock is held for at
    /// most 64 items.
    pub fn sweep(&self, items_max: usize, now: Timestamp) -> usize {
        self.shrink(items_max.div_ceil(SWEEP_STEP_ITEMS), now);
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
    /// A walk from `Cursor::default()` to the end shows every key that has a live item all the time
    /// exactly once, with the version that is there then, whatever is stored, moved or evicted
    /// meanwhile. Keys that come or go are shown once or not at all; one that goes and comes back may be
    /// shown again. Each call takes one stripe's lock and shows some dozen items, in no order.
    pub fn walk(
        &self,
        from: Cursor,
        now: Timestamp,
        visit: impl FnMut(&Entry<'_>),
    ) -> Option<Cursor> {
        let Cursor { stripe, place } = from;
        let cell = self.stripes.get(stripe as usize)?;
        let next = cell
            .stripe
            .lock()
            .walk(place, WALK_STEP_BUCKETS, now, visit);
        match next {
            Some(place) => Some(Cursor { stripe, place }),
            None => self.stripe_after(stripe).map(|stripe| Cursor {
                stripe,
                ..Cursor::default()
            }),
        }
    }

    /// The same, as the items stand in memory: faster, and right only while nobody changes the store.
    pub(crate) fn walk_log(
        &self,
        from: LogCursor,
        now: Timestamp,
        visit: impl FnMut(&Entry<'_>),
    ) -> Option<LogCursor> {
        let LogCursor { stripe, position } = from;
        let cell = self.stripes.get(stripe as usize)?;
        let next = cell
            .stripe
            .lock()
            .walk_log(position, WALK_STEP_SLOTS, now, visit);
        match next {
            Some(position) => Some(LogCursor { stripe, position }),
            None => self.stripe_after(stripe).map(|stripe| LogCursor {
                stripe,
                ..LogCursor::default()
            }),
        }
    }

    fn stripe_after(&self, stripe: u32) -> Option<u32> {
        let next = stripe + 1;
        ((next as usize) < self.stripes.len()).then_some(next)
    }

    /// Changes the budget, whatever [`Settings::memory_bytes_max`](crate::Settings::memory_bytes_max) was: it grows at once; it shrinks
    /// step by step with each [`Store::sweep`], which evicts what must go. Segments, stripes and the
    /// largest item keep their sizes.
    ///
    /// Without eviction ([`Settings::evict`](crate::Settings::evict)) it shrinks only as far as there is room to spare.
    ///
    /// # Errors
    ///
    /// Not enough for two of the largest items, for the stripes, or for twice the index, which does
    /// not shrink; nor more than half the addresses there are.
    pub fn set_memory_bytes_max(&self, bytes: usize) -> Result<(), SettingsError> {
        let mut index_bytes = 0;
        self.each(|stripe| index_bytes += stripe.index_bytes());
        self.settings
            .check_memory(bytes, INDEX_SHARE * index_bytes)?;
        self.pool.budget().set_goal(bytes);
        Ok(())
    }

    /// Goes on towards a smaller budget, a segment's memory at a time.
    fn shrink(&self, steps_max: usize, now: Timestamp) {
        let step_bytes = self.pool.segment_memory_bytes();
        for _ in 0..steps_max {
            let bytes = self.pool.budget().excess_bytes().min(step_bytes);
            if bytes == 0 || !(self.pool.give_up(bytes) || self.make_shared_room(bytes, now)) {
                return;
            }
        }
    }

    /// Sums the stripes' counters; takes their locks one after the other.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            memory_bytes_max: self.pool.budget().goal() as u64,
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
    place: BucketCursor,
}

/// A place in a walk over all slots.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogCursor {
    stripe: u32,
    position: Position,
}

/// The index may take one part in this many of a smaller budget.
const INDEX_SHARE: usize = 2;
const SWEEP_STEP_ITEMS: usize = 64;
const WALK_STEP_SLOTS: usize = 64;
/// Of six items each, about.
const WALK_STEP_BUCKETS: usize = 8;
