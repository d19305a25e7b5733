//! Lines of dumps and of the reports that list keys.

use bytes::BufMut;

use super::meta::{is_yes, yes_or_no};
use crate::number::{parse_u32, parse_u64, put_decimal};

/// A line of `lru_crawler metadump`. It ends with a space and a bare line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the words of the line, built by servers"
)]
pub struct DumpedItem<'a> {
    /// The item's name with escapes, as [`encode_uri`] writes it.
    pub key: &'a [u8],
    /// When it expires, as a Unix time; none if it does not.
    pub expires_at: Option<u64>,
    /// When it was used last, as a Unix time.
    pub used_at: u64,
    /// Its cas id.
    pub cas: u64,
    /// Whether it was read since it was stored.
    pub was_read: bool,
    /// Its size class.
    pub class: u32,
    /// Its size in bytes, all of it.
    pub item_bytes: u64,
    /// The client's own number.
    pub flags: u32,
}

impl<'a> DumpedItem<'a> {
    /// Writes the line, with `key` escaped in place of `self.key`.
    ///
    /// # Panics
    ///
    /// If `out` cannot grow and is too small, as every write to a `BufMut`.
    pub fn encode_with_key(&self, key: &[u8], out: &mut impl BufMut) {
        out.put_slice(b"key=");
        encode_uri(key, out);
        self.encode_facts(out);
    }

    pub(super) fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(b"key=");
        out.put_slice(self.key);
        self.encode_facts(out);
    }

    fn encode_facts(&self, out: &mut impl BufMut) {
        out.put_slice(b" exp=");
        match self.expires_at {
            Some(time) => put_decimal(time, out),
            None => out.put_slice(b"-1"),
        }
        out.put_slice(b" la=");
        put_decimal(self.used_at, out);
        out.put_slice(b" cas=");
        put_decimal(self.cas, out);
        out.put_slice(b" fetch=");
        out.put_slice(yes_or_no(self.was_read));
        out.put_slice(b" cls=");
        put_decimal(self.class.into(), out);
        out.put_slice(b" size=");
        put_decimal(self.item_bytes, out);
        out.put_slice(b" flags=");
        put_decimal(self.flags.into(), out);
        out.put_slice(b" \n");
    }

    /// Reads what follows `key=`.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut words = text.split(|&byte| byte == b' ');
        let key = words.next()?;
        let mut word = |name: &[u8]| words.next()?.strip_prefix(name);
        Some(Self {
            key,
            expires_at: match word(b"exp=")? {
                b"-1" => None,
                time => Some(parse_u64(time)?),
            },
            used_at: parse_u64(word(b"la=")?)?,
            cas: parse_u64(word(b"cas=")?)?,
            was_read: is_yes(word(b"fetch=")?)?,
            class: parse_u32(word(b"cls=")?)?,
            item_bytes: parse_u64(word(b"size=")?)?,
            // 1.6.18 does not tell them.
            flags: match word(b"flags=") {
                Some(flags) => parse_u32(flags)?,
                None => 0,
            },
        })
    }
}

/// A line of `stats cachedump`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the words of the line, built by servers"
)]
pub struct CachedItem<'a> {
    /// The item's name.
    pub key: &'a [u8],
    /// The length of its value in bytes.
    pub value_bytes: u64,
    /// When it expires, as a Unix time; 0 if it does not.
    pub expires_at: u64,
}

impl<'a> CachedItem<'a> {
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(b"ITEM ");
        out.put_slice(self.key);
        out.put_slice(b" [");
        put_decimal(self.value_bytes, out);
        out.put_slice(b" b; ");
        put_decimal(self.expires_at, out);
        out.put_slice(b" s]\r\n");
    }

    /// Reads what follows `ITEM`, from behind, since a key may hold a space.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut words = text.rsplitn(5, |&byte| byte == b' ');
        let end = words.next()?;
        let expires_at = parse_u64(words.next()?)?;
        let middle = words.next()?;
        let value_bytes = parse_u64(words.next()?.strip_prefix(b"[")?)?;
        let key = words.next()?;
        (end == b"s]" && middle == b"b;").then_some(Self {
            key,
            value_bytes,
            expires_at,
        })
    }
}

/// A line of `stats detail dump`: what was asked of all keys with a beginning in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the words of the line, built by servers"
)]
pub struct PrefixCounts<'a> {
    /// The beginning, without the delimiter behind it; may be empty.
    pub prefix: &'a [u8],
    /// How many keys were looked up.
    pub gets: u64,
    /// How many of them were found.
    pub hits: u64,
    /// How many were stored.
    pub sets: u64,
    /// How many were deleted.
    pub deletes: u64,
}

impl<'a> PrefixCounts<'a> {
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(b"PREFIX ");
        out.put_slice(self.prefix);
        for (name, count) in [
            (&b" get "[..], self.gets),
            (b" hit ", self.hits),
            (b" set ", self.sets),
            (b" del ", self.deletes),
        ] {
            out.put_slice(name);
            put_decimal(count, out);
        }
        out.put_slice(b"\r\n");
    }

    /// Reads what follows `PREFIX`, from behind, since a prefix may hold a space.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut words = text.rsplitn(9, |&byte| byte == b' ');
        let mut count = |name: &[u8]| {
            let count = parse_u64(words.next()?)?;
            (words.next()? == name).then_some(count)
        };
        let (deletes, sets) = (count(b"del")?, count(b"set")?);
        let (hits, gets) = (count(b"hit")?, count(b"get")?);
        Some(Self {
            prefix: words.next()?,
            gets,
            hits,
            sets,
            deletes,
        })
    }
}

/// Writes `bytes` with all but letters, digits and `-._~` as `%` and two digits in upper case (RFC
/// 3986, section 2), as memcached writes keys to dumps and logs. At most three bytes for each.
///
/// ```
/// # use steadfast_protocol::encode_uri;
/// let mut text = Vec::new();
/// encode_uri(b"user:1 \xff", &mut text);
/// assert_eq!(text, b"user%3A1%20%FF");
/// ```
///
/// # Panics
///
/// If `out` cannot grow and is too small, as every write to a `BufMut`.
pub fn encode_uri(bytes: &[u8], out: &mut impl BufMut) {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    for run in bytes.chunk_by(|left, right| is_plain(left) && is_plain(right)) {
        if is_plain(&run[0]) {
            out.put_slice(run);
        } else {
            let [high, low] = [run[0] >> 4, run[0] & 15].map(|digit| HEX[usize::from(digit)]);
            out.put_slice(&[b'%', high, low]);
        }
    }
}

/// Reads what [`encode_uri`] wrote, byte by byte; a `%` without two digits behind it stands for
/// itself.
pub fn decode_uri(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        let escaped = match behind {
            [high, low, ..] if byte == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        let Some((high, low)) = escaped else {
            return Some(byte);
        };
        rest = &behind[2..];
        Some(high << 4 | low)
    })
}

const fn hex(digit: u8) -> Option<u8> {
    Some(match digit {
        b'0'..=b'9' => digit - b'0',
        b'A'..=b'F' => digit - b'A' + 10,
        b'a'..=b'f' => digit - b'a' + 10,
        _ => return None,
    })
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";
