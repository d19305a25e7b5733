use alloc::vec::Vec;

use crate::hash::Hash;
use crate::points::Points;
use crate::{PLACES_MAX, RingError};

/// How a dialect lays its nodes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// pecl-memcache standard: a list with each node repeated `weight` times.
    Slots,
    /// pecl-memcache consistent: 1024 buckets cut from a circle of 160 points a node and weight.
    Buckets,
    /// libmemcached modula: hash modulo the number of nodes.
    Modulo,
    /// libmemcached consistent: 100 points a node, by the key's hash; weighted MD5 points as soon
    /// as a weight exceeds 1.
    Ketama,
    /// libmemcached's weighted ketama: 4 points from each MD5 digest, 40 digests a node on average.
    WeightedKetama,
}

/// The nodes laid out, ready for look-ups: from a hash to the index of a node.
#[derive(Clone, Debug)]
pub(crate) enum Placement {
    Slots(Vec<u32>),
    Buckets(Vec<u32>),
    Modulo(u32),
    Points(Points),
}

impl Placement {
    /// Lays out `nodes`, each a name and a weight.
    pub(crate) fn new(
        layout: Layout,
        hash: Hash,
        nodes: &[(&str, u32)],
    ) -> Result<Self, RingError> {
        if nodes.is_empty() {
            return Err(RingError::NoNode);
        }
        let weights: u64 = nodes.iter().map(|&(_, weight)| u64::from(weight)).sum();
        let found = match layout {
            Layout::Slots => weights,
            Layout::Buckets => weights.saturating_mul(POINTS_PECL.into()),
            Layout::Modulo => nodes.len() as u64,
            Layout::Ketama | Layout::WeightedKetama => nodes.len() as u64 * 4 * DIGESTS_KETAMA,
        };
        if found > PLACES_MAX {
            return Err(RingError::TooManyPlaces { found });
        }
        Ok(match layout {
            Layout::Slots => Self::Slots(slots(nodes)),
            Layout::Buckets => Self::Buckets(buckets(hash, nodes)),
            Layout::Modulo => Self::Modulo(index_u32(nodes.len())),
            Layout::Ketama if nodes.iter().all(|&(_, weight)| weight == 1) => {
                Self::Points(Points::hashed(hash, nodes, |_| POINTS_KETAMA))
            }
            Layout::Ketama | Layout::WeightedKetama => {
                Self::Points(Points::digests(nodes, |node| {
                    ketama_digests(nodes[node].1, weights, nodes.len())
                }))
            }
        })
    }

    /// The index of the node for a key that hashes to `hash`.
    pub(crate) fn find(&self, hash: u32) -> usize {
        let index = match self {
            Self::Slots(slots) => {
                // The client takes its 15 bits for "no hash yet" when they are 0.
                let short = ((hash >> 16) & 0x7fff).max(1);
                slots[short as usize % slots.len()]
            }
            Self::Buckets(buckets) => buckets[hash as usize % BUCKETS],
            Self::Modulo(nodes) => hash % nodes,
            Self::Points(points) => points.find(hash),
        };
        index as usize
    }
}

fn slots(nodes: &[(&str, u32)]) -> Vec<u32> {
    let repeated = nodes
        .iter()
        .zip(0..)
        .map(|(&(_, weight), index)| (index, weight));
    repeated
        .flat_map(|(index, weight)| core::iter::repeat_n(index, weight as usize))
        .collect()
}

/// Bucket b belongs to the first point at or after b x 4194303.
///
/// A key's bucket is its hash modulo 1024: the low bits, not the usual walk from the hash.
fn buckets(hash: Hash, nodes: &[(&str, u32)]) -> Vec<u32> {
    let circle = Points::hashed(hash, nodes, |node| POINTS_PECL * nodes[node].1);
    (0..BUCKETS as u32)
        .map(|bucket| circle.find(bucket * BUCKET_STEP))
        .collect()
}

/// How many digests a node of `weight` gets, in the client's own 32-bit floats.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the client's arithmetic, its rounding included"
)]
fn ketama_digests(weight: u32, weights: u64, nodes: usize) -> u32 {
    let share = weight as f32 / weights as f32;
    let digests = share * (4 * DIGESTS_KETAMA) as f32 / 4.0 * nodes as f32;
    ((f64::from(digests) + 1e-10) as f32) as u32
}

/// A node's index as it is stored; [`PLACES_MAX`] keeps it in range.
pub(crate) fn index_u32(index: usize) -> u32 {
    u32::try_from(index).expect("the number of nodes is limited by PLACES_MAX")
}

const BUCKETS: usize = 1024;
/// 0xffffffff / 1024, rounded down: not 4194304.
const BUCKET_STEP: u32 = u32::MAX / BUCKETS as u32;
const POINTS_PECL: u32 = 160;
const POINTS_KETAMA: u32 = 100;
const DIGESTS_KETAMA: u64 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighted_ketama_counts_as_libmemcached_does() {
        let points: Vec<u32> = (1..=10)
            .map(|weight| 4 * ketama_digests(weight, 55, 10))
            .collect();
        assert_eq!(points, [28, 56, 84, 116, 144, 172, 200, 232, 260, 288]);
    }

    #[test]
    fn nodes_beyond_the_limit_are_refused() {
        let nodes = alloc::vec![("n", 1); 110_000];
        let refused = Placement::new(Layout::Buckets, Hash::Crc32, &nodes);
        assert!(matches!(
            refused,
            Err(RingError::TooManyPlaces { found: 17_600_000 })
        ));
    }
}
