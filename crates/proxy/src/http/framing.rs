//! Where a body ends (RFC 9112, section 6).

use bytes::Bytes;

use super::error::{HeadError, HeadErrorKind};
use super::fields::Headers;
use super::trim;

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9112 knows these")]
pub enum Body {
    /// There is none.
    None,
    /// That many bytes, at least one.
    Length(u64),
    /// Chunks, the last one empty, then trailers.
    Chunked,
    /// Everything until the server closes.
    UntilClose,
}

/// What the framing headers say, after they have been made unambiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) chunked: bool,
    pub(super) length: Option<u64>,
    /// Both were there: the connection must not carry another message (RFC 9112, section 6.1).
    pub(super) conflict: bool,
}

impl Framing {
    /// Reads and cleans the framing headers: equal lengths are merged into one, a length beside chunks is dropped.
    ///
    /// `offset` is the place to blame.
    pub(super) fn new(headers: &mut Headers, offset: usize) -> Result<Self, HeadError> {
        let chunked = transfer_encoding(headers, offset)?;
        let length = content_length(headers, offset)?;
        match length {
            Some(_) if chunked => headers.remove_name("content-length"),
            Some(length) => {
                let mut buffer = itoa::Buffer::new();
                let digits = buffer.format(length).as_bytes();
                let mut values = headers.values("content-length");
                let is_plain = values.next() == Some(digits) && values.next().is_none();
                drop(values);
                if !is_plain {
                    headers.merge("content-length", Bytes::copy_from_slice(digits));
                }
            }
            None => {}
        }
        Ok(Self {
            chunked,
            conflict: chunked && length.is_some(),
            length: if chunked { None } else { length },
        })
    }
}

/// Whether the body is chunked. Nothing but `chunked` alone is accepted.
fn transfer_encoding(headers: &Headers, offset: usize) -> Result<bool, HeadError> {
    let mut chunked = 0;
    let mut others = 0;
    let mut last = false;
    for value in headers.values("transfer-encoding") {
        for coding in value.split(|byte| *byte == b',').map(trim) {
            last = coding.eq_ignore_ascii_case(b"chunked");
            if last {
                chunked += 1;
            } else if coding.is_empty() || !coding.iter().all(|byte| super::is_token(*byte)) {
                return Err(HeadError::new(HeadErrorKind::TransferEncoding, offset));
            } else {
                others += 1;
            }
        }
    }
    match (chunked, others) {
        (0, 0) => Ok(false),
        (1, 0) => Ok(true),
        (1, _) if last => Err(HeadError::new(HeadErrorKind::UnknownCoding, offset)),
        _ => Err(HeadError::new(HeadErrorKind::TransferEncoding, offset)),
    }
}

/// The length, if one is given; several must agree.
fn content_length(headers: &Headers, offset: usize) -> Result<Option<u64>, HeadError> {
    let error = HeadError::new(HeadErrorKind::ContentLength, offset);
    let mut length = None;
    for value in headers.values("content-length") {
        for digits in value.split(|byte| *byte == b',').map(trim) {
            let found = decimal(digits).ok_or(error)?;
            if length.is_some_and(|length| length != found) {
                return Err(error);
            }
            length = Some(found);
        }
    }
    Ok(length)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    (value <= LENGTH_MAX).then_some(value)
}

/// The longest body that can be announced; leaves room for sums, and `u64::MAX` for "until close".
pub(super) const LENGTH_MAX: u64 = i64::MAX as u64;
