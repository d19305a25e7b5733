//! Meta commands: a key and flags of one letter each.

use core::fmt;

use bytes::BufMut;

use crate::number::{parse_exptime, parse_u32, parse_u64};
use crate::words::Words;
use crate::{Arithmetic, Key, ParseErrorKind, base64};

/// The key and the flags of a meta command, `mg`, `ms`, `md`, `ma` or `me` (protocol.txt, "Meta
/// Commands"), checked as memcached 1.6.45 checks them.
///
/// The numbers are read from the line when they are asked for: each call looks through the flags,
/// at most eighteen, and calls for flags that are not there cost one test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta<'a> {
    key: Key<'a>,
    flags: MetaFlags<'a>,
}

/// A meta command that has a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the protocol's five meta commands with a key"
)]
pub enum MetaVerb {
    /// `mg`
    Get,
    /// `ms`
    Set,
    /// `md`
    Delete,
    /// `ma`
    Arithmetic,
    /// `me`
    Debug,
}

/// How `ms` stores, as its flag `M` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the protocol's five modes")]
pub enum MetaStoreMode {
    /// Store whatever is there; so, too, without a flag.
    Set,
    /// Store if the key is absent.
    Add,
    /// Put the value behind the one that is there.
    Append,
    /// Put the value before the one that is there.
    Prepend,
    /// Store if the key is present.
    Replace,
}

impl<'a> Meta<'a> {
    /// A command's key and flags, the flags separated by spaces: `b"v t T60"`.
    ///
    /// With the flag `b` the key is base64 of the real one: see
    /// [`encode_base64`](crate::encode_base64).
    ///
    /// # Errors
    ///
    /// What a server would find fault with.
    ///
    /// ```
    /// # use steadfast_protocol::{Key, Meta, MetaVerb};
    /// let key = Key::new(b"visits").unwrap();
    /// let meta = Meta::new(MetaVerb::Get, key, b"v t T60").unwrap();
    /// assert_eq!((meta.flags().has(b'v'), meta.ttl()), (true, Some(60)));
    /// assert!(Meta::new(MetaVerb::Get, key, b"v v").is_err());
    /// ```
    pub fn new(verb: MetaVerb, key: Key<'a>, flags: &'a [u8]) -> Result<Self, ParseErrorKind> {
        if flags.contains(&b'\n') {
            return Err(ParseErrorKind::BadFlag);
        }
        Self::check(verb, key.as_bytes(), Words::new(flags)).map_err(|fault| fault.kind)
    }

    /// The item's name as it stands in the line.
    #[must_use]
    pub const fn key(&self) -> MetaKey<'a> {
        MetaKey {
            text: self.key,
            is_base64: self.flags.has(b'b'),
        }
    }

    /// The flags in the order of the line.
    #[must_use]
    pub const fn flags(&self) -> MetaFlags<'a> {
        self.flags
    }

    /// `q`: whether the usual answer is left out.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        self.flags.has(b'q')
    }

    /// `O`: what the client wants to have back, without the letter, at most
    /// [`Self::OPAQUE_BYTES_MAX`] bytes.
    #[must_use]
    pub fn opaque(&self) -> Option<&'a [u8]> {
        self.flags.token(b'O')
    }

    /// `T`: the expiry time to set, as in [`Storage::exptime`](crate::Storage::exptime).
    #[must_use]
    pub fn ttl(&self) -> Option<i32> {
        self.exptime(b'T')
    }

    /// `N`: the expiry time of an item that is created because there is none.
    #[must_use]
    pub fn vivify_ttl(&self) -> Option<i32> {
        self.exptime(b'N')
    }

    /// `R`: the time to live under which one client is told to store the item anew.
    #[must_use]
    pub fn recache_ttl(&self) -> Option<i32> {
        self.exptime(b'R')
    }

    /// `C`: the cas id that the item must have.
    #[must_use]
    pub fn compared_id(&self) -> Option<u64> {
        self.number(b'C')
    }

    /// `E`: the cas id that the item is given.
    #[must_use]
    pub fn given_id(&self) -> Option<u64> {
        self.number(b'E')
    }

    /// `F`: the client's own number.
    #[must_use]
    pub fn client_flags(&self) -> Option<u32> {
        self.flags.token(b'F').and_then(parse_u32)
    }

    /// `D`: the amount of `ma`.
    #[must_use]
    pub fn delta(&self) -> Option<u64> {
        self.number(b'D')
    }

    /// `J`: the value that `ma` creates.
    #[must_use]
    pub fn initial(&self) -> Option<u64> {
        self.number(b'J')
    }

    /// `M` of `ms`.
    #[must_use]
    pub fn store_mode(&self) -> MetaStoreMode {
        self.mode()
            .and_then(store_mode)
            .unwrap_or(MetaStoreMode::Set)
    }

    /// `M` of `ma`: up, if it is not there.
    #[must_use]
    pub fn arithmetic(&self) -> Arithmetic {
        self.mode()
            .and_then(arithmetic)
            .unwrap_or(Arithmetic::Increment)
    }

    /// The longest opaque in bytes, without its letter.
    pub const OPAQUE_BYTES_MAX: usize = 31;

    fn mode(&self) -> Option<u8> {
        self.flags.token(b'M').map(first_or_nul)
    }

    fn exptime(&self, letter: u8) -> Option<i32> {
        self.flags.token(letter).and_then(parse_exptime)
    }

    fn number(&self, letter: u8) -> Option<u64> {
        self.flags.token(letter).and_then(parse_u64)
    }

    pub(crate) fn encode(&self, verb: MetaVerb, value_bytes: Option<usize>, out: &mut impl BufMut) {
        out.put_slice(verb.name());
        out.put_u8(b' ');
        self.key.encode(out);
        if let Some(bytes) = value_bytes {
            out.put_u8(b' ');
            crate::number::put_decimal(bytes as u64, out);
        }
        self.flags.encode(out);
        out.put_slice(b"\r\n");
    }
}

