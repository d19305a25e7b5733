//! Flags of one letter each, in a line of either direction.

use core::fmt;

use bytes::BufMut;

use crate::number::parse_u64;
use crate::words::Words;

/// One flag of a meta command or of its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a letter and what is behind it")]
pub struct MetaFlag<'a> {
    /// The flag's name.
    pub letter: u8,
    /// What follows it, often nothing.
    pub token: &'a [u8],
}

impl fmt::Debug for MetaFlag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = [self.letter];
        write!(f, "{}{}", letter.escape_ascii(), self.token.escape_ascii())
    }
}

/// The flags of a meta command or of its answer: an iterator in the order of the line, and a set.
#[derive(Clone, Copy)]
pub struct MetaFlags<'a> {
    pub(super) words: Words<'a>,
    /// A bit for each letter from `A` to `z`.
    pub(super) present: u64,
}

impl<'a> MetaFlags<'a> {
    /// No flags.
    pub const NONE: Self = Self {
        words: Words::new(b""),
        present: 0,
    };

    /// Whether there is a flag of this name. A single test; false for what is no letter.
    #[inline]
    #[must_use]
    pub const fn has(&self, letter: u8) -> bool {
        self.present & bit(letter) != 0
    }

    /// What follows the first flag of this name; none if there is no such flag. Linear in the
    /// length of the flags, if there is one.
    #[must_use]
    pub fn token(&self, letter: u8) -> Option<&'a [u8]> {
        if !self.has(letter) {
            return None;
        }
        self.into_iter()
            .find(|flag| flag.letter == letter)
            .map(|flag| flag.token)
    }

    /// The number behind the first flag of this name: of an answer's `c`, `f`, `h`, `l`, `s`, and
    /// `t` if there is an end to it. None if there is no such flag or no such number.
    #[must_use]
    pub fn number(&self, letter: u8) -> Option<u64> {
        self.token(letter).and_then(parse_u64)
    }

    /// Whatever a server said; nothing is checked.
    pub(crate) fn of_response(line: &'a [u8]) -> Self {
        let words = Words::new(line);
        let present = words.fold(0, |present, word| present | bit(word[0]));
        Self { words, present }
    }

    pub(crate) fn encode(self, out: &mut impl BufMut) {
        for word in self.words {
            out.put_u8(b' ');
            out.put_slice(word);
        }
    }
}

impl<'a> IntoIterator for MetaFlags<'a> {
    type Item = MetaFlag<'a>;
    type IntoIter = MetaFlagsIter<'a>;

    fn into_iter(self) -> MetaFlagsIter<'a> {
        MetaFlagsIter(self.words)
    }
}

/// Equal if the same flags are in the same order.
impl PartialEq for MetaFlags<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.words.eq(other.words)
    }
}

impl Eq for MetaFlags<'_> {}

impl fmt::Debug for MetaFlags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// The flags of a line, one after the other.
#[derive(Debug, Clone)]
pub struct MetaFlagsIter<'a>(Words<'a>);

impl<'a> Iterator for MetaFlagsIter<'a> {
    type Item = MetaFlag<'a>;

    #[inline]
    fn next(&mut self) -> Option<MetaFlag<'a>> {
        let (&letter, token) = self.0.next_short()?.split_first()?;
        Some(MetaFlag { letter, token })
    }
}

/// A letter's bit; none for what is no letter.
#[inline(always)]
pub(super) const fn bit(letter: u8) -> u64 {
    match letter {
        b'A'..=b'z' => 1 << (letter - b'A'),
        _ => 0,
    }
}
