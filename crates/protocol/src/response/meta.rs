//! Answers to meta commands.

use core::fmt;

use bytes::BufMut;

use crate::number::{parse_u32, parse_u64, put_decimal};
use crate::words::Words;
use crate::{MetaFlags, encode_base64};

/// How a meta command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the protocol's five outcomes")]
pub enum MetaStatus {
    /// `HD`: done, or a hit whose value was not asked for.
    Done,
    /// `EN`: a miss of `mg` or `me`, and the end of a list of keys.
    Miss,
    /// `NF`: nothing to change.
    NotFound,
    /// `NS`: the mode's condition does not hold.
    NotStored,
    /// `EX`: the cas id is another.
    Exists,
}

impl MetaStatus {
    /// The code on the wire.
    #[must_use]
    pub const fn code(&self) -> &'static [u8] {
        match self {
            Self::Done => b"HD",
            Self::Miss => b"EN",
            Self::NotFound => b"NF",
            Self::NotStored => b"NS",
            Self::Exists => b"EX",
        }
    }
}

/// An answer to a meta command on its way out: a status, flags one by one, and the end. Writes at
/// once and allocates nothing by itself.
///
/// ```
/// # use steadfast_protocol::MetaLine;
/// let mut out = Vec::new();
/// let mut line = MetaLine::value(2, &mut out);
/// line.number(b'f', 0);
/// line.time_to_live(None);
/// line.key(b"visits", false);
/// line.flag(b'W');
/// line.end();
/// assert_eq!(out, b"VA 2 f0 t-1 kvisits W\r\n");
/// ```
#[must_use = "the line wants its end"]
pub struct MetaLine<'o, B> {
    out: &'o mut B,
}

impl<'o, B: BufMut> MetaLine<'o, B> {
    /// Begins an answer without a value.
    pub fn status(status: MetaStatus, out: &'o mut B) -> Self {
        out.put_slice(status.code());
        Self { out }
    }

    /// Begins an answer with a value (`VA`), whose data block the caller writes behind the line.
    pub fn value(value_bytes: usize, out: &'o mut B) -> Self {
        out.put_slice(b"VA ");
        put_decimal(value_bytes as u64, out);
        Self { out }
    }

    /// A flag that says all by its name: `W`, `X`, `Z`.
    #[inline]
    pub fn flag(&mut self, letter: u8) {
        self.out.put_slice(&[b' ', letter]);
    }

    /// A flag with a number: `c`, `f`, `h`, `l`, `s`.
    #[inline]
    pub fn number(&mut self, letter: u8, number: u64) {
        self.flag(letter);
        put_decimal(number, self.out);
    }

    /// `t`: the seconds that are left, or -1 for no end.
    pub fn time_to_live(&mut self, seconds: Option<u32>) {
        match seconds {
            Some(seconds) => self.number(b't', seconds.into()),
            None => self.out.put_slice(b" t-1"),
        }
    }

    /// A flag with a text without spaces: `O`.
    pub fn token(&mut self, letter: u8, token: &[u8]) {
        self.flag(letter);
        self.out.put_slice(token);
    }

    /// `k`, and `b` if the key is to be told in base64, which it then is.
    pub fn key(&mut self, key: &[u8], is_base64: bool) {
        self.flag(b'k');
        if is_base64 {
            encode_base64(key, self.out);
            self.flag(b'b');
        } else {
            self.out.put_slice(key);
        }
    }

    /// Ends the line.
    pub fn end(self) {
        self.out.put_slice(b"\r\n");
    }
}

impl<B> fmt::Debug for MetaLine<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetaLine").finish_non_exhaustive()
    }
}

/// What `me` tells of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the words of the line, built by servers"
)]
pub struct MetaItem<'a> {
    /// The item's name, in base64 if it was stored so.
    pub key: &'a [u8],
    /// The seconds that it has to live; none if it does not expire.
    pub expires_in: Option<u32>,
    /// The seconds since it was used last.
    pub used_ago: u32,
    /// Its cas id.
    pub cas: u64,
    /// Whether it was read since it was stored.
    pub was_read: bool,
    /// Its size class.
    pub class: u32,
    /// Its size in bytes, all of it.
    pub item_bytes: u64,
}

impl<'a> MetaItem<'a> {
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(b"ME ");
        out.put_slice(self.key);
        out.put_slice(b" exp=");
        match self.expires_in {
            Some(seconds) => put_decimal(seconds.into(), out),
            None => out.put_slice(b"-1"),
        }
        out.put_slice(b" la=");
        put_decimal(self.used_ago.into(), out);
        out.put_slice(b" cas=");
        put_decimal(self.cas, out);
        out.put_slice(b" fetch=");
        out.put_slice(yes_or_no(self.was_read));
        out.put_slice(b" cls=");
        put_decimal(self.class.into(), out);
        out.put_slice(b" size=");
        put_decimal(self.item_bytes, out);
        out.put_slice(b"\r\n");
    }

    /// Reads what follows `ME`, from behind, since a key may hold a space.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut words = text.rsplitn(7, |&byte| byte == b' ');
        let mut word = |name: &[u8]| words.next()?.strip_prefix(name);
        let item_bytes = parse_u64(word(b"size=")?)?;
        let class = parse_u32(word(b"cls=")?)?;
        let was_read = is_yes(word(b"fetch=")?)?;
        let cas = parse_u64(word(b"cas=")?)?;
        let used_ago = parse_u32(word(b"la=")?)?;
        let expires_in = match word(b"exp=")? {
            b"-1" => None,
            seconds => Some(parse_u32(seconds)?),
        };
        let key = words.next()?;
        Some(Self {
            key,
            expires_in,
            used_ago,
            cas,
            was_read,
            class,
            item_bytes,
        })
    }
}

/// Reads what follows `VA`.
pub(crate) fn parse_value(text: &[u8]) -> Option<(usize, MetaFlags<'_>)> {
    let mut words = Words::new(text);
    let value_bytes = crate::number::parse_value_bytes(words.next()?)?;
    Some((value_bytes, MetaFlags::of_response(words.rest())))
}

pub(super) const fn yes_or_no(yes: bool) -> &'static [u8] {
    if yes { b"yes" } else { b"no" }
}

pub(super) const fn is_yes(word: &[u8]) -> Option<bool> {
    match word {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}
