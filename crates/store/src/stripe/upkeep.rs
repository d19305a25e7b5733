//! What concerns all items of a stripe: flushing, sweeping, walking, ages.

use super::ranking::Ranking;
use super::{Counters, Stripe};
use crate::entry::Entry;
use crate::index::{BucketCursor, ItemRef};
use crate::item::Timestamp;
use crate::log::Content;
use crate::order::Queue;
use crate::size::{self, CLASSES};
use crate::stats::ClassStats;

/// A place between two slots of the log, for going round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    segment: u32,
    offset: u32,
    /// Of the segment that the offset is of.
    birth: u64,
}

/// What one step of a sweep did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Swept {
    /// How much of `items_max` is used up.
    pub(crate) spent: usize,
    pub(crate) removed: usize,
    pub(crate) is_round: bool,
}

impl Stripe {
    /// Ends all items that are there, and a flush that is due or yet to come.
    ///
    /// What is stored from now on goes to segments that are born later; so nothing depends on ids,
    /// which a caller may give.
    #[cold]
    pub(crate) fn flush_now(&mut self) {
        self.flush_due = None;
        self.flushed_birth = self.log.births();
        for queue in [Queue::New, Queue::Main] {
            if let Some(sealed) = self.log.seal_queue(queue) {
                self.drop_if_empty(sealed);
            }
        }
    }

    pub(crate) fn flush_at(&mut self, deadline: Timestamp, now: Timestamp) {
        // What a deadline has ended does not come back with the next one.
        if self.flush_due.is_some_and(|due| now >= due) {
            self.flush_now();
        }
        self.flush_due = (deadline >= now).then_some(deadline);
    }

