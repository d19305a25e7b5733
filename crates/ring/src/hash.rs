//! The hashes of the clients.
//!
//! Signed bytes: C programs that hash a `char *` widen a byte of 0x80 and above with ones (0xC3
//! becomes 0xFFFFFFC3). FNV and one-at-a-time show it, CRC-32, MD5 and murmur do not.

use md5::{Digest, Md5};

mod bytewise;
mod jenkins;
mod murmur;
mod spooky;

pub(crate) use murmur::{Murmur3, murmur2_64a};
pub(crate) use spooky::spooky_32;

/// A hash of bytes to 32 bits, as a client computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// Plain CRC-32 (IEEE).
    Crc32,
    /// CRC-32 without its highest bit: mcrouter's.
    Crc32Positive,
    /// Bits 16 to 30 of CRC-32: libmemcached's `crc`, twemproxy's `crc32`.
    Crc32Short,
    /// CRC-16 (XMODEM) in a register of 32 bits that is never cut.
    Crc16,
    /// FNV-1, 32 bits, over signed bytes.
    Fnv1_32,
    /// FNV-1a, 32 bits, over signed bytes.
    Fnv1a32,
    /// The low half of FNV-1, 64 bits, over signed bytes.
    Fnv1_64,
    /// FNV-1a with the low halves of the 64-bit constants, over signed bytes.
    Fnv1a64,
    /// Jenkins' one-at-a-time over signed bytes: libmemcached's default.
    OneAtATime,
    /// Jenkins' lookup3 from the start value 13.
    Jenkins,
    /// Hsieh's SuperFastHash.
    Hsieh,
    /// Murmur2, seeded by the length.
    Murmur,
    /// The first four bytes of the MD5 digest, little-endian.
    Md5,
}

impl Hash {
    /// Hashes `bytes`; linear in their number.
    pub(crate) fn of(self, bytes: &[u8]) -> u32 {
        match self {
            Self::Crc32 => crc32fast::hash(bytes),
            Self::Crc32Positive => crc32fast::hash(bytes) & 0x7fff_ffff,
            Self::Crc32Short => (crc32fast::hash(bytes) >> 16) & 0x7fff,
            Self::Crc16 => bytewise::crc16(bytes),
            Self::Fnv1_32 => bytewise::fnv1_32(bytes),
            Self::Fnv1a32 => bytewise::fnv1a_32(bytes),
            Self::Fnv1_64 => bytewise::fnv1_64(bytes),
            Self::Fnv1a64 => bytewise::fnv1a_64(bytes),
            Self::OneAtATime => bytewise::one_at_a_time(bytes),
            Self::Jenkins => jenkins::lookup3(bytes, 13),
            Self::Hsieh => jenkins::hsieh(bytes),
            Self::Murmur => murmur::murmur2(bytes),
            Self::Md5 => md5_words(bytes)[0],
        }
    }

    /// How many values the hash can have, from 0 on.
    pub(crate) fn range(self) -> u64 {
        match self {
            Self::Crc32Short => 1 << 15,
            Self::Crc32Positive => 1 << 31,
            _ => 1 << 32,
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

/// The MD5 digest of `bytes` as one number, as it is written in hexadecimal.
pub(crate) fn md5_number(bytes: &[u8]) -> u128 {
    u128::from_be_bytes(Md5::digest(bytes).into())
}

/// Spreads the bits of `word` over all of it (the finaliser of murmur3), for scores of our own.
pub(crate) fn mix(word: u32) -> u32 {
    murmur::finish(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_a_plain_key_are_those_of_the_clients() {
        for (hash, value) in [
            (Hash::Crc32, 0x8a90_aba9),
            (Hash::Crc32Positive, 0x0a90_aba9),
            (Hash::Crc32Short, 0x0a90),
            (Hash::Crc16, 0xddeb_70fb),
            (Hash::Fnv1a32, 0x6815_c86c),
            (Hash::Fnv1_64, 0x6b92_cc22),
            (Hash::Fnv1a64, 0x365b_10ec),
            (Hash::OneAtATime, 0xe980_6307),
            (Hash::Jenkins, 0xb4b4_d98b),
            (Hash::Hsieh, 0xfe0a_2f71),
            (Hash::Murmur, 0x7793_f9c1),
            (Hash::Md5, 0x8a0b_6e3c),
        ] {
            assert_eq!(hash.of(b"key"), value, "{hash:?}");
            assert!(u64::from(value) < hash.range(), "{hash:?}");
        }
    }

    #[test]
    fn bytes_from_0x80_up_are_widened_with_ones() {
        assert_eq!(Hash::Fnv1a32.of("é".as_bytes()), 0x3cfa_68c1);
        assert_eq!(Hash::OneAtATime.of("é".as_bytes()), 0x0191_48ae);
    }

    #[test]
    fn md5_as_a_number_reads_like_its_hexadecimal_form() {
        assert_eq!(md5_number(b""), 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e);
    }
}
