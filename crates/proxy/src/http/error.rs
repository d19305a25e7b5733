//! What is wrong with a head, where, and what to answer.

use core::fmt;

/// A head that can't be used. The connection does not go on after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadError {
    /// What is wrong.
    pub kind: HeadErrorKind,
    /// The offending byte, counted from the start of the input (for a head that is wrong as a whole: of its end).
    pub offset: usize,
}

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadErrorKind {
    /// The request or status line has not the form it should have.
    StartLine,
    /// A method holds something else than token characters.
    Method,
    /// A request target has characters or a form that it may not have.
    Target,
    /// A version is not `HTTP/D.D`.
    Version,
    /// A status is not a number of up to three digits.
    Status,
    /// A header name is empty, not closed by a colon, or has other than token characters.
    HeaderName,
    /// A header value holds a NUL or a lone CR.
    HeaderValue,
    /// There are more headers than allowed.
    TooManyHeaders,
    /// The start line does not fit.
    TargetTooLong,
    /// The headers do not fit.
    HeadTooLarge,
    /// `Host` is malformed, given twice with different values, or not that of the target.
    Host,
    /// `Content-Length` is no number, too large, or given twice with different values.
    ContentLength,
    /// `Transfer-Encoding` is not `chunked`.
    TransferEncoding,
    /// `Transfer-Encoding` ends with `chunked`, after codings that we do not know.
    UnknownCoding,
    /// A body where a request can't have one: with `CONNECT`, and with some methods of HTTP/1.0.
    UnexpectedBody,
    /// `Upgrade: websocket` without a key.
    Upgrade,
}

impl HeadError {
    pub(crate) const fn new(kind: HeadErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// The status to answer a client with. A server's bad head is always a 502.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.kind {
            HeadErrorKind::UnexpectedBody => 413,
            HeadErrorKind::TargetTooLong => 414,
            HeadErrorKind::UnknownCoding => 422,
            HeadErrorKind::HeadTooLarge => 431,
            _ => 400,
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            HeadErrorKind::StartLine => "malformed start line",
            HeadErrorKind::Method => "method with a character that is no token",
            HeadErrorKind::Target => "malformed request target",
            HeadErrorKind::Version => "version that is not HTTP/D.D",
            HeadErrorKind::Status => "status that is not a number of up to three digits",
            HeadErrorKind::HeaderName => "malformed header name",
            HeadErrorKind::HeaderValue => "header value with a NUL or a lone CR",
            HeadErrorKind::TooManyHeaders => "too many headers",
            HeadErrorKind::TargetTooLong => "start line that does not fit",
            HeadErrorKind::HeadTooLarge => "headers that do not fit",
            HeadErrorKind::Host => "malformed or conflicting host",
            HeadErrorKind::ContentLength => "malformed or conflicting content-length",
            HeadErrorKind::TransferEncoding => "transfer-encoding that is not chunked",
            HeadErrorKind::UnknownCoding => "unknown coding before chunked",
            HeadErrorKind::UnexpectedBody => "body in a request that can have none",
            HeadErrorKind::Upgrade => "websocket upgrade without a key",
        };
        write!(f, "{what} at byte {}", self.offset)
    }
}

impl core::error::Error for HeadError {}
