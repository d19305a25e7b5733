//! Numbers as memcached reads and writes them.
//!
//! memcached 1.6.45 has two readers, and clients have come to rely on both: a strict one (no
//! sign but `-`, a limited number of characters) and C's `strtol` (any width up to 64 bits, a
//! leading `+`). Behind the second it cuts to 32 bits without a word, so that an expiry date in 2100
//! is in the past and 2^40 means never; we do not.

use bytes::BufMut;

/// Reads an unsigned 64-bit decimal number: 1 to 22 digits, no sign. The rule of cas ids and of
/// the argument of `incr` and `decr`.
///
/// ```
/// # use steadfast_protocol::parse_u64;
/// assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
/// assert_eq!(parse_u64(b"+1"), None);
/// ```
#[must_use]
pub fn parse_u64(word: &[u8]) -> Option<u64> {
    if word.len() > WIDE_CHARS_MAX {
        None
    } else {
        digits(word)
    }
}

/// Reads an expiry time of `touch`, `gat`, `gats` and `flush_all`: digits with an optional `-`,
/// at most 11 characters, 32 bits. A lone `-` is 0, as in memcached.
#[must_use]
pub fn parse_exptime(word: &[u8]) -> Option<i32> {
    if word.len() > NARROW_CHARS_MAX {
        return None;
    }
    match word {
        b"-" => Some(0),
        [b'-', rest @ ..] => i32::try_from(-i64::try_from(digits(rest)?).ok()?).ok(),
        _ => i32::try_from(digits(word)?).ok(),
    }
}

/// Reads a stored value as `incr` and `decr` do: an unsigned 64-bit decimal number that ends with
/// the value or at the first white space or NUL. White space before it, a leading `+` and leading
/// zeros are tolerated; what follows its end does not count, so that a value that was padded by
/// `decr` and appended to is still a number. All of this is C's `strtoull` in memcached.
///
/// ```
/// # use steadfast_protocol::parse_stored_number;
/// assert_eq!(parse_stored_number(b"99 "), Some(99));
/// assert_eq!(parse_stored_number(b"9  1"), Some(9));
/// assert_eq!(parse_stored_number(b"5x"), None);
/// ```
#[must_use]
pub fn parse_stored_number(value: &[u8]) -> Option<u64> {
    let seen = &value[..value.len().min(STORED_CHARS_MAX)];
    let start = seen.iter().position(|&byte| !is_c_space(byte))?;
    let text = &seen[start..];
    let word = match text.iter().position(|&b| is_c_space(b) || b == 0) {
        Some(end) => &text[..end],
        None if seen.len() < value.len() => return None,
        None => text,
    };
    digits(word.strip_prefix(b"+").unwrap_or(word))
}

/// Reads the length of a data block: strict, 0 to 2147483645.
pub(crate) fn parse_value_bytes(word: &[u8]) -> Option<usize> {
    let bytes = parse_exptime(word)?;
    if bytes > VALUE_BYTES_MAX {
        None
    } else {
        usize::try_from(bytes).ok()
    }
}

/// Reads the level of `verbosity`.
pub(crate) fn parse_u32(word: &[u8]) -> Option<u32> {
    if word.len() > NARROW_CHARS_MAX {
        None
    } else {
        digits(word).and_then(|n| n.try_into().ok())
    }
}

/// Reads client flags of a storage command: 32 bits with an optional `+` and any number of leading
/// zeros. A wider number is refused, as that of `ms` is in memcached: the client would not get back
/// what it gave.
pub(crate) fn parse_flags_wide(word: &[u8]) -> Option<u32> {
    digits(word.strip_prefix(b"+").unwrap_or(word)).and_then(|wide| wide.try_into().ok())
}

/// Reads the expiry time of a storage command: 64 bits, signed. What 32 bits cannot hold is the
/// latest date that they can, or the earliest.
pub(crate) fn parse_exptime_wide(word: &[u8]) -> Option<i32> {
    let wide = match word {
        [b'-', rest @ ..] => 0i64.checked_sub_unsigned(digits(rest)?)?,
        _ => i64::try_from(digits(word.strip_prefix(b"+").unwrap_or(word))?).ok()?,
    };
    let nearest = wide.clamp(i32::MIN.into(), i32::MAX.into());
    Some(nearest.try_into().expect("it was brought into the range"))
}

/// A text of up to 16 bytes in a register, put together from its last byte to its first, as numbers
/// are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Short {
    text: u128,
    bytes: usize,
}

impl Short {
    pub(crate) const BYTES_MAX: usize = size_of::<u128>();

    /// Puts `byte` before what is there.
    #[inline(always)]
    pub(crate) const fn push(&mut self, byte: u8) {
        debug_assert!(self.bytes < Self::BYTES_MAX, "the caller counts");
        self.text = self.text << 8 | byte as u128;
        self.bytes += 1;
    }

    /// Puts `number` in decimal before what is there.
    #[inline(always)]
    pub(crate) const fn push_decimal(&mut self, mut number: u64) {
        while number > 99 {
            self.push_pair((number % 100) as usize);
            number /= 100;
        }
        if number > 9 {
            self.push_pair(number as usize);
        } else {
            self.push(b'0' + number as u8);
        }
    }

    /// Puts the two digits of a number up to 99 before what is there.
    #[inline(always)]
    const fn push_pair(&mut self, pair: usize) {
        debug_assert!(self.bytes + 2 <= Self::BYTES_MAX, "the caller counts");
        self.text = self.text << 16 | PAIRS[pair] as u128;
        self.bytes += 2;
    }

