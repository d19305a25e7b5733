use core::time::Duration;

use crate::SettingsError;

/// How a fleet is used: copies, times and limits. The defaults suit PHP-like sessions on a LAN.
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
    /// The longest value accepted from a node: 1 MiB, memcached's own limit of an item.
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
        let one_ms = Duration::from_millis(1);
        for (field, found) in [
            ("lock_pause_min", self.lock_pause_min),
            ("reply_timeout", self.reply_timeout),
            ("backoff_min", self.backoff_min),
        ] {
            if found < one_ms {
                let found = u64::from(found.subsec_micros());
                return Err(SettingsError::Range {
                    field,
                    found,
                    min: 1_000,
                    max: u64::MAX,
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
}
