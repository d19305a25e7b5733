//! The 32-bit hashes of the clients.
//!
//! Signed bytes: C programs that hash a `char *` widen a byte of 0x80 and above with ones (0xC3
//! becomes 0xFFFFFFC3). FNV and one-at-a-time show it, CRC-32 and MD5 do not.

use md5::{Digest, Md5};

/// A hash of bytes to 32 bits, as a client computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// Plain CRC-32 (IEEE).
    Crc32,
    /// FNV-1a, 32 bits, over signed bytes.
    Fnv1a32,
    /// Jenkins' one-at-a-time over signed bytes: libmemcached's default.
    OneAtATime,
    /// The first four bytes of the MD5 digest, little-endian.
    Md5,
}

impl Hash {
    /// Hashes `bytes`; linear in their number.
    pub(crate) fn of(self, bytes: &[u8]) -> u32 {
        match self {
            Self::Crc32 => crc32fast::hash(bytes),
            Self::Fnv1a32 => fnv1a_32(bytes),
            Self::OneAtATime => one_at_a_time(bytes),
            Self::Md5 => md5_words(bytes)[0],
        }
    }
}

/// The MD5 digest of `bytes` as four little-endian words: four points of a ketama ring.
pub(crate) fn md5_words(bytes: &[u8]) -> [u32; 4] {
    let digest = Md5::digest(bytes);
    let mut words = [0; 4];
    for (word, chunk) in words.iter_mut().zip(digest.chunks_exact(4)) {
        *word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
    }
    words
}

/// Spreads the bits of `word` over all of it (the finaliser of murmur3), for scores of our own.
pub(crate) fn mix(mut word: u32) -> u32 {
    word ^= word >> 16;
    word = word.wrapping_mul(0x85eb_ca6b);
    word ^= word >> 13;
    word = word.wrapping_mul(0xc2b2_ae35);
    word ^ (word >> 16)
}

fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, &byte| {
        (hash ^ widened(byte)).wrapping_mul(0x0100_0193)
    })
}

fn one_at_a_time(bytes: &[u8]) -> u32 {
    let mut hash = 0u32;
    for &byte in bytes {
        hash = hash.wrapping_add(widened(byte));
        hash = hash.wrapping_add(hash << 10);
        hash ^= hash >> 6;
    }
    hash = hash.wrapping_add(hash << 3);
    hash ^= hash >> 11;
    hash.wrapping_add(hash << 15)
}

/// A byte as C widens a signed char.
fn widened(byte: u8) -> u32 {
    byte as i8 as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_a_plain_key_are_those_of_the_clients() {
        assert_eq!(Hash::Crc32.of(b"key"), 0x8a90_aba9);
        assert_eq!(Hash::Fnv1a32.of(b"key"), 0x6815_c86c);
        assert_eq!(Hash::OneAtATime.of(b"key"), 0xe980_6307);
        assert_eq!(Hash::Md5.of(b"key"), 0x8a0b_6e3c);
    }

    #[test]
    fn bytes_from_0x80_up_are_widened_with_ones() {
        assert_eq!(Hash::Fnv1a32.of("é".as_bytes()), 0x3cfa_68c1);
        assert_eq!(Hash::OneAtATime.of("é".as_bytes()), 0x0191_48ae);
    }
}
