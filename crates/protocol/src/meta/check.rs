//! What a meta command may say.

use super::flags::bit;
use super::{Meta, MetaFlags, MetaKey, MetaVerb, arithmetic, first_or_nul, store_mode};
use crate::number::{parse_exptime, parse_u32, parse_u64};
use crate::words::Words;
use crate::{Key, ParseErrorKind, base64};

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
        let flags_seen_max = FLAGS_SEEN_MAX - u32::from(verb == MetaVerb::Set);
        let mut left = words;
        while let Some(word) = left.next_short() {
            if check.count < flags_seen_max && !is_flag(word[0]) {
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
    count: u32,
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

/// What may be a flag at all, known or not.
const fn is_flag(letter: u8) -> bool {
    matches!(letter, b'A'..=b'z' | b'0'..=b'9')
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
const FLAGS_MAX: u32 = 18;
/// Behind so many, memcached does not look at a word any more.
const FLAGS_SEEN_MAX: u32 = 21;
