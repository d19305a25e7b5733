//! The shapes that nearly all requests have, parsed in one pass: a verb, a key, plain numbers.
//!
//! What looks in any way different, or is not there as a whole, is left to the long way, which
//! knows all the rules and words all the errors. So there is nothing to decide here, only to
//! recognise: a request that comes out of this file is the one that the long way would give.
//!
//! All of it is inlined into one function, so that a position is a register and not a slice.

use super::OneGet;
use crate::number::parse_u64;
use crate::scan::find_blank;
use crate::{Arithmetic, Key, Keys, Request, Storage, StorageVerb};

/// A request and the length of its line, if `input` begins with one of these shapes.
#[inline(always)]
pub(super) fn parse(input: &[u8]) -> Option<(Request<'_>, usize)> {
    let (verb, start) = verb(input)?;
    let (key, at) = key(input, start)?;
    match verb {
        Verb::Get { cas } => {
            let keys = Keys::one(key);
            Some((Request::Get { keys, cas }, line_end(input, at)?))
        }
        Verb::Store(verb) => {
            let (flags, at) = number(input, at)?;
            let (exptime, at) = number(input, at)?;
            let (value_bytes, at) = number(input, at)?;
            let (noreply, end) = match line_end(input, at) {
                Some(end) => (false, end),
                None => (true, at + NOREPLY.len()),
            };
            if noreply && input.get(at..end) != Some(NOREPLY) {
                return None;
            }
            let storage = Storage {
                verb,
                key,
                flags,
                exptime: exptime.try_into().ok()?,
                value_bytes: value_bytes as usize,
                noreply,
            };
            Some((Request::Store(storage), end))
        }
        Verb::Arithmetic(operation) => {
            let rest = input[at..].strip_prefix(b" ")?;
            let rest = rest.get(..DELTA_CHARS_MAX).unwrap_or(rest);
            let digits = find_blank(rest)?;
            let request = Request::Arithmetic {
                operation,
                key,
                delta: parse_u64(&rest[..digits])?,
                noreply: false,
            };
            Some((request, line_end(input, at + 1 + digits)?))
        }
    }
}

/// A retrieval of one key, `get` or `gets`, and the length of its line.
#[inline(always)]
pub(super) fn parse_get(input: &[u8]) -> Option<(OneGet<'_>, usize)> {
    let (cas, start) = match input {
        [b'g', b'e', b't', b' ', ..] => (false, 4),
        [b'g', b'e', b't', b's', b' ', ..] => (true, 5),
        _ => return None,
    };
    let (key, at) = key(input, start)?;
    Some((OneGet { key, cas }, line_end(input, at)?))
}

/// The key that begins at `start`, and where it ends.
#[inline(always)]
fn key(input: &[u8], start: usize) -> Option<(Key<'_>, usize)> {
    // It ends at a space or at the line's end. One that holds a control character ends there, and
    // nothing that may follow a key does.
    let within = &input[start..input.len().min(start + Key::BYTES_MAX + 1)];
    let key_bytes = find_blank(within).filter(|&bytes| bytes > 0)?;
    let key = Key::from_word(&within[..key_bytes]).ok()?;
    Some((key, start + key_bytes))
}

enum Verb {
    Get { cas: bool },
    Store(StorageVerb),
    Arithmetic(Arithmetic),
}

/// The verb, and where its key begins.
#[inline(always)]
const fn verb(input: &[u8]) -> Option<(Verb, usize)> {
    Some(match input {
        [b'g', b'e', b't', b' ', ..] => (Verb::Get { cas: false }, 4),
        [b's', b'e', b't', b' ', ..] => (Verb::Store(StorageVerb::Set), 4),
        [b'a', b'd', b'd', b' ', ..] => (Verb::Store(StorageVerb::Add), 4),
        [b'g', b'e', b't', b's', b' ', ..] => (Verb::Get { cas: true }, 5),
        [b'i', b'n', b'c', b'r', b' ', ..] => (Verb::Arithmetic(Arithmetic::Increment), 5),
        [b'd', b'e', b'c', b'r', b' ', ..] => (Verb::Arithmetic(Arithmetic::Decrement), 5),
        _ => return None,
    })
}

