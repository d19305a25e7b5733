//! One stripe: all that happens to its items, on `&mut self`.

use std::sync::Arc;

use crate::displaced::Displaced;
use crate::entry::Entry;
use crate::hash::KeyHasher;
use crate::index::{Index, ItemRef, Probe, Slot};
use crate::item::{CasId, Expiry, Lookup, Timestamp};
use crate::log::{Extents, Head, Log, Stored};
use crate::memory::Memory;
use crate::observer::{Departure, Watch};
use crate::pool::Pool;
use crate::prefetch;
use crate::settings::Settings;
use crate::size;
use crate::stats::{ClassStats, ClassTable};

mod change;
mod invariants;
mod ranking;
mod reclaim;
mod restore;
mod upkeep;
mod write;

use ranking::Ranking;
use reclaim::Reclaim;
pub(crate) use upkeep::Position;

/// A part of the items, chosen by hash, with an order of eviction and counters of its own.
///
/// Invariant: the index has each item of the log once, under the hash of its key; the memory taken
/// from the budget is the pieces of the log and the tables.
#[derive(Debug)]
pub(crate) struct Stripe {
    index: Index,
    log: Log,
    ranking: Ranking,
    /// The segment that is being reclaimed.
    reclaiming: Option<Reclaim>,
    pool: Arc<Pool>,
    watch: Watch,
    hasher: KeyHasher,
    /// Extents whose memory is to be freed without the lock.
    displaced: Displaced,
    /// The longest item that stands in a segment as a whole.
    small_bytes_max: usize,
    /// What the reservation that is being stored has paid for segment and tables.
    credit: usize,
    /// An item is being put back that another store held.
    is_restoring: bool,
    next_cas: u64,
    cas_step: u64,
    /// A flush has ended all items in segments up to this one's birth; 0 before the first.
    flushed_birth: u64,
    /// A flush will end all items stored up to this second.
    flush_due: Option<Timestamp>,
    sweep_at: Position,
    item_bytes_max: usize,
    counts_cas: bool,
    pub(crate) counters: Counters,
    pub(crate) classes: Box<ClassTable>,
}

/// What a stripe counts beside its classes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) items_total: u64,
    pub(crate) get_expired: u64,
    pub(crate) get_flushed: u64,
}

/// Why an operation has done nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// So much memory must be made available first.
    Short { memory_bytes: usize },
    /// The item would be larger than the limit.
    TooLarge { item_bytes: usize },
}

/// Where a key belongs: the hash within its stripe, and the key itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) hash: u32,
    pub(crate) key: &'a [u8],
}

/// An item that a look-up found, as it was then: valid until an item joins or leaves the index.
#[derive(Clone, Copy, Debug)]
struct Found {
    slot: Slot,
    at: ItemRef,
    head: Head,
}

/// How an item that is still in the tables has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    Expired,
    Flushed,
}

impl From<Gone> for Departure {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Expired => Self::Expired,
            Gone::Flushed => Self::Flushed,
        }
    }
}

impl Stripe {
    /// Makes an empty stripe, whose [`Self::start_bytes`] the caller has taken from the budget.
    pub(crate) fn new(number: usize, settings: &Settings, pool: Arc<Pool>) -> Self {
        let ranking = Ranking::new(settings.order);
        Self {
            index: Index::new(settings.index_chunk_bytes(), Arc::clone(pool.memory())),
            log: Log::new(settings.layout()),
            ranking,
            reclaiming: None,
            pool,
            watch: Watch::default(),
            hasher: KeyHasher::new(settings.hash_seed),
            displaced: Displaced::default(),
            small_bytes_max: settings.small_bytes_max(),
            credit: 0,
            is_restoring: false,
            next_cas: (settings.stripes + number) as u64,
            cas_step: settings.stripes as u64,
            flushed_birth: 0,
            flush_due: None,
            sweep_at: Position::default(),
            item_bytes_max: settings.item_bytes_max,
            counts_cas: settings.cas,
            counters: Counters::default(),
            classes: Box::new([ClassStats::default(); size::CLASSES]),
        }
    }

    /// The memory of an empty stripe's tables.
    pub(crate) fn start_bytes(settings: &Settings, memory: &dyn Memory) -> usize {
        Index::start_bytes(settings.index_chunk_bytes(), memory) + size_of::<ClassTable>()
    }

    /// The most memory that one more item adds to the tables.
    pub(crate) fn growth_bytes_max(settings: &Settings, memory: &dyn Memory) -> usize {
        Index::growth_bytes_max(settings.index_chunk_bytes(), memory)
            + Ranking::GROWTH_BYTES_MAX
            + Log::GROWTH_BYTES_MAX
            + Extents::GROWTH_BYTES_MAX
    }

