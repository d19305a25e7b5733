//! One stripe: all that happens to its items, on `&mut self`.

use crate::budget::Account;
use crate::counted::Linked;
use crate::displaced::Displaced;
use crate::entry::Entry;
use crate::index::Index;
use crate::item::{CasId, Expiry, Lookup, Timestamp};
use crate::lru::Lru;
use crate::size;
use crate::stats::{ClassStats, ClassTable};
use crate::sync::Arc;

mod evict;
mod invariants;
mod restore;
mod write;

/// A part of the items, chosen by hash, with an order of eviction and counters of its own.
///
/// Invariant: the memory taken from the budget is the tables, the linked blocks and `credit`;
/// blocks that are unlinked but still read are on their readers' account.
#[derive(Debug)]
pub(crate) struct Stripe {
    index: Index<Record>,
    order: Lru,
    account: Arc<Account>,
    /// Memory taken from the budget and not yet spent.
    credit: usize,
    /// How much is taken at a time.
    credit_step: usize,
    /// Blocks whose memory is to be freed without the lock.
    displaced: Displaced,
    next_cas: u64,
    cas_step: u64,
    /// A flush has ended all versions before this one.
    flushed_before: u64,
    /// A flush will end all items stored up to this second.
    flush_due: Option<Timestamp>,
    sweep_at: u32,
    item_bytes_max: usize,
    counts_cas: bool,
    pub(crate) counters: Counters,
    pub(crate) classes: Box<ClassTable>,
}

#[derive(Debug)]
struct Record {
    block: Linked,
    expiry: Expiry,
    used_at: Timestamp,
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

impl Refusal {
    /// The memory that is missing; none will help an item that is too large.
    pub(crate) fn memory_bytes(self) -> usize {
        match self {
            Self::Short { memory_bytes } => memory_bytes,
            Self::TooLarge { .. } => 0,
        }
    }
}

/// What a stripe needs to know of its store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) number: usize,
    pub(crate) stripes: usize,
    pub(crate) memory_bytes_max: usize,
    pub(crate) item_bytes_max: usize,
    pub(crate) counts_cas: bool,
}

impl Stripe {
    /// The most memory that linking one item adds to the tables.
    pub(crate) const GROWTH_BYTES_MAX: usize =
        Index::<Record>::GROWTH_BYTES_MAX + Lru::GROWTH_BYTES_MAX;
    /// The memory of an empty stripe, which the caller takes from the budget.
    pub(crate) const START_BYTES: usize =
        Index::<Record>::START_BYTES + size_of::<ClassTable>() + size_of::<Account>() + 64;

    pub(crate) fn new(account: Arc<Account>, shape: &Shape) -> Self {
        let credit_step = shape.memory_bytes_max / shape.stripes / CREDIT_SHARE;
        Self {
            index: Index::new(),
            order: Lru::new(),
            account,
            credit: 0,
            credit_step: credit_step.min(CREDIT_STEP_BYTES_MAX),
            displaced: Displaced::default(),
            next_cas: (shape.stripes + shape.number) as u64,
            cas_step: shape.stripes as u64,
            flushed_before: 0,
            flush_due: None,
            sweep_at: 0,
            item_bytes_max: shape.item_bytes_max,
            counts_cas: shape.counts_cas,
            counters: Counters::default(),
            classes: Box::new([ClassStats::default(); size::CLASSES]),
        }
    }

    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Adds memory that the caller has taken from the budget for the next operation.
    pub(crate) fn add_credit(&mut self, bytes: usize) {
        self.credit += bytes;
    }

    /// Takes what is to be dropped once the lock is gone.
    pub(crate) fn take_displaced(&mut self) -> Option<Displaced> {
        self.displaced.take()
    }

