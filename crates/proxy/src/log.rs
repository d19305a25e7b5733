//! Log lines: what is said about a request, and how it is framed for syslog.

mod date;
mod line;
mod record;
mod syslog;

pub use date::Date;
pub use line::REQUEST_BYTES_MAX;
pub use record::{
    Cause, ConnectRecord, Connections, HttpRecord, Phase, QueuePositions, ServerField, Termination,
    Timers,
};
pub use syslog::Sender;

/// A syslog facility: the high bits of a line's priority (RFC 3164, section 4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facility(pub(crate) u8);

/// A syslog level, most important first (RFC 3164, section 4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::exhaustive_enums, reason = "syslog has these eight")]
pub enum Level {
    /// `emerg`: no server is left.
    Emergency,
    /// `alert`: a server is down.
    Alert,
    /// `crit`.
    Critical,
    /// `err`: a failed request, with `option log-separate-errors`.
    Error,
    /// `warning`: a proxy stops.
    Warning,
    /// `notice`: a server is up.
    Notice,
    /// `info`: a request.
    Info,
    /// `debug`.
    Debug,
}

impl Facility {
    /// The facility that a `log` statement calls `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let number = FACILITIES.iter().position(|facility| *facility == name)?;
        u8::try_from(number).ok().map(Self)
    }

    /// All names.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        FACILITIES.into_iter()
    }

    /// 0 to 23.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl Level {
    /// The level that a `log` statement calls `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        LEVELS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, level)| *level)
    }

    /// All names.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        LEVELS.into_iter().map(|(name, _)| name)
    }

    /// 0 for [`Level::Emergency`] to 7 for [`Level::Debug`].
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// The names of the facilities, in the order of their numbers.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2",
    "ftp", "ntp", "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

const LEVELS: [(&str, Level); 8] = [
    ("emerg", Level::Emergency),
    ("alert", Level::Alert),
    ("crit", Level::Critical),
    ("err", Level::Error),
    ("warning", Level::Warning),
    ("notice", Level::Notice),
    ("info", Level::Info),
    ("debug", Level::Debug),
];
