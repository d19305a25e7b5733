//! mcrouter's Ch3: a way down a binary tree, decided by bits of hashes of the key.

use alloc::vec::Vec;

use super::Seat;
use crate::hash::{murmur2_64a, spooky_32};

/// The most nodes that Ch3 can tell apart.
pub(super) const NODES_MAX: u32 = 1 << STEP;

/// The number of the node for `key`, below `nodes`. Some hashes of 64 bits, whatever the number of
/// nodes; the key is hashed once.
pub(super) fn furc(key: &[u8], nodes: u32) -> u32 {
    if nodes <= 1 {
        return 0;
    }
    let mut bits = Bits::new(key);
    let mut depth = u32::BITS - (nodes - 1).leading_zeros();
    let mut at = depth;
    for _ in 0..TRIES_MAX {
        while !bits.bit(at) {
            depth -= 1;
            if depth == 0 {
                return 0;
            }
            at = depth;
        }
        let mut number = 1;
        at += STEP;
        for _ in 1..depth {
            number = number << 1 | u32::from(bits.bit(at));
            at += STEP;
        }
        if number < nodes {
            return number;
        }
    }
    0
}

/// An endless row of bits made of a key: its hash, the hash of its hash, and so on.
///
/// The way down goes back to the beginning at each turn, so the first words are kept.
struct Bits {
    words: [u64; WORDS_KEPT],
    known: usize,
}

impl Bits {
    fn new(key: &[u8]) -> Self {
        let mut words = [0; WORDS_KEPT];
        words[0] = murmur2_64a(key, SEED);
        Self { words, known: 1 }
    }

    fn bit(&mut self, at: u32) -> bool {
        let index = (at / u64::BITS) as usize;
        while self.known <= index && self.known < WORDS_KEPT {
            self.words[self.known] = rehash(self.words[self.known - 1]);
            self.known += 1;
        }
        let word = match self.words.get(index) {
            Some(&word) => word,
            // After several tries in a row that came out too high.
            None => (WORDS_KEPT..=index).fold(self.words[WORDS_KEPT - 1], |word, _| rehash(word)),
        };
        word >> (at % u64::BITS) & 1 == 1
    }
}

fn rehash(word: u64) -> u64 {
    murmur2_64a(&word.to_le_bytes(), SEED)
}

/// Ch3 over nodes of which each keeps only a share of its keys.
#[derive(Clone, Debug)]
pub(crate) struct WeightedCh3 {
    /// For each node, below which hash it keeps a key.
    kept: Vec<u32>,
}

impl WeightedCh3 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a weight is at most 1"
    )]
    pub(super) fn new(seats: &[Seat<'_>]) -> Self {
        let kept = |seat: &Seat<'_>| (seat.weight.value() * f64::from(u32::MAX)) as u32;
        Self {
            kept: seats.iter().map(kept).collect(),
        }
    }

    /// The node that keeps the key, salted anew after each that does not; the last one asked if none
    /// does. Two hashes a try.
    pub(super) fn find(&self, key: &[u8]) -> u32 {
        let nodes = super::index_u32(self.kept.len());
        let mut index = furc(key, nodes);
        if spooky_32(key, WEIGHT_SEED) < self.kept[index as usize] {
            return index;
        }
        let mut salted = Vec::with_capacity(key.len() + 2);
        salted.extend_from_slice(key);
        for salt in 0..WEIGHT_TRIES_MAX - 1 {
            salted.truncate(key.len());
            push_reversed(&mut salted, salt);
            index = furc(&salted, nodes);
            if spooky_32(&salted, WEIGHT_SEED) < self.kept[index as usize] {
                break;
            }
        }
        index
    }
}

/// Writes `salt` with its lowest digit first.
fn push_reversed(to: &mut Vec<u8>, mut salt: u8) {
    loop {
        to.push(b'0' + salt % 10);
        salt /= 10;
        if salt == 0 {
            break;
        }
    }
}

const SEED: u64 = 4_193_360_111;
const WEIGHT_SEED: u32 = 0xface_2014;
const STEP: u32 = 23;
const TRIES_MAX: u32 = 32;
const WEIGHT_TRIES_MAX: u8 = 32;
/// Two tries among the most nodes take 17 words.
const WORDS_KEPT: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_where_mcrouter_says() {
        assert_eq!(furc(b"sample", 100), 97);
        assert_eq!(furc(b"", 100), 72);
        assert_eq!(furc(b"sample", 1), 0);
    }

    #[test]
    fn most_nodes_there_can_be_agree_with_every_answer() {
        let report = steadfast_ring_vectors::check_files(
            |file| file == "mcrouter-ch3-crc32",
            |configuration, dialect| {
                let nodes = u32::try_from(configuration.count()).unwrap();
                let is_most = dialect == "mcrouter:ch3" && nodes == NODES_MAX;
                is_most.then_some(move |key: &[u8]| furc(key, nodes) as usize)
            },
        );
        assert_eq!((report.wrong, report.keys), (0, 5_000), "{report}");
    }

    #[test]
    fn salts_are_numbers_from_the_lowest_digit_on() {
        let mut salted = Vec::new();
        for salt in [0, 9, 10, 31] {
            push_reversed(&mut salted, salt);
        }
        assert_eq!(salted, b"090113");
    }
}
