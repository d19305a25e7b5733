//! HTTP/1 messages: heads, framing and what we write ourselves (RFC 9110, RFC 9112).
//!
//! Strict where a message could mean two things: what two implementations could read differently is refused with a
//! status, never guessed. A head is always written anew from its parsed form: header names keep their case and order
//! (HAProxy lower-cases them; we deviate on purpose, what we add is lower case like its), values are trimmed and
//! folded lines joined, request lines have single blanks.

mod chunked;
mod error;
mod fields;
mod framing;
mod lines;
mod reason;
mod request;
mod response;
mod target;

pub use chunked::{ChunkError, ChunkedRelay};
pub use error::{HeadError, HeadErrorKind};
pub use fields::Headers;
pub use framing::Body;
pub use reason::reason;
pub use request::{RequestHead, RequestParser};
pub use response::{ResponseHead, ResponseParser};

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a head, start line and blank line included; at most 65535. A client's longer one is answered with
    /// 414 or 431.
    pub head_bytes_max: usize,
    /// Header lines of a head; more are answered with 400.
    pub headers_max: usize,
}

/// What HAProxy's buffer of 16384 bytes with 1024 reserved for rewriting, and its `tune.http.maxhdr 101`, leave.
impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes_max: 16384 - 1024,
            headers_max: 100,
        }
    }
}

/// The version of a message, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    clippy::exhaustive_enums,
    reason = "every version is taken as one of these"
)]
pub enum Version {
    /// 1.0 and older.
    Http10,
    /// 1.1, and whatever newer version a peer claims in an HTTP/1 head.
    Http11,
}

impl Version {
    /// `HTTP/1.0` or `HTTP/1.1`.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Http10 => b"HTTP/1.0",
            Self::Http11 => b"HTTP/1.1",
        }
    }

    /// `HTTP/D.D`, one digit each (RFC 9112, section 2.3).
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        match text {
            [
                b'H',
                b'T',
                b'T',
                b'P',
                b'/',
                major @ b'0'..=b'9',
                b'.',
                minor @ b'0'..=b'9',
            ] => Some(if (*major, *minor) >= (b'1', b'1') {
                Self::Http11
            } else {
                Self::Http10
            }),
            _ => None,
        }
    }
}

/// Whether `byte` may be part of a token: a method or a header name (RFC 9110, section 5.6.2).
pub(crate) const fn is_token(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'.'
            | b'^'
            | b'_'
            | b'`'
            | b'|'
            | b'~'
    ) || byte.is_ascii_alphanumeric()
}

/// Whether `byte` is a space or a tab.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `text` without blanks around it.
pub(crate) const fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text {
        if !is_blank(*first) {
            break;
        }
        text = rest;
    }
    while let [rest @ .., last] = text {
        if !is_blank(*last) {
            break;
        }
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests;