impl MetaVerb {
    /// The command's name.
    #[must_use]
    pub const fn name(&self) -> &'static [u8] {
        match self {
            Self::Get => b"mg",
            Self::Set => b"ms",
            Self::Delete => b"md",
            Self::Arithmetic => b"ma",
            Self::Debug => b"me",
        }
    }
}

/// The key of a meta command as it stands in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MetaKey<'a> {
    text: Key<'a>,
    is_base64: bool,
}

impl<'a> MetaKey<'a> {
    /// The longest key in bytes that base64 can tell.
    pub const DECODED_BYTES_MAX: usize = 186;

    /// A word, and whether it is base64 of the real key; none if it is said to be and is not.
    #[must_use]
    pub fn new(text: Key<'a>, is_base64: bool) -> Option<Self> {
        let mut room = [0; MetaKey::DECODED_BYTES_MAX];
        if is_base64 {
            base64::decode(text.as_bytes(), &mut room)?;
        }
        Some(Self { text, is_base64 })
    }

    /// The word of the line.
    #[must_use]
    pub const fn text(&self) -> Key<'a> {
        self.text
    }

    /// Whether the word is base64 of the real key (the flag `b`).
    #[must_use]
    pub const fn is_base64(&self) -> bool {
        self.is_base64
    }

    /// The real key: any bytes, if it came in base64, for which `room` is used. Linear in its
    /// length.
    #[allow(clippy::missing_panics_doc, reason = "it was decoded when it was made")]
    #[must_use]
    pub fn decode<'r>(&self, room: &'r mut [u8; MetaKey::DECODED_BYTES_MAX]) -> &'r [u8]
    where
        'a: 'r,
    {
        if !self.is_base64 {
            return self.text.as_bytes();
        }
        let bytes = base64::decode(self.text.as_bytes(), room);
        &room[..bytes.expect("the key was decoded before")]
    }
}

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
    words: Words<'a>,
    /// A bit for each letter from `A` to `z`.
    present: u64,
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
        let (&letter, token) = self.0.next()?.split_first()?;
        Some(MetaFlag { letter, token })
    }
}

/// What is wrong with a meta command, and whether the data block of `ms` is dropped with its line.
pub(crate) struct MetaFault {
    pub(crate) kind: ParseErrorKind,
    pub(crate) takes_data: bool,
}

impl<'a> Meta<'a> {
    /// Checks a key and flags. Of several faults memcached tells, and so do we: a word that begins
    /// with no letter; then a long key; then too many flags; then the first that is repeated or
    /// unknown; then the last whose argument is wrong.
    pub(crate) fn check(
        verb: MetaVerb,
        key: &'a [u8],
        words: Words<'a>,
    ) -> Result<Self, MetaFault> {
        let mut check = Check::default();
        let flags_seen_max = FLAGS_SEEN_MAX - usize::from(verb == MetaVerb::Set);
        for (at, word) in words.enumerate() {
            if at < flags_seen_max && !is_flag(word[0]) {
                return Err(MetaFault {
                    kind: ParseErrorKind::BadFlag,
                    takes_data: false,
                });
            }
            check.count += 1;
            match verb {
                MetaVerb::Debug => check.present |= bit(word[0]),
                _ => check.look(word, key),
            }
        }
        let flags = MetaFlags {
            words,
            present: check.present,
        };
        match check.finish(verb, key, flags) {
            Ok(key) => Ok(Self { key, flags }),
            Err(kind) => Err(MetaFault {
                kind,
                takes_data: true,
            }),
        }
    }
}

/// What is known of a line's flags so far.
#[derive(Default)]
struct Check {
    present: u64,
    count: usize,
    /// A repeated or an unknown flag, behind which no other counts.
    end: Option<ParseErrorKind>,
    /// A wrong argument.
    fault: Option<ParseErrorKind>,
}

