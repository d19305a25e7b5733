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
use crate::reservation::Reservation;
use crate::settings::{Settings, SettingsError};
use crate::size;
use crate::stats::{ClassStats, ClassTable, Stats};
use crate::stripe::{self, Place, Shape, Stripe};
use crate::sync::{Arc, AtomicU32, AtomicUsize, Lock, Ordering};

mod room;

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
        let home = self.home(key);
        self.with(home.stripe, |stripe| {
            stripe.read(home.place(key), now, visit)
        })
    }

    /// Returns the item under `key` unless it is absent, expired or flushed at `now`, and counts it
    /// as used.
    ///
    /// The item stays readable after it is evicted. When readers hold more than their share of the
    /// memory already ([`Entry::hold`]), it is a copy, in memory of the caller.
    pub fn get(&self, key: &[u8], now: Timestamp) -> Option<Item> {
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
    pub fn put(
        &self,
        key: &[u8],
        item: NewItem<'_>,
        when: Condition,
        now: Timestamp,
    ) -> Result<Outcome, PutError> {
        let value_bytes = item.value.len();
        let item_bytes = self.check_size(key, item.attributes.flags, value_bytes)?;
        if counted::memory_bytes(key.len(), value_bytes) >= stripe::LARGE_BYTES_MIN {
            // Copied without the lock.
            let mut filled =
                self.make_reservation(key, value_bytes, item.attributes, now, false)?;
            filled.value_mut().copy_from_slice(item.value);
            return Ok(self.commit(filled, when, now));
        }
        let home = self.home(key);
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
    pub fn reserve(
        &self,
        key: &[u8],
        value_bytes: usize,
        attributes: Attributes,
        now: Timestamp,
    ) -> Result<Reservation, PutError> {
        self.make_reservation(key, value_bytes, attributes, now, true)
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
    pub fn extend(
        &self,
        key: &[u8],
        data: &[u8],
        end: End,
        now: Timestamp,
    ) -> Result<Outcome, PutError> {
        let item_bytes = self.check_size(key, 0, data.len())?;
        let home = self.home(key);
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
    pub fn update<R>(
        &self,
        key: &[u8],
        now: Timestamp,
        edit: impl FnOnce(&Entry<'_>) -> (Change, R),
    ) -> Result<Lookup<R>, PutError> {
        let home = self.home(key);
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
    pub fn touch(&self, key: &[u8], expiry: Expiry, now: Timestamp) -> bool {
        let edit = |_: &Entry<'_>| (Change::Expiry(expiry), ());
        let home = self.home(key);
        let touched = self.with(home.stripe, |stripe| {
            stripe.update(home.place(key), now, edit)
        });
        touched.is_ok_and(|lookup| lookup.hit().is_some())
    }

    /// Removes the item; false if there is none (or it had expired).
    pub fn remove(&self, key: &[u8], now: Timestamp) -> bool {
        let home = self.home(key);
        self.with(home.stripe, |stripe| stripe.remove(home.place(key), now))
    }

    /// Ends every item that is in the store now; items stored later live, even in this second.
    ///
    /// Replaces a pending [`Store::flush_at`]. Takes each stripe's lock once; memory comes back as
    /// items are met, swept or evicted.
    pub fn flush(&self, now: Timestamp) {
        self.each(|stripe| stripe.flush(now));
    }

    /// Ends, as soon as `now` reaches `deadline`, every item stored up to and in that second.
    ///
    /// Until then nothing changes. There is one deadline: a new flush of either kind replaces one that
    /// is yet to come. A deadline before `now` does only that, and ends nothing. (memcached's
    /// `flush_all 10` is a deadline 9 seconds from now.)
    pub fn flush_at(&self, deadline: Timestamp, now: Timestamp) {
        self.each(|stripe| stripe.flush_at(deadline, now));
    }

    /// Looks at up to `items_max` further items and removes those that are expired or flushed;
    /// returns how many that were.
    ///
    /// Calls go round all items; 64 vacant places count as one. A stripe's lock is held for at
    /// most 64 items.
    pub fn sweep(&self, items_max: usize, now: Timestamp) -> usize {
        let (mut left, mut removed, mut rounds) = (items_max, 0, 0);
        while left > 0 && rounds <= self.stripes.len() {
            let number = self.sweep_turn.load(Ordering::Relaxed) % self.stripes.len();
            let step = left.min(SWEEP_STEP_ITEMS);
            let swept = self.with(number, |stripe| stripe.sweep(step, now));
            removed += swept.removed;
            left = left.saturating_sub(swept.spent);
            if swept.is_round {
                self.sweep_turn.store(number + 1, Ordering::Relaxed);
                rounds += 1;
            }
        }
        removed
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
        let Cursor {
            stripe: number,
            slot,
        } = from;
        if number as usize >= self.stripes.len() {
            return None;
        }
        let end = slot.saturating_add(WALK_STEP_SLOTS);
        if self.with(number as usize, |stripe| stripe.walk(slot, end, now, visit)) {
            return Some(Cursor {
                stripe: number,
                slot: end,
            });
        }
        let next = number + 1;
        ((next as usize) < self.stripes.len()).then_some(Cursor {
            stripe: next,
            slot: 0,
        })
    }

    /// Sums the stripes' counters; takes their locks one after the other.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            memory_bytes_max: self.budget.limit() as u64,
            memory_bytes: self.budget.used() as u64,
            held_bytes: self.budget.held() as u64,
            ..Stats::default()
        };
        self.each(|stripe| {
            stats.add_stripe(&stripe.counters, &stripe.classes);
            stats.index_bytes += stripe.index_bytes() as u64;
            stats.index_buckets += stripe.index_buckets() as u64;
        });
        stats
    }

    /// Sums the figures of memcached's size classes; looks at up to 1000 items of each stripe.
    #[must_use]
    pub fn class_stats(&self, now: Timestamp) -> Box<ClassTable> {
        let mut table: Box<ClassTable> = Box::new([ClassStats::default(); size::CLASSES]);
        let mut ages = [0; size::CLASSES];
        self.each(|stripe| {
            for (sum, class) in table.iter_mut().zip(stripe.classes.iter()) {
                sum.add(class);
            }
            stripe.tail_ages(&mut ages, now);
        });
        for (sum, age) in table.iter_mut().zip(ages) {
            sum.age_secs = age;
        }
        table
    }

    /// Sets the counters to zero (`stats reset`); what is there now still counts.
    pub fn reset_counters(&self) {
        self.each(Stripe::reset_counters);
    }

    /// Recounts everything, for tests and fuzzing, and returns the bytes of the budget that no
    /// stripe answers for: those of reservations, and of items that are gone but still read.
    ///
    /// Meant for a store that no other thread uses meanwhile. Cost: all items.
    ///
    /// # Panics
    ///
    /// If something does not add up.
    pub fn check_invariants(&self) -> usize {
        let used = self.budget.used();
        assert!(
            used <= self.budget.limit(),
            "{used} bytes in use are within the budget"
        );
        let mut counted = self.stripes.len() * (START_BYTES - Stripe::START_BYTES);
        self.each(|stripe| counted += stripe.check_invariants());
        used.checked_sub(counted)
            .expect("all memory was taken from the budget")
    }
}

impl Store {
    fn home(&self, key: &[u8]) -> Home {
        self.split(self.hash(key))
    }

    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.settings.hash_seed, &self.hash_seed);
        hasher.write(key);
        hasher.finish()
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

/// A place in a walk over all items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    stripe: u32,
    slot: u32,
}

/// What an empty stripe takes.
const START_BYTES: usize = Stripe::START_BYTES + size_of::<CachePadded<Cell>>();
/// The oldest use of an empty stripe: nothing there to give.
const NOTHING: u32 = u32::MAX;
const SWEEP_STEP_ITEMS: usize = 64;
const WALK_STEP_SLOTS: u32 = 64;

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests;
