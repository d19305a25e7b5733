//! The words of `-o`.

mod effects;
mod table;

use super::draft::Draft;
use super::{UsageError, tls};

pub(super) use self::table::{MEMCACHED, OURS};

/// One word of `-o`.
#[derive(Debug)]
pub(super) struct Suboption {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) help: &'static str,
    pub(super) effect: fn(&mut Draft, &str) -> Result<(), UsageError>,
}

/// Whether a word takes a value, and what that stands for in the help.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Absent,
    Needed(&'static str),
    Optional(&'static str),
}

/// Applies one `-o` list; later words win.
pub(super) fn apply(draft: &mut Draft, list: &str) -> Result<(), UsageError> {
    list.split(',')
        .filter(|word| !word.is_empty())
        .try_for_each(|word| apply_one(draft, word))
}

fn apply_one(draft: &mut Draft, word: &str) -> Result<(), UsageError> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    if let Some(known) = all().find(|known| known.name == name) {
        return match (known.value, value) {
            (Value::Needed(_), None) => {
                Err(UsageError::value(format!("'{name}' requires a value")))
            }
            (Value::Absent, Some(_)) => Err(UsageError::value(format!("'{name}' takes no value"))),
            _ => {
                (known.effect)(draft, value.unwrap_or_default()).map_err(|error| error.about(name))
            }
        };
    }
    if let Some((_, what)) = ELSEWHERE.iter().find(|(begin, _)| name.starts_with(begin)) {
        return Err(UsageError::usage(format!("'{name}' can't be had: {what}")));
    }
    Err(UsageError::value(format!(
        "illegal suboption '{name}'; see --help"
    )))
}

/// All words.
pub(super) fn all() -> impl Iterator<Item = &'static Suboption> {
    MEMCACHED.iter().chain(tls::WORDS).chain(OURS)
}

/// Beginnings of memcached's words for what is not here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("ext_", "items are kept in memory only"),
    ("proxy_", "there is no proxy in here"),
];
