use core::time::Duration;

use crate::SettingsError;

/// How a fleet is used: copies, times and limits. The defaults suit PHP-like sessions on a LAN.
///
/// No time may be longer than 30 days; `lock_pause_min`, `reply_timeout` and `backoff_min` not shorter
/// than 1 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// On how many nodes a session is kept, home included: 2. More than there are nodes means all.
    pub copies: usize,
    /// How long a session lives after its last visit: 1440 s, as PHP's `session.gc_maxlifetime`.
    /// 1 to 2,592,000 (30 days: memcached takes more for a date).
    pub lifetime_seconds: u32,
    /// How long a lock outlives a holder that vanished: 15 s. 2 to 2,592,000.
    ///
    /// memcached counts whole seconds and can end a lease almost one second early.
    pub lease_seconds: u32,
    /// How long to wait for a lock that another holds: 20 s, longer than a lease, so that a vanished
    /// holder delays a visitor but does not turn one away.
    pub lock_wait_max: Duration,
    /// The first pause between two attempts at a lock: 5 ms. Each further one is twice as long.
    pub lock_pause_min: Duration,
    /// The longest pause between two attempts at a lock: 320 ms.
    pub lock_pause_max: Duration,
    /// How long a node may take to connect and answer before it counts as stopped: 250 ms.
    pub reply_timeout: Duration,
    /// How long a stopped node is left alone before it is probed: 250 ms, doubled by each probe that
    /// fails.
    pub backoff_min: Duration,
    /// The longest time between two probes: 8 s.
    pub backoff_max: Duration,
    /// The longest session, and the longest value accepted from a node: 1 MiB, memcached's own limit
    /// of an item. A node that returns a longer one counts as faulty.
    pub value_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            copies: 2,
            lifetime_seconds: 1440,
            lease_seconds: 15,
            lock_wait_max: Duration::from_secs(20),
            lock_pause_min: Duration::from_millis(5),
            lock_pause_max: Duration::from_millis(320),
            reply_timeout: Duration::from_millis(250),
            backoff_min: Duration::from_millis(250),
            backoff_max: Duration::from_secs(8),
            value_bytes_max: 1 << 20,
        }
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        range("copies", self.copies as u64, 1, u64::MAX)?;
        range(
            "lifetime_seconds",
            self.lifetime_seconds.into(),
            1,
            RELATIVE_SECONDS_MAX,
        )?;
        range(
            "lease_seconds",
            self.lease_seconds.into(),
            2,
            RELATIVE_SECONDS_MAX,
        )?;
        for (field, found, min) in [
            ("lock_wait_max", self.lock_wait_max, Duration::ZERO),
            ("lock_pause_min", self.lock_pause_min, TIME_MIN),
            ("lock_pause_max", self.lock_pause_max, Duration::ZERO),
            ("reply_timeout", self.reply_timeout, TIME_MIN),
            ("backoff_min", self.backoff_min, TIME_MIN),
            ("backoff_max", self.backoff_max, Duration::ZERO),
        ] {
            if !(min..=TIME_MAX).contains(&found) {
                return Err(SettingsError::Time {
                    field,
                    found,
                    min,
                    max: TIME_MAX,
                });
            }
        }
        Ok(())
    }
}

fn range(field: &'static str, found: u64, min: u64, max: u64) -> Result<(), SettingsError> {
    if (min..=max).contains(&found) {
        Ok(())
    } else {
        Err(SettingsError::Range {
            field,
            found,
            min,
            max,
        })
    }
}

/// protocol.txt, "Expiration times": more is taken for a date.
const RELATIVE_SECONDS_MAX: u64 = 2_592_000;

/// Less would be a busy loop.
const TIME_MIN: Duration = Duration::from_millis(1);

/// Sums and multiples of times are to stay times.
const TIME_MAX: Duration = Duration::from_secs(RELATIVE_SECONDS_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn lifetime_that_memcached_takes_for_a_date_is_refused() {
        let settings = Settings {
            lifetime_seconds: 2_592_001,
            ..Settings::default()
        };
        let error = settings.check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "lifetime_seconds of 2592001 is outside 1 to 2592000"
        );
    }

    #[test]
    fn times_that_no_clock_can_add_are_refused() {
        let settings = Settings {
            lock_wait_max: Duration::MAX,
            ..Settings::default()
        };
        let error = settings.check().unwrap_err().to_string();
        assert!(
            error.starts_with("lock_wait_max of ")
                && error.ends_with(" is outside 0ns to 2592000s"),
            "{error}"
        );
        let settings = Settings {
            reply_timeout: Duration::from_micros(20),
            ..Settings::default()
        };
        let error = settings.check().unwrap_err().to_string();
        assert_eq!(
            error,
            "reply_timeout of 20\u{b5}s is outside 1ms to 2592000s"
        );
    }
}
