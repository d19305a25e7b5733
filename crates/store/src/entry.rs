//! An item as it is seen under its stripe's lock.

use crate::item::{CasId, Expiry, Item, Timestamp};
use crate::log::Stored;
use crate::marks::Marks;
use crate::size;

/// An item in the store, lent to a closure while its stripe is locked.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub(crate) stored: Stored<'a>,
    pub(crate) next_cas: CasId,
    pub(crate) counts_cas: bool,
}

impl<'a> Entry<'a> {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        self.stored.key
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.stored.value
    }

    /// Returns the client's flags.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.stored.head.flags
    }

    /// Returns the version's id.
    #[must_use]
    pub fn cas(&self) -> CasId {
        self.stored.head.cas
    }

    /// Returns the id that the item gets if this edit asks for the next
    /// ([`NewId::Next`](crate::NewId::Next)).
    #[must_use]
    pub fn next_cas(&self) -> CasId {
        self.next_cas
    }

    /// Returns when the item ends.
    #[must_use]
    pub fn expiry(&self) -> Expiry {
        self.stored.head.expiry
    }

    /// Returns when the item was last used before this look.
    #[must_use]
    pub fn used_at(&self) -> Timestamp {
        self.stored.head.used_at
    }

    /// Tells whether the item was ever read before this look.
    #[must_use]
    pub fn was_read(&self) -> bool {
        self.stored.head.bits.was_read()
    }

    /// Returns the caller's marks.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.stored.head.bits.marks()
    }

    /// Returns the number of memcached's size class for it, from 1 on ([`size_class`](crate::size_class)).
    #[must_use]
    pub fn size_class(&self) -> usize {
        size::size_class(self.item_bytes())
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
    /// `None` for a small item (up to 16 KiB, less in small stores; see the README's "Cost"), and when
    /// readers and reservations already hold half of the memory: copy the value then.
    #[must_use]
    pub fn hold(&self) -> Option<Item> {
        let lent = self.stored.extent?.lend()?;
        Some(Item::held(lent, self.stored.head))
    }

    /// Copies the item into memory of the caller; `None` if the system has none.
    pub(crate) fn copy(&self) -> Option<Item> {
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(self.key().len() + self.value().len())
            .ok()?;
        bytes.extend_from_slice(self.key());
        bytes.extend_from_slice(self.value());
        Some(Item::copied(bytes, self.key().len(), self.stored.head))
    }
}
