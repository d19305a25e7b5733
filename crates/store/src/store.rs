//! The store: stripes, each behind its lock.

use core::fmt;
use std::sync::Arc;

use crossbeam::utils::CachePadded;

use crate::budget::Budget;
use crate::entry::Entry;
use crate::error::PutError;
use crate::hash::{self, KeyHasher};
use crate::index::Hints;
use crate::item::{Attributes, Condition, Expiry, Item, Lookup, NewItem, Outcome, Timestamp};
use crate::located::{IntoLocated, Located};
use crate::log::Layout;
use crate::memory::{Heap, Memory};
use crate::observer::Observer;
use crate::pool::Pool;
use crate::reservation::Reservation;
use crate::settings::{Settings, SettingsError};
use crate::stripe::{Place, Stripe};
use crate::sync::{AtomicUsize, Lock, Ordering};

mod edit;
mod fetch;
mod restore;
mod room;
mod upkeep;

pub use upkeep::Cursor;
pub(crate) use upkeep::LogCursor;

/// A concurrent map of byte keys to byte values under a hard memory budget.
///
/// Every method takes `&self` and locks one stripe at a time. What concerns one key is atomic: other
/// threads see all of its effect or none; what concerns all goes from stripe to stripe. Closures
/// given to it run under a stripe's lock: they must be short and must not call the store, which
/// would wait for itself.
pub struct Store {
    settings: Settings,
    /// All memory but that of the stripes' tables, and the budget for both.
    pool: Arc<Pool>,
    hasher: KeyHasher,
    layout: Layout,
    /// The longest item, head and key included, that stands in a segment as a whole.
    small_bytes_max: usize,
    stripes: Box<[CachePadded<Cell>]>,
    /// Which stripe gives next when none has more than its share.
    turn: AtomicUsize,
    /// Which stripe is swept next.
    sweep_turn: AtomicUsize,
}

/// A stripe behind its lock.
#[derive(Debug)]
struct Cell {
    stripe: Lock<Stripe>,
    /// The memory of the stripe's items, a hint for whoever needs room.
    log_bytes: AtomicUsize,
    /// Where the stripe's index is, for fetching it without the lock.
    hints: Hints,
}

/// The stripe of a key and its hash there.
#[derive(Clone, Copy, Debug)]
struct Home {
    stripe: usize,
    hash: u32,
}

