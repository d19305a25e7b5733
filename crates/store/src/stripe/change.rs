//! Changes to what is there: extending, editing, touching.

use super::write::Version;
use super::{Found, Place, Refusal, Stripe};
use crate::change::{
    Change, Edit, End, Extended, Extension, Initial, NewId, ShortValue, Updated, Usage,
};
use crate::counted::{self, Unique};
use crate::entry::Entry;
use crate::item::{CasId, Expiry, Lookup, Outcome, Timestamp};
use crate::log::Bits;
use crate::observer::Departure;
use crate::size;

impl Stripe {
    /// Adds data at one end of the present value.
    pub(crate) fn extend(
        &mut self,
        place: Place<'_>,
        extension: &Extension<'_>,
        now: Timestamp,
    ) -> Result<Extended, Refusal> {
        let Some(found) = self.find(place, now).hit() else {
            return Ok(Extended::refused(Outcome::NotStored));
        };
        let is_expected = extension
            .expected
            .is_none_or(|expected| self.counts_cas && expected == found.head.cas);
        if !is_expected {
            return Ok(Extended::refused(Outcome::Exists));
        }
        self.bump(&found, now);
        let Extension { data, end, .. } = *extension;
        let version = Version {
            id: extension.id,
            bits: Bits::NONE.with_marks(found.head.bits.marks().without(extension.drops)),
            ..Version::after(&found.head)
        };
        let old = self.log.stored(found.at);
        let value_bytes = old.value.len() + data.len();
        self.check_size(place.key.len(), version.flags, value_bytes)?;
        let footprint = self.log.layout.footprint(place.key.len(), value_bytes);
        let cas = if footprint > self.small_bytes_max {
            let mut block = self.new_block(place.key, value_bytes)?;
            let [first, second] = in_order(self.log.stored(found.at).value, data, end);
            let (start, rest) = block.value_mut().split_at_mut(first.len());
            start.copy_from_slice(first);
            rest.copy_from_slice(second);
            self.put_large(place, Some(found), version, || block, now)?
        } else {
            // The log is to be written while the old value stands in it.
            let old = old.value.to_vec();
            let value = in_order(&old, data, end);
            self.put_small(place, Some(found), value, version, now)?
        };
        Ok(Extended {
            outcome: Outcome::Stored(cas),
            value_bytes,
        })
    }

    /// Shows the item to the edit, taking that out of `edit`, and does what it asks for.
    ///
    /// With `needs_room`, room for any short value comes first, so that no edit is asked for twice.
    pub(crate) fn update<R>(
        &mut self,
        place: Place<'_>,
        needs_room: bool,
        usage: Usage,
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
        let (change, result) = match usage {
            Usage::Read => self.use_item(&found, true, now, edit),
            Usage::Use => self.use_item(&found, false, now, edit),
            Usage::Trace => edit(&self.entry(found.at)),
        };
        match change {
            Change::Keep => {}
            Change::Expiry(expiry) => self.set_expiry(found.at, expiry),
            Change::Remove => {
                self.remove_found(found, Departure::Removed);
            }
            Change::Value(value) => {
                let edit = Edit::new().with_value(value).with_id(NewId::Next);
                self.edit(place, found, &edit, now)?;
            }
            Change::Edit(edit) => self.edit(place, found, &edit, now)?,
        }
        Ok(Lookup::Hit(result))
    }

    /// Does what [`Self::update`] does if there is an item, else stores `initial`.
    pub(crate) fn update_or_insert<R>(
        &mut self,
        place: Place<'_>,
        initial: &Initial,
        needs_room: bool,
        usage: Usage,
        now: Timestamp,
        edit: &mut Option<impl FnOnce(&Entry<'_>) -> (Change, R)>,
    ) -> Result<Updated<R>, Refusal> {
        if let Lookup::Hit(result) = self.update(place, needs_room, usage, now, edit)? {
            return Ok(Updated::Found(result));
        }
        let version = Version::of(&initial.attributes);
        let value = initial.value.as_bytes();
        self.check_size(place.key.len(), version.flags, value.len())?;
        let id = self.put_small(place, None, [value, b""], version, now)?;
        Ok(Updated::Inserted(id))
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

    /// Makes the changes to an item that was found: in place, or as a new version if it gets a value.
    fn edit(
        &mut self,
        place: Place<'_>,
        found: Found,
        edit: &Edit,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let head = found.head;
        let mut version = Version {
            id: match edit.id {
                NewId::Same => head.cas,
                NewId::Next => CasId::default(),
                NewId::Given(id) => id,
            },
            flags: edit.flags.unwrap_or(head.flags),
            expiry: edit.expiry.unwrap_or(head.expiry),
            ..Version::after(&head)
        };
        if let Some(marks) = edit.marks {
            version.bits = version.bits.with_marks(marks);
        }
        if let Some(value) = edit.value {
            if edit.is_unread {
                version.bits = Bits::NONE.with_marks(version.bits.marks());
            }
            let value = value.as_bytes();
            self.check_size(place.key.len(), version.flags, value.len())?;
            self.put_small(place, Some(found), [value, b""], version, now)?;
            return Ok(());
        }
        let old_bytes = self.item_bytes(&self.log.stored(found.at));
        if version.flags != head.flags {
            let value_bytes = self.log.stored(found.at).value.len();
            self.check_size(place.key.len(), version.flags, value_bytes)?;
        }
        let cas = self.take_id(version.id);
        self.rewrite_head(found.at, |head| {
            (head.flags, head.expiry, head.cas) = (version.flags, version.expiry, cas);
            head.bits = head.bits.with_marks(version.bits.marks());
        });
        self.recount(old_bytes, self.item_bytes(&self.log.stored(found.at)));
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
