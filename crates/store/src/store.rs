//! The store: stripes, each behind its lock.

use core::fmt;
use core::hash::Hasher;

use crossbeam::utils::CachePadded;
use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

use crate::budget::{Account, Budget};
use crate::counted;
use crate::entry::Entry;
use crate::error::PutError;
use crate::item::{
    Attributes, Change, Condition, End, Expiry, Item, Lookup, NewItem, Outcome, Timestamp,
};
use crate::located::{IntoLocated, Located};
use crate::reservation::Reservation;
use crate::settings::{Settings, SettingsError};
use crate::stripe::{self, Place, Shape, Stripe};
use crate::sync::{Arc, AtomicU32, AtomicUsize, Lock, Ordering};

mod restore;
mod room;
mod upkeep;

pub use upkeep::Cursor;

/// A concurrent map of byte keys to byte values under a hard memory budget.
///
/// Every method takes `&self` and locks one stripe at a time. What concerns one key is atomic: other
/// threads see all of its effect or none; what concerns all goes from stripe to stripe. Closures given to it run under a stripe's lock: they must be short and must
/// not call the store.
pub struct Store {
    settings: Settings,
    budget: Arc<Budget>,
    /// All that a hash depends on beside the key, from the caller's seed.
    hash_seed: SharedSeed,
    stripes: Box<[CachePadded<Cell>]>,
    /// Which stripe is looked at next beside the one that needs room.
    turn: AtomicUsize,
    /// Which stripe is swept next.
    sweep_turn: AtomicUsize,
}

/// A stripe behind its lock.
#[derive(Debug)]
struct Cell {
    stripe: Lock<Stripe>,
    /// When the stripe's oldest item was used, a hint for whoever needs room; `NOTHING` if empty.
    oldest_use: AtomicU32,
}

/// The stripe of a key and its hash there.
#[derive(Clone, Copy, Debug)]
struct Home {
    stripe: usize,
    hash: u32,
}

