//! Changes to what is there: extending, editing, touching.

use super::{Found, Place, Refusal, Stripe};
use crate::counted::{self, Unique};
use crate::entry::Entry;
use crate::item::{Attributes, Change, End, Expiry, Lookup, Outcome, ShortValue, Timestamp};
use crate::log::Head;
use crate::observer::Departure;
use crate::size;

impl Stripe {
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
        self.bump(&found, now);
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
            self.put_large(place, Some(found), attributes, || block, now)?
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
                self.bump(&found, now);
                return Err(refusal);
            }
        }
        let edit = edit.take().expect("an edit is asked for once");
        let (change, result) = self.use_item(&found, true, now, edit);
        match change {
            Change::Keep => {}
            Change::Expiry(expiry) => self.set_expiry(found.at, expiry),
            Change::Remove => {
                self.remove_found(found, Departure::Removed);
            }
            Change::Value(value) => self.replace(place, found, value.as_bytes(), now)?,
        }
        Ok(Lookup::Hit(result))
    }

    /// Gives the item a new expiry; false if there is none.
    pub(crate) fn touch(&mut self, place: Place<'_>, expiry: Expiry, now: Timestamp) -> bool {
        let found = self.find(place, now).hit();
        if let Some(found) = found {
            self.use_item(&found, true, now, |_| ());
            self.set_expiry(found.at, expiry);
        }
        found.is_some()
    }

    /// Counts a present item as used, so that it is not evicted to make room for its next version.
    pub(crate) fn keep(&mut self, place: Place<'_>, now: Timestamp) {
        if let Some(found) = self.look_up(place) {
            self.bump(&found, now);
        }
    }

    /// Gives a found item a new value, flags and expiry kept.
    fn replace(
        &mut self,
        place: Place<'_>,
        found: Found,
        value: &[u8],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Head { flags, expiry, .. } = found.head;
        self.check_size(place.key.len(), flags, value.len())?;
        let attributes = Attributes::new(flags, expiry);
        self.put_small(place, Some(found), [value, b""], attributes, now)?;
        Ok(())
    }

    fn check_size(&self, key_bytes: usize, flags: u32, value_bytes: usize) -> Result<(), Refusal> {
        let item_bytes = size::item_bytes(key_bytes, flags, value_bytes, self.counts_cas);
        if item_bytes > self.item_bytes_max {
            return Err(Refusal::TooLarge { item_bytes });
        }
        Ok(())
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
