//! How much of all keys two rings place on which nodes.

use alloc::vec::Vec;

use crate::placement::{List, Placement};

/// Tells `visit` all pairs of owners, in `old` and in `new`, and for which share of all hashes they
/// hold; a pair may come several times. False, and nothing told, where that can't be counted: when
/// the two have no hash space in common.
pub(crate) fn measure(
    old: &Placement,
    new: &Placement,
    mut visit: impl FnMut(f64, u32, u32),
) -> bool {
    match (old, new) {
        (Placement::List(hash, one), Placement::List(other_hash, other))
            if hash == other_hash && one.is_short() == other.is_short() =>
        {
            lists(one, other, hash.range(), visit)
        }
        (Placement::Maglev(one), Placement::Maglev(other)) => {
            let share = 1.0 / one.len() as f64;
            one.iter()
                .zip(other)
                .for_each(|(&one, &other)| visit(share, one, other));
            true
        }
        (Placement::Points(hash, one), Placement::Points(other_hash, other))
            if hash == other_hash =>
        {
            let space = hash.range().into();
            circles(space, one.parts(space), other.parts(space), visit);
            true
        }
        (Placement::WidePoints(one), Placement::WidePoints(other)) => {
            let space = 1 << u64::BITS;
            circles(space, one.parts(space), other.parts(space), visit);
            true
        }
        _ => false,
    }
}

/// Two remainders repeat together after the least common multiple of their lengths.
fn lists(one: &List, other: &List, range: u64, mut visit: impl FnMut(f64, u32, u32)) -> bool {
    if one.is_short() {
        for short in 0..SHORT_HASHES {
            let hash = short << 16;
            visit(
                1.0 / f64::from(SHORT_HASHES),
                one.find(hash),
                other.find(hash),
            );
        }
        return true;
    }
    let (len, other_len) = (u64::from(one.len()), u64::from(other.len()));
    let period = (len / common_divisor(len, other_len) * other_len).min(range);
    if period > PERIOD_MAX {
        return false;
    }
    for hash in 0..period {
        // This many hashes leave this remainder.
        let hashes = (range - hash).div_ceil(period);
        let hash = hash as u32;
        visit(
            hashes as f64 / range as f64,
            one.find(hash),
            other.find(hash),
        );
    }
    true
}

fn common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 {
        one
    } else {
        common_divisor(other, one % other)
    }
}

/// Walks both circles at once, from boundary to boundary.
fn circles(
    space: u128,
    mut one: impl Iterator<Item = (u128, u32)>,
    mut other: impl Iterator<Item = (u128, u32)>,
    mut visit: impl FnMut(f64, u32, u32),
) {
    let mut start = 0;
    let (mut part, mut other_part) = (one.next(), other.next());
    while let (Some((end, node)), Some((other_end, other_node))) = (part, other_part) {
        let stop = end.min(other_end);
        if stop > start {
            visit((stop - start) as f64 / space as f64, node, other_node);
            start = stop;
        }
        if end == stop {
            part = one.next();
        }
        if other_end == stop {
            other_part = other.next();
        }
    }
}

/// Made-up session ids for a ring of `nodes`: always the same ones.
pub(crate) fn samples(nodes: usize) -> Samples {
    // Rendezvous costs a score a node and key.
    let affordable = SCORES_MAX / nodes.max(1);
    let count = affordable.clamp(SAMPLES_MIN, SAMPLES_MAX);
    Samples {
        count: u32::try_from(count).expect("the clamp keeps it small"),
    }
}

/// Some session ids of 26 characters of five bits, as PHP makes them.
pub(crate) struct Samples {
    count: u32,
}

impl Samples {
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Vec<u8>> {
        let mut state = 0u64;
        let id = move |_| {
            let character = |_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                CHARACTERS[(state >> 59) as usize]
            };
            (0..26).map(character).collect()
        };
        (0..self.count).map(id)
    }
}

const CHARACTERS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
const SHORT_HASHES: u32 = 1 << 15;
/// Longer periods are sampled: two lists of two thousand nodes each can have one of four million.
const PERIOD_MAX: u64 = 1 << 22;
const SAMPLES_MIN: usize = 10_000;
const SAMPLES_MAX: usize = 100_000;
const SCORES_MAX: usize = 20_000_000;
