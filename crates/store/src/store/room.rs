//! Room for what is to be stored: taken from the budget, or made.

use super::{Home, Store};
use crate::counted;
use crate::error::{KEY_BYTES_MAX, PutError};
use crate::item::{Attributes, Timestamp};
use crate::located::Located;
use crate::reservation::Reservation;
use crate::size;
use crate::stripe::{Refusal, Stripe};
use crate::sync::{Arc, Ordering};

impl Store {
    /// Runs `step` until it has the room it asks for.
    pub(super) fn with_room<R>(
        &self,
        home: Home,
        item_bytes: usize,
        now: Timestamp,
        mut step: impl FnMut(&mut Stripe) -> Result<R, Refusal>,
    ) -> Result<R, PutError> {
        let mut credit = 0;
        for _ in 0..ATTEMPTS_MAX {
            let result = self.with_hint(home.stripe, |stripe| {
                stripe.add_credit(core::mem::take(&mut credit));
                step(stripe)
            });
            match result {
                Ok(done) => return Ok(done),
                Err(refusal @ Refusal::TooLarge { .. }) => {
                    return Err(self.refuse(home, refusal, item_bytes));
                }
                Err(refusal) => match self.make_room(home.stripe, refusal.memory_bytes(), now) {
                    Some(taken) => credit = taken,
                    None => return Err(self.refuse(home, refusal, item_bytes)),
                },
            }
        }
        self.with(home.stripe, |stripe| stripe.add_credit(credit));
        Err(self.refuse(
            home,
            Refusal::Short {
                memory_bytes: credit,
            },
            item_bytes,
        ))
    }

    /// Takes `bytes` from the budget, making room as needed; holds no lock before or after.
    ///
    /// The stripe in need gives first, unless the one whose turn it is has an older item: so the
    /// order of eviction is nearly that of one list, and no stripe starves. If that brings nothing,
    /// all stripes are asked in turn.
    pub(super) fn make_room(&self, home: usize, bytes: usize, now: Timestamp) -> Option<usize> {
        let stripes = self.stripes.len();
        let mut turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let (mut in_vain, mut freed_bytes) = (0, 0);
        while !self.budget.try_take(bytes) {
            if in_vain > stripes || freed_bytes > FREED_FACTOR_MAX * bytes + FREED_EXTRA_BYTES {
                return None;
            }
            turn = turn.wrapping_add(1);
            let giver = if in_vain > 0 {
                turn % stripes
            } else {
                self.older(home, turn)
            };
            let may_evict = self.settings.evict;
            let freed = self.with_hint(giver, |stripe| stripe.make_room(bytes, may_evict, now));
            freed_bytes += freed;
            in_vain = if freed == 0 { in_vain + 1 } else { 0 };
        }
        Some(bytes)
    }

    /// Returns the stripe with the older item: `home`, or another whose turn it is.
    fn older(&self, home: usize, turn: usize) -> usize {
        let stripes = self.stripes.len();
        let others = (stripes - 1).max(1);
        let other = (home + 1 + turn % others) % stripes;
        let oldest_use = |number: usize| self.stripes[number].oldest_use.load(Ordering::Relaxed);
        if oldest_use(other) < oldest_use(home) {
            other
        } else {
            home
        }
    }

    pub(super) fn make_reservation(
        &self,
        located: Located<'_>,
        value_bytes: usize,
        attributes: Attributes,
        now: Timestamp,
        is_held: bool,
    ) -> Result<Reservation, PutError> {
        let Located { key, hash } = located;
        let Attributes { flags, expiry } = attributes;
        let item_bytes = self.check_size(key, flags, value_bytes)?;
        // With what the tables may need at commit, so that commit cannot fail.
        let memory_bytes = counted::memory_bytes(key.len(), value_bytes) + Stripe::GROWTH_BYTES_MAX;
        let home = self.split(hash);
        let no_room = || self.refuse(home, Refusal::Short { memory_bytes }, item_bytes);
        let held_bytes = if is_held { memory_bytes } else { 0 };
        if is_held && !self.budget.try_hold(held_bytes) {
            return Err(no_room());
        }
        // From here on, dropping the reservation settles the books.
        let account = self.with(home.stripe, |stripe| {
            stripe.keep(home.place(key), now);
            Arc::clone(stripe.account())
        });
        let mut reservation = Reservation::new(account, held_bytes, hash, expiry);
        let Some(taken_bytes) = self.make_room(home.stripe, memory_bytes, now) else {
            return Err(no_room());
        };
        if !reservation.allocate(taken_bytes, key, value_bytes, flags) {
            return Err(no_room());
        }
        Ok(reservation)
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
        let item_bytes =
            size::item_bytes(key.len(), flags, 0, self.settings.cas).saturating_add(value_bytes);
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

/// How often a store is tried when others take or change what it looked at; more than once is rare.
const ATTEMPTS_MAX: usize = 8;
/// How much may be freed for one store while others take it away: a bound, rarely reached.
const FREED_FACTOR_MAX: usize = 8;
const FREED_EXTRA_BYTES: usize = 1 << 20;