impl Check {
    fn look(&mut self, word: &[u8], key: &[u8]) {
        let (letter, token) = (word[0], &word[1..]);
        if self.end.is_some() {
            return;
        }
        if self.present & bit(letter) != 0 {
            self.end = Some(ParseErrorKind::DuplicateFlag { letter });
        } else if KNOWN & bit(letter) == 0 {
            self.end = Some(ParseErrorKind::UnknownFlag { letter });
        }
        self.present |= bit(letter);
        let is_right = match letter {
            b'T' | b'N' | b'R' => parse_exptime(token).is_some(),
            b'C' | b'E' | b'D' | b'J' => parse_u64(token).is_some(),
            b'F' => parse_u32(token).is_some(),
            b'b' => base64::decode(key, &mut [0; MetaKey::DECODED_BYTES_MAX]).is_some(),
            _ => true,
        };
        if is_right {
            return;
        }
        match letter {
            b'b' => self.fault = Some(ParseErrorKind::UndecodableKey),
            // The only one that memcached has no words for: it leaves those of another.
            b'F' => {
                self.fault
                    .get_or_insert(ParseErrorKind::BadFlagToken { letter });
            }
            _ => self.fault = Some(ParseErrorKind::BadFlagToken { letter }),
        }
    }

    fn finish<'a>(
        self,
        verb: MetaVerb,
        key: &'a [u8],
        flags: MetaFlags<'a>,
    ) -> Result<Key<'a>, ParseErrorKind> {
        let Ok(key) = Key::from_word(key) else {
            return Err(ParseErrorKind::KeyTooLong { bytes: key.len() });
        };
        if verb == MetaVerb::Debug {
            // memcached only looks for `b` in the first place and if another word follows, which
            // its maintainers did not mean.
            let mut room = [0; MetaKey::DECODED_BYTES_MAX];
            if flags.has(b'b') && base64::decode(key.as_bytes(), &mut room).is_none() {
                return Err(ParseErrorKind::UndecodableKey);
            }
            return Ok(key);
        }
        let flags_max = match verb {
            MetaVerb::Set => FLAGS_MAX - 1,
            _ => FLAGS_MAX,
        };
        if self.count > flags_max {
            return Err(ParseErrorKind::TooManyFlags {
                flags: self.count,
                flags_max,
            });
        }
        if let Some(fault) = self.end.or(self.fault) {
            return Err(fault);
        }
        let mode = flags.token(b'M').map(first_or_nul);
        let is_mode = mode.is_none_or(|mode| match verb {
            MetaVerb::Set => store_mode(mode).is_some(),
            MetaVerb::Arithmetic => arithmetic(mode).is_some(),
            _ => true,
        });
        if !is_mode {
            return Err(ParseErrorKind::BadMode);
        }
        match flags.token(b'O') {
            Some(opaque) if opaque.len() > Meta::OPAQUE_BYTES_MAX => {
                Err(ParseErrorKind::OpaqueTooLong {
                    bytes: opaque.len(),
                })
            }
            _ => Ok(key),
        }
    }
}

/// Only the first letter of a mode counts.
fn first_or_nul(token: &[u8]) -> u8 {
    token.first().copied().unwrap_or_default()
}

const fn store_mode(letter: u8) -> Option<MetaStoreMode> {
    Some(match letter {
        b'S' => MetaStoreMode::Set,
        b'E' => MetaStoreMode::Add,
        b'A' => MetaStoreMode::Append,
        b'P' => MetaStoreMode::Prepend,
        b'R' => MetaStoreMode::Replace,
        _ => return None,
    })
}

const fn arithmetic(letter: u8) -> Option<Arithmetic> {
    Some(match letter {
        b'I' | b'+' => Arithmetic::Increment,
        b'D' | b'-' => Arithmetic::Decrement,
        _ => return None,
    })
}

/// What may be a flag at all, known or not.
const fn is_flag(letter: u8) -> bool {
    matches!(letter, b'A'..=b'z' | b'0'..=b'9')
}

/// A letter's bit; none for what is no letter.
#[inline(always)]
const fn bit(letter: u8) -> u64 {
    match letter {
        b'A'..=b'z' => 1 << (letter - b'A'),
        _ => 0,
    }
}

const KNOWN: u64 = {
    let letters = b"bcfhklqstuvxCDEFIJMNOPLRT";
    let (mut known, mut at) = (0, 0);
    while at < letters.len() {
        known |= bit(letters[at]);
        at += 1;
    }
    known
};

/// memcached has twenty words for a line: the command, the key, the length of `ms`, and these.
const FLAGS_MAX: usize = 18;
/// Behind so many, memcached does not look at a word any more.
const FLAGS_SEEN_MAX: usize = 21;

#[cfg(test)]
mod tests;
