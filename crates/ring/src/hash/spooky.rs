//! Bob Jenkins' SpookyHash V2.

/// The low 32 bits of SpookyHash V2 with both seeds `seed`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the hash of 32 bits is the lower half"
)]
pub(crate) fn spooky_32(bytes: &[u8], seed: u32) -> u32 {
    if bytes.len() < 2 * BLOCK_BYTES {
        short(bytes, seed.into()) as u32
    } else {
        long(bytes, seed.into()) as u32
    }
}

fn short(bytes: &[u8], seed: u64) -> u64 {
    let mut state = [seed, seed, FILLER, FILLER];
    let mut rest = bytes;
    while rest.len() >= 16 {
        state[2] = state[2].wrapping_add(word(rest));
        state[3] = state[3].wrapping_add(word(&rest[8..]));
        short_mix(&mut state);
        if rest.len() < 32 {
            rest = &rest[16..];
            break;
        }
        state[0] = state[0].wrapping_add(word(&rest[16..]));
        state[1] = state[1].wrapping_add(word(&rest[24..]));
        rest = &rest[32..];
    }
    let (low, high) = if rest.is_empty() {
        (FILLER, FILLER)
    } else {
        (word(rest), word(rest.get(8..).unwrap_or_default()))
    };
    state[2] = state[2].wrapping_add(low);
    state[3] = state[3]
        .wrapping_add((bytes.len() as u64) << 56)
        .wrapping_add(high);
    short_end(&mut state);
    state[0]
}

fn short_mix(state: &mut [u64; 4]) {
    for (step, turn) in [50, 52, 30, 41, 54, 48, 38, 37, 62, 34, 5, 36]
        .into_iter()
        .enumerate()
    {
        // The roles go round: c d a, d a b, a b c, b c d, ...
        let [turned, added, stirred] = [step + 2, step + 3, step].map(|index| index % 4);
        state[turned] = state[turned].rotate_left(turn).wrapping_add(state[added]);
        state[stirred] ^= state[turned];
    }
}

fn short_end(state: &mut [u64; 4]) {
    for (step, turn) in [15, 52, 26, 51, 28, 9, 47, 54, 32, 25, 63]
        .into_iter()
        .enumerate()
    {
        let [stirred, turned] = [step + 3, step + 2].map(|index| index % 4);
        state[stirred] ^= state[turned];
        state[turned] = state[turned].rotate_left(turn);
        state[stirred] = state[stirred].wrapping_add(state[turned]);
    }
}

fn long(bytes: &[u8], seed: u64) -> u64 {
    let mut state: [u64; WORDS] = core::array::from_fn(|i| if i % 3 == 2 { FILLER } else { seed });
    let blocks = bytes.chunks_exact(BLOCK_BYTES);
    let rest = blocks.remainder();
    for block in blocks {
        for (i, turn) in [11, 32, 43, 31, 17, 28, 39, 57, 55, 54, 22, 46]
            .into_iter()
            .enumerate()
        {
            let [next, two_on, ten_on, last] = [1, 2, 10, 11].map(|on| (i + on) % WORDS);
            state[i] = state[i].wrapping_add(word(&block[8 * i..]));
            state[two_on] ^= state[ten_on];
            state[last] ^= state[i];
            state[i] = state[i].rotate_left(turn);
            state[last] = state[last].wrapping_add(state[next]);
        }
    }
    let mut filled = [0; BLOCK_BYTES];
    filled[..rest.len()].copy_from_slice(rest);
    filled[BLOCK_BYTES - 1] = rest.len() as u8;
    for (value, chunk) in state.iter_mut().zip(filled.chunks_exact(8)) {
        *value = value.wrapping_add(word(chunk));
    }
    for _ in 0..3 {
        for (step, turn) in [44, 15, 34, 21, 38, 33, 10, 13, 38, 53, 42, 54]
            .into_iter()
            .enumerate()
        {
            let [i, next, last] = [1, 2, 11].map(|on| (step + on) % WORDS);
            state[last] = state[last].wrapping_add(state[i]);
            state[next] ^= state[last];
            state[i] = state[i].rotate_left(turn);
        }
    }
    state[0]
}

/// The first eight bytes, little-endian; what is missing counts as zero.
fn word(bytes: &[u8]) -> u64 {
    let bytes = &bytes[..bytes.len().min(8)];
    bytes
        .iter()
        .rev()
        .fold(0, |word, &byte| word << 8 | u64::from(byte))
}

const WORDS: usize = 12;
const BLOCK_BYTES: usize = 8 * WORDS;
const FILLER: u64 = 0xdead_beef_dead_beef;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Values of the reference implementation, at each of its borders.
    #[test]
    fn hashes_are_those_of_the_reference() {
        for (len, value) in [
            (0u32, 0x6f2b_12a5),
            (1, 0x1401_4bd8),
            (8, 0x248f_1a5d),
            (12, 0x321c_6795),
            (15, 0xffcb_f2bc),
            (16, 0x0898_53f6),
            (17, 0x4cc0_5e56),
            (31, 0xc1c3_b89d),
            (32, 0x0e65_ea6f),
            (100, 0x285b_0b71),
            (191, 0x86d5_2bd6),
            (192, 0xe79b_c763),
            (193, 0x407b_7c04),
            (288, 0x1a79_4d09),
            (300, 0xaad5_bd1a),
        ] {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 7 + 1) as u8).collect();
            assert_eq!(spooky_32(&bytes, 0xface_2014), value, "{len}");
        }
    }
}
