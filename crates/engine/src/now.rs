//! The time of a call, on two clocks.

use steadfast_store::{Expiry, Timestamp};

/// The time of a call: the store's clock, which only runs forward, and the Unix time, which may
/// be set.
///
/// The daemon reads both once per round of events. Relative expiry times count on the first
/// clock, absolute ones are compared with the second when they arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Now {
    /// Seconds on the store's clock. It must never run backwards, and must start above 0;
    /// [`Now::START_SECS`] plus the seconds since the start, as in memcached, is right.
    pub timestamp: Timestamp,
    /// Seconds since 1970-01-01.
    pub unix_secs: u64,
}

impl Now {
    /// Where the store's clock starts: memcached's starts at 2, so that `stats` shows an uptime
    /// of 2 and 1 can mean "expired".
    pub const START_SECS: u32 = 2;

    /// Puts both clocks together.
    #[must_use]
    pub const fn new(timestamp: Timestamp, unix_secs: u64) -> Self {
        Self {
            timestamp,
            unix_secs,
        }
    }

    /// The time `uptime_secs` seconds after the start of a store's clock.
    #[must_use]
    pub const fn since_start(uptime_secs: u32, unix_secs: u64) -> Self {
        Self::new(
            Timestamp::from_secs(Self::START_SECS.saturating_add(uptime_secs)),
            unix_secs,
        )
    }

    /// What a client's expiry time means now (protocol.txt, "Expiration times"): 0 is never,
    /// negative is over, up to 30 days are seconds from now, beyond that it is a Unix time.
    pub(crate) fn expiry(self, exptime: i32) -> Expiry {
        u32::try_from(exptime).map_or(Expiry::PAST, |exptime| self.expiry_unsigned(exptime))
    }

    /// The same for a number that cannot be negative, as in the binary protocol: dates run to 2106.
    pub(crate) fn expiry_unsigned(self, exptime: u32) -> Expiry {
        let secs_from_now = match exptime {
            0 => return Expiry::NEVER,
            1..=RELATIVE_SECS_MAX => exptime,
            // A date that has passed is over now, not at some time since.
            _ => match u64::from(exptime).checked_sub(self.unix_secs) {
                None | Some(0) => return Expiry::PAST,
                Some(secs) => u32::try_from(secs).unwrap_or(u32::MAX),
            },
        };
        Expiry::at(Timestamp::from_secs(
            self.timestamp.as_secs().saturating_add(secs_from_now),
        ))
    }
}

/// Thirty days: what is larger is a date.
const RELATIVE_SECS_MAX: u32 = 60 * 60 * 24 * 30;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now::new(Timestamp::from_secs(10), 1_700_000_000);

    fn at(secs: u32) -> Expiry {
        Expiry::at(Timestamp::from_secs(secs))
    }

    #[test]
    fn zero_is_never_and_negative_is_over() {
        assert_eq!(NOW.expiry(0), Expiry::NEVER);
        assert_eq!(NOW.expiry(-1), Expiry::PAST);
        assert_eq!(NOW.expiry(i32::MIN), Expiry::PAST);
    }

    #[test]
    fn up_to_thirty_days_are_relative_and_more_is_a_date() {
        assert_eq!(NOW.expiry(1), at(11));
        assert_eq!(NOW.expiry(2_592_000), at(2_592_010));
        assert_eq!(NOW.expiry(2_592_001), Expiry::PAST);
        assert_eq!(NOW.expiry(1_700_000_000), Expiry::PAST);
        assert_eq!(NOW.expiry(1_700_001_440), at(1450));
        assert_eq!(
            NOW.expiry_unsigned(u32::MAX),
            at(10 + (u32::MAX - 1_700_000_000))
        );
    }
}
