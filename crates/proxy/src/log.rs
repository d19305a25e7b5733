//! Log lines: what is said about a request, and how it is framed for syslog.

mod record;

pub use record::{
    Cause, ConnectRecord, Connections, HttpRecord, Phase, QueuePositions, ServerField, Termination,
    Timers,
};

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
