//! Where log lines go, and what is logged.

use super::address::{Address, NOT_IMPLEMENTED, parse_log};
use super::diagnostic::{Diagnostic, Position};
use super::keyword::unknown;
use super::statement::{Statement, parse_integer};
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
    /// The statement's place, for messages about a name without an address.
    pub position: Position,
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

/// Where a proxy's lines go, before `log global` is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LogSource {
    /// `log global`.
    Global,
    /// `log ADDRESS ...`.
    Target(LogTarget),
}

/// Reads the statement `log ADDRESS [len N] [format F] [sample R:S] FACILITY [MAX [MIN]]`.
pub(super) fn parse_target(statement: &Statement<'_>) -> Result<LogTarget, Diagnostic> {
    let expects = "log : expects <address> and <facility> as arguments";
    let address = statement.require(1, expects)?;
    let address = parse_log(address).map_err(|text| statement.error(1, format!("log : {text}")))?;
    let (line_bytes_max, at) = parse_settings(statement)?;
    let name = statement.require(at, expects)?;
    let facility = Facility::from_name(name)
        .ok_or_else(|| slip(statement, at, "log facility", Facility::names()))?;
    let level = |index: usize, default: Level| match statement.word(index) {
        None => Ok(default),
        Some(name) => Level::from_name(name)
            .ok_or_else(|| slip(statement, index, "optional log level", Level::names())),
    };
    let level_max = level(at + 1, Level::Debug)?;
    let level_min = level(at + 2, Level::Emergency)?;
    statement.check_arguments_max(at + 2, "log")?;
    Ok(LogTarget {
        address,
        line_bytes_max,
        facility,
        level_max,
        level_min,
        position: statement.position(),
    })
}

/// The complaint about a word that is none of `names`.
fn slip(
    statement: &Statement<'_>,
    index: usize,
    what: &str,
    names: impl Iterator<Item = &'static str>,
) -> Diagnostic {
    let word = statement.word(index).unwrap_or_default();
    statement.error(
        index,
        format!("log : {}", unknown(what, word, "", names, "")),
    )
}

/// Reads the settings between address and facility. Gives the length of lines, and the index after.
fn parse_settings(statement: &Statement<'_>) -> Result<(u32, usize), Diagnostic> {
    let mut line_bytes_max = LINE_BYTES_MAX;
    let mut at = 2;
    loop {
        match statement.word(at) {
            Some("len") => {
                let text = statement.require(at + 1, "log : 'len' expects a number of bytes")?;
                line_bytes_max = parse_integer(text, "log len", 80, 65_535)
                    .map_err(|text| statement.error(at + 1, text))?;
            }
            Some("format") if matches!(statement.word(at + 1), Some("local")) => {}
            Some(word @ ("format" | "sample" | "profile")) => {
                let value = statement.word(at + 1).unwrap_or_default();
                let text = format!("log : '{word} {value}' {NOT_IMPLEMENTED}");
                return Err(statement.error(at, text));
            }
            _ => return Ok((line_bytes_max, at)),
        }
        at += 2;
    }
}

/// The default length of a line. HAProxy's, and the longest that old syslog daemons take.
const LINE_BYTES_MAX: u32 = 1024;
