//! Memory for requests that outgrow the workers' own buffers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The bytes that all clients together may hold of incomplete long requests.
///
/// The protocol bounds each request; this bounds their sum, or a thousand clients with an endless
/// multiget each could take many times the memory of the store.
///
/// Invariant: `held` is the sum of all shares, of which `holders` are not empty.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_max: usize,
    held: AtomicUsize,
    holders: AtomicUsize,
    refused: AtomicU64,
}

impl Budget {
    /// Nothing held yet, of `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            held: AtomicUsize::new(0),
            holders: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Returns how many bytes are held.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Returns how many clients hold some.
    pub(crate) fn holders(&self) -> usize {
        self.holders.load(Ordering::Relaxed)
    }

    /// Returns how often a client was refused more.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Returns an empty share.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share {
            budget: Arc::clone(self),
            bytes: 0,
        }
    }
}

/// One client's part of a budget; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Makes the share at least `bytes` large. If the budget does not allow it, the share stays as
    /// it is, and the answer is `false`.
    #[must_use]
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let Some(more) = bytes.checked_sub(self.bytes) else {
            return true;
        };
        let grown = self
            .budget
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                held.checked_add(more)
                    .filter(|&held| held <= self.budget.bytes_max)
            });
        if grown.is_err() {
            self.budget.refused.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        if self.bytes == 0 && bytes > 0 {
            self.budget.holders.fetch_add(1, Ordering::Relaxed);
        }
        self.bytes = bytes;
        true
    }

    /// Gives everything back.
    pub(crate) fn clear(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes > 0 {
            self.budget.held.fetch_sub(bytes, Ordering::Relaxed);
            self.budget.holders.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_grow_within_the_budget_and_are_given_back() {
        let budget = Arc::new(Budget::new(100));
        let (mut one, mut other) = (budget.share(), budget.share());
        assert!(one.grow_to(60) && one.grow_to(40) && other.grow_to(40));
        assert!(!other.grow_to(41));
        assert_eq!((budget.held_bytes(), budget.holders()), (100, 2));
        one.clear();
        assert_eq!((budget.held_bytes(), budget.holders()), (40, 1));
        assert!(other.grow_to(100) && !one.grow_to(1));
        drop(other);
        assert!(one.grow_to(100));
        assert_eq!((budget.holders(), budget.refused()), (1, 2));
    }
}
