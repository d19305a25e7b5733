//! An item as it is seen under its stripe's lock.

use crate::budget::Account;
use crate::counted::{Linked, Unique};
use crate::item::{CasId, Expiry, Item, Timestamp};
use crate::size;
use crate::sync::Arc;

/// An item in the store, lent to a closure while its stripe is locked.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub(crate) block: &'a Linked,
    pub(crate) expiry: Expiry,
    pub(crate) used_at: Timestamp,
    pub(crate) was_read: bool,
    pub(crate) next_cas: CasId,
    pub(crate) counts_cas: bool,
    pub(crate) account: &'a Arc<Account>,
}

impl<'a> Entry<'a> {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        self.block.key()
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.block.value()
    }

    /// Returns the client's flags.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.block.flags()
    }

    /// Returns the version's id.
    #[must_use]
    pub fn cas(&self) -> CasId {
        self.block.cas()
    }

    /// Returns the id that a new value gets if this edit asks for one
    /// ([`Change::Value`](crate::Change::Value)).
    #[must_use]
    pub fn next_cas(&self) -> CasId {
        self.next_cas
    }

    /// Returns when the item ends.
    #[must_use]
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// Returns when the item was last used before this look.
    #[must_use]
    pub fn used_at(&self) -> Timestamp {
        self.used_at
    }

    /// Tells whether the item was ever read before this look.
    #[must_use]
    pub fn was_read(&self) -> bool {
        self.was_read
    }

    /// Returns the size by memcached's formula.
    #[must_use]
    pub fn item_bytes(&self) -> usize {
        let (key_bytes, value_bytes) = (self.key().len(), self.value().len());
        size::item_bytes(key_bytes, self.flags(), value_bytes, self.counts_cas)
    }

    /// Takes a counted reference that stays readable after the lock is gone, however the store
    /// changes; its bytes count against the budget until it is dropped.
    ///
    /// `None` when readers and reservations already hold half of the memory: copy the value then.
    #[must_use]
    pub fn hold(&self) -> Option<Item> {
        Some(Item::new(self.block.lend(self.account)?, self.expiry))
    }

    /// Copies the item into memory of the caller; `None` if the system has none.
    pub(crate) fn detach(&self) -> Option<Item> {
        let value = self.value();
        let mut copy = Unique::new(self.key(), value.len(), self.flags())?;
        copy.value_mut().copy_from_slice(value);
        copy.set_cas(self.cas());
        Some(Item::new(copy.into_lent(), self.expiry))
    }
}
