//! Bytes to responses: the client's side.

use super::{LineFinder, ONE_MORE, Parsed, line_at};
use crate::number::{parse_u32, parse_u64, parse_value_bytes};
use crate::response::meta;
use crate::words::Words;
use crate::{
    CachedItem, DumpedItem, Key, Limits, MetaFlags, MetaItem, MetaKey, MetaStatus, PrefixCounts,
    Refusal, Response, ResponseError, ResponseErrorKind, ValueHeader,
};

/// Parses responses, incrementally and without copying: the mirror of
/// [`RequestParser`](crate::RequestParser).
///
/// Every line stands for itself; which request it answers is the caller's knowledge.
///
/// ```
/// # use steadfast_protocol::{Limits, Parsed, Response, ResponseParser};
/// let mut parser = ResponseParser::new(Limits::default());
/// assert_eq!(
///     parser.parse(b"STORED\r\n"),
///     Ok(Parsed::Complete { message: Response::Stored, consumed: 8 })
/// );
/// ```
#[derive(Debug, Clone)]
pub struct ResponseParser {
    limits: Limits,
    lines: LineFinder,
}

impl ResponseParser {
    /// A parser at the start of a connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            lines: LineFinder::default(),
        }
    }

    /// Parses the line at the start of `input`.
    ///
    /// After [`Parsed::Incomplete`] the next call must have the same bytes with more behind
    /// them. After a response with [`Response::value_bytes`] its data block follows, which is not the parser's
    /// business: see [`DataBlock`](crate::DataBlock). Linear in the length of the line.
    ///
    /// # Errors
    ///
    /// [`ResponseError`] if the line is no response or exceeds [`Limits::line_bytes_max`]; the
    /// place in the stream is lost and the connection is to be closed.
    pub fn parse<'a>(&mut self, input: &'a [u8]) -> Result<Parsed<Response<'a>>, ResponseError> {
        let end = self.lines.find(input);
        if end.unwrap_or(input.len()) > self.limits.line_bytes_max {
            let bytes_max = self.limits.line_bytes_max;
            return Err(ResponseError::new(ResponseErrorKind::LineTooLong {
                bytes_max,
            }));
        }
        let Some(end) = end else {
            return Ok(Parsed::Incomplete { needed: ONE_MORE });
        };
        let message = parse_line(line_at(input, end))?;
        Ok(Parsed::Complete {
            message,
            consumed: end + 1,
        })
    }
}

fn parse_line(line: &[u8]) -> Result<Response<'_>, ResponseError> {
    let (word, text) = match memchr::memchr(b' ', line) {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, &b""[..]),
    };
    Ok(match word {
        b"VALUE" => Response::Value(parse_value(text).ok_or(BAD_VALUE_LINE)?),
        b"END" => Response::End,
        b"STORED" => Response::Stored,
        b"NOT_STORED" => Response::NotStored,
        b"EXISTS" => Response::Exists,
        b"NOT_FOUND" => Response::NotFound,
        b"DELETED" => Response::Deleted,
        b"TOUCHED" => Response::Touched,
        b"OK" => Response::Ok,
        b"RESET" => Response::Reset,
        b"STAT" => {
            let end = memchr::memchr(b' ', text).unwrap_or(text.len());
            Response::Stat {
                name: &text[..end],
                value: text.get(end + 1..).unwrap_or_default(),
            }
        }
        b"VERSION" => Response::Version(text),
        b"ERROR" => Response::Error(text),
        b"CLIENT_ERROR" => Response::ClientError(text),
        b"SERVER_ERROR" => Response::ServerError(text),
        _ => return parse_other(word, text, line),
    })
}

/// The answers to meta commands and to those for operators.
fn parse_other<'a>(
    word: &'a [u8],
    text: &'a [u8],
    line: &'a [u8],
) -> Result<Response<'a>, ResponseError> {
    let status = match word {
        b"HD" => MetaStatus::Done,
        b"EN" => MetaStatus::Miss,
        b"NF" => MetaStatus::NotFound,
        b"NS" => MetaStatus::NotStored,
        b"EX" => MetaStatus::Exists,
        b"VA" => {
            let (value_bytes, flags) = meta::parse_value(text).ok_or(BAD_WORDS)?;
            return Ok(Response::MetaValue { value_bytes, flags });
        }
        b"MN" => return Ok(Response::MetaNoop),
        b"ME" => return Ok(Response::MetaItem(MetaItem::parse(text).ok_or(BAD_WORDS)?)),
        _ => return parse_operators(word, text, line),
    };
    let flags = MetaFlags::of_response(text);
    Ok(Response::Meta { status, flags })
}

fn parse_operators<'a>(
    word: &'a [u8],
    text: &'a [u8],
    line: &'a [u8],
) -> Result<Response<'a>, ResponseError> {
    if let Some(text) = line.strip_prefix(b"key=") {
        let item = DumpedItem::parse(text).ok_or(BAD_WORDS)?;
        return Ok(Response::DumpedItem(item));
    }
    if line.starts_with(b"ts=") {
        return Ok(Response::Log(line));
    }
    Ok(match word {
        b"mg" => Response::DumpedKey(parse_dumped_key(text).ok_or(BAD_WORDS)?),
        b"ITEM" => Response::CachedItem(CachedItem::parse(text).ok_or(BAD_WORDS)?),
        b"PREFIX" => Response::Prefix(PrefixCounts::parse(text).ok_or(BAD_WORDS)?),
        b"Error" => Response::NotRefreshed(text),
        b"SERVER_ERROR:" if text == b"shutdown not enabled" => Response::ShutdownNotEnabled,
        _ => match Refusal::ALL.iter().find(|reason| reason.word() == word) {
            Some(&reason) => Response::Refused { reason, text },
            None => Response::Number(parse_u64(word).ok_or(UNKNOWN_LINE)?),
        },
    })
}

fn parse_dumped_key(text: &[u8]) -> Option<MetaKey<'_>> {
    let mut words = Words::new(text);
    let key = Key::from_word(words.next()?).ok()?;
    match (words.next(), words.next()) {
        (None, None) => MetaKey::new(key, false),
        (Some(b"b"), None) => MetaKey::new(key, true),
        _ => None,
    }
}

fn parse_value(text: &[u8]) -> Option<ValueHeader<'_>> {
    let mut words = Words::new(text);
    let key = Key::from_word(words.next()?).ok()?;
    let flags = parse_u32(words.next()?)?;
    let value_bytes = parse_value_bytes(words.next()?)?;
    let cas = match words.next() {
        Some(word) => Some(parse_u64(word)?),
        None => None,
    };
    Some(ValueHeader {
        key,
        flags,
        value_bytes,
        cas,
    })
}

const BAD_VALUE_LINE: ResponseError = ResponseError::new(ResponseErrorKind::BadValueLine);
const BAD_WORDS: ResponseError = ResponseError::new(ResponseErrorKind::BadWords);
const UNKNOWN_LINE: ResponseError = ResponseError::new(ResponseErrorKind::UnknownLine);

#[cfg(test)]
mod tests;
