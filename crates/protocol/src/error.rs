//! What a peer did wrong, and how to go on.

use core::fmt;

use crate::Response;

/// A request that a server cannot understand: what to answer, and where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    recovery: Recovery,
    silent: bool,
    wording: Wording,
}

/// In whose words a fault is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wording {
    Usual,
    /// `ma` has one text for nearly everything.
    MetaArithmetic,
    MetaDebug,
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
    /// An argument of an operator's command is none that it knows, or is missing.
    BadArgument,
    /// A word of a meta command where a flag belongs, which begins with neither letter nor digit.
    BadFlag,
    /// A flag of a meta command that was there before.
    DuplicateFlag {
        /// Its name.
        letter: u8,
    },
    /// A flag that no meta command has.
    UnknownFlag {
        /// Its name.
        letter: u8,
    },
    /// More flags than a meta command may have.
    TooManyFlags {
        /// The number found.
        flags: u32,
        /// The number allowed.
        flags_max: u32,
    },
    /// A flag of a meta command whose argument is no number, or too large.
    BadFlagToken {
        /// Its name.
        letter: u8,
    },
    /// A key that is told to be base64 and is not.
    UndecodableKey,
    /// An opaque that is too long.
    OpaqueTooLong {
        /// The length found, without its letter.
        bytes: usize,
    },
    /// A mode that the command does not have.
    BadMode,
}

impl ParseError {
    pub(crate) const fn new(kind: ParseErrorKind, recovery: Recovery, silent: bool) -> Self {
        Self {
            kind,
            recovery,
            silent,
            wording: Wording::Usual,
        }
    }

    pub(crate) const fn worded(self, wording: Wording) -> Self {
        Self { wording, ..self }
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
            ParseErrorKind::UnknownCommand
            | ParseErrorKind::TooManyWords
            | ParseErrorKind::BadArgument => Some(Response::ERROR),
            ParseErrorKind::BadExptime => Some(Response::BAD_EXPTIME),
            ParseErrorKind::BadDelta => Some(Response::BAD_DELTA),
            kind => Some(meta_response(kind, self.wording)),
        }
    }

    /// How to go on.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        self.recovery
    }
}

/// The words for what is wrong with a meta command, or with any line.
const fn meta_response(kind: ParseErrorKind, wording: Wording) -> Response<'static> {
    Response::ClientError(match (kind, wording) {
        (ParseErrorKind::OpaqueTooLong { .. }, _) => b"opaque token too long",
        (ParseErrorKind::BadMode, Wording::MetaArithmetic) => b"invalid mode for ma M token",
        (ParseErrorKind::BadMode, _) => b"invalid mode for ms M token",
        (ParseErrorKind::BadFlag | ParseErrorKind::TooFewWords, _) => return Response::BAD_LINE,
        (_, Wording::MetaArithmetic) => b"invalid or duplicate flag",
        (_, Wording::MetaDebug) => return Response::BAD_LINE,
        (ParseErrorKind::TooManyFlags { .. }, _) => b"options flags are too long",
        (ParseErrorKind::DuplicateFlag { .. }, _) => b"duplicate flag",
        (ParseErrorKind::UnknownFlag { .. }, _) => b"invalid flag",
        (ParseErrorKind::UndecodableKey, _) => b"error decoding key",
        (ParseErrorKind::BadFlagToken { letter }, _) => match letter {
            b'D' => b"invalid numeric delta value",
            b'J' => b"invalid numeric initial value",
            b'F' => return Response::BAD_LINE,
            _ => b"bad token in command line format",
        },
        _ => return Response::BAD_LINE,
    })
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
            Self::BadArgument => f.write_str("argument is missing or unknown"),
            Self::BadFlag => f.write_str("flag begins with neither letter nor digit"),
            Self::DuplicateFlag { letter } => {
                write!(f, "flag {} is repeated", [*letter].escape_ascii())
            }
            Self::UnknownFlag { letter } => {
                write!(f, "flag {} is unknown", [*letter].escape_ascii())
            }
            Self::TooManyFlags { flags, flags_max } => {
                write!(f, "{flags} flags exceed {flags_max}")
            }
            Self::BadFlagToken { letter } => {
                write!(
                    f,
                    "argument of flag {} is no number",
                    [*letter].escape_ascii()
                )
            }
            Self::UndecodableKey => f.write_str("key is no base64"),
            Self::OpaqueTooLong { bytes } => {
                let bytes_max = crate::Meta::OPAQUE_BYTES_MAX;
                write!(f, "opaque of {bytes} bytes exceeds {bytes_max}")
            }
            Self::BadMode => f.write_str("mode is unknown to this command"),
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
    /// A `VA` line without a length, or an `ME` line, or a line of a dump or of a report, that is
    /// not made as such lines are.
    BadWords,
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
            ResponseErrorKind::BadWords => f.write_str("malformed line of a known kind"),
        }
    }
}

impl core::error::Error for ResponseError {}
