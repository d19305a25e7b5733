//! What a server answers.

use bytes::BufMut;

use crate::number::{Short, put_decimal};
use crate::{Key, MetaFlags, MetaKey};

pub use self::dump::{CachedItem, DumpedItem, PrefixCounts, decode_uri, encode_uri};
pub use self::meta::{MetaItem, MetaLine, MetaStatus};

pub(crate) mod dump;
pub(crate) mod meta;

/// One line of an answer, borrowing from the buffer that it was parsed from.
///
/// A retrieval is answered by any number of [`Response::Value`], each with its data block, and
/// [`Response::End`]; `stats` by [`Response::Stat`] lines and the end; a meta command by one of the
/// meta responses. Open for responses to come: match with a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response<'a> {
    /// `STORED`
    Stored,
    /// `NOT_STORED`: the condition of add, replace, append or prepend does not hold.
    NotStored,
    /// `EXISTS`: the item has changed since its cas id was read.
    Exists,
    /// `NOT_FOUND`
    NotFound,
    /// `DELETED`
    Deleted,
    /// `TOUCHED`
    Touched,
    /// `OK`
    Ok,
    /// `RESET`
    Reset,
    /// `END` of a retrieval or a report.
    End,
    /// The new number after incr or decr.
    Number(u64),
    /// `VALUE`; the data block follows in the stream.
    Value(ValueHeader<'a>),
    /// `STAT`, a line of a report.
    Stat {
        /// The name, without spaces.
        name: &'a [u8],
        /// The value, possibly empty or with spaces.
        value: &'a [u8],
    },
    /// `VERSION` with the server's version text.
    Version(&'a [u8]),
    /// `ERROR`, usually without text: the command is unknown.
    Error(&'a [u8]),
    /// `CLIENT_ERROR` with its text: the request is at fault.
    ClientError(&'a [u8]),
    /// `SERVER_ERROR` with its text: the server could not.
    ServerError(&'a [u8]),
    /// `HD`, `EN`, `NF`, `NS` or `EX`: a meta command's outcome. Servers write it bit by bit: see
    /// [`MetaLine`].
    Meta {
        /// How it ended.
        status: MetaStatus,
        /// What was to be returned.
        flags: MetaFlags<'a>,
    },
    /// `VA`: a meta command's outcome with a value; the data block follows in the stream.
    MetaValue {
        /// The length of the value in bytes.
        value_bytes: usize,
        /// What was to be returned.
        flags: MetaFlags<'a>,
    },
    /// `MN`: all before it is answered.
    MetaNoop,
    /// `ME`: what is known of an item.
    MetaItem(MetaItem<'a>),
    /// A line of `lru_crawler metadump`.
    DumpedItem(DumpedItem<'a>),
    /// `mg`, a line of `lru_crawler mgdump`: the request that reads the item.
    DumpedKey(MetaKey<'a>),
    /// `ITEM`, a line of `stats cachedump`.
    CachedItem(CachedItem<'a>),
    /// `PREFIX`, a line of `stats detail dump`.
    Prefix(PrefixCounts<'a>),
    /// A line of `watch`, from `ts=` on. It ends with a bare line feed.
    Log(&'a [u8]),
    /// An operator's command that was understood and not obeyed.
    Refused {
        /// The first word.
        reason: Refusal,
        /// Words for people.
        text: &'a [u8],
    },
    /// `Error` with its text: the answer to `refresh_certs`.
    NotRefreshed(&'a [u8]),
    /// `SERVER_ERROR: shutdown not enabled`, with a colon that no other answer has.
    ShutdownNotEnabled,
}

/// Why an operator's command was not obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// `BADCLASS`: there is no such size class.
    BadClass,
    /// `BUSY`: this is being done already.
    Busy,
    /// `MEMLIMIT_ADJUST_FAILED`: not this much memory.
    MemlimitAdjustFailed,
    /// `MEMLIMIT_TOO_SMALL`: not so little memory.
    MemlimitTooSmall,
    /// `NOSPARE`: the class has nothing to give.
    NoSpare,
    /// `NOTSTARTED`: there is nothing to do.
    NotStarted,
    /// `SAME`: from a class to itself.
    Same,
    /// `WATCHER_FAILED`: watching is not possible.
    WatcherFailed,
    /// `WATCHER_TOO_MANY`: there are as many watchers as may be.
    WatcherTooMany,
}

impl Refusal {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::BadClass,
        Self::Busy,
        Self::MemlimitAdjustFailed,
        Self::MemlimitTooSmall,
        Self::NoSpare,
        Self::NotStarted,
        Self::Same,
        Self::WatcherFailed,
        Self::WatcherTooMany,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn word(&self) -> &'static [u8] {
        match self {
            Self::BadClass => b"BADCLASS",
            Self::Busy => b"BUSY",
            Self::MemlimitAdjustFailed => b"MEMLIMIT_ADJUST_FAILED",
            Self::MemlimitTooSmall => b"MEMLIMIT_TOO_SMALL",
            Self::NoSpare => b"NOSPARE",
            Self::NotStarted => b"NOTSTARTED",
            Self::Same => b"SAME",
            Self::WatcherFailed => b"WATCHER_FAILED",
            Self::WatcherTooMany => b"WATCHER_TOO_MANY",
        }
    }
}

/// A `VALUE` line. Its data block, `value_bytes` bytes and CRLF, follows in the stream: see
/// [`DataBlock`](crate::DataBlock).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the words of the line, built by servers"
)]
pub struct ValueHeader<'a> {
    /// The item's name.
    pub key: Key<'a>,
    /// The client's own number.
    pub flags: u32,
    /// The length of the value in bytes.
    pub value_bytes: usize,
    /// The item's cas id, if it was asked for.
    pub cas: Option<u64>,
}

impl Response<'static> {
    /// The command is unknown.
    pub const ERROR: Self = Self::Error(b"");
    /// A command line with a fault.
    pub const BAD_LINE: Self = Self::ClientError(b"bad command line format");
    /// A value that is not followed by CRLF.
    pub const BAD_DATA_CHUNK: Self = Self::ClientError(b"bad data chunk");
    /// An expiry time that is no number.
    pub const BAD_EXPTIME: Self = Self::ClientError(b"invalid exptime argument");
    /// The argument of incr or decr is no number.
    pub const BAD_DELTA: Self = Self::ClientError(b"invalid numeric delta argument");
    /// The stored value of incr or decr is no number.
    pub const NOT_A_NUMBER: Self =
        Self::ClientError(b"cannot increment or decrement non-numeric value");
    /// flush_all is switched off.
    pub const FLUSH_NOT_ALLOWED: Self = Self::ClientError(b"flush_all not allowed");
    /// The item exceeds the item limit. Clients know this text.
    pub const TOO_LARGE: Self = Self::ServerError(b"object too large for cache");
    /// There is no room and nothing may be evicted. Clients know this text.
    pub const OUT_OF_MEMORY: Self = Self::ServerError(b"out of memory storing object");
    /// Said to a connection beyond the limit, before closing it.
    pub const TOO_MANY_CONNECTIONS: Self = Self::Error(b"Too many open connections");
}

impl Response<'_> {
    /// Writes the line. After [`Response::Value`] and [`Response::MetaValue`] the caller writes the
    /// data block.
    ///
    /// A text must be free of line feeds.
    ///
    /// # Panics
    ///
    /// If `out` cannot grow and is too small, as every write to a `BufMut`.
    #[inline(always)]
    pub fn encode(&self, out: &mut impl BufMut) {
        match self.fixed_line() {
            Some(line) => out.put_slice(line),
            None => self.encode_words(out),
        }
    }

    /// The line, if there is nothing in it that varies.
    #[inline(always)]
    const fn fixed_line(&self) -> Option<&'static [u8]> {
        Some(match self {
            Self::Stored => b"STORED\r\n",
            Self::NotStored => b"NOT_STORED\r\n",
            Self::Exists => b"EXISTS\r\n",
            Self::NotFound => b"NOT_FOUND\r\n",
            Self::Deleted => b"DELETED\r\n",
            Self::Touched => b"TOUCHED\r\n",
            Self::Ok => b"OK\r\n",
            Self::Reset => b"RESET\r\n",
            Self::End => b"END\r\n",
            Self::MetaNoop => b"MN\r\n",
            Self::ShutdownNotEnabled => b"SERVER_ERROR: shutdown not enabled\r\n",
            _ => return None,
        })
    }

    /// The length of the value that follows the line, if a data block does: see
    /// [`DataBlock`](crate::DataBlock).
    #[must_use]
    pub const fn value_bytes(&self) -> Option<usize> {
        match self {
            Self::Value(ValueHeader { value_bytes, .. }) | Self::MetaValue { value_bytes, .. } => {
                Some(*value_bytes)
            }
            _ => None,
        }
    }

    #[inline(never)]
    fn encode_words(&self, out: &mut impl BufMut) {
        match *self {
            Self::Number(number) => encode_number(number, out),
            Self::Value(header) => header.encode(out),
            Self::Stat { name, value } => {
                out.put_slice(b"STAT ");
                out.put_slice(name);
                out.put_u8(b' ');
                out.put_slice(value);
                out.put_slice(b"\r\n");
            }
            Self::Version(text) => put_line(b"VERSION", text, out),
            Self::Error(text) => put_line(b"ERROR", text, out),
            Self::ClientError(text) => put_line(b"CLIENT_ERROR", text, out),
            Self::ServerError(text) => put_line(b"SERVER_ERROR", text, out),
            Self::Meta { status, flags } => {
                out.put_slice(status.code());
                flags.encode(out);
                out.put_slice(b"\r\n");
            }
            Self::MetaValue { value_bytes, flags } => {
                out.put_slice(b"VA ");
                put_decimal(value_bytes as u64, out);
                flags.encode(out);
                out.put_slice(b"\r\n");
            }
            Self::MetaItem(item) => item.encode(out),
            Self::DumpedItem(item) => item.encode(out),
            Self::DumpedKey(key) => {
                out.put_slice(b"mg ");
                key.text().encode(out);
                out.put_slice(if key.is_base64() { b" b\r\n" } else { b"\r\n" });
            }
            Self::CachedItem(item) => item.encode(out),
            Self::Prefix(counts) => counts.encode(out),
            Self::Log(line) => {
                out.put_slice(line);
                out.put_u8(b'\n');
            }
            Self::Refused { reason, text } => put_line(reason.word(), text, out),
            Self::NotRefreshed(text) => put_line(b"Error", text, out),
            _ => unreachable!("a line without words is fixed"),
        }
    }
}

impl ValueHeader<'_> {
    /// Writes the line and the data block with `value`, whose length replaces
    /// `self.value_bytes`.
    ///
    /// # Panics
    ///
    /// If `out` cannot grow and is too small, as every write to a `BufMut`.
    pub fn encode_with_value(&self, value: &[u8], out: &mut impl BufMut) {
        Self {
            value_bytes: value.len(),
            ..*self
        }
        .encode(out);
        out.put_slice(value);
        out.put_slice(b"\r\n");
    }

    /// Writes the line; the caller writes the data block.
    ///
    /// # Panics
    ///
    /// If `out` cannot grow and is too small, as every write to a `BufMut`.
    #[inline(always)]
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(b"VALUE ");
        self.key.encode(out);
        match self.short_tail() {
            Some(tail) => tail.put(out),
            None => self.encode_tail(out),
        }
    }

    /// The numbers and the end of the line, if they are as small as they usually are.
    #[inline(always)]
    fn short_tail(&self) -> Option<Short> {
        let value_bytes = self.value_bytes as u64;
        if self.flags > SHORT_FLAGS_MAX || value_bytes > SHORT_VALUE_BYTES_MAX || self.cas.is_some()
        {
            return None;
        }
        let mut tail = Short::default();
        tail.push(b'\n');
        tail.push(b'\r');
        tail.push_decimal(value_bytes);
        tail.push(b' ');
        tail.push_decimal(self.flags.into());
        tail.push(b' ');
        Some(tail)
    }

    #[inline(never)]
    fn encode_tail(&self, out: &mut impl BufMut) {
        out.put_u8(b' ');
        put_decimal(self.flags.into(), out);
        out.put_u8(b' ');
        put_decimal(self.value_bytes as u64, out);
        if let Some(cas) = self.cas {
            out.put_u8(b' ');
            put_decimal(cas, out);
        }
        out.put_slice(b"\r\n");
    }
}

fn encode_number(number: u64, out: &mut impl BufMut) {
    if number > SHORT_NUMBER_MAX {
        put_decimal(number, out);
        return out.put_slice(b"\r\n");
    }
    let mut line = Short::default();
    line.push(b'\n');
    line.push(b'\r');
    line.push_decimal(number);
    line.put(out);
}

fn put_line(word: &[u8], text: &[u8], out: &mut impl BufMut) {
    out.put_slice(word);
    if !text.is_empty() {
        out.put_u8(b' ');
        out.put_slice(text);
    }
    out.put_slice(b"\r\n");
}

/// Five and seven digits, two spaces and the line's end are sixteen bytes.
const SHORT_FLAGS_MAX: u32 = 99_999;
const SHORT_VALUE_BYTES_MAX: u64 = 9_999_999;
const _: () = assert!(5 + 7 + 4 == Short::BYTES_MAX, "what is short fits");
/// Fourteen digits and the line's end are sixteen bytes, too.
const SHORT_NUMBER_MAX: u64 = 99_999_999_999_999;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec::Vec};

    /// Around the numbers that are written in one piece, and those that are not.
    #[test]
    fn numbers_of_any_length_are_written() {
        let key = Key::new(b"k").unwrap();
        for number in [0, 9, 10, 99_999, 100_000, 9_999_999, 10_000_000, u32::MAX] {
            for (flags, value_bytes) in
                [(number, 5), (7, number as usize), (number, number as usize)]
            {
                let header = ValueHeader {
                    key,
                    flags,
                    value_bytes,
                    cas: None,
                };
                let mut line = Vec::new();
                header.encode(&mut line);
                assert_eq!(
                    line,
                    format!("VALUE k {flags} {value_bytes}\r\n").into_bytes()
                );
            }
        }
        for number in [0, 99_999_999_999_999, 100_000_000_000_000, u64::MAX] {
            let mut line = Vec::new();
            Response::Number(number).encode(&mut line);
            assert_eq!(line, format!("{number}\r\n").into_bytes());
        }
    }
}
