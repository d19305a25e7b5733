//! Meta commands: a key and flags of one letter each.

mod check;
mod flags;

use bytes::BufMut;

use crate::number::{parse_exptime, parse_u32, parse_u64, put_decimal};
use crate::words::Words;
use crate::{Arithmetic, Key, ParseErrorKind, base64};

pub use self::flags::{MetaFlag, MetaFlags, MetaFlagsIter};

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
            put_decimal(bytes as u64, out);
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

#[cfg(test)]
mod tests;
