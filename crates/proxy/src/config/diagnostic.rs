//! What is wrong with a configuration, where, and how it is told.

use core::fmt;
use std::sync::Arc;

/// A place in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position {
    /// The file's name as the caller gave it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in bytes, from 1.
    pub column: u32,
}

impl Position {
    /// The place `line:column` of `file`, both counted from 1.
    #[must_use]
    pub fn new(file: Arc<str>, line: u32, column: u32) -> Self {
        Self { file, line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a message stops the start or it does not"
)]
pub enum Severity {
    /// The configuration works, and probably not as meant.
    Warning,
    /// The configuration can't be used.
    Error,
}

/// One message about a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is; `None` if it concerns no single place.
    pub position: Option<Position>,
    /// What it is. One line, or the line and an excerpt with a caret under it.
    pub message: String,
}

impl Diagnostic {
    /// A fault that makes the configuration unusable.
    pub(crate) fn error(position: &Position, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            position: Some(position.clone()),
            message: message.into(),
        }
    }

    /// Something that is probably not meant.
    pub(crate) fn warning(position: &Position, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(position, message)
        }
    }

    /// The message as HAProxy prints it, for programs that read such lines:
    /// `[ALERT]    (PID) : config : parsing [FILE:LINE] : text`.
    ///
    /// `pid` is the process that speaks.
    #[must_use]
    pub fn to_haproxy(&self, pid: u32) -> String {
        let level = match self.severity {
            Severity::Warning => "[WARNING] ",
            Severity::Error => "[ALERT]   ",
        };
        match &self.position {
            Some(at) => format!(
                "{level} ({pid}) : config : parsing [{}:{}] : {}",
                at.file, at.line, self.message
            ),
            None => format!("{level} ({pid}) : config : {}", self.message),
        }
    }
}

/// `file:line:column: error: text`, the form that editors understand.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        match &self.position {
            Some(position) => write!(f, "{position}: {severity}: {}", self.message),
            None => write!(f, "{severity}: {}", self.message),
        }
    }
}
