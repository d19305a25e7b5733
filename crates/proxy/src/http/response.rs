//! Response heads.

use bytes::{BufMut, Bytes, BytesMut};

use super::error::{HeadError, HeadErrorKind};
use super::fields::{FieldLines, Headers};
use super::framing::{Body, Framing};
use super::lines::Lines;
use super::{Limits, Version, is_blank, reason};

/// A response head, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseHead {
    /// The version.
    pub version: Version,
    /// The status, 0 to 999.
    pub status: u16,
    /// The reason phrase as received; empty if there was none.
    pub reason: Bytes,
    /// The headers.
    pub headers: Headers,
    /// Where the body ends, for the request's method.
    pub body: Body,
    /// Whether the framing was doubtful, so that the server's connection must close.
    pub must_close: bool,
    /// Bytes received for this head.
    pub received_bytes: usize,
}

impl ResponseHead {
    /// Whether it announces another response: 100 to 199, but for 101.
    #[must_use]
    pub const fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    /// Whether the server keeps the connection after this exchange (RFC 9112, section 9.3).
    #[must_use]
    pub fn wants_keep_alive(&self) -> bool {
        if self.must_close
            || self.body == Body::UntilClose
            || self.headers.has_member("connection", "close")
        {
            return false;
        }
        self.version == Version::Http11 || self.headers.has_member("connection", "keep-alive")
    }

    /// Bytes that [`encode`](Self::encode) writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let status = itoa::Buffer::new().format(self.status).len();
        let line = self.version.as_bytes().len() + status + self.phrase().len() + 4;
        line + self.headers.encoded_len() + 2
    }

    /// Writes the head, blank line included. A missing reason is filled in.
    pub fn encode(&self, out: &mut BytesMut) {
        out.reserve(self.encoded_len());
        out.put_slice(self.version.as_bytes());
        out.put_u8(b' ');
        out.put_slice(itoa::Buffer::new().format(self.status).as_bytes());
        out.put_u8(b' ');
        out.put_slice(self.phrase());
        out.put_slice(b"\r\n");
        self.headers.encode(out);
        out.put_slice(b"\r\n");
    }

    fn phrase(&self) -> &[u8] {
        if self.reason.is_empty() {
            reason(self.status).as_bytes()
        } else {
            &self.reason
        }
    }
}

/// Finds and checks response heads in what a server sends.
#[derive(Debug, Clone)]
pub struct ResponseParser {
    lines: Lines,
    start: Option<StatusLine>,
    fields: FieldLines,
}

#[derive(Debug, Clone)]
struct StatusLine {
    version: Version,
    status: u16,
    reason: core::ops::Range<usize>,
}

impl ResponseParser {
    /// A parser for one head.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            lines: Lines::new(limits),
            start: None,
            fields: FieldLines::default(),
        }
    }

    /// Looks on in `input`, all that has come since the parser was made, and takes a complete head off its front.
    ///
    /// `method` is the request's: it decides whether there is a body. `Ok(None)` asks for more; the cost is linear
    /// in the head's length, however it is split.
    ///
    /// # Errors
    ///
    /// The first fault in the order of the text. It is the server's, hence a 502.
    pub fn parse(
        &mut self,
        input: &mut BytesMut,
        method: &[u8],
    ) -> Result<Option<ResponseHead>, HeadError> {
        loop {
            let Some(line) = self.lines.next(input, HeadErrorKind::HeadTooLarge)? else {
                if self.start.is_none() {
                    check_beginning(input)?;
                }
                return Ok(None);
            };
            match self.start.take() {
                None => self.start = Some(status_line(input, line)?),
                Some(start) if !line.is_empty() => {
                    let headers_max = self.lines.limits().headers_max;
                    self.fields.add(input, line, headers_max)?;
                    self.start = Some(start);
                }
                Some(start) => {
                    let raw = input.split_to(self.lines.position()).freeze();
                    let headers = core::mem::take(&mut self.fields).finish(&raw);
                    return finish(&raw, &start, headers, method).map(Some);
                }
            }
        }
    }
}

/// What can be said before the first line is complete.
fn check_beginning(input: &[u8]) -> Result<(), HeadError> {
    let prefix = b"HTTP/";
    let wrong = input
        .iter()
        .zip(prefix)
        .position(|(byte, expected)| byte != expected);
    wrong.map_or(Ok(()), |offset| {
        Err(HeadError::new(HeadErrorKind::Version, offset))
    })
}

/// `VERSION 1*blank STATUS [1*blank REASON]`.
fn status_line(input: &[u8], line: core::ops::Range<usize>) -> Result<StatusLine, HeadError> {
    let text = &input[line.clone()];
    let fault = |kind, offset| Err(HeadError::new(kind, line.start + offset));
    let version_len = text.iter().take_while(|byte| !is_blank(**byte)).count();
    let Some(version) = Version::parse(&text[..version_len]) else {
        return fault(HeadErrorKind::Version, 0);
    };
    let blanks = |from: usize| {
        text[from..]
            .iter()
            .take_while(|byte| is_blank(**byte))
            .count()
    };
    let begin = version_len + blanks(version_len);
    let digits = text[begin..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let end = begin + digits;
    let closed = text.get(end).is_none_or(|byte| is_blank(*byte));
    if !(1..=3).contains(&digits) || !closed {
        return fault(HeadErrorKind::Status, end);
    }
    let status = text[begin..end]
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    let reason = end + blanks(end);
    let bad = text[reason..]
        .iter()
        .position(|byte| byte.is_ascii_control() && *byte != b'\t');
    if let Some(bad) = bad {
        return fault(HeadErrorKind::StartLine, reason + bad);
    }
    Ok(StatusLine {
        version,
        status,
        reason: line.start + reason..line.end,
    })
}

fn finish(
    raw: &Bytes,
    start: &StatusLine,
    mut headers: Headers,
    method: &[u8],
) -> Result<ResponseHead, HeadError> {
    let framing = Framing::new(&mut headers, raw.len())?;
    let status = start.status;
    if matches!(status, 100..=199 | 204) {
        headers.remove_name("content-length");
        headers.remove_name("transfer-encoding");
    }
    let bodiless = method == b"HEAD" || matches!(status, 100..=199 | 204 | 304);
    let body = match framing.length {
        _ if bodiless => Body::None,
        _ if framing.chunked => Body::Chunked,
        Some(0) => Body::None,
        Some(length) => Body::Length(length),
        None => Body::UntilClose,
    };
    Ok(ResponseHead {
        version: start.version,
        status,
        reason: raw.slice(start.reason.clone()),
        headers,
        body,
        must_close: framing.conflict || (start.version == Version::Http10 && framing.chunked),
        received_bytes: raw.len(),
    })
}
