//! Putting items back that another store held, and the ids they had.

use super::Stripe;
use crate::item::Timestamp;

impl Stripe {
    /// Runs `step`, which stores an item that another store held: in the last room there is.
    pub(crate) fn restoring<R>(&mut self, step: impl FnOnce(&mut Self) -> R) -> R {
        self.is_restoring = true;
        let result = step(self);
        self.is_restoring = false;
        result
    }

    /// Gives out no id below `end` from now on.
    pub(crate) fn skip_ids(&mut self, end: u64) {
        let missing = end.saturating_sub(self.next_cas);
        self.next_cas += missing.div_ceil(self.cas_step) * self.cas_step;
    }

    /// The first id that was not given out yet.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_cas
    }

    /// When a flush that is yet to come ends everything stored up to then.
    pub(crate) fn flush_due(&self) -> Option<Timestamp> {
        self.flush_due
    }
}
