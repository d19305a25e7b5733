//! Bytes to requests: the server's side.

mod admin;
mod hot;

use super::{LineFinder, ONE_MORE, Parsed, line_at};
use crate::error::Wording;
use crate::number::{
    parse_exptime, parse_exptime_wide, parse_flags_wide, parse_u32, parse_u64, parse_value_bytes,
};
use crate::words::{Words, last_word};
use crate::{
    Arithmetic, Key, KeyError, Keys, Limits, Meta, MetaVerb, ParseError, ParseErrorKind, Recovery,
    Request, Storage, StorageVerb,
};

/// Parses requests, incrementally and without copying.
///
/// The result is the same whatever the split of the input, and no byte is searched twice for
/// the end of a line. Limits, errors and the place at which parsing goes on after bad input are
/// those of memcached 1.6.45.
///
/// ```
/// # use steadfast_protocol::{Limits, Parsed, Request, RequestParser};
/// let mut parser = RequestParser::new(Limits::default());
/// assert!(matches!(parser.parse(b"get vis"), Ok(Parsed::Incomplete { .. })));
/// let Ok(Parsed::Complete { message: Request::Get { mut keys, .. }, consumed }) =
///     parser.parse(b"get visits\r\n") else { panic!() };
/// assert_eq!((keys.next().unwrap().as_bytes(), consumed), (&b"visits"[..], 12));
/// ```
#[derive(Debug, Clone)]
pub struct RequestParser {
    limits: Limits,
    lines: LineFinder,
}

/// A `get`, or `gets`, of one key: see [`RequestParser::parse_one_get`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the words of the line")]
pub struct OneGet<'a> {
    /// The key asked for.
    pub key: Key<'a>,
    /// Whether the answer has a cas id (`gets`).
    pub cas: bool,
}

impl RequestParser {
    /// A parser at the start of a connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            lines: LineFinder::default(),
        }
    }

    /// Parses the request at the start of `input`.
    ///
    /// After [`Parsed::Incomplete`] the next call must have the same bytes with more behind
    /// them. After a request with [`Request::value_bytes`] the data block follows, which is not the parser's
    /// business: see [`DataBlock`](crate::DataBlock). Linear in the length of the line.
    ///
    /// # Errors
    ///
    /// [`ParseError`] tells what to answer and how to go on.
    pub fn parse<'a>(&mut self, input: &'a [u8]) -> Result<Parsed<Request<'a>>, ParseError> {
        if self.lines.is_fresh() {
            if let Some((message, consumed)) = hot::parse(input) {
                if consumed <= self.limits.line_bytes_max {
                    return Ok(Parsed::Complete { message, consumed });
                }
            }
        }
        self.parse_any(input)
    }

    /// Recognises a plain retrieval of one key, which most requests are, without the detour over
    /// [`Request`]; returns it and the bytes of its line.
    ///
    /// What this returns is what [`parse`](Self::parse) would make of the same input. `None` says
    /// nothing: then `parse` knows.
    #[inline(always)]
    #[must_use]
    pub fn parse_one_get<'a>(&self, input: &'a [u8]) -> Option<(OneGet<'a>, usize)> {
        if !self.lines.is_fresh() {
            return None;
        }
        hot::parse_get(input).filter(|&(_, consumed)| consumed <= self.limits.line_bytes_max)
    }

    /// Forgets what is known of the input, so that the next call may be given another one.
    ///
    /// A caller that parses ahead of what it executes needs it when it goes back. Costs nothing
    /// beside parsing that line again.
    pub const fn restart(&mut self) {
        self.lines = LineFinder { scanned: 0 };
    }

    /// The long way, for all requests and all errors.
    #[inline(never)]
    fn parse_any<'a>(&mut self, input: &'a [u8]) -> Result<Parsed<Request<'a>>, ParseError> {
        let end = self.lines.find(input);
        let line_bytes = end.unwrap_or(input.len());
        if line_bytes > self.limits.line_bytes_max {
            let bytes_max = self.bytes_max(input);
            if line_bytes > bytes_max {
                let kind = ParseErrorKind::LineTooLong { bytes_max };
                return Err(ParseError::new(kind, Recovery::Close, true));
            }
        }
        let Some(end) = end else {
            return Ok(Parsed::Incomplete { needed: ONE_MORE });
        };
        let consumed = end + 1;
        match parse_line(line_at(input, end), consumed) {
            Ok(message) => Ok(Parsed::Complete { message, consumed }),
            Err(fault) => Err(fault.into_error(consumed)),
        }
    }

    /// The limit of the line that begins with `input`: retrievals may be longer than others.
    fn bytes_max(&self, input: &[u8]) -> usize {
        let spaces = input
            .iter()
            .take(LEADING_SPACES_MAX)
            .take_while(|&&b| b == b' ')
            .count();
        let text = &input[spaces..];
        if text.starts_with(b"get ") || text.starts_with(b"gets ") {
            self.limits.multiget_bytes_max
        } else {
            self.limits.line_bytes_max
        }
    }
}

