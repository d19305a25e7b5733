//! What a peer did wrong, and how to go on.

use core::fmt;

use crate::Response;

/// A request that a server cannot understand: what to answer, and where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    recovery: Recovery,
    silent: bool,
}

/// How to go on after bad input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a connection goes on or ends")]
pub enum Recovery {
    /// Drop this many bytes, counted from the start of the input that was parsed, and parse on.
    ///
    /// The count covers the line and, where the fault leaves it readable, the data block that
    /// is announced in it; it may therefore reach beyond the input, to bytes still to come.
    Discard(usize),
    /// The position is lost: send what is to be sent and close.
    Close,
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The first word is no command.
    UnknownCommand,
    /// A line of fewer than four bytes with its end.
    LineTooShort {
        /// The bytes of the line with its end.
        bytes: usize,
    },
    /// A line that exceeds its limit.
    LineTooLong {
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// A browser's or a prober's request, which is closed without an answer.
    Http,
    /// A command without enough words.
    TooFewWords,
    /// A command with far too many words.
    TooManyWords,
    /// A key that is too long.
    KeyTooLong {
        /// The length found.
        bytes: usize,
    },
    /// The length of a data block is no number between 0 and 2147483645.
    BadLength,
    /// A flag, expiry time or cas id in a storage command is no number.
    BadNumber,
    /// The expiry time of touch, gat, gats or flush_all is no 32-bit number.
    BadExptime,
    /// The argument of incr or decr is no unsigned 64-bit number.
    BadDelta,
}

impl ParseError {
    pub(crate) const fn new(kind: ParseErrorKind, recovery: Recovery, silent: bool) -> Self {
        Self {
            kind,
            recovery,
            silent,
        }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// What to answer: nothing if the request said `noreply` where memcached honours it, or if
    /// the connection is closed without a word.
    #[must_use]
    pub const fn response(&self) -> Option<Response<'static>> {
        if self.silent {
            return None;
        }
        match self.kind {
            ParseErrorKind::LineTooLong { .. } | ParseErrorKind::Http => None,
            ParseErrorKind::UnknownCommand | ParseErrorKind::TooManyWords => Some(Response::ERROR),
            ParseErrorKind::BadExptime => Some(Response::BAD_EXPTIME),
            ParseErrorKind::BadDelta => Some(Response::BAD_DELTA),
            _ => Some(Response::BAD_LINE),
        }
    }

    /// How to go on.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        self.recovery
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl core::error::Error for ParseError {}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCommand => f.write_str("unknown command"),
            Self::LineTooShort { bytes } => {
                write!(f, "line of {bytes} bytes, the shortest command has 4")
            }
            Self::LineTooLong { bytes_max } => write!(f, "line exceeds {bytes_max} bytes"),
            Self::Http => f.write_str("an http request, not a memcached command"),
            Self::TooFewWords => f.write_str("too few words for this command"),
            Self::TooManyWords => f.write_str("too many words for this command"),
            Self::KeyTooLong { bytes } => {
                write!(f, "key of {bytes} bytes exceeds {}", crate::Key::BYTES_MAX)
            }
            Self::BadLength => f.write_str("value length is no number from 0 to 2147483645"),
            Self::BadNumber => f.write_str("flags, expiry time or cas id is no number"),
            Self::BadExptime => f.write_str("expiry time is no 32-bit number"),
            Self::BadDelta => f.write_str("delta is no unsigned 64-bit number"),
        }
    }
}

/// A response that a client cannot understand. The position in the stream is lost: close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseError {
    kind: ResponseErrorKind,
}

/// What is wrong with a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseErrorKind {
    /// A line that begins like no response.
    UnknownLine,
    /// A line that exceeds its limit.
    LineTooLong {
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// A `VALUE` line that is not `VALUE <key> <flags> <bytes> [<cas>]`.
    BadValueLine,
}

impl ResponseError {
    pub(crate) const fn new(kind: ResponseErrorKind) -> Self {
        Self { kind }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> ResponseErrorKind {
        self.kind
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ResponseErrorKind::UnknownLine => f.write_str("line is no memcached response"),
            ResponseErrorKind::LineTooLong { bytes_max } => {
                write!(f, "line exceeds {bytes_max} bytes")
            }
            ResponseErrorKind::BadValueLine => f.write_str("malformed VALUE line"),
        }
    }
}

impl core::error::Error for ResponseError {}
