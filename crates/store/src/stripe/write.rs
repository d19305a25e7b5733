//! New versions: putting, committing, extending, updating.

use super::{Found, Place, Refusal, Stripe};
use crate::counted::{self, Unique};
use crate::entry::Entry;
use crate::hash;
use crate::index::ItemRef;
use crate::item::{
    Attributes, CasId, Change, Condition, End, Expiry, Lookup, NewItem, Outcome, ShortValue,
    Timestamp,
};
use crate::log::{Bits, Head, STUB_VALUE_BYTES};
use crate::reservation::Reservation;
use crate::size;

/// Where a new version goes, and what it is.
#[derive(Clone, Copy, Debug)]
struct Target {
    hash: u32,
    /// The version that it replaces.
    found: Option<Found>,
    at: ItemRef,
    stride: usize,
    is_in_place: bool,
    key_bytes: usize,
    value_bytes: usize,
    bits: Bits,
}

impl Stripe {
    /// Stores a small item.
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
        let cas = self.put_small(place, found, [value, b""], attributes, now)?;
        Ok(Outcome::Stored(cas))
    }

    /// Stores what a reservation holds; an extent is taken out of it.
    ///
    /// With the `credit` that the reservation has paid, this never lacks room.
    pub(crate) fn commit(
        &mut self,
        filled: &mut Reservation,
        when: Condition,
        credit: usize,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        self.credit = credit;
        let outcome = self.put_filled(filled, when, now);
        let left = core::mem::take(&mut self.credit);
        if left > 0 {
            self.pool.give(left);
        }
        outcome
    }

    /// Adds `data` at one end of the present value.
    pub(crate) fn extend(
        &mut self,
        place: Place<'_>,
        data: &[u8],
        end: End,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let Some(found) = self.find(place, now).hit() else {
            return Ok(Outcome::NotStored);
        };
        self.bump(found.at, now);
        let old = self.log.stored(found.at);
        let attributes = Attributes::new(old.head.flags, old.head.expiry);
        let value_bytes = old.value.len() + data.len();
        self.check_size(place.key.len(), attributes.flags, value_bytes)?;
        let footprint = self.log.layout.footprint(place.key.len(), value_bytes);
        let cas = if footprint > self.small_bytes_max {
            let mut block = self.new_block(place.key, value_bytes)?;
            let [first, second] = in_order(self.log.stored(found.at).value, data, end);
            let (start, rest) = block.value_mut().split_at_mut(first.len());
            start.copy_from_slice(first);
            rest.copy_from_slice(second);
            let target = self.target(place, Some(found), STUB_VALUE_BYTES, Bits::LARGE)?;
            self.write_large(target, block, attributes, now)
        } else {
            // The log is to be written while the old value stands in it.
            let old = old.value.to_vec();
            self.put_small(
                place,
                Some(found),
                in_order(&old, data, end),
                attributes,
                now,
            )?
        };
        Ok(Outcome::Stored(cas))
    }

    /// Shows the item to the edit, taking that out of `edit`, and does what it asks for.
    ///
    /// With `needs_room`, room for any short value comes first, so that no edit is asked for twice.
    pub(crate) fn update<R>(
        &mut self,
        place: Place<'_>,
        needs_room: bool,
        now: Timestamp,
        edit: &mut Option<impl FnOnce(&Entry<'_>) -> (Change, R)>,
    ) -> Result<Lookup<R>, Refusal> {
        let found = match self.find(place, now) {
            Lookup::Hit(found) => found,
            Lookup::Miss => return Ok(Lookup::Miss),
            Lookup::Expired => return Ok(Lookup::Expired),
            Lookup::Flushed => return Ok(Lookup::Flushed),
        };
        if needs_room {
            let layout = self.log.layout;
            let bytes = layout.footprint(place.key.len(), ShortValue::BYTES_MAX);
            let room = self.room_in(self.log.queue_of(found.at), bytes);
            if let Err(refusal) = room {
                // Not evicted to make room for its own next version.
                self.bump(found.at, now);
                return Err(refusal);
            }
        }
        let edit = edit.take().expect("an edit is asked for once");
        let (change, result) = self.use_item(found.at, true, now, edit);
        match change {
            Change::Keep => {}
            Change::Expiry(expiry) => self.set_expiry(found.at, expiry),
            Change::Remove => {
                self.remove_found(found);
            }
            Change::Value(value) => self.replace(place, found, value.as_bytes(), now)?,
        }
        Ok(Lookup::Hit(result))
    }

    /// Gives the item a new expiry; false if there is none.
    pub(crate) fn touch(&mut self, place: Place<'_>, expiry: Expiry, now: Timestamp) -> bool {
        let found = self.find(place, now).hit();
        if let Some(Found { at, .. }) = found {
            self.use_item(at, true, now, |_| ());
            self.set_expiry(at, expiry);
        }
        found.is_some()
    }

    /// Counts a present item as used, so that it is not evicted to make room for its next version.
    pub(crate) fn keep(&mut self, place: Place<'_>, now: Timestamp) {
        if let Some(found) = self.look_up(place) {
            self.bump(found.at, now);
        }
    }

    /// Returns how a store ends that `when` forbids.
    #[inline]
    fn check(&mut self, found: Option<Found>, when: Condition, now: Timestamp) -> Option<Outcome> {
        match (when, found) {
            (Condition::Always, _)
            | (Condition::IfAbsent, None)
            | (Condition::IfPresent, Some(_)) => None,
            (Condition::IfAbsent, Some(found)) => {
                self.bump(found.at, now);
                Some(Outcome::NotStored)
            }
            (Condition::IfPresent, None) => Some(Outcome::NotStored),
            (Condition::IfUnchanged(_), None) => Some(Outcome::NotFound),
            (Condition::IfUnchanged(cas), Some(found)) => {
                let is_same = self.counts_cas && self.log.head(found.at).cas == cas;
                (!is_same).then_some(Outcome::Exists)
            }
        }
    }

    fn check_size(&self, key_bytes: usize, flags: u32, value_bytes: usize) -> Result<(), Refusal> {
        let item_bytes = size::item_bytes(key_bytes, flags, value_bytes, self.counts_cas);
        if item_bytes > self.item_bytes_max {
            return Err(Refusal::TooLarge { item_bytes });
        }
        Ok(())
    }

    fn put_filled(
        &mut self,
        filled: &mut Reservation,
        when: Condition,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let attributes = filled.attributes;
        let place = Place {
            hash: hash::in_stripe(filled.hash),
            key: filled.key(),
        };
        let found = self.find(place, now).hit();
        if let Some(refused) = self.check(found, when, now) {
            return Ok(refused);
        }
        if !filled.is_large() {
            let value = [filled.value(), b""];
            let cas = self.put_small(place, found, value, attributes, now)?;
            return Ok(Outcome::Stored(cas));
        }
        let target = self.target(place, found, STUB_VALUE_BYTES, Bits::LARGE)?;
        let block = filled.take_extent();
        let block = block.expect("a large reservation is committed once");
        Ok(Outcome::Stored(
            self.write_large(target, block, attributes, now),
        ))
    }

    /// Gives a found item a new value, flags and expiry kept.
    fn replace(
        &mut self,
        place: Place<'_>,
        found: Found,
        value: &[u8],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let head = self.log.head(found.at);
        self.check_size(place.key.len(), head.flags, value.len())?;
        let attributes = Attributes::new(head.flags, head.expiry);
        self.put_small(place, Some(found), [value, b""], attributes, now)?;
        Ok(())
    }

    /// Writes a new version of a small item, its value given in two parts.
    #[inline]
    fn put_small(
        &mut self,
        place: Place<'_>,
        found: Option<Found>,
        value: [&[u8]; 2],
        attributes: Attributes,
        now: Timestamp,
    ) -> Result<CasId, Refusal> {
        let value_bytes = value[0].len() + value[1].len();
        let target = self.target(place, found, value_bytes, Bits::NONE)?;
        let head = self.next_head(&target, attributes, now);
        self.log
            .write(target.at, &head, target.stride, place.key, value);
        Ok(self.settle(&target, head.cas))
    }

    /// Writes a new version of a large item: its stub, and the extent behind it.
    fn write_large(
        &mut self,
        target: Target,
        block: Unique,
        attributes: Attributes,
        now: Timestamp,
    ) -> CasId {
        let head = self.next_head(&target, attributes, now);
        if target.is_in_place {
            let old = self.log.remove_extent(target.at);
            self.displaced.push(old);
        }
        self.log
            .write_stub(target.at, &head, target.stride, block.into_linked());
        self.settle(&target, head.cas)
    }

    /// Finds the slot for a new version: the old one if that wastes little, else one at the end of
    /// its queue. With that, the tables have room for it, too.
    #[inline]
    fn target(
        &mut self,
        place: Place<'_>,
        found: Option<Found>,
        value_bytes: usize,
        bits: Bits,
    ) -> Result<Target, Refusal> {
        let footprint = self.log.layout.footprint(place.key.len(), value_bytes);
        debug_assert!(footprint <= self.small_bytes_max, "a slot is small");
        let target = |at, stride, is_in_place| Target {
            hash: place.hash,
            found,
            at,
            stride,
            is_in_place,
            key_bytes: place.key.len(),
            value_bytes,
            bits,
        };
        if let Some(found) = found {
            let (head, stride) = self.log.head_and_stride(found.at);
            let fits = footprint <= stride && stride - footprint <= stride / OVERWRITE_SLACK;
            if fits && head.bits.is_large() == bits.is_large() {
                return Ok(target(found.at, stride, true));
            }
        }
        let at = self.allocate(place, found, footprint, bits)?;
        Ok(target(at, footprint, false))
    }

    /// Allocates a slot at the end of a queue.
    fn allocate(
        &mut self,
        place: Place<'_>,
        found: Option<Found>,
        footprint: usize,
        bits: Bits,
    ) -> Result<ItemRef, Refusal> {
        let queue = match found {
            Some(found) => self.log.queue_of(found.at),
            None => self.ranking.admit(place.hash, &self.log),
        };
        let mut growth_bytes = 0;
        if found.is_none() {
            growth_bytes += self.index.growth_bytes() + self.ranking.growth_bytes();
        }
        if bits.is_large() {
            growth_bytes += self.log.extents.growth_bytes();
        }
        let number = self.room_in(queue, footprint);
        match number.and_then(|number| self.pay(growth_bytes).map(|()| number)) {
            Ok(number) => Ok(self.log.allocate_in(number, footprint)),
            Err(refusal) => {
                match found {
                    // Not evicted to make room for its own next version.
                    Some(found) => self.log.keep(found.at),
                    None => self.ranking.readmit(place.hash, queue),
                }
                Err(refusal)
            }
        }
    }

    /// The head of the new version that goes to `target`, with an id of its own.
    #[inline]
    fn next_head(&mut self, target: &Target, attributes: Attributes, now: Timestamp) -> Head {
        let cas = CasId::new(self.next_cas);
        self.next_cas += self.cas_step;
        let mut bits = target.bits;
        if let Some(found) = target.found {
            let old = self.log.stored(found.at);
            bits = bits.with_uses(old.head.bits.used().uses());
            if target.is_in_place {
                self.count_out(self.item_bytes(&old));
            }
        }
        Head {
            expiry: attributes.expiry,
            value_bytes: target.value_bytes as u16,
            key_bytes: target.key_bytes as u8,
            bits,
            used_at: now,
            flags: attributes.flags,
            cas,
        }
    }

    /// Puts the version that was written into the place of the old one, or into a new one.
    #[inline]
    fn settle(&mut self, target: &Target, cas: CasId) -> CasId {
        let at = target.at;
        match target.found {
            Some(_) if target.is_in_place => self.ranking.touch(at, &self.log),
            Some(found) => {
                self.index.replace(found.slot, at);
                self.ranking.moved(found.at, at, &mut self.log);
                self.ranking.touch(at, &self.log);
                self.forget(found.at);
            }
            None => {
                self.index.insert(target.hash, at);
                self.ranking.insert(at, &mut self.log);
            }
        }
        self.count_in(self.item_bytes(&self.log.stored(at)));
        self.counters.items_total += 1;
        cas
    }

    /// Makes an extent to be filled.
    fn new_block(&mut self, key: &[u8], value_bytes: usize) -> Result<Unique, Refusal> {
        let bytes = counted::block_bytes(key.len(), value_bytes);
        let piece = self.pool.extent(bytes).ok_or(Refusal::Short {
            memory_bytes: self.pool.extent_memory_bytes(bytes),
        })?;
        Ok(Unique::new(piece, key, value_bytes))
    }
}

fn in_order<'a>(old: &'a [u8], data: &'a [u8], end: End) -> [&'a [u8]; 2] {
    match end {
        End::Back => [old, data],
        End::Front => [data, old],
    }
}

/// A value is written over the old one if it wastes at most one part in this many.
const OVERWRITE_SLACK: usize = 8;
