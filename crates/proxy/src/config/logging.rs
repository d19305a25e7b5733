//! Where log lines go, and what is logged.

use super::address::Address;
use crate::log::{Facility, Level};

/// A `log` statement: a receiver of log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogTarget {
    /// UDP, or a datagram socket's path. The port is 514 unless the file gives one.
    pub address: Address,
    /// `len`: bytes after which a line is cut, 80 to 65535. Default: 1024.
    pub line_bytes_max: u32,
    /// The facility of each line.
    pub facility: Facility,
    /// Lines less important than this are not sent. Default: [`Level::Debug`], all are sent.
    pub level_max: Level,
    /// Lines more important than this are sent as if they were of this level.
    /// Default: [`Level::Emergency`], none is changed.
    pub level_min: Level,
}

/// What a proxy logs, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Logging {
    /// The receivers; `log global` has been replaced by those of the `global` section.
    pub targets: Vec<LogTarget>,
    /// The form of the lines about requests.
    pub format: TrafficFormat,
    /// `option dontlognull`: a connection that sent no byte is not logged.
    pub dont_log_null: bool,
    /// `option dontlog-normal`: only errors are logged.
    pub dont_log_normal: bool,
    /// `option log-separate-errors`: errors are logged at level `err` instead of `info`.
    pub separate_errors: bool,
    /// `option log-health-checks`: every change of a probe's result is logged.
    pub log_health_checks: bool,
}

/// The form of the lines about requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrafficFormat {
    /// No option: `Connect from A:P to B:Q (frontend/HTTP)`, when a connection is accepted.
    #[default]
    Connect,
    /// `option httplog`: a line per request, when it has ended.
    Http,
}
