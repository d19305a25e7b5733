//! Room for what is to be stored: taken from the budget, or made.

use super::{Home, Store};
use crate::counted::{self, Unique};
use crate::error::{KEY_BYTES_MAX, PutError};
use crate::item::{Attributes, Condition, Outcome, Timestamp};
use crate::located::Located;
use crate::log::STUB_VALUE_BYTES;
use crate::reservation::{Body, Books, Reservation};
use crate::size;
use crate::stripe::{Refusal, Stripe};
use crate::sync::Ordering;

impl Store {
    /// Tells whether such an item has its value in an extent.
    #[inline]
    pub(super) fn is_large(&self, key_bytes: usize, value_bytes: usize) -> bool {
        self.layout.footprint(key_bytes, value_bytes) > self.small_bytes_max
    }

    /// Runs `step` under the lock of `home` until it has the room it asks for.
    pub(super) fn with_room<R>(
        &self,
        home: Home,
        item_bytes: usize,
        now: Timestamp,
        mut step: impl FnMut(&mut Stripe) -> Result<R, Refusal>,
    ) -> Result<R, PutError> {
        self.retried(home, now, || self.with_hint(home.stripe, &mut step))
            .map_err(|refusal| self.refuse(home, refusal, item_bytes))
    }

    /// Tries until there is the room that `step` asks for, or none can be made.
    #[inline]
    pub(super) fn retried<R>(
        &self,
        home: Home,
        now: Timestamp,
        mut step: impl FnMut() -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let mut attempts = 0;
        loop {
            match step() {
                Err(Refusal::Short { memory_bytes })
                    if attempts < ATTEMPTS_MAX
                        && self.make_room_again(attempts, home.stripe, memory_bytes, now) => {}
                result => return result,
            }
            attempts += 1;
        }
    }

    /// Makes room for what was tried so many times before: some more than there seems to be, for it may
    /// be the system that lacks memory, and not the budget.
    #[cold]
    fn make_room_again(&self, attempts: usize, home: usize, bytes: usize, now: Timestamp) -> bool {
        if attempts > 0 && self.pool.could_give(bytes) {
            let may_evict = self.settings.evict;
            let giver = self.giver(home);
            return self.with_hint(giver, |stripe| stripe.make_room(bytes, may_evict, now));
        }
        self.make_room(home, bytes, now)
    }

    /// Makes room for `bytes` at the cost of the stripe whose turn it is, or of the one that has most.
    #[cold]
    pub(super) fn make_shared_room(&self, bytes: usize, now: Timestamp) -> bool {
        let home = self.turn.fetch_add(1, Ordering::Relaxed) % self.stripes.len();
        self.make_room(home, bytes, now)
    }

    /// Makes room in the budget until `bytes` can be taken from it; false if that cannot be.
    ///
    /// The stripe in need gives first if it has its share, else the one that has most; so each has
    /// about its share, and most of the time no other is locked. If that brings nothing, or no more
    /// after many steps, because its items are being read, all stripes are asked in turn. Holds no
    /// lock before or after.
    #[cold]
    pub(super) fn make_room(&self, home: usize, bytes: usize, now: Timestamp) -> bool {
        let stripes = self.stripes.len();
        let (mut in_vain, mut steps) = (0, 0);
        let (mut most_bytes, mut fruitless) = (self.pool.available_bytes(), 0);
        let fruitless_max = FRUITLESS_MAX + self.settings.segment_bytes() / STEP_BYTES;
        while !self.pool.could_give(bytes) {
            if in_vain > stripes || steps > STEPS_MAX {
                return self.pool.trim(bytes) > 0;
            }
            let giver = if in_vain > 0 || fruitless > fruitless_max {
                self.turn.fetch_add(1, Ordering::Relaxed) % stripes
            } else {
                self.giver(home)
            };
            let may_evict = self.settings.evict;
            let has_worked =
                self.with_hint(giver, |stripe| stripe.make_room(bytes, may_evict, now));
            in_vain = if has_worked { 0 } else { in_vain + 1 };
            // What survivors have taken in between does not count when it comes back.
            let available_bytes = self.pool.available_bytes();
            fruitless = if fruitless <= fruitless_max && available_bytes > most_bytes {
                most_bytes = available_bytes;
                0
            } else {
                fruitless + 1
            };
            steps += 1;
        }
        true
    }

    /// Returns the stripe that gives: `home` if it has its share, else the one that has most.
    fn giver(&self, home: usize) -> usize {
        let log_bytes = |number: usize| self.stripes[number].log_bytes.load(Ordering::Relaxed);
        let stripes = 0..self.stripes.len();
        let total_bytes: usize = stripes.clone().map(log_bytes).sum();
        if log_bytes(home) >= total_bytes / self.stripes.len() {
            return home;
        }
        let most = stripes.max_by_key(|&number| log_bytes(number));
        most.unwrap_or(home)
    }

