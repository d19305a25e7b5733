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
    /// What it is: one line without control characters, whatever the file holds; for some faults
    /// with an excerpt or an explanation on the lines after it.
    pub message: String,
}

impl Diagnostic {
    /// A fault that makes the configuration unusable.
    pub(crate) fn error(position: &Position, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            position: Some(position.clone()),
            message: one_line(message.into()),
        }
    }

    /// Something that is probably not meant.
    pub(crate) fn warning(position: &Position, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(position, message)
        }
    }

    /// The same with `lines` under the message; each begins with its line feed.
    pub(crate) fn with_lines(mut self, lines: &str) -> Self {
        self.message.push_str(lines);
        self
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

/// Escapes control characters: words can hold line feeds and the commands of terminals.
fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
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

/// The complaints about all files, in order, as many as are kept.
///
/// Invariant: at most [`KEPT_MAX`] complaints, then at most one note that there were others. The
/// note is an error if one of those others was: a configuration never loads past a lost error.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    kept: Vec<Diagnostic>,
    has_error: bool,
}

impl Complaints {
    /// Keeps `diagnostic`, or only that there was one.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let severity = diagnostic.severity;
        self.has_error |= severity == Severity::Error;
        if self.kept.len() < KEPT_MAX {
            self.kept.push(diagnostic);
        } else if let Some(note) = self.kept.get_mut(KEPT_MAX) {
            note.severity = note.severity.max(severity);
        } else {
            self.kept.push(Diagnostic {
                message: String::from("too many messages; this and later ones are not listed"),
                ..diagnostic
            });
        }
    }

    /// Tells whether the configuration is unusable.
    pub(super) fn has_error(&self) -> bool {
        self.has_error
    }

    /// Tells whether reading on can't bring anything that would be told.
    pub(super) fn is_hopeless(&self) -> bool {
        self.has_error && self.kept.len() > KEPT_MAX
    }

    /// The complaints, in order.
    pub(super) fn into_vec(self) -> Vec<Diagnostic> {
        self.kept
    }
}

/// Complaints that are kept: more than anybody reads.
const KEPT_MAX: usize = 1000;