    /// Shows the live items of the next `buckets_max` buckets; returns where to go on.
    pub(crate) fn walk(
        &mut self,
        from: BucketCursor,
        buckets_max: usize,
        now: Timestamp,
        mut visit: impl FnMut(&Entry<'_>),
    ) -> Option<BucketCursor> {
        self.settle_flush(now);
        let mut next = Some(from);
        for _ in 0..buckets_max {
            let bucket = next?;
            // All asked for before the first is shown: the waits for memory overlap.
            let _ = self.index.visit_bucket(bucket, |at| {
                crate::prefetch::lines(self.log.slot(at), WALKED_LINES);
            });
            next = self.index.visit_bucket(bucket, |at| {
                if self.end_of(at, &self.log.head(at), now).is_none() {
                    visit(&self.entry(at));
                }
            });
        }
        next
    }

    /// Shows the live items in the `slots_max` slots from a position on, as they stand in memory;
    /// returns where to go on.
    pub(crate) fn walk_log(
        &mut self,
        from: Position,
        slots_max: usize,
        now: Timestamp,
        mut visit: impl FnMut(&Entry<'_>),
    ) -> Option<Position> {
        self.settle_flush(now);
        let mut next = self.resume(from);
        for _ in 0..slots_max {
            let position = next?;
            next = self.after(position);
            let Some((Content::Item(head), _)) =
                self.log.content(position.segment, position.offset)
            else {
                continue;
            };
            let at = position.at();
            if self.end_of(at, &head, now).is_none() {
                visit(&self.entry(at));
            }
        }
        next
    }

    /// Looks at up to `items_max` items, going round, and removes those that are gone.
    pub(crate) fn sweep(&mut self, items_max: usize, now: Timestamp) -> Swept {
        self.settle_flush(now);
        let mut swept = Swept::default();
        let mut effort = 0;
        let mut next = self.resume(self.sweep_at);
        while effort < items_max * GAPS_PER_ITEM && !self.displaced.is_full() {
            // An item that was removed may have taken its segment with it.
            let Some(position) = next.and_then(|next| self.resume(next)) else {
                (swept.is_round, next) = (true, None);
                self.flushed_segment();
                break;
            };
            next = self.after(position);
            let content = self.log.content(position.segment, position.offset);
            let Some((Content::Item(head), _)) = content else {
                effort += 1;
                continue;
            };
            effort += GAPS_PER_ITEM;
            let at = position.at();
            let end = self.end_of(at, &head, now);
            self.class_at(at).sweep_checked += 1;
            if let Some(end) = end {
                self.class_at(at).swept += 1;
                self.count_expired(at, end);
                let found = self.found(at);
                self.remove_found(found, end.into());
                swept.removed += 1;
            }
        }
        self.sweep_at = next.unwrap_or_default();
        swept.spent = effort.div_ceil(GAPS_PER_ITEM);
        swept
    }

    /// Notes, for each class, the longest time that an item went unused, among the oldest items.
    pub(crate) fn tail_ages(&self, ages: &mut [u32; CLASSES], now: Timestamp) {
        match &self.ranking {
            Ranking::ExactLru(lru) => {
                let nodes = core::iter::successors(lru.oldest(), |&(node, _)| lru.newer(node));
                for (_, at) in nodes.take(TAIL_MAX) {
                    self.note_age(at, ages, now);
                }
            }
            Ranking::ScanResistant(fifo) => {
                for queue in [Queue::New, Queue::Main] {
                    let oldest = fifo.segments(queue).next();
                    let mut next = oldest.and_then(|segment| self.resume(Position::start(segment)));
                    for _ in 0..TAIL_MAX / 2 {
                        let Some(position) = next else { break };
                        let content = self.log.content(position.segment, position.offset);
                        if let Some((Content::Item(_), _)) = content {
                            self.note_age(position.at(), ages, now);
                        }
                        next = self.after(position);
                    }
                }
            }
        }
    }

    pub(crate) fn reset_counters(&mut self) {
        self.counters = Counters::default();
        for class in self.classes.iter_mut() {
            *class = ClassStats {
                items: class.items,
                bytes: class.bytes,
                ..ClassStats::default()
            };
        }
    }

    /// Notes a store that found no memory.
    pub(crate) fn count_no_room(&mut self, item_bytes: usize) {
        self.classes[size::size_class(item_bytes) - 1].no_room += 1;
    }

    pub(crate) fn index_bytes(&self) -> usize {
        self.index.memory_bytes() + self.ranking.memory_bytes()
    }

    pub(crate) fn index_buckets(&self) -> usize {
        self.index.buckets()
    }

    fn note_age(&self, at: ItemRef, ages: &mut [u32; CLASSES], now: Timestamp) {
        let stored = self.log.stored(at);
        let class = size::size_class(self.item_bytes(&stored)) - 1;
        let age = now.as_secs().saturating_sub(stored.head.used_at.as_secs());
        ages[class] = ages[class].max(age);
    }

    /// Returns the position itself, or the start of the next segment if its own is gone.
    fn resume(&self, from: Position) -> Option<Position> {
        let (segment, found) = self.log.segment_from(from.segment)?;
        let birth = found.birth;
        if segment == from.segment && birth == from.birth {
            return Some(from);
        }
        let offset = 0;
        Some(Position {
            segment,
            offset,
            birth,
        })
    }

    /// Returns where the next slot begins, or the end of the segment or the next one's start.
    fn after(&self, position: Position) -> Option<Position> {
        match self.log.content(position.segment, position.offset) {
            Some((_, stride)) => Some(Position {
                offset: position.offset + stride as u32,
                ..position
            }),
            None => self.resume(Position::start(position.segment + 1)),
        }
    }
}

impl Position {
    fn start(segment: u32) -> Self {
        Self {
            segment,
            ..Self::default()
        }
    }

    fn at(self) -> ItemRef {
        ItemRef::new(self.segment, self.offset)
    }
}

/// How far from the old end the ages of the classes are looked for.
const TAIL_MAX: usize = 1000;
/// How many gaps are as much work for a sweep as one item.
const GAPS_PER_ITEM: usize = 64;
/// Of an item that a walk is about to show: its head, a key of usual length and the start of a value.
const WALKED_LINES: usize = 4;