/// A fault of a line, before it is known where the line ends in the input.
struct Fault {
    kind: ParseErrorKind,
    /// The bytes of the announced data block that are to be dropped with the line.
    data_bytes: usize,
    silent: bool,
    wording: Wording,
}

impl Fault {
    const fn new(kind: ParseErrorKind) -> Self {
        Self {
            kind,
            data_bytes: 0,
            silent: false,
            wording: Wording::Usual,
        }
    }

    /// Silent if the line ends in `noreply`.
    fn unless_noreply(kind: ParseErrorKind, line: &[u8]) -> Self {
        Self {
            silent: is_noreply(line),
            ..Self::new(kind)
        }
    }

    fn into_error(self, line_bytes: usize) -> ParseError {
        let recovery = match self.kind {
            ParseErrorKind::Http => Recovery::Close,
            _ => Recovery::Discard(line_bytes + self.data_bytes),
        };
        ParseError::new(self.kind, recovery, self.silent).worded(self.wording)
    }
}

fn parse_line(line: &[u8], bytes_with_end: usize) -> Result<Request<'_>, Fault> {
    if bytes_with_end < SHORTEST_LINE_BYTES {
        return Err(Fault::new(ParseErrorKind::LineTooShort {
            bytes: bytes_with_end,
        }));
    }
    let mut words = Words::new(line);
    // A leading space makes the first word empty to memcached, and nothing is called that.
    let command = if line.starts_with(b" ") {
        b""
    } else {
        words.next().unwrap_or_default()
    };
    match command {
        b"get" => parse_get(words, false),
        b"set" => parse_store(StorageVerb::Set, words),
        b"gets" => parse_get(words, true),
        b"add" => parse_store(StorageVerb::Add, words),
        b"incr" => parse_arithmetic(Arithmetic::Increment, words, line),
        b"decr" => parse_arithmetic(Arithmetic::Decrement, words, line),
        b"delete" => parse_delete(words, line),
        b"touch" => parse_touch(words, line),
        b"gat" => parse_get_and_touch(words, false),
        b"gats" => parse_get_and_touch(words, true),
        b"replace" => parse_store(StorageVerb::Replace, words),
        b"append" => parse_store(StorageVerb::Append, words),
        b"prepend" => parse_store(StorageVerb::Prepend, words),
        b"cas" => parse_store(StorageVerb::Cas(0), words),
        b"flush_all" => parse_flush_all(words, line),
        b"verbosity" => parse_verbosity(words, line),
        b"stats" => {
            let topic = words.next().unwrap_or_default();
            Ok(Request::Stats {
                topic,
                rest: words.rest(),
            })
        }
        b"version" => Ok(Request::Version),
        b"quit" => Ok(Request::Quit),
        b"mg" => parse_meta(MetaVerb::Get, words).map(Request::MetaGet),
        b"ms" => parse_meta_set(words),
        b"md" => parse_meta(MetaVerb::Delete, words).map(Request::MetaDelete),
        b"ma" => parse_meta(MetaVerb::Arithmetic, words).map(Request::MetaArithmetic),
        b"me" => parse_meta(MetaVerb::Debug, words).map(Request::MetaDebug),
        b"mn" => Ok(Request::MetaNoop),
        b"watch" => Ok(Request::Watch {
            words: words.rest(),
        }),
        b"cache_memlimit" => admin::parse_cache_memlimit(words, line),
        b"shutdown" => admin::parse_shutdown(words, line),
        b"refresh_certs" => Ok(Request::RefreshCertificates {
            noreply: is_noreply(line),
        }),
        b"lru" => admin::parse_lru(words, line),
        b"slabs" => admin::parse_slabs(words, line),
        b"lru_crawler" => admin::parse_crawler(words, line),
        _ if is_http(words) => Err(Fault::new(ParseErrorKind::Http)),
        _ => Err(Fault::unless_noreply(ParseErrorKind::UnknownCommand, line)),
    }
}

