//! Time, as the daemon tells it.

use core::time::Duration;
use std::time::Instant;

/// One reading of both clocks: the monotonic one for deadlines, the wall clock for logs.
///
/// The daemon reads them once per wake-up and passes the pair to every call it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the daemon builds one from its two clocks"
)]
pub struct Now {
    /// The monotonic clock.
    pub instant: Instant,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: u64,
}

impl Now {
    /// Pairs a monotonic reading with a wall-clock one.
    #[must_use]
    pub const fn new(instant: Instant, unix_ms: u64) -> Self {
        Self { instant, unix_ms }
    }

    /// Whole milliseconds from `earlier` to this reading, rounded to the nearest; 0 if `earlier` is later.
    #[must_use]
    pub fn ms_since(&self, earlier: Instant) -> u64 {
        let micros = self.instant.saturating_duration_since(earlier).as_micros();
        u64::try_from((micros + 500) / 1000).unwrap_or(u64::MAX)
    }
}

/// `base + wait`, or `None` where the sum does not exist: a deadline that never comes.
pub(crate) fn deadline(base: Instant, wait: Duration) -> Option<Instant> {
    base.checked_add(wait)
}
