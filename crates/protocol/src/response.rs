//! What a server answers.

use bytes::BufMut;

use crate::Key;
use crate::number::{Short, put_decimal};

/// One line of an answer, borrowing from the buffer that it was parsed from.
///
/// A retrieval is answered by any number of [`Response::Value`], each with its data block, and
/// [`Response::End`]; `stats` by [`Response::Stat`] lines and the end. Open for the meta
/// responses: match with a wildcard.
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
    /// Writes the line. After [`Response::Value`] the caller writes the data block.
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
            _ => return None,
        })
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
