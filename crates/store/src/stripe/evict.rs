//! Making room: evicting, reclaiming, sweeping.

use super::{Gone, Stripe};
use crate::item::Timestamp;
use crate::size::{self, CLASSES};
use crate::stats::ClassStats;

impl Stripe {
    /// Gives memory back to the budget, `bytes` or a step at least if it can, and returns how much.
    ///
    /// Idle credit goes first, then items near the old end that are gone anyway, then, if
    /// `may_evict`, the oldest. A bounded step: the caller comes back if it needs more.
    pub(crate) fn make_room(&mut self, bytes: usize, may_evict: bool, now: Timestamp) -> usize {
        self.settle_flush(now);
        let wanted = bytes.max(self.credit_step);
        let mut freed = self.credit + self.reclaim_oldest(now);
        let (mut evicted, mut passed) = (0, 0);
        while may_evict && freed < wanted && evicted < EVICTED_MAX && !self.displaced.is_full() {
            let Some(slot) = self.order.oldest() else {
                break;
            };
            if self.record(slot).block.has_readers() {
                // Nothing is freed before its readers are done, and it is in use.
                if passed == PASSED_MAX {
                    break;
                }
                passed += 1;
                self.class_of(slot).tail_held += 1;
                self.order.touch(slot);
                continue;
            }
            freed += self.evict(slot, now);
            evicted += 1;
        }
        let credit = core::mem::take(&mut self.credit);
        if credit > 0 {
            self.account.budget().give(credit);
        }
        freed
    }

    /// Looks at up to `items_max` items, going round, and removes those that are gone.
    pub(crate) fn sweep(&mut self, items_max: usize, now: Timestamp) -> Swept {
        self.settle_flush(now);
        let mut swept = Swept::default();
        let slots = self.index.slots();
        let mut effort = 0;
        while effort < items_max * VACANT_PER_ITEM && !self.displaced.is_full() {
            if self.sweep_at as usize >= slots {
                self.sweep_at = 0;
                swept.is_round = true;
                break;
            }
            let slot = self.sweep_at;
            self.sweep_at += 1;
            let Some(record) = self.index.at(slot) else {
                effort += 1;
                continue;
            };
            effort += VACANT_PER_ITEM;
            let end = self.end_of(record, now);
            self.class_of(slot).sweep_checked += 1;
            if let Some(end) = end {
                self.class_of(slot).swept += 1;
                self.count_expired(slot, end);
                self.remove_slot(slot);
                swept.removed += 1;
            }
        }
        swept.spent = effort.div_ceil(VACANT_PER_ITEM);
        swept
    }

    /// When the least recently used item was used; `None` if there is none.
    pub(crate) fn oldest_use(&self) -> Option<Timestamp> {
        Some(self.record(self.order.oldest()?).used_at)
    }

    /// Notes, for each class, the longest time that an item went unused, among the oldest items.
    pub(crate) fn tail_ages(&self, ages: &mut [u32; CLASSES], now: Timestamp) {
        let mut next = self.order.oldest();
        for _ in 0..TAIL_MAX {
            let Some(slot) = next else { return };
            let record = self.record(slot);
            let class = size::size_class(self.entry(record).item_bytes()) - 1;
            let age = now.as_secs().saturating_sub(record.used_at.as_secs());
            ages[class] = ages[class].max(age);
            next = self.order.newer(slot);
        }
    }

    pub(crate) fn reset_counters(&mut self) {
        self.counters = super::Counters::default();
        for class in self.classes.iter_mut() {
            *class = ClassStats {
                items: class.items,
                bytes: class.bytes,
                ..ClassStats::default()
            };
        }
    }

    /// Removes the items that are gone among the oldest few; returns the memory that frees.
    fn reclaim_oldest(&mut self, now: Timestamp) -> usize {
        let mut freed = 0;
        let mut next = self.order.oldest();
        for _ in 0..LOOK_AT_MAX {
            let Some(slot) = next else { break };
            next = self.order.newer(slot);
            let Some(end) = self.end_of(self.record(slot), now) else {
                continue;
            };
            if self.displaced.is_full() {
                break;
            }
            freed += self.reclaim(slot, end);
        }
        freed
    }

    fn reclaim(&mut self, slot: u32, end: Gone) -> usize {
        self.class_of(slot).reclaimed += 1;
        self.count_expired(slot, end);
        self.freed_by_removal(slot)
    }

    fn evict(&mut self, slot: u32, now: Timestamp) -> usize {
        let record = self.record(slot);
        if let Some(end) = self.end_of(record, now) {
            return self.reclaim(slot, end);
        }
        let age = now.as_secs().saturating_sub(record.used_at.as_secs());
        let had_expiry = record.expiry.time().is_some();
        let was_read = record.block.was_read();
        let class = self.class_of(slot);
        class.evicted += 1;
        class.evicted_age_secs = age;
        class.evicted_nonzero += u64::from(had_expiry);
        class.evicted_unfetched += u64::from(!was_read);
        self.freed_by_removal(slot)
    }

    fn freed_by_removal(&mut self, slot: u32) -> usize {
        let block = &self.record(slot).block;
        let freed = if block.has_readers() {
            0
        } else {
            block.memory_bytes()
        };
        self.remove_slot(slot);
        freed
    }

    fn count_expired(&mut self, slot: u32, end: Gone) {
        let was_read = self.record(slot).block.was_read();
        self.class_of(slot).expired_unfetched += u64::from(end == Gone::Expired && !was_read);
    }

    fn class_of(&mut self, slot: u32) -> &mut ClassStats {
        let item_bytes = self.entry(self.record(slot)).item_bytes();
        &mut self.classes[size::size_class(item_bytes) - 1]
    }
}

/// What one step of a sweep did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Swept {
    /// How much of `items_max` is used up.
    pub(crate) spent: usize,
    pub(crate) removed: usize,
    pub(crate) is_round: bool,
}

/// The most items evicted under one hold of the lock.
const EVICTED_MAX: usize = 64;
/// The most items passed over, under one hold of the lock, because a reader holds them.
const PASSED_MAX: usize = 64;
/// How far from the old end items that are gone are looked for before a live one is evicted.
const LOOK_AT_MAX: usize = 5;
/// How far from the old end the ages of the classes are looked for.
const TAIL_MAX: usize = 1000;
/// How many vacant places are as much work for a sweep as one item.
const VACANT_PER_ITEM: usize = 64;
