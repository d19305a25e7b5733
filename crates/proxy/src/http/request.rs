//! Request heads.

use core::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use super::error::{HeadError, HeadErrorKind};
use super::fields::{FieldLines, Headers};
use super::framing::{Body, Framing};
use super::lines::Lines;
use super::{Limits, Version, is_blank, is_token, target};

/// A request head, checked; written with [`encode`](RequestHead::encode) after rules have changed its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method, as received.
    pub method: Bytes,
    /// The target, as received.
    pub target: Bytes,
    /// The version.
    pub version: Version,
    /// The headers.
    pub headers: Headers,
    /// Where the body ends.
    pub body: Body,
    /// `METHOD SP TARGET SP VERSION` with single blanks, the version as received: for logs.
    pub line: Bytes,
    /// Whether the framing was doubtful, so that the client's connection must close after this exchange.
    pub must_close: bool,
    /// Bytes received for this head, empty lines before it included.
    pub received_bytes: usize,
}

impl RequestHead {
    /// Whether the client may send another request after this one (RFC 9112, section 9.3).
    #[must_use]
    pub fn wants_keep_alive(&self) -> bool {
        if self.must_close || self.headers.has_member("connection", "close") {
            return false;
        }
        self.version == Version::Http11 || self.headers.has_member("connection", "keep-alive")
    }

    /// Whether the request asks to speak another protocol afterwards.
    #[must_use]
    pub fn wants_upgrade(&self) -> bool {
        self.headers.has_member("connection", "upgrade") && self.headers.contains("upgrade")
    }

    /// Whether the method is `CONNECT`.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        &self.method[..] == b"CONNECT"
    }

    /// Whether sending the request twice does what sending it once does (RFC 9110, section 9.2.2).
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        matches!(
            &self.method[..],
            b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE"
        )
    }

    /// Makes the headers say where the body ends, as they did when they came: to be called after rules have changed
    /// them. What was removed is put back.
    ///
    /// Returns false if they say something else now; such a head must not be sent.
    #[must_use]
    pub fn restore_framing(&mut self) -> bool {
        let Ok(framing) = Framing::new(&mut self.headers, self.received_bytes) else {
            return false;
        };
        match (self.body, framing.length) {
            (Body::Chunked, _) if framing.chunked => true,
            (Body::Chunked, None) => {
                self.headers.append("transfer-encoding", "chunked");
                true
            }
            (_, _) if framing.chunked => false,
            (Body::Length(length), Some(found)) => length == found,
            (Body::Length(length), None) => {
                self.headers.append("content-length", length.to_string());
                true
            }
            (Body::None, found) => found.unwrap_or(0) == 0,
            (Body::Chunked | Body::UntilClose, _) => false,
        }
    }

    /// Bytes that [`encode`](Self::encode) writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let line = self.method.len() + self.target.len() + self.version.as_bytes().len() + 4;
        line + self.headers.encoded_len() + 2
    }

    /// Writes the head, blank line included.
    pub fn encode(&self, out: &mut BytesMut) {
        out.reserve(self.encoded_len());
        out.put_slice(&self.method);
        out.put_u8(b' ');
        out.put_slice(&self.target);
        out.put_u8(b' ');
        out.put_slice(self.version.as_bytes());
        out.put_slice(b"\r\n");
        self.headers.encode(out);
        out.put_slice(b"\r\n");
    }
}

/// Finds and checks request heads in what a client sends.
#[derive(Debug, Clone)]
pub struct RequestParser {
    lines: Lines,
    start: Option<StartLine>,
    fields: FieldLines,
    /// Bytes of an unfinished request line that are known to be a method.
    method_checked: usize,
}

