//! Changes to what is there, each one step under a stripe's lock.

use super::Store;
use crate::change::{Change, End, Extended, Extension, Initial, Updated, Usage};
use crate::entry::Entry;
use crate::error::PutError;
use crate::item::{Lookup, Outcome, Timestamp};
use crate::located::IntoLocated;
use crate::stripe::Refusal;

impl Store {
    /// Adds `data` at one end of the present value, keeping flags, expiry and marks.
    ///
    /// `Outcome::NotStored` if there is no item. Copies the value under the stripe's lock.
    ///
    /// # Errors
    ///
    /// As [`Store::put`], for the whole new value; the old one is kept.
    pub fn extend<'a>(
        &self,
        key: impl IntoLocated<'a>,
        data: &[u8],
        end: End,
        now: Timestamp,
    ) -> Result<Outcome, PutError> {
        let extended = self.extend_with(key, &Extension::new(data, end), now)?;
        Ok(extended.outcome)
    }

    /// Extends the present value as [`Store::extend`] does, on conditions and with changes of its
    /// own; tells how long the value is then.
    ///
    /// # Errors
    ///
    /// As [`Store::put`], for the whole new value; the old one is kept.
    pub fn extend_with<'a>(
        &self,
        key: impl IntoLocated<'a>,
        extension: &Extension<'_>,
        now: Timestamp,
    ) -> Result<Extended, PutError> {
        let (home, key) = self.home(key);
        let item_bytes = self.check_size(key, 0, extension.data.len())?;
        self.with_room(home, item_bytes, now, |stripe| {
            stripe.extend(home.place(key), extension, now)
        })
    }

    /// Shows the item to `edit` and does what it asks for, in one step under the stripe's lock.
    ///
    /// `edit` is called at most once. The item counts as used and read.
    ///
    /// # Errors
    ///
    /// [`PutError`] if the new value finds no room, or is too large with its flags; the item is as
    /// before.
    pub fn update<'a, R>(
        &self,
        key: impl IntoLocated<'a>,
        now: Timestamp,
        edit: impl FnOnce(&Entry<'_>) -> (Change, R),
    ) -> Result<Lookup<R>, PutError> {
        self.update_as(key, Usage::Read, now, edit)
    }

    /// Does what [`Store::update`] does, counting as `usage` says.
    ///
    /// # Errors
    ///
    /// As [`Store::update`].
    pub fn update_as<'a, R>(
        &self,
        key: impl IntoLocated<'a>,
        usage: Usage,
        now: Timestamp,
        edit: impl FnOnce(&Entry<'_>) -> (Change, R),
    ) -> Result<Lookup<R>, PutError> {
        let (home, key) = self.home(key);
        let mut edit = Some(edit);
        let mut run = |needs_room| {
            self.with_hint(home.stripe, |stripe| {
                stripe.update(home.place(key), needs_room, usage, now, &mut edit)
            })
        };
        let result = self.retried(home, now, || run(true));
        // Where room is short, there may be some for what the edit asks for, if for anything.
        let result = match result {
            Err(Refusal::Short { .. }) => run(false),
            result => result,
        };
        result.map_err(|refusal| self.refuse(home, refusal, key.len()))
    }

    /// Shows the item to `edit` and does what it asks for; if there is none, stores `initial`. In one
    /// step: of many who call this at once for an absent key, one inserts.
    ///
    /// `edit` is called at most once.
    ///
    /// # Errors
    ///
    /// As [`Store::update`], and as [`Store::put`] for a new item.
    pub fn update_or_insert<'a, R>(
        &self,
        key: impl IntoLocated<'a>,
        initial: &Initial,
        usage: Usage,
        now: Timestamp,
        edit: impl FnOnce(&Entry<'_>) -> (Change, R),
    ) -> Result<Updated<R>, PutError> {
        let (home, key) = self.home(key);
        let value_bytes = initial.value.as_bytes().len();
        let item_bytes = self.check_size(key, initial.attributes.flags, value_bytes)?;
        let mut edit = Some(edit);
        let mut run = |needs_room| {
            self.with_hint(home.stripe, |stripe| {
                let place = home.place(key);
                stripe.update_or_insert(place, initial, needs_room, usage, now, &mut edit)
            })
        };
        let result = match self.retried(home, now, || run(true)) {
            Err(Refusal::Short { .. }) => run(false),
            result => result,
        };
        result.map_err(|refusal| self.refuse(home, refusal, item_bytes))
    }
}
