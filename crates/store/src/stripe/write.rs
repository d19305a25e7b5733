//! New versions: putting, extending, updating.

use super::{Place, Record, Refusal, Stripe};
use crate::counted::{self, Unique};
use crate::entry::Entry;
use crate::item::{
    CasId, Change, Condition, End, Expiry, Lookup, NewItem, Outcome, ShortValue, Timestamp,
};
use crate::lru::Lru;
use crate::size;

impl Stripe {
    pub(crate) fn put(
        &mut self,
        place: Place<'_>,
        item: &NewItem<'_>,
        when: Condition,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let found = self.find(place, now).hit();
        if let Some(refused) = self.check(found, when, now) {
            return Ok(refused);
        }
        let NewItem { value, attributes } = *item;
        if let Some(slot) = found {
            // Used now, so that it is not evicted to make room for its next version.
            self.bump(slot, now);
            if let Some(cas) = self.overwrite(slot, value, attributes.flags) {
                self.record_mut(slot).expiry = attributes.expiry;
                return Ok(Outcome::Stored(cas));
            }
        }
        let mut block = self.allocate(place.key, value.len(), attributes.flags, found.is_none())?;
        block.value_mut().copy_from_slice(value);
        Ok(Outcome::Stored(self.link(
            place.hash,
            found,
            block,
            attributes.expiry,
            now,
        )))
    }

    /// Stores a block whose memory, and that of the tables' growth, is in the credit.
    pub(crate) fn commit(
        &mut self,
        hash: u32,
        block: Unique,
        expiry: Expiry,
        when: Condition,
        now: Timestamp,
    ) -> Outcome {
        self.credit -= block.memory_bytes();
        let found = self
            .find(
                Place {
                    hash,
                    key: block.key(),
                },
                now,
            )
            .hit();
        if let Some(refused) = self.check(found, when, now) {
            // Never shared, so it goes as a linked block without readers would.
            self.discard(block.into_linked());
            self.shed_excess();
            return refused;
        }
        let cas = self.link(hash, found, block, expiry, now);
        self.shed_excess();
        Outcome::Stored(cas)
    }

    pub(crate) fn extend(
        &mut self,
        place: Place<'_>,
        data: &[u8],
        end: End,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let Some(slot) = self.find(place, now).hit() else {
            return Ok(Outcome::NotStored);
        };
        self.bump(slot, now);
        let record = self.record(slot);
        let (old_bytes, flags) = (record.block.value().len(), record.block.flags());
        let expiry = record.expiry;
        let value_bytes = old_bytes + data.len();
        let item_bytes = size::item_bytes(place.key.len(), flags, value_bytes, self.counts_cas);
        if item_bytes > self.item_bytes_max {
            return Err(Refusal::TooLarge { item_bytes });
        }
        let mut block = self.allocate(place.key, value_bytes, flags, false)?;
        let value = block.value_mut();
        let old = self.record(slot).block.value();
        match end {
            End::Back => {
                value[..old_bytes].copy_from_slice(old);
                value[old_bytes..].copy_from_slice(data);
            }
            End::Front => {
                value[..data.len()].copy_from_slice(data);
                value[data.len()..].copy_from_slice(old);
            }
        }
        Ok(Outcome::Stored(self.link(
            place.hash,
            Some(slot),
            block,
            expiry,
            now,
        )))
    }

    /// Tells whether a new short value finds room, taking it into the credit; if not, keeps the item
    /// from being evicted for that.
    pub(crate) fn affords_short(
        &mut self,
        place: Place<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let memory_bytes = counted::memory_bytes(place.key.len(), ShortValue::BYTES_MAX);
        let afforded = self.afford(memory_bytes);
        if afforded.is_err() {
            self.keep(place, now);
        }
        afforded
    }

    /// Counts a present item as used, so that it is not evicted to make room for its next version.
    pub(crate) fn keep(&mut self, place: Place<'_>, now: Timestamp) {
        if let Some((slot, None)) = self.look_up(place, now) {
            self.bump(slot, now);
        }
    }