    /// Takes what is to be dropped once the lock is gone.
    #[inline]
    pub(crate) fn take_displaced(&mut self) -> Option<Displaced> {
        self.displaced.take()
    }

    /// The memory of its items.
    #[inline]
    pub(crate) fn log_bytes(&self) -> usize {
        self.log.bytes()
    }

    #[inline]
    pub(crate) fn read<R>(
        &mut self,
        place: Place<'_>,
        now: Timestamp,
        visit: impl FnOnce(&Entry<'_>) -> R,
    ) -> Lookup<R> {
        self.find(place, now)
            .map(|found| self.use_item(&found, true, now, visit))
    }

    /// Shows the live item without a trace.
    pub(crate) fn peek<R>(
        &mut self,
        place: Place<'_>,
        now: Timestamp,
        visit: impl FnOnce(&Entry<'_>) -> R,
    ) -> Lookup<R> {
        self.find(place, now)
            .map(|found| visit(&self.entry(found.at)))
    }

    /// Removes the live item, after a last look at it.
    pub(crate) fn remove<R>(
        &mut self,
        place: Place<'_>,
        now: Timestamp,
        visit: impl FnOnce(&Entry<'_>) -> R,
    ) -> Lookup<R> {
        self.find(place, now).map(|found| {
            let result = visit(&self.entry(found.at));
            self.remove_found(found, Departure::Removed);
            result
        })
    }

    #[inline]
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Asks for the memory of the item that `hash` probably leads to, or, if that is not told by the
    /// first line, for the line that may tell, and returns true.
    #[inline]
    pub(crate) fn prefetch_item(&self, hash: u32) -> bool {
        match self.index.probe(hash) {
            Probe::Item(at, reach) => prefetch::lines(self.log.slot(at), reach.lines()),
            Probe::Further { address } => {
                prefetch::address(address);
                return true;
            }
            Probe::Nothing => {}
        }
        false
    }

    /// Asks for the memory of an item that the first line did not tell of.
    pub(crate) fn prefetch_further(&self, hash: u32) {
        if let Some((at, reach)) = self.index.probe_further(hash) {
            prefetch::lines(self.log.slot(at), reach.lines());
        }
    }

    /// Returns the live item; one that is gone is removed and told apart.
    #[inline(always)]
    fn find(&mut self, place: Place<'_>, now: Timestamp) -> Lookup<Found> {
        self.settle_flush(now);
        let Some(found) = self.look_up(place) else {
            return Lookup::Miss;
        };
        match self.end_of(found.at, &found.head, now) {
            None => Lookup::Hit(found),
            Some(gone) => self.remove_gone(found, gone),
        }
    }

    #[inline(always)]
    fn look_up(&self, place: Place<'_>) -> Option<Found> {
        // No closure: what one returns goes through memory, and is waited for.
        for (slot, at) in self.index.candidates(place.hash) {
            if let Some(bytes) = self.log.slot_of_key(at, place.key) {
                let head = Head::read(bytes);
                return Some(Found { slot, at, head });
            }
        }
        None
    }

    #[cold]
    fn remove_gone(&mut self, found: Found, gone: Gone) -> Lookup<Found> {
        self.remove_found(found, gone.into());
        match gone {
            Gone::Expired => {
                self.counters.get_expired += 1;
                Lookup::Expired
            }
            Gone::Flushed => {
                self.counters.get_flushed += 1;
                Lookup::Flushed
            }
        }
    }

    fn remove_found(&mut self, found: Found, why: Departure) -> usize {
        self.tell(found.at, why);
        self.index.remove(found.slot);
        self.ranking.remove(found.at, &self.log);
        self.forget(found.at)
    }

    /// Takes an item that is no longer in the index out of the books and the log; returns the memory
    /// that this frees, now or when the lock is gone.
    fn forget(&mut self, at: ItemRef) -> usize {
        let stored = self.log.stored(at);
        let item_bytes = self.item_bytes(&stored);
        let is_large = stored.extent.is_some();
        self.count_out(item_bytes);
        let mut freed = 0;
        if is_large {
            let block = self.log.remove_extent(at);
            if !block.has_readers() {
                freed = block.memory_bytes();
            }
            self.displaced.push(block);
        }
        self.log.clear(at);
        freed + self.drop_if_empty(at.segment())
    }

    /// Who is told of versions that leave.
    pub(crate) fn watch_mut(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// Shows a version that is about to leave to whoever wants to know.
    #[inline]
    fn tell(&self, at: ItemRef, why: Departure) {
        self.watch.tell(|| self.entry(at), why);
    }

    /// Gives a segment back that has no items left; returns its memory.
    fn drop_if_empty(&mut self, number: u32) -> usize {
        let is_in_use = self.log.segment(number).live_bytes > 0
            || self.log.is_open(number)
            || self.is_reclaiming(number);
        if is_in_use {
            return 0;
        }
        self.drop_segment(number)
    }

    fn drop_segment(&mut self, number: u32) -> usize {
        let queue = self.log.segment(number).queue;
        self.ranking.remove_segment(queue, number);
        self.log.drop_segment(number)
    }

    /// Counts a use, and a read if it is one, and shows the item as it was before.
    #[inline(always)]
    fn use_item<R>(
        &mut self,
        found: &Found,
        is_read: bool,
        now: Timestamp,
        visit: impl FnOnce(&Entry<'_>) -> R,
    ) -> R {
        self.ranking.touch(found.at, &self.log);
        visit(&Entry {
            stored: self.log.used(found.at, found.head, is_read, now),
            next_cas: CasId::new(self.next_cas),
            counts_cas: self.counts_cas,
        })
    }

    fn bump(&mut self, found: &Found, now: Timestamp) {
        self.use_item(found, false, now, |_| ());
    }

    fn entry(&self, at: ItemRef) -> Entry<'_> {
        Entry {
            stored: self.log.stored(at),
            next_cas: CasId::new(self.next_cas),
            counts_cas: self.counts_cas,
        }
    }

    fn item_bytes(&self, stored: &Stored<'_>) -> usize {
        let (key_bytes, value_bytes) = (stored.key.len(), stored.value.len());
        size::item_bytes(key_bytes, stored.head.flags, value_bytes, self.counts_cas)
    }

    /// Tells whether, and how, an item has ended. A flush that is due has been settled before.
    #[inline]
    fn end_of(&self, at: ItemRef, head: &Head, now: Timestamp) -> Option<Gone> {
        if head.expiry.is_past(now) {
            return Some(Gone::Expired);
        }
        let is_due = self.flush_due.is_some_and(|deadline| now >= deadline);
        let is_flushed = is_due || self.flushed_birth > 0 && self.is_flushed(at);
        is_flushed.then_some(Gone::Flushed)
    }

    #[inline]
    fn is_flushed(&self, at: ItemRef) -> bool {
        self.log.segment(at.segment()).birth <= self.flushed_birth
    }

    /// Once a flush's deadline is over, only what is stored from now on lives.
    #[inline]
    fn settle_flush(&mut self, now: Timestamp) {
        if self.flush_due.is_some_and(|deadline| now > deadline) {
            self.flush_now();
        }
    }

    fn set_expiry(&mut self, at: ItemRef, expiry: Expiry) {
        self.rewrite_head(at, |head| head.expiry = expiry);
    }

    /// Changes what stands in an item's head, its lengths excepted.
    fn rewrite_head(&mut self, at: ItemRef, change: impl FnOnce(&mut Head)) {
        let slot = self.log.slot_mut(at);
        let mut head = Head::read(slot);
        change(&mut head);
        head.write(slot);
    }

    /// Takes memory for the tables from the credit or the budget.
    #[inline]
    fn pay(&mut self, bytes: usize) -> Result<(), Refusal> {
        if bytes <= self.credit {
            self.credit -= bytes;
            return Ok(());
        }
        let is_paid = self.pool.take(bytes);
        is_paid.then_some(()).ok_or(Refusal::Short {
            memory_bytes: bytes,
        })
    }

    /// Returns the size by memcached's formula of an item that is no stub.
    #[inline]
    fn small_item_bytes(&self, head: &Head) -> usize {
        let (key_bytes, value_bytes) = (head.key_bytes.into(), head.value_bytes.into());
        size::item_bytes(key_bytes, head.flags, value_bytes, self.counts_cas)
    }

    #[inline]
    fn class_at(&mut self, at: ItemRef) -> &mut ClassStats {
        let item_bytes = self.item_bytes(&self.log.stored(at));
        &mut self.classes[size::size_class(item_bytes) - 1]
    }

    #[inline]
    fn recount(&mut self, old_bytes: usize, new_bytes: usize) {
        if old_bytes != new_bytes {
            self.count_out(old_bytes);
            self.count_in(new_bytes);
        }
    }

    fn count_in(&mut self, item_bytes: usize) {
        let class = &mut self.classes[size::size_class(item_bytes) - 1];
        class.items += 1;
        class.bytes += item_bytes as u64;
    }

    fn count_out(&mut self, item_bytes: usize) {
        let class = &mut self.classes[size::size_class(item_bytes) - 1];
        class.items -= 1;
        class.bytes -= item_bytes as u64;
    }
}
