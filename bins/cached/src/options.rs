//! memcached's command line.
//!
//! One table says what every flag is called, takes, does and means, and one the same of the words of
//! `-o`; parsing and `--help` both read them, and a test compares the manual with both. Values may be bundled (`-m64`, `-vv`), separate, or behind `=` for long names, which
//! may be cut short while they stay unique, as with GNU getopt.

mod address;
mod config;
mod draft;
mod flags;
mod help;
mod suboptions;
#[cfg(test)]
mod tests;
mod tls;

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use lexopt::{Arg, Parser};
use steadfast_host::exit::Status;

use self::draft::Draft;
use self::flags::{Effect, Flag};
use crate::settings::Settings;

pub use self::help::{help, licence, version};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "main does one of these")]
pub enum Request {
    /// Serve.
    Run(Box<Options>),
    /// Say that the options are good, and end.
    Check,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Print the licence.
    Licence,
}

/// Everything that the command line can say about a server and its process.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// What the server does.
    pub settings: Settings,
    /// Go to the background (`-d`).
    pub daemon: bool,
    /// Whom to become when started as root (`-u`).
    pub user: Option<String>,
    /// Where to write the process number (`-P`).
    pub pid_file: Option<PathBuf>,
    /// Allow core files, and stay in the working folder (`-r`).
    pub core_dumps: bool,
    /// Keep all memory from being swapped out (`-k`).
    pub lock_memory: bool,
    /// Save the items at TERM, too, not at USR1 only (`--save-on-term`).
    pub save_on_term: bool,
    /// Things worth saying before serving; reading them is not required.
    pub warnings: Vec<String>,
}

/// Reads a command line, without the program's own name, and the files that it names by `--config`.
///
/// With `-S`, the file of [`Authentication::Sasl`](crate::settings::Authentication::Sasl) is left
/// empty: the environment names it.
///
/// # Errors
///
/// When an option is unknown, can't be had here, lacks its value or contradicts another; when a file
/// can't be read.
pub fn parse<I>(arguments: I) -> Result<Request, UsageError>
where
    I: IntoIterator,
    I::Item: Into<OsString>,
{
    let mut draft = Draft::default();
    match read(&mut draft, arguments)? {
        Some(answer) => Ok(answer),
        None => draft.finish(),
    }
}

/// Reads options into a draft, up to the first that is a question; returns the question.
fn read<I>(draft: &mut Draft, arguments: I) -> Result<Option<Request>, UsageError>
where
    I: IntoIterator,
    I::Item: Into<OsString>,
{
    let mut parser = Parser::from_args(arguments);
    parser.set_short_equals(false);
    while let Some(flag) = next_flag(&mut parser)? {
        let value = match flag.value {
            Some(_) => take_value(&mut parser, flag)?,
            None => String::new(),
        };
        match &flag.effect {
            Effect::Does(act) => act(draft, &value).map_err(|error| error.about(flag))?,
            Effect::Answers(request) => return Ok(Some(request.clone())),
            Effect::ReadsFile => {
                let words = config::read(draft, &value).map_err(|error| error.about(flag))?;
                let answer = read(draft, words).map_err(|error| error.about(&value))?;
                if answer.is_some() {
                    return Ok(answer);
                }
            }
        }
    }
    Ok(None)
}

/// Why a command line can't be followed, and the exit status for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError {
    status: Status,
    message: String,
}

impl UsageError {
    /// A word or a value that can't be understood: exit status 1, as getopt's callers do.
    fn value(message: impl Into<String>) -> Self {
        Self {
            status: Status::Failure,
            message: message.into(),
        }
    }

    /// Options that can't be had, or not together: exit status 64.
    fn usage(message: impl Into<String>) -> Self {
        Self {
            status: Status::Usage,
            message: message.into(),
        }
    }

    /// What the system refuses: exit status 71.
    fn system(message: impl Into<String>) -> Self {
        Self {
            status: Status::OsError,
            message: message.into(),
        }
    }

    fn about(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Returns what the process should exit with.
    pub fn status(&self) -> Status {
        self.status
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for UsageError {}

fn next_flag(parser: &mut Parser) -> Result<Option<&'static Flag>, UsageError> {
    let argument = parser.next().map_err(|error| match error {
        lexopt::Error::UnexpectedValue { option, .. } => {
            UsageError::value(format!("{option} takes no value"))
        }
        other => UsageError::value(other.to_string()),
    })?;
    match argument {
        None => Ok(None),
        Some(Arg::Short(letter)) => flags::by_letter(letter)
            .map(Some)
            .ok_or_else(|| UsageError::value(format!("unknown option '-{letter}'; see --help"))),
        Some(Arg::Long(name)) => flags::by_name(name).map(Some),
        Some(Arg::Value(word)) => {
            let word = word.to_string_lossy();
            Err(UsageError::value(format!(
                "unexpected argument '{word}'; see --help"
            )))
        }
    }
}

fn take_value(parser: &mut Parser, flag: &Flag) -> Result<String, UsageError> {
    let value = parser
        .value()
        .map_err(|_| UsageError::value(format!("{flag} requires a value; see --help")))?;
    value
        .into_string()
        .map_err(|_| UsageError::value("the value is not UTF-8 text").about(flag))
}
