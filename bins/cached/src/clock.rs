//! The server's coarse clock: read by every worker, advanced by one thread.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use steadfast_engine::Now;

/// Whole seconds since the start, and the Unix time beside them.
///
/// Reading it costs two loads, not a system call: expiry is counted in seconds.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    uptime_secs: AtomicU32,
    unix_secs: AtomicU64,
}

impl Clock {
    /// Starts a clock.
    pub(crate) fn start() -> Self {
        let clock = Self {
            started: Instant::now(),
            uptime_secs: AtomicU32::new(0),
            unix_secs: AtomicU64::new(0),
        };
        clock.advance();
        clock
    }

    /// Returns the time of the last [`Clock::advance`].
    pub(crate) fn now(&self) -> Now {
        // The two may come from different ticks: a second apart at most, once.
        let uptime_secs = self.uptime_secs.load(Ordering::Relaxed);
        Now::since_start(uptime_secs, self.unix_secs.load(Ordering::Relaxed))
    }

    /// Brings the clock up to date, and returns how long to wait for its next second.
    pub(crate) fn advance(&self) -> Duration {
        let uptime = self.started.elapsed();
        let uptime_secs = u32::try_from(uptime.as_secs()).unwrap_or(u32::MAX);
        self.uptime_secs.store(uptime_secs, Ordering::Relaxed);
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.unix_secs.store(unix.as_secs(), Ordering::Relaxed);
        Duration::from_secs(1) - Duration::from_nanos(u64::from(uptime.subsec_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_stands_until_it_is_advanced_and_knows_its_next_tick() {
        let clock = Clock::start();
        let before = clock.now();
        assert!(clock.now() == before && before.unix_secs > 1_600_000_000);
        let wait = clock.advance();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1));
    }
}
