//! Keys of arbitrary bytes as text: base64 (RFC 4648, section 4) as memcached reads and writes it.

use bytes::BufMut;

/// Writes `bytes` in base64, with padding: the form of a key that was stored with the meta flag
/// `b`. Four characters for every three bytes or less.
///
/// ```
/// # use steadfast_protocol::encode_base64;
/// let mut text = Vec::new();
/// encode_base64(b"foo bar", &mut text);
/// assert_eq!(text, b"Zm9vIGJhcg==");
/// ```
///
/// # Panics
///
/// If `out` cannot grow and is too small, as every write to a `BufMut`.
pub fn encode_base64(bytes: &[u8], out: &mut impl BufMut) {
    for chunk in bytes.chunks(BYTES) {
        let mut group = [0; BYTES];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        let mut text = [b'='; CHARS];
        for (at, char) in text.iter_mut().take(chunk.len() + 1).enumerate() {
            *char = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
        }
        out.put_slice(&text);
    }
}

/// Reads base64 into the start of `room`, and returns the number of bytes; none if `text` is no
/// base64 or the bytes do not fit.
///
/// As in memcached 1.6.45, characters outside the alphabet are skipped, what is left must be whole
/// groups of four, and nothing counts behind the first group with padding.
pub(crate) fn decode(text: &[u8], room: &mut [u8]) -> Option<usize> {
    let chars = text.iter().filter(|&&char| value(char).is_some()).count();
    if chars == 0 || chars % CHARS != 0 {
        return None;
    }
    let (mut bits, mut held, mut padding, mut filled) = (0u32, 0, 0, 0);
    for &char in text {
        let Some(value) = value(char) else { continue };
        bits = bits << 6 | u32::from(value);
        held += 1;
        padding += usize::from(char == b'=');
        if held < CHARS {
            continue;
        }
        if padding > CHARS - 2 {
            return None;
        }
        let [_, group @ ..] = bits.to_be_bytes();
        let bytes = &group[..BYTES - padding];
        room.get_mut(filled..filled + bytes.len())?
            .copy_from_slice(bytes);
        filled += bytes.len();
        if padding > 0 {
            break;
        }
        (bits, held) = (0, 0);
    }
    Some(filled)
}

/// The six bits of a character of the alphabet; padding is one of it and has none set.
const fn value(char: u8) -> Option<u8> {
    Some(match char {
        b'A'..=b'Z' => char - b'A',
        b'a'..=b'z' => char - b'a' + 26,
        b'0'..=b'9' => char - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        b'=' => 0,
        _ => return None,
    })
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// So many characters stand for so many bytes.
const CHARS: usize = 4;
const BYTES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn decoded(text: &[u8]) -> Option<Vec<u8>> {
        let mut room = [0; 250];
        decode(text, &mut room).map(|bytes| room[..bytes].to_vec())
    }

    #[test]
    fn vectors_of_the_rfc_are_read_and_written() {
        for (bytes, text) in [
            (&b"f"[..], &b"Zg=="[..]),
            (b"fo", b"Zm8="),
            (b"foo", b"Zm9v"),
            (b"foob", b"Zm9vYg=="),
            (b"fooba", b"Zm9vYmE="),
            (b"foobar", b"Zm9vYmFy"),
            (b"\xff\xfe\xfb", b"//77"),
        ] {
            let mut out = Vec::new();
            encode_base64(bytes, &mut out);
            assert_eq!(out, text);
            assert_eq!(decoded(text).as_deref(), Some(bytes));
        }
    }

    /// Each was put to memcached 1.6.45.
    #[test]
    fn broken_base64_is_read_as_memcached_does() {
        assert_eq!(decoded(b"Zm9"), None);
        assert_eq!(decoded(b"Zm9vY"), None);
        assert_eq!(decoded(b""), None);
        assert_eq!(decoded(b"!!!!"), None);
        assert_eq!(decoded(b"Z==="), None);
        assert_eq!(decoded(b"===="), None);
        assert_eq!(decoded(b"Zm-9v").as_deref(), Some(&b"foo"[..]));
        assert_eq!(decoded(b"Zg==Zm9v").as_deref(), Some(&b"f"[..]));
    }

    #[test]
    fn bytes_that_do_not_fit_are_refused() {
        assert_eq!(decode(b"Zm9v", &mut [0; 2]), None);
        assert_eq!(decode(b"Zm8=", &mut [0; 2]), Some(2));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_encoded_is_decoded(
            bytes in proptest::collection::vec(any::<u8>(), 1..=186),
        ) {
            let mut text = Vec::new();
            encode_base64(&bytes, &mut text);
            prop_assert_eq!(decoded(&text), Some(bytes));
        }

        #[test]
        fn no_text_panics(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            decoded(&text);
        }
    }
}