impl RequestParser {
    /// A parser for one head.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            lines: Lines::new(limits),
            start: None,
            fields: FieldLines::default(),
            method_checked: 0,
        }
    }

    /// Looks on in `input`, all that has come since the parser was made, and takes a complete head off its front.
    ///
    /// `Ok(None)` asks for more. Lines are looked at as they come in and no line twice, so faults are found early
    /// and the cost is linear in the head's length, however it is split.
    ///
    /// # Errors
    ///
    /// The first fault in the order of the text, whatever the split; `status` tells what to answer. Make a new
    /// parser for the next head.
    pub fn parse(&mut self, input: &mut BytesMut) -> Result<Option<RequestHead>, HeadError> {
        loop {
            let overflow = match self.start {
                None => HeadErrorKind::TargetTooLong,
                Some(_) => HeadErrorKind::HeadTooLarge,
            };
            let Some(line) = self.lines.next(input, overflow)? else {
                self.check_beginning(input)?;
                return Ok(None);
            };
            match self.start.take() {
                None if line.is_empty() => {}
                None => self.start = Some(StartLine::parse(input, line)?),
                Some(start) if !line.is_empty() => {
                    let headers_max = self.lines.limits().headers_max;
                    self.fields.add(input, line, headers_max)?;
                    self.start = Some(start);
                }
                Some(start) => {
                    let raw = input.split_to(self.lines.position()).freeze();
                    let headers = core::mem::take(&mut self.fields).finish(&raw);
                    return finish(&raw, &start, headers).map(Some);
                }
            }
        }
    }

    /// Whether any byte of a request has come; empty lines do not count.
    #[must_use]
    pub fn has_started(&self, input: &[u8]) -> bool {
        let rest = input.get(self.lines.position()..).unwrap_or_default();
        self.start.is_some() || !matches!(rest, [] | [b'\r'])
    }

    /// What can be said before the first line is complete: a method starts it.
    fn check_beginning(&mut self, input: &[u8]) -> Result<(), HeadError> {
        if self.start.is_some() {
            return Ok(());
        }
        let begin = self.lines.position();
        self.method_checked = self.method_checked.max(begin);
        while let Some(byte) = input.get(self.method_checked) {
            if !is_token(*byte) {
                let at_start = self.method_checked == begin;
                let fine = *byte == b'\r' || (is_blank(*byte) && !at_start);
                if !fine {
                    return Err(HeadError::new(HeadErrorKind::Method, self.method_checked));
                }
                break;
            }
            self.method_checked += 1;
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct StartLine {
    method: Range<usize>,
    target: Range<usize>,
    version_text: Range<usize>,
    version: Version,
}

impl StartLine {
    /// `METHOD 1*blank TARGET 1*blank VERSION`.
    fn parse(input: &[u8], line: Range<usize>) -> Result<Self, HeadError> {
        let fault = |kind, offset| Err(HeadError::new(kind, offset));
        let method = word(input, &line, line.start);
        if let Some(bad) = input[method.clone()]
            .iter()
            .position(|byte| !is_token(*byte))
        {
            return fault(HeadErrorKind::Method, method.start + bad);
        }
        if method.is_empty() {
            return fault(HeadErrorKind::Method, line.start);
        }
        let target = word(input, &line, skip_blanks(input, &line, method.end));
        if let Some(bad) = input[target.clone()]
            .iter()
            .position(|byte| !target::is_allowed(*byte))
        {
            return fault(HeadErrorKind::Target, target.start + bad);
        }
        if target.is_empty() {
            return fault(HeadErrorKind::StartLine, line.end);
        }
        let version_text = skip_blanks(input, &line, target.end)..line.end;
        if version_text.is_empty() {
            return fault(HeadErrorKind::StartLine, line.end);
        }
        let Some(version) = Version::parse(&input[version_text.clone()]) else {
            return fault(HeadErrorKind::Version, version_text.start);
        };
        Ok(Self {
            method,
            target,
            version_text,
            version,
        })
    }

    /// The line with single blanks, as a part of `raw` if it came like that.
    fn line(&self, raw: &Bytes) -> Bytes {
        let [method, target, version] = [&self.method, &self.target, &self.version_text];
        if target.start == method.end + 1 && version.start == target.end + 1 {
            return raw.slice(method.start..version.end);
        }
        let words = [method, target, version].map(|word| &raw[word.clone()]);
        Bytes::from(words.join(&b' '))
    }
}

fn word(input: &[u8], line: &Range<usize>, start: usize) -> Range<usize> {
    let text = &input[start..line.end];
    let len = text.iter().take_while(|byte| !is_blank(**byte)).count();
    start..start + len
}

fn skip_blanks(input: &[u8], line: &Range<usize>, start: usize) -> usize {
    let text = &input[start..line.end];
    start + text.iter().take_while(|byte| is_blank(**byte)).count()
}

/// The checks that need the whole head.
fn finish(raw: &Bytes, start: &StartLine, mut headers: Headers) -> Result<RequestHead, HeadError> {
    let end = raw.len();
    let method = raw.slice(start.method.clone());
    let target = raw.slice(start.target.clone());
    target::check(&method, &target, &mut headers, start.target.start, end)?;
    let framing = Framing::new(&mut headers, end)?;
    let body = match framing.length {
        _ if framing.chunked => Body::Chunked,
        Some(length) if length > 0 => Body::Length(length),
        _ => Body::None,
    };
    let old = start.version == Version::Http10;
    let has_none = match &method[..] {
        b"CONNECT" => true,
        b"GET" | b"HEAD" | b"DELETE" => old,
        _ => false,
    };
    if has_none && body != Body::None {
        return Err(HeadError::new(HeadErrorKind::UnexpectedBody, end));
    }
    // A switch in the middle of a body would leave the rest of it to two readings.
    check_upgrade(&mut headers, !old && body == Body::None, end)?;
    Ok(RequestHead {
        method,
        target,
        version: start.version,
        headers,
        body,
        line: start.line(raw),
        must_close: framing.conflict || (old && framing.chunked),
        received_bytes: end,
    })
}

/// `Upgrade` counts only with `Connection: upgrade`, and where `may_upgrade` (RFC 9110, section 7.8); else it is
/// dropped. HTTP/2 in clear is never asked for: nothing of what follows would be seen by any rule.
fn check_upgrade(headers: &mut Headers, may_upgrade: bool, end: usize) -> Result<(), HeadError> {
    if !headers.contains("upgrade") {
        return Ok(());
    }
    headers.strip_members("upgrade", &["h2c", "h2"]);
    let counts = headers.contains("upgrade") && headers.has_member("connection", "upgrade");
    if !(may_upgrade && counts) {
        headers.remove_name("upgrade");
        headers.remove_name("http2-settings");
        headers.strip_members("connection", &["upgrade", "http2-settings"]);
        return Ok(());
    }
    if headers.has_member("upgrade", "websocket") && !headers.contains("sec-websocket-key") {
        return Err(HeadError::new(HeadErrorKind::Upgrade, end));
    }
    Ok(())
}
