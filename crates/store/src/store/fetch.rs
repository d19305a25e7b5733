//! Fetching what will be asked for.

use super::Store;
use crate::located::Located;
use crate::stripe::Stripe;

impl Store {
    /// Hashes `key`, once for all that is done with it, and has the processor fetch the place where
    /// it would be found.
    ///
    /// With many keys at hand, locate some of them, [`prefetch`](Self::prefetch) those, and then use
    /// them: the waits for memory overlap. For one key alone there is nothing to win.
    #[must_use]
    #[inline]
    pub fn locate<'a>(&self, key: &'a [u8]) -> Located<'a> {
        let located = self.hashed(key);
        let home = self.split(located.hash);
        self.stripes[home.stripe].hints.prefetch(home.hash);
        located
    }

    /// Has the processor fetch the items under located keys, those that there are. Changes nothing,
    /// and counts as no use.
    ///
    /// Of some dozen keys at once each costs less: takes a stripe's lock once for all of its keys in
    /// 32, and not at all while others have it.
    pub fn prefetch<'a, 'k: 'a>(&self, keys: impl IntoIterator<Item = &'a Located<'k>>) {
        let mut keys = keys.into_iter();
        loop {
            let mut batch = Batch::default();
            while batch.len < BATCH {
                let Some(key) = keys.next() else { break };
                let home = self.split(key.hash);
                batch.stripes[batch.len] = home.stripe as u16;
                batch.hashes[batch.len] = home.hash;
                batch.len += 1;
            }
            let further = self.fetch(&batch, u32::MAX, Stripe::prefetch_item);
            self.fetch(&batch, further, |stripe, hash| {
                stripe.prefetch_further(hash);
                false
            });
            if batch.len < BATCH {
                return;
            }
        }
    }

    /// Runs `step` with the hashes of the keys in `chosen`, a bit for each, stripe by stripe; returns
    /// those for which it returned true.
    #[inline(always)]
    fn fetch(&self, batch: &Batch, chosen: u32, step: impl Fn(&Stripe, u32) -> bool) -> u32 {
        let mut left = chosen & batch.all();
        let mut further = 0;
        while left != 0 {
            let number = batch.stripes[left.trailing_zeros() as usize];
            let mut here = left & batch.of_stripe(number);
            left &= !here;
            // A lock for each key would have each wait for the one before it.
            let Some(stripe) = self.stripes[usize::from(number)].stripe.try_lock() else {
                continue;
            };
            while here != 0 {
                let place = here.trailing_zeros();
                further |= u32::from(step(&stripe, batch.hashes[place as usize])) << place;
                here &= here - 1;
            }
        }
        further
    }
}

/// Some keys: the stripe of each, and its hash there.
#[derive(Default)]
struct Batch {
    stripes: [u16; BATCH],
    hashes: [u32; BATCH],
    len: usize,
}

impl Batch {
    /// A bit for each key.
    #[inline]
    fn all(&self) -> u32 {
        (1_u64 << self.len).wrapping_sub(1) as u32
    }

    /// A bit for each place whose key is in a stripe, or would be.
    #[inline]
    fn of_stripe(&self, number: u16) -> u32 {
        let stripes = self.stripes.iter().enumerate();
        stripes.fold(0, |found, (place, &stripe)| {
            found | u32::from(stripe == number) << place
        })
    }
}

/// One bit of a word for each.
const BATCH: usize = u32::BITS as usize;
