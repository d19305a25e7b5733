//! Rendezvous: every node scores every key, and the highest score has it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::Seat;
use crate::hash::{Murmur3, murmur2_64a};

/// pymemcache's: the score is murmur3 of `node-key`, on a tie the greater name wins.
///
/// Python hashes the *characters* of the string, of each its low byte. A look-up costs a hash of the
/// key for each node; `node-` is hashed once.
#[derive(Clone, Debug)]
pub(crate) struct Pymemcache {
    nodes: Vec<Scorer>,
}

#[derive(Clone, Debug)]
struct Scorer {
    begun: Murmur3,
    name: String,
    index: u32,
}

impl Pymemcache {
    pub(super) fn new(seats: &[Seat<'_>]) -> Self {
        let scorer = |seat: &Seat<'_>| {
            let mut begun = Murmur3::new(0);
            begun.extend(&low_bytes(seat.name.as_bytes()));
            begun.extend(b"-");
            Scorer {
                begun,
                name: seat.name.into(),
                index: seat.index,
            }
        };
        Self {
            nodes: seats.iter().map(scorer).collect(),
        }
    }

    pub(super) fn find(&self, key: &[u8]) -> u32 {
        let key = low_bytes(key);
        let mut best = (0, "", 0);
        for node in &self.nodes {
            let score = node.score(&key);
            if (score, node.name.as_str()) > (best.0, best.1) {
                best = (score, &node.name, node.index);
            }
        }
        best.2
    }

    /// The score of the node that was given as number `index`.
    pub(crate) fn score(&self, key: &[u8], index: usize) -> u32 {
        self.nodes[index].score(&low_bytes(key))
    }
}

impl Scorer {
    fn score(&self, key: &[u8]) -> u32 {
        let mut hash = self.begun;
        hash.extend(key);
        hash.hash()
    }
}

/// The low byte of each character; of bytes that are no UTF-8 each counts as a character.
fn low_bytes(text: &[u8]) -> Cow<'_, [u8]> {
    match core::str::from_utf8(text) {
        Ok(characters) if !text.is_ascii() => characters
            .chars()
            .map(|character| character as u32 as u8)
            .collect(),
        _ => Cow::Borrowed(text),
    }
}

/// mcrouter's: node and key are hashed apart, and both hashes mixed for each node. On a tie the first
/// node wins.
#[derive(Clone, Debug)]
pub(crate) struct Mcrouter {
    nodes: Vec<u64>,
}

impl Mcrouter {
    pub(super) fn new(seats: &[Seat<'_>]) -> Self {
        let hash = |seat: &Seat<'_>| murmur2_64a(seat.name.as_bytes(), NODE_SEED);
        Self {
            nodes: seats.iter().map(hash).collect(),
        }
    }

    pub(super) fn find(&self, key: &[u8]) -> u32 {
        let key = murmur2_64a(key, KEY_SEED);
        let mut best = (0, 0);
        for (&node, index) in self.nodes.iter().zip(0..) {
            let score = score(node, key);
            if score > best.0 {
                best = (score, index);
            }
        }
        best.1
    }

    /// The score of the node that was given as number `index`.
    pub(crate) fn score(&self, key: &[u8], index: usize) -> u64 {
        score(self.nodes[index], murmur2_64a(key, KEY_SEED))
    }
}

/// CityHash's way to make one hash of two.
fn score(node: u64, key: u64) -> u64 {
    let once = (key ^ node).wrapping_mul(CITY_MUL);
    let twice = (node ^ once ^ once >> 47).wrapping_mul(CITY_MUL);
    (twice ^ twice >> 47).wrapping_mul(CITY_MUL)
}

const NODE_SEED: u64 = 4_193_360_111;
const KEY_SEED: u64 = 2_718_281_828;
const CITY_MUL: u64 = 0x9ddf_ea08_eb38_2d69;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_count_with_their_low_byte() {
        assert_eq!(*low_bytes(b"plain"), *b"plain");
        assert_eq!(*low_bytes("\u{e9}\u{20ac}".as_bytes()), [0xe9, 0xac]);
        assert_eq!(*low_bytes(b"\xff\xfe"), [0xff, 0xfe]);
    }
}