impl Store {
    /// Makes an empty store.
    ///
    /// # Errors
    ///
    /// Returns the first setting that is out of its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let budget = Arc::new(Budget::new(settings.memory_bytes_max));
        let fixed_bytes = settings.stripes * START_BYTES;
        let is_taken = budget.try_take(fixed_bytes);
        debug_assert!(is_taken, "the least memory for a stripe holds its tables");
        let cell = |number| {
            let shape = Shape {
                number,
                stripes: settings.stripes,
                memory_bytes_max: settings.memory_bytes_max,
                item_bytes_max: settings.item_bytes_max,
                counts_cas: settings.cas,
            };
            let stripe = Stripe::new(Account::new(Arc::clone(&budget)), &shape);
            let oldest_use = AtomicU32::new(NOTHING);
            CachePadded::new(Cell {
                stripe: Lock::new(stripe),
                oldest_use,
            })
        };
        let stripes = (0..settings.stripes).map(cell).collect();
        Ok(Self {
            settings,
            budget,
            hash_seed: SharedSeed::from_u64(settings.hash_seed),
            stripes,
            turn: AtomicUsize::new(0),
            sweep_turn: AtomicUsize::new(0),
        })
    }

    /// Returns the settings the store was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Hashes `key`, once for all that is done with it, and has the processor fetch the place where
    /// it would be found.
    ///
    /// With many keys at hand, locate some of them, [`prefetch`](Self::prefetch) those, and then use
    /// them: the waits for memory overlap. For one key alone there is nothing to win.
    #[must_use]
    #[inline]
    pub fn locate<'a>(&self, key: &'a [u8]) -> Located<'a> {
        self.hashed(key)
    }

    /// Has the processor fetch the item under a located key, if there is one. Changes nothing, and
    /// counts as no use.
    #[inline]
    pub fn prefetch(&self, _key: &Located<'_>) {}

    /// Shows the item under `key` to `visit`, under the stripe's lock, and counts it as used.
    ///
    /// The way to copy a small value into a reply, which touches no counter; for a large one,
    /// [`Entry::hold`] gives a counted reference that outlives the lock.
    pub fn read<'a, R>(
        &self,
        key: impl IntoLocated<'a>,
        now: Timestamp,
        visit: impl FnOnce(&Entry<'_>) -> R,
    ) -> Lookup<R> {
        let (home, key) = self.home(key);
        self.with(home.stripe, |stripe| {
            stripe.read(home.place(key), now, visit)
        })
    }

    /// Returns the item under `key` unless it is absent, expired or flushed at `now`, and counts it
    /// as used.
    ///
    /// The item stays readable after it is evicted. When readers hold more than their share of the
    /// memory already ([`Entry::hold`]), it is a copy, in memory of the caller.
    pub fn get<'a>(&self, key: impl IntoLocated<'a>, now: Timestamp) -> Option<Item> {
        self.read(key, now, |entry| entry.hold().or_else(|| entry.detach()))
            .hit()
            .flatten()
    }

    /// Copies `item` into the store if `when` holds.
    ///
    /// A refused store leaves the present item as it was, but for its being used.
    ///
    /// # Errors
    ///
    /// The item can never fit ([`PutError::TooLarge`], [`PutError::KeyTooLong`]) or there is no
    /// memory for it now ([`PutError::NoRoom`]).
    pub fn put<'a>(
        &self,
        key: impl IntoLocated<'a>,
        item: NewItem<'_>,
        when: Condition,
        now: Timestamp,
    ) -> Result<Outcome, PutError> {
        let located = key.into_located(self);
        let (home, key) = self.home(located);
        let value_bytes = item.value.len();
        let item_bytes = self.check_size(key, item.attributes.flags, value_bytes)?;
        if counted::memory_bytes(key.len(), value_bytes) >= stripe::LARGE_BYTES_MIN {
            // Copied without the lock.
            let mut filled =
                self.make_reservation(located, value_bytes, item.attributes, now, false)?;
            filled.value_mut().copy_from_slice(item.value);
            return Ok(self.commit(filled, when, now));
        }
        self.with_room(home, item_bytes, now, |stripe| {
            stripe.put(home.place(key), &item, when, now)
        })
    }

    /// Makes room for a value of `value_bytes` that is yet to be received.
    ///
    /// The reservation is a buffer to fill, owned by the caller; nothing shows in the store until
    /// [`Store::commit`], and dropping it gives the memory back. A present item counts as used.
    ///
    /// # Errors
    ///
    /// As [`Store::put`]; also `NoRoom` when reservations and readers already hold half of the
    /// memory.
    pub fn reserve<'a>(
        &self,
        key: impl IntoLocated<'a>,
        value_bytes: usize,
        attributes: Attributes,
        now: Timestamp,
    ) -> Result<Reservation, PutError> {
        self.make_reservation(key.into_located(self), value_bytes, attributes, now, true)
    }

    /// Stores a filled reservation if `when` holds; else it is dropped. Never lacks room.
    ///
    /// # Panics
    ///
    /// If the reservation is another store's.
    pub fn commit(&self, filled: Reservation, when: Condition, now: Timestamp) -> Outcome {
        assert!(
            core::ptr::eq(filled.budget(), &*self.budget),
            "a reservation is committed to the store that made it"
        );
        let expiry = filled.expiry;
        let home = self.split(filled.hash);
        let (block, taken_bytes) = filled.take();
        self.with_hint(home.stripe, |stripe| {
            stripe.add_credit(taken_bytes);
            stripe.commit(home.hash, block, expiry, when, now)
        })
    }

    /// Adds `data` at one end of the present value, keeping flags and expiry.
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
        let (home, key) = self.home(key);
        let item_bytes = self.check_size(key, 0, data.len())?;
        self.with_room(home, item_bytes, now, |stripe| {
            stripe.extend(home.place(key), data, end, now)
        })
    }

    /// Shows the item to `edit` and does what it asks for, in one step under the stripe's lock.
    ///
    /// `edit` is called at most once. The item counts as used.
    ///
    /// # Errors
    ///
    /// [`PutError`] if the new value finds no room; the item is as before.
    pub fn update<'a, R>(
        &self,
        key: impl IntoLocated<'a>,
        now: Timestamp,
        edit: impl FnOnce(&Entry<'_>) -> (Change, R),
    ) -> Result<Lookup<R>, PutError> {
        let (home, key) = self.home(key);
        let place = home.place(key);
        let mut edit = Some(edit);
        let mut run = |stripe: &mut Stripe| match edit.take() {
            Some(edit) => stripe.update(place, now, edit),
            None => Ok(Lookup::Miss),
        };
        // Room for any short value first, so that the edit is not asked for twice.
        let first = self.with(home.stripe, |stripe| {
            stripe.affords_short(place, now).map(|()| run(stripe))
        });
        let result = first.unwrap_or_else(|short| {
            let credit = self
                .make_room(home.stripe, short.memory_bytes(), now)
                .unwrap_or(0);
            self.with(home.stripe, |stripe| {
                stripe.add_credit(credit);
                run(stripe)
            })
        });
        result.map_err(|refusal| self.refuse(home, refusal, key.len()))
    }

    /// Gives the item a new expiry; false if there is none. The item counts as used.
    pub fn touch<'a>(&self, key: impl IntoLocated<'a>, expiry: Expiry, now: Timestamp) -> bool {
        let edit = |_: &Entry<'_>| (Change::Expiry(expiry), ());
        let (home, key) = self.home(key);
        let touched = self.with(home.stripe, |stripe| {
            stripe.update(home.place(key), now, edit)
        });
        touched.is_ok_and(|lookup| lookup.hit().is_some())
    }

    /// Removes the item; false if there is none (or it had expired).
    pub fn remove<'a>(&self, key: impl IntoLocated<'a>, now: Timestamp) -> bool {
        let (home, key) = self.home(key);
        self.with(home.stripe, |stripe| stripe.remove(home.place(key), now))
    }
}

