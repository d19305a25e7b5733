//! Flags: what each is called, takes, does and means.

mod effects;
mod table;

use std::fmt;

use super::draft::Draft;
use super::{Request, UsageError};

pub(super) use self::table::{MEMCACHED, OURS};

/// One flag.
#[derive(Debug)]
pub(super) struct Flag {
    pub(super) letter: Option<char>,
    pub(super) name: Option<&'static str>,
    /// What the value stands for in the help; `None` when the flag takes none.
    pub(super) value: Option<&'static str>,
    pub(super) help: &'static str,
    pub(super) effect: Effect,
}

/// What a flag does.
#[derive(Debug)]
pub(super) enum Effect {
    /// Changes what will be run.
    Does(fn(&mut Draft, &str) -> Result<(), UsageError>),
    /// Is answered at once, instead of running.
    Answers(Request),
    /// Names a file of further options, which are read in its place.
    ReadsFile,
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.letter, self.name) {
            (Some(letter), Some(name)) => write!(f, "-{letter}, --{name}"),
            (Some(letter), None) => write!(f, "-{letter}"),
            (None, name) => write!(f, "--{}", name.unwrap_or_default()),
        }
    }
}

pub(super) fn by_letter(letter: char) -> Option<&'static Flag> {
    all().find(|flag| flag.letter == Some(letter))
}

/// Finds a flag by its long name or a beginning of it that fits no other.
pub(super) fn by_name(text: &str) -> Result<&'static Flag, UsageError> {
    let named = |flag: &&Flag| flag.name.is_some_and(|name| name.starts_with(text));
    if let Some(exact) = all().find(|flag| flag.name == Some(text)) {
        return Ok(exact);
    }
    let mut fitting = all().filter(named);
    match (fitting.next(), fitting.next()) {
        (Some(flag), None) => Ok(flag),
        (Some(one), Some(other)) => Err(UsageError::value(format!(
            "'--{text}' is ambiguous: {one} or {other}?"
        ))),
        (None, _) => Err(UsageError::value(format!(
            "unknown option '--{text}'; see --help"
        ))),
    }
}

fn all() -> impl Iterator<Item = &'static Flag> {
    MEMCACHED.iter().chain(OURS)
}
