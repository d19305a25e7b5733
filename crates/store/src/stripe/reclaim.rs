//! Making room: reclaiming segments item by item, and evicting.

use super::ranking::Ranking;
use super::{Found, Gone, Refusal, Stripe};
use crate::index::{ItemRef, Reach};
use crate::item::Timestamp;
use crate::log::{Content, Head, Stored};
use crate::observer::Departure;
use crate::order::{self, Fate, Fifo, Queue};
use crate::pool::Piece;
use crate::size;

/// A segment that is being reclaimed, and how far that has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reclaim {
    segment: u32,
    offset: u32,
    queue: Queue,
    /// Live items are moved as they are: the segment's gaps are what is won.
    keeps_all: bool,
}

/// What one step of making room did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is nothing to be won here.
    Idle,
    /// Something was done that leads to freed memory later.
    Worked,
    /// Memory was freed, or will be when the lock is gone.
    Freed,
}

impl Stripe {
    /// Works towards `bytes` of free memory, and tells whether that led anywhere.
    ///
    /// A bounded step: the caller comes back if it needs more.
    pub(crate) fn make_room(&mut self, bytes: usize, may_evict: bool, now: Timestamp) -> bool {
        self.settle_flush(now);
        for step in 0..STEPS_MAX {
            let done = match self.ranking {
                Ranking::ScanResistant(_) => self.reclaim_some(may_evict, now),
                Ranking::ExactLru(_) => self.reclaim_or_evict_oldest(may_evict, now),
            };
            match done {
                Step::Idle => return step > 0,
                Step::Worked => {}
                // What is displaced is free when the lock is gone, not before.
                Step::Freed if !self.displaced.is_empty() || self.pool.could_give(bytes) => break,
                Step::Freed => {}
            }
        }
        true
    }

    pub(super) fn is_reclaiming(&self, number: u32) -> bool {
        self.reclaiming
            .is_some_and(|reclaim| reclaim.segment == number)
    }

    /// Returns the segment where a slot of `bytes` can be allocated at the end of a queue.
    #[inline]
    pub(super) fn room_in(&mut self, queue: Queue, bytes: usize) -> Result<u32, Refusal> {
        if let Some(number) = self.log.open_with_room(queue, bytes) {
            return Ok(number);
        }
        match self.open_segment(queue, bytes) {
            // What a store held before must fit again, to the last segment.
            Err(refusal) if self.is_restoring => self.last_room(queue, bytes).ok_or(refusal),
            opened => opened,
        }
    }

    #[cold]
    fn last_room(&mut self, queue: Queue, bytes: usize) -> Option<u32> {
        let other = self.log.open_with_room(queue.other(), bytes);
        other.or_else(|| self.open_for_survivors(queue))
    }

    #[cold]
    fn open_segment(&mut self, queue: Queue, bytes: usize) -> Result<u32, Refusal> {
        let short = Refusal::Short {
            memory_bytes: self.pool.segment_memory_bytes(),
        };
        if self.log.is_full() {
            return Err(short);
        }
        let growth_bytes = self.log.growth_bytes();
        self.pay(growth_bytes + self.ranking.segment_growth_bytes(queue))?;
        self.ranking.grow_segments(queue);
        if growth_bytes > 0 {
            self.log.grow();
        }
        if let Some(piece) = self.pool.segment() {
            return Ok(self.add_open(piece, queue));
        }
        let annex_bytes = self.pool.extent_memory_bytes(bytes);
        if annex_bytes <= self.credit {
            self.credit -= annex_bytes;
            if let Some(piece) = self.pool.extent_paid(bytes, annex_bytes) {
                return Ok(self.add(piece, queue));
            }
        }
        Err(short)
    }

    /// Opens a segment for survivors, with memory that is set aside for them.
    fn open_for_survivors(&mut self, queue: Queue) -> Option<u32> {
        let growth_bytes = self.ranking.segment_growth_bytes(queue);
        if !self.log.has_vacant_number() || self.pay(growth_bytes).is_err() {
            return None;
        }
        self.ranking.grow_segments(queue);
        let piece = self.pool.reserve_segment()?;
        Some(self.add_open(piece, queue))
    }

    fn add_open(&mut self, piece: Piece, queue: Queue) -> u32 {
        let number = self.add(piece, queue);
        if let Some(sealed) = self.log.open(number) {
            self.drop_if_empty(sealed);
        }
        number
    }

    fn add(&mut self, piece: Piece, queue: Queue) -> u32 {
        let number = self.log.add(piece, queue);
        self.ranking.push_segment(queue, number);
        number
    }