impl Store {
    fn home<'a>(&self, key: impl IntoLocated<'a>) -> (Home, &'a [u8]) {
        let Located { key, hash } = key.into_located(self);
        (self.split(hash), key)
    }

    pub(crate) fn hashed<'a>(&self, key: &'a [u8]) -> Located<'a> {
        let mut hasher = FoldHasher::with_seed(self.settings.hash_seed, &self.hash_seed);
        hasher.write(key);
        Located {
            key,
            hash: hasher.finish(),
        }
    }

    /// The upper half chooses the stripe, the lower the place in it.
    fn split(&self, hash: u64) -> Home {
        let stripe = (hash >> 32) as usize & (self.stripes.len() - 1);
        Home {
            stripe,
            hash: hash as u32,
        }
    }

    /// Runs `step` under a stripe's lock, and frees what it displaced after that.
    fn with<R>(&self, number: usize, step: impl FnOnce(&mut Stripe) -> R) -> R {
        let cell = &self.stripes[number];
        let mut stripe = cell.stripe.lock();
        let result = step(&mut stripe);
        let displaced = stripe.take_displaced();
        drop(stripe);
        drop(displaced);
        result
    }

    /// The same for a step that adds or evicts items, which renews the hint about the oldest.
    fn with_hint<R>(&self, number: usize, step: impl FnOnce(&mut Stripe) -> R) -> R {
        let hint = &self.stripes[number].oldest_use;
        self.with(number, |stripe| {
            let result = step(stripe);
            let oldest_use = stripe.oldest_use().map_or(NOTHING, Timestamp::as_secs);
            if hint.load(Ordering::Relaxed) != oldest_use {
                hint.store(oldest_use, Ordering::Relaxed);
            }
            result
        })
    }

    fn each(&self, mut step: impl FnMut(&mut Stripe)) {
        for number in 0..self.stripes.len() {
            self.with(number, &mut step);
        }
    }
}

impl Home {
    fn place(self, key: &[u8]) -> Place<'_> {
        Place {
            hash: self.hash,
            key,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What an empty stripe takes.
const START_BYTES: usize = Stripe::START_BYTES + size_of::<CachePadded<Cell>>();
/// The oldest use of an empty stripe: nothing there to give.
const NOTHING: u32 = u32::MAX;

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests;
