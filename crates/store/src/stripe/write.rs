//! New versions: where they go, and how they replace the old.

use super::{Found, Place, Refusal, Stripe};
use crate::counted::Unique;
use crate::hash;
use crate::index::{ItemRef, Reach};
use crate::item::{Attributes, CasId, Condition, Expiry, NewItem, Outcome, Timestamp};
use crate::log::{Bits, Head, STUB_VALUE_BYTES};
use crate::observer::Departure;
use crate::reservation::Reservation;

/// What a new version is given beside key and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    pub(super) flags: u32,
    pub(super) expiry: Expiry,
    /// The id, 0 for the next.
    pub(super) id: CasId,
    /// Marks, and whether it was read.
    pub(super) bits: Bits,
}

impl Version {
    /// What stays when an item is changed: all but the value and the id.
    pub(super) fn after(head: &Head) -> Self {
        let bits = Bits::NONE.with_marks(head.bits.marks());
        Self {
            flags: head.flags,
            expiry: head.expiry,
            id: CasId::default(),
            bits: if head.bits.was_read() {
                bits.read()
            } else {
                bits
            },
        }
    }

    #[inline]
    pub(super) fn of(attributes: &Attributes) -> Self {
        Self {
            flags: attributes.flags,
            expiry: attributes.expiry,
            id: attributes.id,
            bits: Bits::NONE.with_marks(attributes.marks),
        }
    }
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
        let mut version = Version::of(&item.attributes);
        if let Some(refused) = self.check(found, when, &mut version, now) {
            return Ok(refused);
        }
        let cas = self.put_small(place, found, [item.value, b""], version, now)?;
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
        let outcome = if filled.restores {
            self.restoring(|stripe| stripe.put_filled(filled, when, now))
        } else {
            self.put_filled(filled, when, now)
        };
        let left = core::mem::take(&mut self.credit);
        if left > 0 {
            self.pool.give(left);
        }
        outcome
    }

    /// Returns how a store ends that `when` forbids; else the version takes over what it should of
    /// the present one.
    #[inline]
    fn check(
        &mut self,
        found: Option<Found>,
        when: Condition,
        version: &mut Version,
        now: Timestamp,
    ) -> Option<Outcome> {
        match (when, found) {
            (Condition::Always, _)
            | (Condition::IfAbsent, None)
            | (Condition::IfPresent, Some(_)) => None,
            (Condition::IfAbsent, Some(found)) => {
                self.bump(&found, now);
                Some(Outcome::NotStored)
            }
            (Condition::IfPresent, None) => Some(Outcome::NotStored),
            (Condition::IfUnchanged(_) | Condition::IfUnchangedOrLater { .. }, None) => {
                Some(Outcome::NotFound)
            }
            (Condition::IfUnchanged(cas), Some(found)) => {
                let is_same = self.counts_cas && found.head.cas == cas;
                (!is_same).then_some(Outcome::Exists)
            }
            (Condition::IfUnchangedOrLater { id, adds, keeps }, Some(found)) => {
                if !self.counts_cas || found.head.cas < id {
                    return Some(Outcome::Exists);
                }
                if found.head.cas > id {
                    version.expiry = found.head.expiry;
                    let kept = found.head.bits.marks().among(keeps);
                    version.bits = version.bits.with_marks(version.bits.marks() | adds | kept);
                }
                None
            }
        }
    }

    fn put_filled(
        &mut self,
        filled: &mut Reservation,
        when: Condition,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let mut version = Version::of(&filled.attributes);
        let place = Place {
            hash: hash::in_stripe(filled.hash),
            key: filled.key(),
        };
        let found = self.find(place, now).hit();
        if let Some(refused) = self.check(found, when, &mut version, now) {
            return Ok(refused);
        }
        if !filled.is_large() {
            let value = [filled.value(), b""];
            let cas = self.put_small(place, found, value, version, now)?;
            return Ok(Outcome::Stored(cas));
        }
        // The key is the block's own, which is taken while the key is in use.
        let key = place.key.to_vec();
        let place = Place { key: &key, ..place };
        let block = || {
            let block = filled.take_extent();
            block.expect("a large reservation is committed once")
        };
        let cas = self.put_large(place, found, version, block, now)?;
        Ok(Outcome::Stored(cas))
    }

    /// Stores a small item, its value given in two parts: over the old one if that wastes little,
    /// else at the end of a queue.
    #[inline]
    pub(super) fn put_small(
        &mut self,
        place: Place<'_>,
        found: Option<Found>,
        value: [&[u8]; 2],
        version: Version,
        now: Timestamp,
    ) -> Result<CasId, Refusal> {
        let value_bytes = value[0].len() + value[1].len();
        let footprint = self.log.layout.footprint(place.key.len(), value_bytes);
        debug_assert!(footprint <= self.small_bytes_max, "the item is small");
        let in_place = found.and_then(|found| Some((found, self.stride_for(&found, footprint)?)));
        if let Some((found, stride)) = in_place {
            self.tell(found.at, Departure::Replaced);
            let head = self.next_head(Some(&found), version, place, value_bytes, now);
            self.log.write_value(found.at, &head, stride, value);
            self.ranking.touch(found.at, &self.log);
            let (old, new) = (
                self.small_item_bytes(&found.head),
                self.small_item_bytes(&head),
            );
            self.recount(old, new);
            return Ok(head.cas);
        }
        let at = self.allocate(place, found, footprint, 0)?;
        let head = self.next_head(found.as_ref(), version, place, value_bytes, now);
        self.log.write(at, &head, place.key, value);
        self.link(place.hash, found, at, footprint);
        Ok(head.cas)
    }

    /// Stores an extent, which `block` makes when there is room for all else: behind the stub that is
    /// there, or a new one.
    pub(super) fn put_large(
        &mut self,
        place: Place<'_>,
        found: Option<Found>,
        version: Version,
        block: impl FnOnce() -> Unique,
        now: Timestamp,
    ) -> Result<CasId, Refusal> {
        let version = Version {
            bits: version.bits.large(),
            ..version
        };
        if let Some(found) = found.filter(|found| found.head.bits.is_large()) {
            self.tell(found.at, Departure::Replaced);
            let head = self.next_head(Some(&found), version, place, STUB_VALUE_BYTES, now);
            let old_bytes = self.item_bytes(&self.log.stored(found.at));
            let old = self.log.swap_extent(found.at, &head, block().into_linked());
            self.displaced.push(old);
            self.ranking.touch(found.at, &self.log);
            self.recount(old_bytes, self.item_bytes(&self.log.stored(found.at)));
            return Ok(head.cas);
        }
        let footprint = self.log.layout.footprint(place.key.len(), STUB_VALUE_BYTES);
        let at = self.allocate(place, found, footprint, self.log.extents.growth_bytes())?;
        let head = self.next_head(found.as_ref(), version, place, STUB_VALUE_BYTES, now);
        self.log
            .write(at, &head, place.key, [&[0; STUB_VALUE_BYTES], b""]);
        self.log.put_extent(at, &head, block().into_linked());
        self.link(place.hash, found, at, footprint);
        Ok(head.cas)
    }

    /// Returns the size of the slot of a small item that was found, if a new version of so many bytes
    /// fits in there and wastes little.
    #[inline]
    fn stride_for(&self, found: &Found, footprint: usize) -> Option<usize> {
        if found.head.bits.is_large() {
            return None;
        }
        let stride = self
            .log
            .layout
            .stride_of(&found.head, self.log.slot(found.at));
        let fits = footprint <= stride && stride - footprint <= stride / OVERWRITE_SLACK;
        fits.then_some(stride)
    }

    /// Allocates a slot in the queue of the version that is there, or where a new key belongs; with
    /// that, the tables have room for it, and `growth_bytes` beside are paid for. Tells that the
    /// version that is there leaves.
    fn allocate(
        &mut self,
        place: Place<'_>,
        found: Option<Found>,
        footprint: usize,
        growth_bytes: usize,
    ) -> Result<ItemRef, Refusal> {
        let (queue, tables_bytes) = match found {
            Some(found) => (self.log.queue_of(found.at), 0),
            None => {
                let tables_bytes = self.index.growth_bytes() + self.ranking.growth_bytes();
                (self.ranking.admit(place.hash, &self.log), tables_bytes)
            }
        };
        let number = self.room_in(queue, footprint).and_then(|number| {
            self.pay(tables_bytes + growth_bytes)?;
            Ok(number)
        });
        match (number, found) {
            (Ok(number), _) => {
                if let Some(found) = found {
                    // Before anything changes: an observer that panics leaves all as it was.
                    self.tell(found.at, Departure::Replaced);
                }
                Ok(self.log.allocate_in(number, footprint))
            }
            (Err(refusal), Some(found)) => {
                // Not evicted to make room for its own next version.
                self.bump(&found, found.head.used_at);
                Err(refusal)
            }
            (Err(refusal), None) => {
                self.ranking.readmit(place.hash, queue);
                Err(refusal)
            }
        }
    }

    /// The head of a new version; one more use than the one that was found.
    #[inline]
    fn next_head(
        &mut self,
        found: Option<&Found>,
        version: Version,
        place: Place<'_>,
        value_bytes: usize,
        now: Timestamp,
    ) -> Head {
        let cas = self.take_id(version.id);
        self.counters.items_total += 1;
        let uses = found.map_or(0, |found| found.head.bits.used().uses());
        Head {
            expiry: version.expiry,
            value_bytes: value_bytes as u16,
            key_bytes: place.key.len() as u8,
            bits: version.bits.with_uses(uses),
            used_at: now,
            flags: version.flags,
            cas,
        }
    }

    /// Returns the id that was given, or the next.
    #[inline]
    pub(super) fn take_id(&mut self, given: CasId) -> CasId {
        if given != CasId::default() {
            return self.take_given(given);
        }
        let id = CasId::new(self.next_cas);
        self.next_cas += self.cas_step;
        id
    }

    /// Lets the ids to come be larger than a given one, as far as that leaves room for them.
    #[cold]
    fn take_given(&mut self, given: CasId) -> CasId {
        if given <= CasId::FOLLOWED_MAX {
            self.skip_ids(given.get() + 1);
        }
        given
    }

    /// Puts an item of `footprint` bytes that was written into the place of the one that was found, or
    /// into a new one.
    fn link(&mut self, hash: u32, found: Option<Found>, at: ItemRef, footprint: usize) {
        let reach = Reach::of(at, footprint);
        match found {
            Some(found) => {
                self.index.replace(found.slot, at, reach);
                self.ranking.moved(found.at, at, &mut self.log);
                self.ranking.touch(at, &self.log);
                self.forget(found.at);
            }
            None => {
                self.index.insert(hash, at, reach);
                self.ranking.insert(at, &mut self.log);
            }
        }
        self.count_in(self.item_bytes(&self.log.stored(at)));
    }
}

/// A value is written over the old one if it wastes at most one part in this many.
const OVERWRITE_SLACK: usize = 8;
