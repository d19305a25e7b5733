//! The clocks: the one place where this daemon reads them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use steadfast_proxy::time::Now;

/// Reads both clocks.
pub(crate) fn now() -> Now {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Now::new(
        Instant::now(),
        u64::try_from(unix.as_millis()).unwrap_or(u64::MAX),
    )
}

/// The local time zone, read once: inside a jail its data would be out of reach.
#[derive(Debug)]
pub(crate) struct LocalTime {
    zone: TimeZone,
    /// The quarter of an hour that was asked about last, and its offset.
    cached: Mutex<(u64, i32)>,
}

impl LocalTime {
    /// Loads the zone of the machine (`TZ`, else `/etc/localtime`, else UTC).
    pub(crate) fn load() -> Self {
        let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
        Self {
            zone,
            cached: Mutex::new((u64::MAX, 0)),
        }
    }

    /// Seconds east of UTC at `unix_ms`.
    pub(crate) fn offset_seconds(&self, unix_ms: u64) -> i32 {
        let mut cached = self.cached.lock();
        // No zone has ever changed its clocks at another moment than a full quarter of an hour.
        let quarter = unix_ms / QUARTER_MS;
        if cached.0 != quarter {
            let at = i64::try_from(unix_ms)
                .ok()
                .and_then(|ms| Timestamp::from_millisecond(ms).ok());
            let offset = at.map_or(0, |at| self.zone.to_offset(at).seconds());
            *cached = (quarter, offset);
        }
        cached.1
    }
}

const QUARTER_MS: u64 = 15 * 60 * 1000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn offset_follows_the_zone_through_a_change_of_clocks() {
        let local = LocalTime {
            zone: TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap(),
            cached: Mutex::new((u64::MAX, 0)),
        };
        // 2026-10-25T01:00:00Z ends summer time.
        assert_eq!(local.offset_seconds(1_792_890_000_000 - 1), 7200);
        assert_eq!(local.offset_seconds(1_792_890_000_000), 3600);
    }
}
