//! The shapes that nearly all requests have, parsed in one pass.
//!
//! What looks in any way different, or is not there as a whole, is left to the long way, which
//! knows all the rules and words all the errors. So there is nothing to decide here, only to
//! recognise: a request that comes out of this file is the one that the long way would give.
//!
//! All of it is inlined into one function, which writes the request where the caller wants it.

use crate::number::parse_u64;
use crate::scan::find_blank;
use crate::{Arithmetic, Key, Keys, Request, Storage, StorageVerb};

/// A request and the length of its line, if `input` begins with one of these shapes.
#[inline(always)]
pub(super) fn parse(input: &[u8]) -> Option<(Request<'_>, usize)> {
    let (verb, rest) = input.split_first_chunk::<4>()?;
    let (request, left) = match verb {
        b"get " => parse_get(rest, false)?,
        b"set " => parse_set(rest)?,
        b"gets" => parse_get(rest.strip_prefix(b" ")?, true)?,
        b"incr" => parse_arithmetic(Arithmetic::Increment, rest.strip_prefix(b" ")?)?,
        b"decr" => parse_arithmetic(Arithmetic::Decrement, rest.strip_prefix(b" ")?)?,
        _ => return None,
    };
    Some((request, input.len() - left.len()))
}

/// `get KEY`.
#[inline(always)]
fn parse_get(rest: &[u8], cas: bool) -> Option<(Request<'_>, &[u8])> {
    let (key, rest) = split_key(rest)?;
    let keys = Keys::one(key);
    Some((Request::Get { keys, cas }, split_end(rest)?))
}

/// `set KEY FLAGS EXPTIME BYTES`, also with `noreply`.
#[inline(always)]
fn parse_set(rest: &[u8]) -> Option<(Request<'_>, &[u8])> {
    let (key, rest) = split_key(rest)?;
    let (flags, rest) = split_number(rest.strip_prefix(b" ")?)?;
    let (exptime, rest) = split_number(rest.strip_prefix(b" ")?)?;
    let (value_bytes, rest) = split_number(rest.strip_prefix(b" ")?)?;
    let (noreply, rest) = match rest.strip_prefix(b" noreply") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let storage = Storage {
        verb: StorageVerb::Set,
        key,
        flags,
        exptime: exptime.try_into().ok()?,
        value_bytes: value_bytes as usize,
        noreply,
    };
    Some((Request::Store(storage), split_end(rest)?))
}

/// `incr KEY DELTA`.
#[inline(always)]
fn parse_arithmetic(operation: Arithmetic, rest: &[u8]) -> Option<(Request<'_>, &[u8])> {
    let (key, rest) = split_key(rest)?;
    let rest = rest.strip_prefix(b" ")?;
    let end = find_blank(within(rest))?;
    let delta = parse_u64(&rest[..end])?;
    let request = Request::Arithmetic {
        operation,
        key,
        delta,
        noreply: false,
    };
    Some((request, split_end(&rest[end..])?))
}

/// A key and what is behind it. One with a control character ends there, and nothing that may
/// follow a key does.
#[inline(always)]
fn split_key(rest: &[u8]) -> Option<(Key<'_>, &[u8])> {
    let end = find_blank(within(rest)).filter(|&end| end > 0)?;
    let (word, rest) = rest.split_at(end);
    Some((Key::from_word(word).ok()?, rest))
}

/// A plain number of up to nine digits, which fits everywhere, and what is behind it.
#[inline(always)]
fn split_number(rest: &[u8]) -> Option<(u32, &[u8])> {
    let mut number = 0;
    for (at, &byte) in rest.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (at > 0).then_some((number, &rest[at..]));
        }
        if at == DIGITS_MAX {
            break;
        }
        number = number * 10 + u32::from(digit);
    }
    None
}

/// What is behind the end of a line.
#[inline(always)]
fn split_end(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// The part in which a word has to end: it bounds what is looked at in vain.
#[inline(always)]
fn within(rest: &[u8]) -> &[u8] {
    rest.get(..=Key::BYTES_MAX).unwrap_or(rest)
}

const DIGITS_MAX: usize = 9;

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
