//! Hashes that take a byte at a time, as C's signed char where that shows.

pub(super) fn fnv1_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(OFFSET_32, |hash, &byte| {
        hash.wrapping_mul(PRIME_32) ^ widened(byte)
    })
}

pub(super) fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(OFFSET_32, |hash, &byte| {
        (hash ^ widened(byte)).wrapping_mul(PRIME_32)
    })
}

/// Computed in 64 bits and then cut.
#[expect(clippy::cast_possible_truncation, reason = "the client cuts it")]
pub(super) fn fnv1_64(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(OFFSET_64, |hash, &byte| {
        hash.wrapping_mul(PRIME_64) ^ (byte as i8 as u64)
    });
    hash as u32
}

/// Not the 64-bit hash cut: it is computed in 32 bits from the start.
#[expect(clippy::cast_possible_truncation, reason = "the client cuts them")]
pub(super) fn fnv1a_64(bytes: &[u8]) -> u32 {
    bytes.iter().fold(OFFSET_64 as u32, |hash, &byte| {
        (hash ^ widened(byte)).wrapping_mul(PRIME_64 as u32)
    })
}

pub(super) fn one_at_a_time(bytes: &[u8]) -> u32 {
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

/// CRC-16 (XMODEM) whose register is wider than its polynomial: what is shifted out of the lower
/// half stays in the upper one.
pub(super) fn crc16(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0u32, |crc, &byte| {
        let index = ((crc >> 8) as u8) ^ byte;
        (crc << 8) ^ u32::from(CRC16[usize::from(index)])
    })
}

/// A byte as C widens a signed char.
fn widened(byte: u8) -> u32 {
    byte as i8 as u32
}

const OFFSET_32: u32 = 0x811c_9dc5;
const PRIME_32: u32 = 0x0100_0193;
const OFFSET_64: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME_64: u64 = 0x0100_0000_01b3;

const CRC16: [u16; 256] = crc16_table();

const fn crc16_table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            let carry = crc & 0x8000 != 0;
            crc <<= 1;
            if carry {
                crc ^= 0x1021;
            }
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}
