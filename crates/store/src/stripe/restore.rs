//! Putting items back under the ids they had.

use super::Stripe;
use crate::item::{CasId, Timestamp};

impl Stripe {
    /// Runs `step`, which stores one item at `now`, so that the item is stored under `id`, if one is
    /// given.
    pub(crate) fn under_id<R>(
        &mut self,
        id: Option<CasId>,
        now: Timestamp,
        step: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let Some(id) = id else { return step(self) };
        // A flush that is due ends what the ids given out so far stand for, not those before `id`.
        self.settle_flush(now);
        let next = core::mem::replace(&mut self.next_cas, id.get());
        let by = core::mem::take(&mut self.cas_step);
        self.is_restoring = true;
        let result = step(self);
        self.is_restoring = false;
        (self.next_cas, self.cas_step) = (next, by);
        self.skip_ids(id.get().saturating_add(1));
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