    /// Reclaims one item, or one gap, of the segment whose turn it is.
    fn reclaim_some(&mut self, may_evict: bool, now: Timestamp) -> Step {
        let Some(reclaim) = self.reclaiming.or_else(|| self.choose(may_evict)) else {
            return Step::Idle;
        };
        self.reclaiming = Some(reclaim);
        let Reclaim {
            segment, offset, ..
        } = reclaim;
        let Some((content, stride)) = self.log.content(segment, offset) else {
            return self.finish(segment);
        };
        let step = match content {
            Content::Gap { .. } => Step::Worked,
            Content::Item(head) => {
                let at = ItemRef::new(segment, offset);
                self.settle_item(at, &head, reclaim, may_evict, now)
            }
        };
        if step != Step::Idle {
            self.reclaiming = Some(Reclaim {
                offset: offset + stride as u32,
                ..reclaim
            });
        }
        step
    }

    /// Chooses the segment to be reclaimed next: one that a flush has ended goes before all others.
    fn choose(&mut self, may_evict: bool) -> Option<Reclaim> {
        let flushed = self.flushed_segment();
        let (queue, segment, keeps_all) = match &self.ranking {
            _ if flushed.is_some() => {
                let segment = flushed?;
                (self.log.segment(segment).queue, segment, true)
            }
            Ranking::ScanResistant(fifo) if may_evict => {
                let (queue, segment) =
                    fifo.victim(self.log.queue_bytes(Queue::New), self.log.bytes())?;
                let chosen = self.log.segment(segment);
                let is_sparse = order::is_sparse(chosen.live_bytes, chosen.end());
                (queue, segment, is_sparse)
            }
            _ => {
                let segment = self.sparsest()?;
                (self.log.segment(segment).queue, segment, true)
            }
        };
        self.log.seal(segment);
        Some(Reclaim {
            segment,
            offset: 0,
            queue,
            keeps_all,
        })
    }

    /// Returns a segment all of whose items a flush has ended; without any, the flush is forgotten.
    pub(super) fn flushed_segment(&mut self) -> Option<u32> {
        if self.flushed_birth == 0 {
            return None;
        }
        let mut segments = self.log.segments();
        let flushed = segments.find(|(_, segment)| segment.birth <= self.flushed_birth);
        let number = flushed.map(|(number, _)| number);
        if number.is_none() {
            self.flushed_birth = 0;
        }
        number
    }

    /// Returns the segment with the most bytes that hold nothing, if moving its items wins enough.
    fn sparsest(&self) -> Option<u32> {
        let waste_min = self.pool.segment_memory_bytes() / WASTE_SHARE;
        let sealed = self
            .log
            .segments()
            .filter(|&(number, _)| !self.log.is_open(number));
        let wastes = sealed.map(|(number, segment)| {
            let waste = segment.memory_bytes() - segment.live_bytes;
            (waste, number)
        });
        let (waste, number) = wastes.max()?;
        (waste >= waste_min).then_some(number)
    }

    /// Gives a segment back whose items are all gone.
    fn finish(&mut self, segment: u32) -> Step {
        self.reclaiming = None;
        self.drop_segment(segment);
        if let Ranking::ScanResistant(fifo) = &mut self.ranking {
            // Now, if ever, is there memory to remember with.
            let items = self.index.len();
            let growth_bytes = fifo.ghost_growth_bytes(items);
            if growth_bytes > 0 && self.pool.take(growth_bytes) {
                fifo.fit_ghost(items);
            }
        }
        Step::Freed
    }

    /// Does with an item of a reclaimed segment what its use and its end ask for.
    fn settle_item(
        &mut self,
        at: ItemRef,
        head: &Head,
        reclaim: Reclaim,
        may_evict: bool,
        now: Timestamp,
    ) -> Step {
        if let Some(end) = self.end_of(at, head, now) {
            return self.reclaim_item(at, end);
        }
        let uses = head.bits.uses();
        let fate = if reclaim.keeps_all {
            Fate::Keep { uses }
        } else if self.has_readers(at) {
            // Nothing would be freed before its readers are done, and it is in use.
            self.class_at(at).tail_held += 1;
            Fate::Keep { uses }
        } else {
            Fifo::fate(uses)
        };
        let queue = if reclaim.keeps_all {
            reclaim.queue
        } else {
            Queue::Main
        };
        match fate {
            Fate::Keep { uses } if self.relocate(at, head, queue, uses) => Step::Worked,
            Fate::Keep { .. } if !may_evict => Step::Idle,
            Fate::Keep { .. } | Fate::Evict => self.evict(at, now),
        }
    }

