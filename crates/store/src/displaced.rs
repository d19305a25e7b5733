//! Extents on their way out.

use crate::counted::Linked;

/// A few extents that left a stripe under its lock, to be freed when the lock is gone.
///
/// Their memory goes back to the pool then, not before.
#[derive(Debug, Default)]
pub(crate) struct Displaced([Option<Linked>; DISPLACED_MAX]);

impl Displaced {
    /// Adds an extent; if there are too many, it is freed at once.
    pub(crate) fn push(&mut self, block: Linked) {
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none()) {
            *place = Some(block);
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // The first place is filled first.
        self.0[0].is_none()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    /// Takes the extents, if there are any.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Self> {
        (!self.is_empty()).then(|| core::mem::take(self))
    }
}

/// An operation displaces at most two: an expired item and a replaced one.
const DISPLACED_MAX: usize = 4;
