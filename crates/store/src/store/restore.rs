//! Putting items back that another store held; see [`snapshot`](crate::snapshot).

use std::sync::Arc;

use super::Store;
use crate::error::PutError;
use crate::item::{CasId, Condition, NewItem, Timestamp};
use crate::located::IntoLocated;
use crate::reservation::Reservation;

impl Store {
    /// Copies an item into the store under the id it had in another one, whatever is there.
    ///
    /// Its `attributes.id` does not count. Ids given out in its stripe from then on are larger; call [`Store::skip_ids`] first so that
    /// they are so in all. An id of 0 is replaced by a new one; of one
    /// above [`CasId::FOLLOWED_MAX`] the ids to come take no notice.
    ///
    /// # Errors
    ///
    /// As [`Store::put`].
    pub fn restore<'a>(
        &self,
        key: impl IntoLocated<'a>,
        item: NewItem<'_>,
        id: CasId,
        now: Timestamp,
    ) -> Result<(), PutError> {
        let located = key.into_located(self);
        let item = NewItem::new(item.value, item.attributes.with_id(id));
        let (home, key) = self.home(located);
        let value_bytes = item.value.len();
        let item_bytes = self.check_size(key, item.attributes.flags, value_bytes)?;
        if self.is_large(key.len(), value_bytes) {
            let mut filled = self.make_block(located, value_bytes, item.attributes, now)?;
            filled.value_mut().copy_from_slice(item.value);
            filled.restores = true;
            let stored = self.try_store(&mut filled, Condition::Always, now);
            let stored = stored.map_err(|refusal| self.refuse(home, refusal, item_bytes));
            return stored.map(drop);
        }
        let stored = self.with_room(home, item_bytes, now, |stripe| {
            stripe.restoring(|stripe| stripe.put(home.place(key), &item, Condition::Always, now))
        });
        stored.map(drop)
    }

    /// Stores a filled reservation as [`Store::restore`] does. Never lacks room.
    ///
    /// # Panics
    ///
    /// If the reservation is another store's.
    pub fn restore_reserved(&self, mut filled: Reservation, id: CasId, now: Timestamp) {
        filled.attributes.id = id;
        filled.restores = true;
        assert!(
            Arc::ptr_eq(filled.books.pool(), &self.pool),
            "a reservation is committed to the store that made it"
        );
        let when = Condition::Always;
        if self.try_store(&mut filled, when, now).is_err() {
            let _ = self.store_paid(&mut filled, when, now);
        }
    }

    /// Returns an id above all that were ever given out; takes the stripes' locks one after the other.
    #[must_use]
    pub fn ids_end(&self) -> CasId {
        let mut end = 0;
        self.each(|stripe| end = stripe.next_id().max(end));
        CasId::new(end)
    }

    /// Lets all ids given out from now on be `end` or larger. Of an `end` above
    /// [`CasId::FOLLOWED_MAX`], that counts.
    pub fn skip_ids(&self, end: CasId) {
        let end = end.min(CasId::FOLLOWED_MAX);
        self.each(|stripe| stripe.skip_ids(end.get()));
    }

    /// Returns when a flush that is yet to come will end everything that is stored up to and in that
    /// second ([`Store::flush_at`]).
    #[must_use]
    pub fn flush_due(&self) -> Option<Timestamp> {
        self.with(0, |stripe| stripe.flush_due())
    }
}

impl CasId {
    /// The largest given id that those to come are made larger than: far beyond what a store gives out
    /// in its life, and far enough from the end of numbers that the next ids have room.
    pub const FOLLOWED_MAX: Self = Self::new(1 << 62);
}