    pub(crate) fn update<R>(
        &mut self,
        place: Place<'_>,
        now: Timestamp,
        edit: impl FnOnce(&Entry<'_>) -> (Change, R),
    ) -> Result<Lookup<R>, Refusal> {
        let slot = match self.find(place, now) {
            Lookup::Hit(slot) => slot,
            Lookup::Miss => return Ok(Lookup::Miss),
            Lookup::Expired => return Ok(Lookup::Expired),
            Lookup::Flushed => return Ok(Lookup::Flushed),
        };
        let (change, result) = self.use_item(slot, now, edit);
        match change {
            Change::Keep => {}
            Change::Expiry(expiry) => self.record_mut(slot).expiry = expiry,
            Change::Remove => self.remove_slot(slot),
            Change::Value(value) => self.replace(place, slot, value.as_bytes(), now)?,
        }
        Ok(Lookup::Hit(result))
    }

    /// Returns how a store ends that `when` forbids.
    fn check(&mut self, found: Option<u32>, when: Condition, now: Timestamp) -> Option<Outcome> {
        match (when, found) {
            (Condition::Always, _)
            | (Condition::IfAbsent, None)
            | (Condition::IfPresent, Some(_)) => None,
            (Condition::IfAbsent, Some(slot)) => {
                self.bump(slot, now);
                Some(Outcome::NotStored)
            }
            (Condition::IfPresent, None) => Some(Outcome::NotStored),
            (Condition::IfUnchanged(_), None) => Some(Outcome::NotFound),
            (Condition::IfUnchanged(cas), Some(slot)) => {
                let is_same = self.counts_cas && self.record(slot).block.cas() == cas;
                (!is_same).then_some(Outcome::Exists)
            }
        }
    }

    /// Writes the new version where the old one is, if it is about as large and nobody reads it.
    fn overwrite(&mut self, slot: u32, value: &[u8], flags: u32) -> Option<CasId> {
        let cas = CasId::new(self.next_cas);
        let record = self.index.at_mut(slot).expect("a found slot is occupied");
        let key_bytes = record.block.key().len();
        let memory = record.block.memory_bytes();
        if counted::memory_bytes(key_bytes, value.len()) < memory - memory / OVERWRITE_SLACK {
            return None;
        }
        let before = size::item_bytes(
            key_bytes,
            record.block.flags(),
            record.block.value().len(),
            self.counts_cas,
        );
        if !record.block.overwrite(value, flags, cas) {
            return None;
        }
        self.next_cas += self.cas_step;
        self.counters.items_total += 1;
        let after = size::item_bytes(key_bytes, flags, value.len(), self.counts_cas);
        if before != after {
            self.count_out(before);
            self.count_in(after);
        }
        Some(cas)
    }

    /// Gives a found item a new value, flags and expiry kept.
    fn replace(
        &mut self,
        place: Place<'_>,
        slot: u32,
        value: &[u8],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let record = self.record(slot);
        let (flags, expiry) = (record.block.flags(), record.expiry);
        let item_bytes = size::item_bytes(place.key.len(), flags, value.len(), self.counts_cas);
        if item_bytes > self.item_bytes_max {
            return Err(Refusal::TooLarge { item_bytes });
        }
        if self.overwrite(slot, value, flags).is_none() {
            let mut block = self.allocate(place.key, value.len(), flags, false)?;
            block.value_mut().copy_from_slice(value);
            self.link(place.hash, Some(slot), block, expiry, now);
        }
        Ok(())
    }

    /// Makes a block, its memory paid from the credit; if the tables may grow, that is in it too.
    fn allocate(
        &mut self,
        key: &[u8],
        value_bytes: usize,
        flags: u32,
        may_grow: bool,
    ) -> Result<Unique, Refusal> {
        let memory_bytes = counted::memory_bytes(key.len(), value_bytes);
        let growth_bytes = if may_grow { self.growth_bytes() } else { 0 };
        self.afford(memory_bytes + growth_bytes)?;
        let block = Unique::new(key, value_bytes, flags).ok_or(Refusal::Short { memory_bytes })?;
        self.credit -= memory_bytes;
        Ok(block)
    }

    /// Puts a block, paid for, in the place of the item that was found, or in a new one.
    fn link(
        &mut self,
        hash: u32,
        found: Option<u32>,
        mut block: Unique,
        expiry: Expiry,
        now: Timestamp,
    ) -> CasId {
        let cas = CasId::new(self.next_cas);
        self.next_cas += self.cas_step;
        self.counters.items_total += 1;
        block.set_cas(cas);
        let record = Record {
            block: block.into_linked(),
            expiry,
            used_at: now,
        };
        self.count_in(self.entry(&record).item_bytes());
        match found {
            Some(slot) => {
                let old = core::mem::replace(self.record_mut(slot), record);
                self.order.touch(slot);
                self.count_out(self.entry(&old).item_bytes());
                self.discard(old.block);
            }
            None => {
                let before = self.index_bytes();
                let slot = self.index.insert(hash, record);
                self.order.insert(slot);
                self.credit -= self.index_bytes() - before;
            }
        }
        cas
    }

    fn growth_bytes(&self) -> usize {
        self.index.growth_bytes() + Lru::GROWTH_BYTES_MAX
    }
}

/// A value is written over the old one if it wastes at most one part in this many.
const OVERWRITE_SLACK: usize = 8;
