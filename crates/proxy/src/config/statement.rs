//! A statement: the words of a line, with the ways to ask for them and to complain about them.

use core::str::FromStr;
use core::time::Duration;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Position};
use super::lexer::Word;
use super::units::parse_time;

/// One line's words, at least one.
#[derive(Clone, Copy)]
pub(super) struct Statement<'a> {
    /// The words, without a leading `no` or `default`. Not empty.
    words: &'a [Word],
    /// What a leading `no` or `default` says.
    pub(super) modifier: Modifier,
    file: &'a Arc<str>,
    line: u32,
}

/// A word before the keyword that turns it round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modifier {
    /// None: switch on.
    Set,
    /// `no`: switch off.
    No,
    /// `default`: back to the built-in value, which is off for everything that we have.
    Default,
}

impl<'a> Statement<'a> {
    /// The statement of `words`; `None` if there are none, or only `no`.
    pub(super) fn new(words: &'a [Word], file: &'a Arc<str>, line: u32) -> Option<Self> {
        let (modifier, words) = match words.first()?.text.as_str() {
            "no" if words.len() > 1 => (Modifier::No, &words[1..]),
            "default" if words.len() > 1 => (Modifier::Default, &words[1..]),
            _ => (Modifier::Set, words),
        };
        Some(Self {
            words,
            modifier,
            file,
            line,
        })
    }

    /// The first word.
    pub(super) fn keyword(&self) -> &'a str {
        &self.words[0].text
    }

    /// The word at `index`; the keyword's is 0.
    pub(super) fn word(&self, index: usize) -> Option<&'a str> {
        self.words.get(index).map(|word| word.text.as_str())
    }

    /// The place of the word at `index`, or of the keyword if there is no such word.
    pub(super) fn position_of(&self, index: usize) -> Position {
        let word = self.words.get(index).unwrap_or(&self.words[0]);
        Position::new(Arc::clone(self.file), self.line, word.column)
    }

    /// The place of the keyword.
    pub(super) fn position(&self) -> Position {
        self.position_of(0)
    }

    /// A fault of the word at `index`.
    pub(super) fn error(&self, index: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&self.position_of(index), message)
    }

    /// Refuses words after the first `count` arguments; `of` names the statement.
    pub(super) fn check_arguments_max(&self, count: usize, of: &str) -> Result<(), Diagnostic> {
        match self.word(count + 1) {
            None => Ok(()),
            Some(extra) => {
                let message = format!("'{of}' cannot handle unexpected argument '{extra}'.");
                Err(self.error(count + 1, message))
            }
        }
    }

    /// Refuses `no` and `default`.
    pub(super) fn check_not_negated(&self, of: &str) -> Result<(), Diagnostic> {
        match self.modifier {
            Modifier::Set => Ok(()),
            _ => Err(self.error(0, format!("negation/default is not supported for {of}."))),
        }
    }

    /// The argument at `index`, or the complaint `expected`.
    pub(super) fn require(&self, index: usize, expected: &str) -> Result<&'a str, Diagnostic> {
        self.word(index).ok_or_else(|| self.error(index, expected))
    }

    /// The integer at `index`, from `min` to `max`, as the only argument; `of` names the statement.
    pub(super) fn integer<T>(&self, index: usize, of: &str, min: T, max: T) -> Result<T, Diagnostic>
    where
        T: FromStr + PartialOrd + core::fmt::Display,
    {
        let expected = format!("'{of}' expects an integer argument.");
        let text = self.require(index, &expected)?;
        self.check_arguments_max(index, of)?;
        parse_integer(text, of, min, max).map_err(|message| self.error(index, message))
    }

    /// The time at `index`, as the only argument; `of` names the statement.
    pub(super) fn time(&self, index: usize, of: &str) -> Result<Duration, Diagnostic> {
        let expected = format!("'{of}' expects an integer value (in milliseconds)");
        let text = self.require(index, &expected)?;
        self.check_arguments_max(index, of)?;
        parse_time(text).map_err(|error| self.error(index, error.message(text, of)))
    }
}

/// Reads a decimal integer from `min` to `max`; `of` names what it is for.
pub(super) fn parse_integer<T>(text: &str, of: &str, min: T, max: T) -> Result<T, String>
where
    T: FromStr + PartialOrd + core::fmt::Display,
{
    let out_of_range = || format!("'{of}' value must be between {min} and {max} (was {text})");
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("'{of}' expects an integer argument, not '{text}'."));
    }
    let value: T = text.parse().map_err(|_| out_of_range())?;
    if value < min || value > max {
        Err(out_of_range())
    } else {
        Ok(value)
    }
}