    #[inline(always)]
    pub(crate) fn put(self, out: &mut impl BufMut) {
        let text = self.text.to_le_bytes();
        out.put_slice(&text[..self.bytes.min(Self::BYTES_MAX)]);
    }
}

/// The two digits of each number up to 99, the first in the lower byte.
const PAIRS: [u16; 100] = {
    let mut pairs = [0; 100];
    let mut number = 0;
    while number < pairs.len() {
        let (tens, ones) = (number / 10, number % 10);
        pairs[number] = u16::from_le_bytes([b'0' + tens as u8, b'0' + ones as u8]);
        number += 1;
    }
    pairs
};

/// Writes `number` in decimal.
pub(crate) fn put_decimal(mut number: u64, out: &mut impl BufMut) {
    let mut text = [0u8; DECIMAL_CHARS_MAX];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.put_slice(&text[start..]);
}

/// Writes `number` in decimal, with `-` where it is negative.
pub(crate) fn put_signed(number: i64, out: &mut impl BufMut) {
    if number < 0 {
        out.put_u8(b'-');
    }
    put_decimal(number.unsigned_abs(), out);
}

fn digits(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    let mut number = 0u64;
    for &byte in word {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(number)
}

/// White space by C's `isspace`, which knows the vertical tab.
const fn is_c_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

const NARROW_CHARS_MAX: usize = 11;
const WIDE_CHARS_MAX: usize = 22;
/// `u64::MAX` has 20 digits.
const DECIMAL_CHARS_MAX: usize = 20;
/// Where the number of a stored value must have ended: bounds the work of `incr` on a megabyte of
/// spaces or zeros, which is done under a lock.
const STORED_CHARS_MAX: usize = 1024;
const VALUE_BYTES_MAX: i32 = i32::MAX - 2;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn strict_numbers_have_no_plus_and_a_width() {
        assert_eq!(parse_u64(b"0000000000000000000007"), Some(7));
        assert_eq!(parse_u64(b"00000000000000000000007"), None);
        assert_eq!(parse_u64(b""), None);
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(parse_exptime(b"-"), Some(0));
        assert_eq!(parse_exptime(b"-2147483648"), Some(i32::MIN));
        assert_eq!(parse_exptime(b"2147483648"), None);
        assert_eq!(parse_exptime(b"+1"), None);
        assert_eq!(parse_value_bytes(b"2147483645"), Some(2_147_483_645));
        assert_eq!(parse_value_bytes(b"2147483646"), None);
        assert_eq!(parse_value_bytes(b"-1"), None);
    }

    /// A bug of 1.6.45, which cuts to 32 bits: 2^40 is 0 there, and a date in 2100 in the past.
    #[test]
    fn wide_times_are_brought_into_range_and_never_cut() {
        assert_eq!(parse_exptime_wide(b"1099511627776"), Some(i32::MAX));
        assert_eq!(parse_exptime_wide(b"4102444800"), Some(i32::MAX));
        assert_eq!(parse_exptime_wide(b"4294967297"), Some(i32::MAX));
        assert_eq!(parse_exptime_wide(b"2147483648"), Some(i32::MAX));
        assert_eq!(parse_exptime_wide(b"2147483647"), Some(i32::MAX));
        assert_eq!(parse_exptime_wide(b"-9223372036854775808"), Some(i32::MIN));
        assert_eq!(parse_exptime_wide(b"9223372036854775808"), None);
        assert_eq!(parse_exptime_wide(b"+60"), Some(60));
    }

    #[test]
    fn wide_flags_are_refused() {
        assert_eq!(parse_flags_wide(b"4294967296"), None);
        assert_eq!(parse_flags_wide(b"4294967295"), Some(u32::MAX));
        assert_eq!(parse_flags_wide(b"+0000000000768"), Some(768));
        assert_eq!(parse_flags_wide(b"-1"), None);
    }

    #[test]
    fn stored_numbers_tolerate_padding() {
        for (value, number) in [
            (&b"5"[..], Some(5)),
            (b"99 ", Some(99)),
            (b" +007 ", Some(7)),
            (b"9  1", Some(9)),
            (b"5 x", Some(5)),
            (b"\x0b5\t", Some(5)),
            (b"5\0", Some(5)),
            (b" ", None),
            (b"", None),
            (b"-1", None),
            (b"0x5", None),
            (b"5x", None),
            (b"18446744073709551616", None),
        ] {
            assert_eq!(parse_stored_number(value), number, "{value:?}");
        }
    }

    #[test]
    fn stored_numbers_end_within_the_part_that_is_looked_at() {
        let mut value = [b' '; STORED_CHARS_MAX + 1];
        value[0] = b'5';
        assert_eq!(parse_stored_number(&value), Some(5), "padded for long");
        value.fill(b'0');
        assert_eq!(parse_stored_number(&value), None, "its end is out of sight");
        assert_eq!(parse_stored_number(&value[1..]), Some(0));
    }

    #[test]
    fn decimals_are_written_as_read() {
        for number in [0, 9, 10, 12_345, u64::MAX] {
            let mut out = Vec::new();
            put_decimal(number, &mut out);
            assert_eq!(parse_u64(&out), Some(number));
        }
        let mut out = Vec::new();
        put_signed(i64::from(i32::MIN), &mut out);
        assert_eq!(parse_exptime(&out), Some(i32::MIN));
    }
}