    /// Moves an item to the end of a queue; false if there is no room at all.
    fn relocate(&mut self, at: ItemRef, head: &Head, queue: Queue, uses: u8) -> bool {
        let footprint = self.log.layout.footprint_of(head);
        let open = self.log.open_with_room(queue, footprint);
        let Some(number) = open.or_else(|| self.open_for_survivors(queue)) else {
            return false;
        };
        let found = self.found(at);
        let to = self.log.allocate_in(number, footprint);
        self.log
            .move_item(at, to, footprint, head.bits.with_uses(uses));
        self.ranking.moved(at, to, &mut self.log);
        let reach = Reach::of(to, footprint);
        self.index.replace(found.slot, to, reach);
        true
    }

    /// Goes on with a segment that is to be won back, else evicts the least recently used item.
    fn reclaim_or_evict_oldest(&mut self, may_evict: bool, now: Timestamp) -> Step {
        match self.reclaim_some(false, now) {
            Step::Idle if may_evict => self.evict_oldest(now),
            step => step,
        }
    }

    /// Evicts the least recently used item, unless one of the oldest few is gone anyway.
    fn evict_oldest(&mut self, now: Timestamp) -> Step {
        let Ranking::ExactLru(lru) = &self.ranking else {
            return Step::Idle;
        };
        let Some((node, oldest)) = lru.oldest() else {
            return Step::Idle;
        };
        let nodes = core::iter::successors(Some((node, oldest)), |&(node, _)| lru.newer(node));
        let mut oldest_few = nodes.take(LOOK_AT_MAX).map(|(_, at)| at);
        let gone = oldest_few.find_map(|at| Some((at, self.end_of(at, &self.log.head(at), now)?)));
        if let Some((at, end)) = gone {
            return self.reclaim_item(at, end);
        }
        if self.has_readers(oldest) {
            self.class_at(oldest).tail_held += 1;
            self.ranking.touch(oldest, &self.log);
            return Step::Worked;
        }
        self.evict(oldest, now)
    }

    fn has_readers(&self, at: ItemRef) -> bool {
        let extent = self.log.stored(at).extent;
        extent.is_some_and(|block| block.has_readers())
    }

    /// Removes an item that is gone, to make room.
    fn reclaim_item(&mut self, at: ItemRef, end: Gone) -> Step {
        self.class_at(at).reclaimed += 1;
        self.count_expired(at, end);
        self.freed(self.found(at), end.into())
    }

    fn evict(&mut self, at: ItemRef, now: Timestamp) -> Step {
        let stored = self.log.stored(at);
        let (head, hash) = (stored.head, self.hasher.place(stored.key));
        let class = size::size_class(self.item_bytes(&stored)) - 1;
        let class = &mut self.classes[class];
        class.evicted += 1;
        class.evicted_age_secs = now.as_secs().saturating_sub(head.used_at.as_secs());
        class.evicted_nonzero += u64::from(head.expiry.time().is_some());
        class.evicted_unfetched += u64::from(!head.bits.was_read());
        if let Ranking::ScanResistant(fifo) = &mut self.ranking {
            fifo.remember(hash);
        }
        let slot = self.index.find_ref(hash, at).expect(IN_INDEX);
        self.freed(Found { slot, at, head }, Departure::Evicted)
    }

    fn freed(&mut self, found: Found, why: Departure) -> Step {
        if self.remove_found(found, why) > 0 {
            Step::Freed
        } else {
            Step::Worked
        }
    }

    /// Finds the place in the index of an item in the log.
    pub(super) fn found(&self, at: ItemRef) -> Found {
        let Stored { head, key, .. } = self.log.stored(at);
        let slot = self.index.find_ref(self.hasher.place(key), at);
        let slot = slot.expect(IN_INDEX);
        Found { slot, at, head }
    }

    pub(super) fn count_expired(&mut self, at: ItemRef, end: Gone) {
        let was_read = self.log.head(at).bits.was_read();
        self.class_at(at).expired_unfetched += u64::from(end == Gone::Expired && !was_read);
    }
}

const IN_INDEX: &str = "every item of the log is in the index";
/// The most items or gaps looked at under one hold of the lock.
const STEPS_MAX: usize = 64;
/// How far from the old end items that are gone are looked for before a live one is evicted.
const LOOK_AT_MAX: usize = 5;
/// Live items are moved together if that wins one part in this many of their segment at least.
const WASTE_SHARE: usize = 8;
