//! What a peer did wrong. The position in the stream is lost after each of these: close.

use core::fmt;

use super::{BODY_BYTES_MAX, Key, Opcode, Response, Status};

/// A request that a server cannot understand: what to answer before closing.
///
/// memcached closes after each of these as well. An opcode that it does not know is none of them:
/// its body is swallowed, see [`Command::Unknown`](super::Command::Unknown).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestError {
    pub(super) kind: RequestErrorKind,
    pub(super) opcode: Opcode,
    pub(super) opaque: u32,
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// It does not begin as a request does.
    BadMagic {
        /// The first byte.
        found: u8,
    },
    /// Extras and key are longer than the body that they are part of.
    BodyTooShort {
        /// The length of the body.
        bytes: usize,
    },
    /// The body is longer than any item.
    BodyTooLong {
        /// The length of the body.
        bytes: usize,
    },
    /// The key is too long.
    KeyTooLong {
        /// The length of the key.
        bytes: usize,
    },
    /// Extras, key or value where the opcode has none, or none where it needs them.
    BadArguments,
}

impl RequestError {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> RequestErrorKind {
        self.kind
    }

    /// What to answer, with the status's text as its value; nothing to a peer who does not speak
    /// this protocol.
    #[must_use]
    pub const fn response(&self) -> Option<Response<'static>> {
        let status = match self.kind {
            RequestErrorKind::BadMagic { .. } => return None,
            RequestErrorKind::BodyTooShort { .. } => Status::UNKNOWN_COMMAND,
            _ => Status::INVALID_ARGUMENTS,
        };
        Some(Response::error(self.opcode, status, self.opaque))
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl core::error::Error for RequestError {}

impl fmt::Display for RequestErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BadMagic { found } => {
                let magic = super::REQUEST_MAGIC;
                write!(
                    f,
                    "first byte is {found:#04x}, a request begins with {magic:#04x}"
                )
            }
            Self::BodyTooShort { bytes } => {
                write!(
                    f,
                    "body of {bytes} bytes is shorter than its extras and key"
                )
            }
            Self::BodyTooLong { bytes } => {
                write!(f, "body of {bytes} bytes exceeds {BODY_BYTES_MAX}")
            }
            Self::KeyTooLong { bytes } => {
                write!(f, "key of {bytes} bytes exceeds {}", Key::BYTES_MAX)
            }
            Self::BadArguments => f.write_str("extras, key or value do not belong to the opcode"),
        }
    }
}

/// A response that a client cannot understand. The position in the stream is lost: close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// It does not begin as a response does.
    BadMagic {
        /// The first byte.
        found: u8,
    },
    /// Extras and key are longer than the body that they are part of.
    BodyTooShort {
        /// The length of the body.
        bytes: usize,
    },
    /// The body is longer than any item.
    BodyTooLong {
        /// The length of the body.
        bytes: usize,
    },
    /// The key is too long.
    KeyTooLong {
        /// The length of the key.
        bytes: usize,
    },
    /// Extras that are no flags: neither 0 nor 4 bytes.
    BadExtras {
        /// The length of the extras.
        bytes: usize,
    },
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BadMagic { found } => {
                let magic = super::RESPONSE_MAGIC;
                write!(
                    f,
                    "first byte is {found:#04x}, a response begins with {magic:#04x}"
                )
            }
            Self::BodyTooShort { bytes } => {
                write!(
                    f,
                    "body of {bytes} bytes is shorter than its extras and key"
                )
            }
            Self::BodyTooLong { bytes } => {
                write!(f, "body of {bytes} bytes exceeds {BODY_BYTES_MAX}")
            }
            Self::KeyTooLong { bytes } => {
                write!(f, "key of {bytes} bytes exceeds {}", Key::BYTES_MAX)
            }
            Self::BadExtras { bytes } => write!(f, "extras of {bytes} bytes, not 0 or 4"),
        }
    }
}

impl core::error::Error for ResponseError {}