fn parse_get(words: Words<'_>, cas: bool) -> Result<Request<'_>, Fault> {
    Ok(Request::Get {
        keys: check_keys(words)?,
        cas,
    })
}

fn parse_get_and_touch(mut words: Words<'_>, cas: bool) -> Result<Request<'_>, Fault> {
    let exptime = words.next().ok_or(TOO_FEW)?;
    if words.rest().is_empty() {
        return Err(TOO_FEW);
    }
    let exptime = parse_exptime(exptime).ok_or(Fault::new(ParseErrorKind::BadExptime))?;
    Ok(Request::GetAndTouch {
        exptime,
        keys: check_keys(words)?,
        cas,
    })
}

/// Looks at all keys before the first is used: one bad key voids the whole retrieval.
fn check_keys(words: Words<'_>) -> Result<Keys<'_>, Fault> {
    let mut left = words;
    let first = left.next().ok_or(TOO_FEW)?;
    let first = Key::from_word(first).map_err(|error| Fault::new(bad_key(error)))?;
    if left.left_bytes() == 0 {
        return Ok(Keys::one(first));
    }
    for word in left {
        Key::from_word(word).map_err(|error| Fault::new(bad_key(error)))?;
    }
    Ok(Keys::checked(words))
}

fn parse_store(verb: StorageVerb, mut words: Words<'_>) -> Result<Request<'_>, Fault> {
    let mut next = || words.next().ok_or(TOO_FEW);
    let (key, flags, exptime, value_bytes) = (next()?, next()?, next()?, next()?);
    let value_bytes =
        parse_value_bytes(value_bytes).ok_or(Fault::new(ParseErrorKind::BadLength))?;
    let noreply = is_noreply(words.rest());
    // From here on the length is known, so that the data can be dropped with the line.
    let fault = |kind| Fault {
        data_bytes: value_bytes + 2,
        silent: noreply,
        ..Fault::new(kind)
    };
    let bad_number = || fault(ParseErrorKind::BadNumber);
    let key = Key::from_word(key).map_err(|error| fault(bad_key(error)))?;
    let flags = parse_flags_wide(flags).ok_or_else(bad_number)?;
    let exptime = parse_exptime_wide(exptime).ok_or_else(bad_number)?;
    let verb = match verb {
        StorageVerb::Cas(_) => {
            let id = words
                .next()
                .ok_or_else(|| fault(ParseErrorKind::TooFewWords))?;
            StorageVerb::Cas(parse_u64(id).ok_or_else(bad_number)?)
        }
        other => other,
    };
    Ok(Request::Store(Storage {
        verb,
        key,
        flags,
        exptime,
        value_bytes,
        noreply,
    }))
}

fn parse_delete<'a>(mut words: Words<'a>, line: &[u8]) -> Result<Request<'a>, Fault> {
    let key = words.next().ok_or(TOO_FEW)?;
    let key = key_or_fault(key, line)?;
    // 1.6.45 ignores all further words, 1.6.18 refuses most. Old clients send a time; a whole
    // sentence is a mistake, and libmemcached's conformance test wants to hear of it.
    if words.count() > DELETE_EXTRA_WORDS_MAX {
        return Err(Fault::unless_noreply(ParseErrorKind::TooManyWords, line));
    }
    Ok(Request::Delete {
        key,
        noreply: is_noreply(line),
    })
}

fn parse_arithmetic<'a>(
    operation: Arithmetic,
    mut words: Words<'a>,
    line: &[u8],
) -> Result<Request<'a>, Fault> {
    let key = words.next().ok_or(TOO_FEW)?;
    let delta = words.next().ok_or(TOO_FEW)?;
    let key = key_or_fault(key, line)?;
    let delta =
        parse_u64(delta).ok_or_else(|| Fault::unless_noreply(ParseErrorKind::BadDelta, line))?;
    Ok(Request::Arithmetic {
        operation,
        key,
        delta,
        noreply: is_noreply(line),
    })
}

