//! The store: stripes, each behind its lock.

use core::fmt;

use crate::entry::Entry;
use crate::item::{
    Attributes, Change, Condition, End, Expiry, Item, Lookup, NewItem, Outcome, Timestamp,
};
use crate::reservation::Reservation;
use crate::settings::{Settings, SettingsError};
use crate::stats::{ClassTable, Stats};

/// A concurrent map of byte keys to byte values under a hard memory budget.
///
/// Every method takes `&self`, locks one stripe at a time, and is atomic: other threads see all of
/// its effect or none. Closures given to it run under a stripe's lock: they must be short and must
/// not call the store.
pub struct Store {}

impl Store {
    /// Makes an empty store.
    ///
    /// # Errors
    ///
    /// Returns the first setting that is out of its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        unimplemented!()
    }

    /// Returns the settings the store was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        unimplemented!()
    }

    /// Shows the item under `key` to `visit`, under the stripe's lock, and counts it as used.
    ///
    /// The way to copy a small value into a reply, which touches no counter; for a large one,
    /// [`Entry::hold`] gives a counted reference that outlives the lock.
    pub fn read<R>(
        &self,
        key: &[u8],
        now: Timestamp,
        visit: impl FnOnce(&Entry<'_>) -> R,
    ) -> Lookup<R> {
        unimplemented!()
    }

    /// Returns the item under `key` unless it is absent, expired or flushed at `now`, and counts it
    /// as used.
    ///
    /// The item stays readable after it is evicted. When readers hold more than their share of the
    /// memory already ([`Entry::hold`]), it is a copy, in memory of the caller.
    pub fn get(&self, key: &[u8], now: Timestamp) -> Option<Item> {
        unimplemented!()
    }

    /// Copies `item` into the store if `when` holds.
    ///
    /// A refused store leaves the present item as it was.
    ///
    /// # Errors
    ///
    /// The item can never fit ([`PutError::TooLarge`], [`PutError::KeyTooLong`]) or there is no
    /// memory for it now ([`PutError::NoRoom`]).
    pub fn put(
        &self,
        key: &[u8],
        item: NewItem<'_>,
        when: Condition,
        now: Timestamp,
    ) -> Result<Outcome, PutError> {
        unimplemented!()
    }

    /// Makes room for a value of `value_bytes` that is yet to be received.
    ///
    /// The reservation is a buffer to fill, owned by the caller; nothing shows in the store until
    /// [`Store::commit`], and dropping it gives the memory back.
    ///
    /// # Errors
    ///
    /// As [`Store::put`]; also `NoRoom` when reservations and readers hold more than their share of
    /// the memory already.
    pub fn reserve(
        &self,
        key: &[u8],
        value_bytes: usize,
        attributes: Attributes,
        now: Timestamp,
    ) -> Result<Reservation, PutError> {
        unimplemented!()
    }

    /// Stores a filled reservation if `when` holds; else it is dropped. Never lacks room.
    pub fn commit(&self, filled: Reservation, when: Condition, now: Timestamp) -> Outcome {
        unimplemented!()
    }

    /// Adds `data` at one end of the present value, keeping flags and expiry.
    ///
    /// `Outcome::NotStored` if there is no item. Copies the value under the stripe's lock.
    ///
    /// # Errors
    ///
    /// As [`Store::put`], for the whole new value; the old one is kept.
    pub fn extend(
        &self,
        key: &[u8],
        data: &[u8],
        end: End,
        now: Timestamp,
    ) -> Result<Outcome, PutError> {
        unimplemented!()
    }

    /// Shows the item to `edit` and does what it asks for, in one step under the stripe's lock.
    ///
    /// `edit` is called at most once. The item counts as used.
    ///
    /// # Errors
    ///
    /// [`PutError`] if the new value finds no room; the item is as before.
    pub fn update<R>(
        &self,
        key: &[u8],
        now: Timestamp,
        edit: impl FnOnce(&Entry<'_>) -> (Change, R),
    ) -> Result<Lookup<R>, PutError> {
        unimplemented!()
    }

    /// Gives the item a new expiry; false if there is none. The item counts as used.
    pub fn touch(&self, key: &[u8], expiry: Expiry, now: Timestamp) -> bool {
        unimplemented!()
    }

    /// Removes the item; false if there is none (or it had expired).
    pub fn remove(&self, key: &[u8], now: Timestamp) -> bool {
        unimplemented!()
    }

    /// Ends every item that is in the store now; items stored later live, even in this second.
    ///
    /// Replaces a pending [`Store::flush_at`]. Takes each stripe's lock once; memory comes back as
    /// items are met, swept or evicted.
    pub fn flush(&self, now: Timestamp) {
        unimplemented!()
    }

    /// Ends, as soon as `now` reaches `deadline`, every item stored up to and in that second.
    ///
    /// Until then nothing changes. There is one deadline: a new flush of either kind replaces one
    /// that is yet to come. (memcached's `flush_all 10` is a deadline 9 seconds from now.)
    pub fn flush_at(&self, deadline: Timestamp, now: Timestamp) {
        unimplemented!()
    }

    /// Looks at up to `items_max` further items and removes those that are expired or flushed;
    /// returns how many that were.
    ///
    /// Calls go round all items. A stripe's lock is held for at most 64 items.
    pub fn sweep(&self, items_max: usize, now: Timestamp) -> usize {
        unimplemented!()
    }

    /// Shows some live items to `visit`, starting where `from` points, and returns where to go on;
    /// `None` at the end. The items do not count as used.
    ///
    /// A walk from `Cursor::default()` to the end shows every item that is there all the time
    /// exactly once. Each call takes one stripe's lock and looks at no more than 64 places.
    pub fn walk(
        &self,
        from: Cursor,
        now: Timestamp,
        visit: impl FnMut(&Entry<'_>),
    ) -> Option<Cursor> {
        unimplemented!()
    }

    /// Sums the stripes' counters; takes their locks one after the other.
    #[must_use]
    pub fn stats(&self) -> Stats {
        unimplemented!()
    }

    /// Sums the figures of memcached's size classes; looks at up to 1000 items of each stripe.
    #[must_use]
    pub fn class_stats(&self, now: Timestamp) -> Box<ClassTable> {
        unimplemented!()
    }

    /// Sets the counters to zero (`stats reset`); what is there now still counts.
    pub fn reset_counters(&self) {
        unimplemented!()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// A place in a walk over all items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    stripe: u32,
    slot: u32,
}

/// Why there is no place for an item.
#[allow(
    clippy::exhaustive_enums,
    reason = "a server has an answer for each of the three"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutError {
    /// The item is larger than `Settings::item_bytes_max`.
    TooLarge {
        /// Its size by memcached's formula.
        item_bytes: usize,
        /// The most allowed.
        item_bytes_max: usize,
    },
    /// The key is longer than [`KEY_BYTES_MAX`].
    KeyTooLong {
        /// Its length.
        key_bytes: usize,
    },
    /// No memory can be freed for it now.
    NoRoom {
        /// The memory it needs.
        memory_bytes: usize,
    },
}

impl fmt::Display for PutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge {
                item_bytes,
                item_bytes_max,
            } => {
                write!(f, "item of {item_bytes} bytes exceeds {item_bytes_max}")
            }
            Self::KeyTooLong { key_bytes } => {
                write!(f, "key of {key_bytes} bytes exceeds {KEY_BYTES_MAX}")
            }
            Self::NoRoom { memory_bytes } => write!(f, "no room for {memory_bytes} bytes"),
        }
    }
}

impl core::error::Error for PutError {}

/// The longest key; memcached's own limit is 250.
pub const KEY_BYTES_MAX: usize = 255;
