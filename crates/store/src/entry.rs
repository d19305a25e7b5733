//! An item as it is seen under its stripe's lock.

use crate::item::{CasId, Expiry, Item, Timestamp};

/// An item in the store, lent to a closure while its stripe is locked.
#[derive(Debug)]
pub struct Entry<'a> {
    marker: core::marker::PhantomData<&'a ()>,
}

impl<'a> Entry<'a> {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        unimplemented!()
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        unimplemented!()
    }

    /// Returns the client's flags.
    #[must_use]
    pub fn flags(&self) -> u32 {
        unimplemented!()
    }

    /// Returns the version's id.
    #[must_use]
    pub fn cas(&self) -> CasId {
        unimplemented!()
    }

    /// Returns when the item ends.
    #[must_use]
    pub fn expiry(&self) -> Expiry {
        unimplemented!()
    }

    /// Returns when the item was last used before this look.
    #[must_use]
    pub fn used_at(&self) -> Timestamp {
        unimplemented!()
    }

    /// Tells whether the item was ever read before this look.
    #[must_use]
    pub fn was_read(&self) -> bool {
        unimplemented!()
    }

    /// Returns the size by memcached's formula.
    #[must_use]
    pub fn item_bytes(&self) -> usize {
        unimplemented!()
    }

    /// Takes a counted reference that stays readable after the lock is gone, however the store
    /// changes; its bytes count against the budget until it is dropped.
    ///
    /// `None` when readers and reservations already hold half of the memory: copy the value then.
    #[must_use]
    pub fn hold(&self) -> Option<Item> {
        unimplemented!()
    }
}