fn parse_touch<'a>(mut words: Words<'a>, line: &[u8]) -> Result<Request<'a>, Fault> {
    let key = words.next().ok_or(TOO_FEW)?;
    let exptime = words.next().ok_or(TOO_FEW)?;
    let key = key_or_fault(key, line)?;
    let exptime = parse_exptime(exptime)
        .ok_or_else(|| Fault::unless_noreply(ParseErrorKind::BadExptime, line))?;
    Ok(Request::Touch {
        key,
        exptime,
        noreply: is_noreply(line),
    })
}

fn parse_flush_all<'a>(mut words: Words<'a>, line: &[u8]) -> Result<Request<'a>, Fault> {
    let noreply = is_noreply(line);
    let exptime = match words.next() {
        None => None,
        Some(b"noreply") if words.rest().is_empty() => None,
        Some(word) => Some(
            parse_exptime(word)
                .ok_or_else(|| Fault::unless_noreply(ParseErrorKind::BadExptime, line))?,
        ),
    };
    Ok(Request::FlushAll { exptime, noreply })
}

fn parse_verbosity<'a>(mut words: Words<'a>, line: &[u8]) -> Result<Request<'a>, Fault> {
    let level = words.next().ok_or(TOO_FEW)?;
    let level =
        parse_u32(level).ok_or_else(|| Fault::unless_noreply(ParseErrorKind::BadNumber, line))?;
    Ok(Request::Verbosity {
        level,
        noreply: is_noreply(line),
    })
}

fn parse_meta(verb: MetaVerb, mut words: Words<'_>) -> Result<Meta<'_>, Fault> {
    let key = words.next().ok_or(TOO_FEW)?;
    check_meta(verb, key, words, 0)
}

/// Once the length is known, the data is dropped with a line that is refused, unless it is no meta
/// command at all.
fn parse_meta_set(mut words: Words<'_>) -> Result<Request<'_>, Fault> {
    let key = words.next().ok_or(TOO_FEW)?;
    let value_bytes = words.next().ok_or(TOO_FEW)?;
    let value_bytes =
        parse_value_bytes(value_bytes).ok_or(Fault::new(ParseErrorKind::BadLength))?;
    let meta = check_meta(MetaVerb::Set, key, words, value_bytes + 2)?;
    Ok(Request::MetaSet { meta, value_bytes })
}

fn check_meta<'a>(
    verb: MetaVerb,
    key: &'a [u8],
    flags: Words<'a>,
    data_bytes: usize,
) -> Result<Meta<'a>, Fault> {
    Meta::check(verb, key, flags).map_err(|fault| Fault {
        data_bytes: if fault.takes_data { data_bytes } else { 0 },
        wording: match verb {
            MetaVerb::Arithmetic => Wording::MetaArithmetic,
            MetaVerb::Debug => Wording::MetaDebug,
            _ => Wording::Usual,
        },
        ..Fault::new(fault.kind)
    })
}

fn key_or_fault<'a>(word: &'a [u8], line: &[u8]) -> Result<Key<'a>, Fault> {
    Key::from_word(word).map_err(|error| Fault::unless_noreply(bad_key(error), line))
}

fn bad_key(error: KeyError) -> ParseErrorKind {
    match error {
        KeyError::TooLong { bytes } => ParseErrorKind::KeyTooLong { bytes },
        KeyError::Empty | KeyError::Separator { .. } => ParseErrorKind::TooFewWords,
    }
}

/// `noreply` counts wherever it is the last word of the line, even in the place of another
/// argument.
fn is_noreply(line: &[u8]) -> bool {
    last_word(line) == Some(b"noreply")
}

/// Whether an unknown command with these arguments looks like a browser's request line.
fn is_http(arguments: Words<'_>) -> bool {
    last_word(arguments.rest()).is_some_and(|word| word.starts_with(b"HTTP/"))
}

const TOO_FEW: Fault = Fault::new(ParseErrorKind::TooFewWords);
/// memcached looks behind so many spaces for the name of a retrieval.
const LEADING_SPACES_MAX: usize = 100;
/// `mg k` has four bytes; whatever is shorter with its end is refused unseen.
const SHORTEST_LINE_BYTES: usize = 4;
const DELETE_EXTRA_WORDS_MAX: usize = 3;

#[cfg(test)]
mod tests;