impl Store {
    /// Makes an empty store in memory from the global allocator.
    ///
    /// # Errors
    ///
    /// Returns the first setting that is out of its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Self::with_memory(settings, Arc::new(Heap::default()))
    }

    /// Makes an empty store whose items and index live in memory from `memory`.
    ///
    /// Other tables, a few percent of the index, are on the heap.
    ///
    /// # Errors
    ///
    /// Returns the first setting that is out of its range.
    pub fn with_memory(settings: Settings, memory: Arc<dyn Memory>) -> Result<Self, SettingsError> {
        settings.check()?;
        let budget = Budget::new(settings.memory_bytes_max);
        let is_taken = budget.try_take(fixed_bytes(&settings, &*memory));
        debug_assert!(is_taken, "the least memory for a stripe holds its tables");
        let pool = Pool::new(memory, budget, settings.segment_bytes(), RESERVE_SEGMENTS);
        let cell = |number| {
            let stripe = Stripe::new(number, &settings, Arc::clone(&pool));
            CachePadded::new(Cell {
                hints: Hints::new(stripe.index()),
                stripe: Lock::new(stripe),
                log_bytes: AtomicUsize::new(0),
            })
        };
        let stripes = (0..settings.stripes).map(cell).collect();
        Ok(Self {
            settings,
            pool,
            hasher: KeyHasher::new(settings.hash_seed),
            layout: settings.layout(),
            small_bytes_max: settings.small_bytes_max(),
            stripes,
            turn: AtomicUsize::new(0),
            sweep_turn: AtomicUsize::new(0),
        })
    }

    /// Has `observer` told of every version that leaves from now on.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        self.each(|stripe| stripe.watch_mut().all = Some(Arc::clone(&observer)));
        self
    }

    /// Has `observer` told of every version that is evicted from now on, beside whom
    /// [`observed_by`](Self::observed_by) names.
    ///
    /// Costs nothing where nothing is evicted, not even for stores that replace an item.
    #[must_use]
    pub fn evictions_observed_by(self, observer: Arc<dyn Observer>) -> Self {
        self.each(|stripe| stripe.watch_mut().evictions = Some(Arc::clone(&observer)));
        self
    }

    /// Returns the settings the store was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

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

    /// Shows the item under `key` to `visit`, under the stripe's lock, and leaves no trace of that: it
    /// counts neither as used nor as read.
    pub fn peek<'a, R>(
        &self,
        key: impl IntoLocated<'a>,
        now: Timestamp,
        visit: impl FnOnce(&Entry<'_>) -> R,
    ) -> Lookup<R> {
        let (home, key) = self.home(key);
        self.with(home.stripe, |stripe| {
            stripe.peek(home.place(key), now, visit)
        })
    }

    /// Returns the item under `key` unless it is absent, expired or flushed at `now`, and counts it
    /// as used.
    ///
    /// The item stays readable after it is evicted. When readers hold more than their share of the
    /// memory already ([`Entry::hold`]), it is a copy, in memory of the caller; `None` as well if the
    /// system has none for that.
    pub fn get<'a>(&self, key: impl IntoLocated<'a>, now: Timestamp) -> Option<Item> {
        self.read(key, now, |entry| entry.hold().or_else(|| entry.copy()))
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
        if self.is_large(key.len(), value_bytes) {
            // Copied without the lock.
            let mut filled = self.make_block(located, value_bytes, item.attributes, now)?;
            filled.value_mut().copy_from_slice(item.value);
            let stored = self.try_store(&mut filled, when, now);
            return stored.map_err(|refusal| self.refuse(home, refusal, item_bytes));
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
        self.make_reservation(key.into_located(self), value_bytes, attributes, now)
    }

    /// Stores a filled reservation if `when` holds; else it is dropped. Never lacks room.
    ///
    /// # Panics
    ///
    /// If the reservation is another store's.
    pub fn commit(&self, mut filled: Reservation, when: Condition, now: Timestamp) -> Outcome {
        assert!(
            Arc::ptr_eq(filled.books.pool(), &self.pool),
            "a reservation is committed to the store that made it"
        );
        let stored = self.try_store(&mut filled, when, now);
        stored.unwrap_or_else(|_| self.store_paid(&mut filled, when, now))
    }

    /// Gives the item a new expiry; false if there is none. The item counts as used.
    pub fn touch<'a>(&self, key: impl IntoLocated<'a>, expiry: Expiry, now: Timestamp) -> bool {
        let (home, key) = self.home(key);
        self.with(home.stripe, |stripe| {
            stripe.touch(home.place(key), expiry, now)
        })
    }

    /// Removes the item; false if there is none (or it had expired).
    pub fn remove<'a>(&self, key: impl IntoLocated<'a>, now: Timestamp) -> bool {
        self.remove_with(key, now, |_| ()).hit().is_some()
    }

    /// Removes the item, after a last look at it, in one step under the stripe's lock.
    pub fn remove_with<'a, R>(
        &self,
        key: impl IntoLocated<'a>,
        now: Timestamp,
        visit: impl FnOnce(&Entry<'_>) -> R,
    ) -> Lookup<R> {
        let (home, key) = self.home(key);
        self.with(home.stripe, |stripe| {
            stripe.remove(home.place(key), now, visit)
        })
    }
}

impl Store {
    fn home<'a>(&self, key: impl IntoLocated<'a>) -> (Home, &'a [u8]) {
        let Located { key, hash } = key.into_located(self);
        (self.split(hash), key)
    }

    #[inline]
    pub(crate) fn hashed<'a>(&self, key: &'a [u8]) -> Located<'a> {
        Located {
            key,
            hash: self.hasher.hash(key),
        }
    }

    /// The upper half chooses the stripe, the lower the place in it.
    #[inline]
    fn split(&self, hash: u64) -> Home {
        Home {
            stripe: (hash >> 32) as usize & (self.stripes.len() - 1),
            hash: hash::in_stripe(hash),
        }
    }

    /// Runs `step` under a stripe's lock, and frees what it displaced after that.
    #[inline]
    fn with<R>(&self, number: usize, step: impl FnOnce(&mut Stripe) -> R) -> R {
        let cell = &self.stripes[number];
        let mut stripe = cell.stripe.lock();
        let result = step(&mut stripe);
        let displaced = stripe.take_displaced();
        drop(stripe);
        drop(displaced);
        result
    }

    /// The same for a step that adds or evicts items, which renews the hints.
    #[inline]
    fn with_hint<R>(&self, number: usize, step: impl FnOnce(&mut Stripe) -> R) -> R {
        let cell = &*self.stripes[number];
        self.with(number, |stripe| {
            let result = step(stripe);
            let log_bytes = stripe.log_bytes();
            if cell.log_bytes.load(Ordering::Relaxed) != log_bytes {
                cell.log_bytes.store(log_bytes, Ordering::Relaxed);
            }
            cell.hints.renew(stripe.index());
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

/// What an empty store takes of its budget.
fn fixed_bytes(settings: &Settings, memory: &dyn Memory) -> usize {
    settings.stripes * (size_of::<CachePadded<Cell>>() + Stripe::start_bytes(settings, memory))
}

/// As many survivors' segments can be open beyond the budget's last at any time; it needs one for
/// each thread that makes room.
const RESERVE_SEGMENTS: usize = 2;

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests;
