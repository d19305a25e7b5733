//! The ends of short words, eight bytes at a time.
//!
//! Words of a command line are mostly shorter than what makes a call of `memchr`, or of anything,
//! worthwhile.

/// The index of the first space or control character: the first byte up to 0x20.
#[inline(always)]
pub(crate) fn find_blank(bytes: &[u8]) -> Option<usize> {
    find_below(bytes, 0, 0x21)
}

/// The index of the first space.
#[inline(always)]
pub(crate) fn find_space(bytes: &[u8]) -> Option<usize> {
    // A space is the only byte that this makes 0.
    find_below(bytes, b' ', 1)
}

/// The index of the first byte that is less than `bound`, up to 0x80, when its bits in `flip` are
/// changed.
#[inline(always)]
fn find_below(bytes: &[u8], flip: u8, bound: u8) -> Option<usize> {
    let (flip, bound) = (ONES * u64::from(flip), ONES * u64::from(bound));
    let mut words = bytes.chunks_exact(WORD_BYTES);
    let mut at = 0;
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().expect("a chunk has eight bytes")) ^ flip;
        // Rough at first, since it marks high bytes, too, of which a text has few.
        if word.wrapping_sub(bound) & (ONES * 0x80) != 0 {
            if let Some(found) = first_below(word, bound) {
                return Some(at + found);
            }
        }
        at += WORD_BYTES;
    }
    let rest = words.remainder();
    if rest.is_empty() {
        return None;
    }
    let word = match bytes.last_chunk::<WORD_BYTES>() {
        // The last eight bytes without those that were looked at.
        Some(last) => u64::from_le_bytes(*last) >> (8 * (WORD_BYTES - rest.len())),
        None => rest
            .iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    first_below(word ^ flip, bound)
        .filter(|&found| found < rest.len())
        .map(|found| at + found)
}

/// The lowest byte of `word` that is less than that of `bound`.
#[inline(always)]
fn first_below(word: u64, bound: u64) -> Option<usize> {
    // Exact for the lowest marked byte: a borrow only runs upwards.
    let marks = word.wrapping_sub(bound) & !word & (ONES * 0x80);
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}

const WORD_BYTES: usize = size_of::<u64>();
const ONES: u64 = u64::MAX / 0xff;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn the_first_one_is_found(
            mut bytes in proptest::collection::vec(0x21u8.., 0..40),
            places in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..=0x22), 0..3),
        ) {
            for (place, byte) in places {
                if !bytes.is_empty() {
                    let at = place.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            prop_assert_eq!(find_blank(&bytes), bytes.iter().position(|&byte| byte <= b' '));
            prop_assert_eq!(find_space(&bytes), bytes.iter().position(|&byte| byte == b' '));
        }
    }
}