/// A plain number of up to nine digits, which fits everywhere, behind one space; and where it ends.
#[inline(always)]
fn number(input: &[u8], at: usize) -> Option<(u32, usize)> {
    if *input.get(at)? != b' ' {
        return None;
    }
    let start = at + 1;
    let mut at = start;
    let mut number = 0;
    loop {
        let digit = input.get(at)?.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        if at == start + DIGITS_MAX {
            return None;
        }
        number = number * 10 + u32::from(digit);
        at += 1;
    }
    (at > start).then_some((number, at))
}

/// Where the next line begins, if this one ends here.
#[inline(always)]
fn line_end(input: &[u8], at: usize) -> Option<usize> {
    match input.get(at)? {
        b'\n' => Some(at + 1),
        b'\r' if *input.get(at + 1)? == b'\n' => Some(at + 2),
        _ => None,
    }
}

const DIGITS_MAX: usize = 9;
/// More digits than any number has, and what is behind them.
const DELTA_CHARS_MAX: usize = 24;
const NOREPLY: &[u8] = b" noreply\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Parsed, RequestParser};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn the_usual_requests_are_recognised() {
        for line in [
            &b"get visits\r\n"[..],
            b"gets \x80\xff\n",
            b"set visits 0 0 512\r\n",
            b"set visits 999999999 2592000 0 noreply\r\n",
            b"add visits 0 0 1\n",
            b"incr visits 18446744073709551615\r\n",
            b"decr visits 1\n",
        ] {
            let parsed = parse(line).map(|(_, consumed)| consumed);
            assert_eq!(parsed, Some(line.len()), "{:?}", line.escape_ascii());
        }
    }

    #[test]
    fn what_is_not_whole_or_in_any_way_unusual_is_not() {
        let mut long = Vec::from(b"get ");
        long.resize(4 + Key::BYTES_MAX + 1, b'k');
        long.extend(b"\r\n");
        for line in [
            &long[..],
            b"get visits",
            b"set visits 0 0 512",
            b"set visits 0 0 512 noreply\r",
            b"set visits 0 0 ",
            b"set visits",
            b"incr visits 1",
            b"incr visits",
            b"get ",
            b"ge",
            b"get visits\r",
            b"get a b\r\n",
            b"get  a\r\n",
            b"get a\tb\r\n",
            b"set a 0 -1 3\r\n",
            b"set a 1234567890 0 3\r\n",
            b"set a 0 0 3 norepl\r\n",
            b"incr a 1 noreply\r\n",
        ] {
            assert_eq!(parse(line), None, "{:?}", line.escape_ascii());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn the_long_way_gives_the_same(
            pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..9),
            verb in proptest::sample::select(PIECES),
        ) {
            let input = [verb, &pieces.concat()].concat();
            if let Some((OneGet { key, cas }, consumed)) = parse_get(&input) {
                let keys = Keys::one(key);
                prop_assert_eq!(parse(&input), Some((Request::Get { keys, cas }, consumed)));
            }
            if let Some((message, consumed)) = parse(&input) {
                let mut parser = RequestParser::new(Limits::default());
                prop_assert_eq!(
                    parser.parse_any(&input),
                    Ok(Parsed::Complete { message, consumed })
                );
            }
        }
    }

    const PIECES: &[&[u8]] = &[
        b"get ",
        b"gets ",
        b"set ",
        b"set key 0 0 3",
        b"add ",
        b"incr key ",
        b"decr ",
        b"a",
        b"noreply",
        b" noreply",
        b" ",
        b" 0",
        b" 17",
        b" 999999999",
        b"0000",
        b"-",
        b"+1",
        b"\t",
        b"\r",
        b"\n",
        b"\r\n",
        b"\0\xff",
    ];
}