    /// Makes a reservation, counted as held, that has paid for all that its commit may need.
    pub(super) fn make_reservation(
        &self,
        located: Located<'_>,
        value_bytes: usize,
        attributes: Attributes,
        now: Timestamp,
    ) -> Result<Reservation, PutError> {
        let key = located.key;
        let item_bytes = self.check_size(key, attributes.flags, value_bytes)?;
        let is_large = self.is_large(key.len(), value_bytes);
        let slot_bytes = if is_large {
            self.layout.footprint(key.len(), STUB_VALUE_BYTES)
        } else {
            self.layout.footprint(key.len(), value_bytes)
        };
        let annex_bytes = self.pool.extent_memory_bytes(slot_bytes);
        let paid_bytes =
            annex_bytes + Stripe::growth_bytes_max(&self.settings, &**self.pool.memory());
        let mut held_bytes = paid_bytes;
        if is_large {
            let block_bytes = counted::block_bytes(key.len(), value_bytes);
            held_bytes += self.pool.extent_memory_bytes(block_bytes);
        } else {
            held_bytes += key.len() + value_bytes;
        }
        let home = self.split(located.hash);
        let no_room = || {
            let memory_bytes = held_bytes;
            self.refuse(home, Refusal::Short { memory_bytes }, item_bytes)
        };
        // From here on, dropping the books settles them.
        let mut books = Books::new(&self.pool);
        if !books.try_hold(held_bytes) {
            return Err(no_room());
        }
        self.with(home.stripe, |stripe| stripe.keep(home.place(key), now));
        if is_large {
            self.take(home, &mut books, paid_bytes, now)
                .ok_or_else(no_room)?;
            let block = self
                .block(home, key, value_bytes, now)
                .ok_or_else(no_room)?;
            let body = Body::Large(Some(block));
            return Ok(Reservation::new(body, books, located.hash, attributes));
        }
        let buffer_bytes = key.len() + value_bytes;
        self.take(home, &mut books, paid_bytes + buffer_bytes, now)
            .ok_or_else(no_room)?;
        let body = Body::small(key, value_bytes).ok_or_else(no_room)?;
        Ok(Reservation::new(body, books, located.hash, attributes))
    }

    /// Makes a block for a large value that is there already.
    pub(super) fn make_block(
        &self,
        located: Located<'_>,
        value_bytes: usize,
        attributes: Attributes,
        now: Timestamp,
    ) -> Result<Reservation, PutError> {
        let (home, key) = (self.split(located.hash), located.key);
        self.with(home.stripe, |stripe| stripe.keep(home.place(key), now));
        let Some(block) = self.block(home, key, value_bytes, now) else {
            let bytes = counted::block_bytes(key.len(), value_bytes);
            let memory_bytes = self.pool.extent_memory_bytes(bytes);
            let item_bytes = self.item_bytes(key, attributes.flags, value_bytes);
            return Err(self.refuse(home, Refusal::Short { memory_bytes }, item_bytes));
        };
        let body = Body::Large(Some(block));
        let books = Books::new(&self.pool);
        Ok(Reservation::new(body, books, located.hash, attributes))
    }

    /// Stores what is filled, making room as needed.
    pub(super) fn try_store(
        &self,
        filled: &mut Reservation,
        when: Condition,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let home = self.split(filled.hash);
        self.retried(home, now, || {
            self.with_hint(home.stripe, |stripe| stripe.commit(filled, when, 0, now))
        })
    }

    /// Stores what is filled in the room that the reservation has paid for.
    #[cold]
    pub(super) fn store_paid(
        &self,
        filled: &mut Reservation,
        when: Condition,
        now: Timestamp,
    ) -> Outcome {
        let home = self.split(filled.hash);
        let credit = filled.books.take_paid();
        let stored = self.with_hint(home.stripe, |stripe| {
            stripe.commit(filled, when, credit, now)
        });
        // Only the system itself can have refused that memory.
        stored.unwrap_or(Outcome::NotStored)
    }

    fn block(&self, home: Home, key: &[u8], value_bytes: usize, now: Timestamp) -> Option<Unique> {
        let bytes = counted::block_bytes(key.len(), value_bytes);
        let short = Refusal::Short {
            memory_bytes: self.pool.extent_memory_bytes(bytes),
        };
        let piece = self.retried(home, now, || self.pool.extent(bytes).ok_or(short));
        Some(Unique::new(piece.ok()?, key, value_bytes))
    }

    fn take(&self, home: Home, books: &mut Books, bytes: usize, now: Timestamp) -> Option<()> {
        let short = Refusal::Short {
            memory_bytes: bytes,
        };
        let mut take = || books.try_take(bytes).then_some(()).ok_or(short);
        self.retried(home, now, &mut take).ok()
    }

    fn item_bytes(&self, key: &[u8], flags: u32, value_bytes: usize) -> usize {
        size::item_bytes(key.len(), flags, 0, self.settings.cas).saturating_add(value_bytes)
    }

    pub(super) fn check_size(
        &self,
        key: &[u8],
        flags: u32,
        value_bytes: usize,
    ) -> Result<usize, PutError> {
        if key.len() > KEY_BYTES_MAX {
            return Err(PutError::KeyTooLong {
                key_bytes: key.len(),
            });
        }
        let item_bytes_max = self.settings.item_bytes_max;
        let item_bytes = self.item_bytes(key, flags, value_bytes);
        if item_bytes > item_bytes_max {
            return Err(PutError::TooLarge {
                item_bytes,
                item_bytes_max,
            });
        }
        Ok(item_bytes)
    }

    /// Turns a stripe's refusal into the caller's error, and counts a lack of memory.
    pub(super) fn refuse(&self, home: Home, refusal: Refusal, item_bytes: usize) -> PutError {
        match refusal {
            Refusal::TooLarge { item_bytes } => PutError::TooLarge {
                item_bytes,
                item_bytes_max: self.settings.item_bytes_max,
            },
            Refusal::Short { memory_bytes } => {
                self.with(home.stripe, |stripe| stripe.count_no_room(item_bytes));
                PutError::NoRoom { memory_bytes }
            }
        }
    }
}

/// How often an operation is tried when others take the room that was made for it.
const ATTEMPTS_MAX: usize = 64;
/// So many steps without more room than before are normal while items are moved that were used,
const FRUITLESS_MAX: usize = 16;
/// beside those for a whole segment of the shortest items, of which one step does as many bytes.
const STEP_BYTES: usize = 64 * 32;
/// The most steps, of some dozen items each, that one operation makes room for: a bound, rarely
/// reached.
const STEPS_MAX: usize = 1 << 16;