    pub(crate) fn read<R>(
        &mut self,
        place: Place<'_>,
        now: Timestamp,
        visit: impl FnOnce(&Entry<'_>) -> R,
    ) -> Lookup<R> {
        self.find(place, now)
            .map(|slot| self.use_item(slot, now, visit))
    }

    pub(crate) fn remove(&mut self, place: Place<'_>, now: Timestamp) -> bool {
        let found = self.find(place, now).hit();
        if let Some(slot) = found {
            self.remove_slot(slot);
        }
        found.is_some()
    }

    pub(crate) fn flush(&mut self, now: Timestamp) {
        self.settle_flush(now);
        self.flush_due = None;
        self.flushed_before = self.next_cas;
    }

    pub(crate) fn flush_at(&mut self, deadline: Timestamp, now: Timestamp) {
        // What a deadline has ended does not come back with the next one.
        if self.flush_due.is_some_and(|due| now >= due) {
            self.flushed_before = self.next_cas;
        }
        self.flush_due = (deadline >= now).then_some(deadline);
    }

    /// Shows the live items in the slots from `start` up to `end`; returns false past the last slot.
    pub(crate) fn walk(
        &mut self,
        start: u32,
        end: u32,
        now: Timestamp,
        mut visit: impl FnMut(&Entry<'_>),
    ) -> bool {
        self.settle_flush(now);
        let last = u32::try_from(self.index.slots())
            .expect("fewer than 2^32 slots")
            .min(end);
        for slot in start..last {
            let Some(record) = self.index.at(slot) else {
                continue;
            };
            if self.end_of(record, now).is_none() {
                visit(&self.entry(record));
            }
        }
        (end as usize) < self.index.slots()
    }

    pub(crate) fn index_bytes(&self) -> usize {
        self.index.memory_bytes() + self.order.memory_bytes()
    }

    pub(crate) fn index_buckets(&self) -> usize {
        self.index.buckets()
    }

    /// Notes a store that found no memory.
    pub(crate) fn count_no_room(&mut self, item_bytes: usize) {
        self.classes[size::size_class(item_bytes) - 1].no_room += 1;
    }

    /// Returns the live item's slot; an item that is gone is removed and told apart.
    #[inline]
    fn find(&mut self, place: Place<'_>, now: Timestamp) -> Lookup<u32> {
        self.settle_flush(now);
        match self.look_up(place, now) {
            None => Lookup::Miss,
            Some((slot, None)) => Lookup::Hit(slot),
            Some((slot, Some(gone))) => self.remove_gone(slot, gone),
        }
    }

    /// Returns the item's slot, and how it has ended if it has.
    #[inline]
    fn look_up(&self, place: Place<'_>, now: Timestamp) -> Option<(u32, Option<Gone>)> {
        let Place { hash, key } = place;
        let (slot, record) = self.index.find(hash, |record| record.block.key() == key)?;
        Some((slot, self.end_of(record, now)))
    }

    #[cold]
    fn remove_gone(&mut self, slot: u32, gone: Gone) -> Lookup<u32> {
        self.remove_slot(slot);
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

    fn remove_slot(&mut self, slot: u32) {
        self.order.remove(slot);
        let record = self.index.remove(slot).expect("a found slot is occupied");
        self.count_out(self.entry(&record).item_bytes());
        self.discard(record.block);
    }

    /// Lets go of a block: a small one is freed here, a large one after the lock is gone.
    fn discard(&mut self, block: Linked) {
        let memory_bytes = block.memory_bytes();
        if memory_bytes >= LARGE_BYTES_MIN {
            self.displaced.push(block, &self.account);
        } else if block.unlink() {
            self.credit += memory_bytes;
            self.shed_excess();
        }
    }

    /// Has `bytes` in the credit afterwards, or says what is missing.
    fn afford(&mut self, bytes: usize) -> Result<(), Refusal> {
        let missing = bytes.saturating_sub(self.credit);
        if missing == 0 {
            return Ok(());
        }
        let step = missing.max(self.credit_step);
        let taken = self.account.budget().take_between(missing, step);
        self.credit += taken.ok_or(Refusal::Short {
            memory_bytes: bytes,
        })?;
        Ok(())
    }

    /// Gives credit back that other stripes could use.
    fn shed_excess(&mut self) {
        if self.credit > 4 * self.credit_step {
            self.account.budget().give(self.credit - self.credit_step);
            self.credit = self.credit_step;
        }
    }

    fn use_item<R>(&mut self, slot: u32, now: Timestamp, visit: impl FnOnce(&Entry<'_>) -> R) -> R {
        self.order.touch(slot);
        let record = self.index.at_mut(slot).expect("a found slot is occupied");
        visit(&Entry {
            used_at: core::mem::replace(&mut record.used_at, now),
            block: &record.block,
            expiry: record.expiry,
            was_read: record.block.mark_read(),
            next_cas: CasId::new(self.next_cas),
            counts_cas: self.counts_cas,
            account: &self.account,
        })
    }

    fn bump(&mut self, slot: u32, now: Timestamp) {
        self.record_mut(slot).used_at = now;
        self.order.touch(slot);
    }

    fn entry<'a>(&'a self, record: &'a Record) -> Entry<'a> {
        Entry {
            block: &record.block,
            expiry: record.expiry,
            used_at: record.used_at,
            was_read: record.block.was_read(),
            next_cas: CasId::new(self.next_cas),
            counts_cas: self.counts_cas,
            account: &self.account,
        }
    }

    /// Tells whether, and how, an item has ended. A flush that is due has been settled before.
    fn end_of(&self, record: &Record, now: Timestamp) -> Option<Gone> {
        if record.expiry.is_past(now) {
            return Some(Gone::Expired);
        }
        let is_due = self.flush_due.is_some_and(|deadline| now >= deadline);
        let is_flushed =
            is_due || (self.flushed_before > 0 && record.block.cas().get() < self.flushed_before);
        is_flushed.then_some(Gone::Flushed)
    }

    /// Once a flush's deadline is over, only what is stored from now on lives.
    fn settle_flush(&mut self, now: Timestamp) {
        if self.flush_due.is_some_and(|deadline| now > deadline) {
            self.flush_due = None;
            self.flushed_before = self.next_cas;
        }
    }

    fn record(&self, slot: u32) -> &Record {
        self.index.at(slot).expect("a found slot is occupied")
    }

    fn record_mut(&mut self, slot: u32) -> &mut Record {
        self.index.at_mut(slot).expect("a found slot is occupied")
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

/// Where a key belongs: the hash within its stripe, and the key itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) hash: u32,
    pub(crate) key: &'a [u8],
}

/// How an item that is still in the tables has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    Expired,
    Flushed,
}

/// Blocks from this size on are filled and freed without the lock.
pub(crate) const LARGE_BYTES_MIN: usize = 16 << 10;
/// A stripe takes memory in steps of this part of its even share, so that all unspent credit
/// together stays under 1.6 % of the budget.
const CREDIT_SHARE: usize = 256;
const CREDIT_STEP_BYTES_MAX: usize = 16 << 10;
