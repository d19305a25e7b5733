use alloc::vec::Vec;

use super::Seat;
use super::points::{Point, Points, Value};
use crate::hash::{Hash, md5_words};

/// The points of all nodes in order, before the circle is cut into cells.
#[derive(Debug)]
pub(super) struct Drawn<V>(Vec<Point<V>>);

impl Drawn<u32> {
    /// `count` points for each node: `hash` of `name-0`, `name-1`, ...
    pub(super) fn hashed(hash: Hash, seats: &[Seat<'_>], count: impl Fn(&Seat<'_>) -> u64) -> Self {
        Self::named(seats, count, |name| [hash.of(name)])
    }

    /// `count` MD5 digests of the same names for each node, four points from each.
    pub(super) fn digests(seats: &[Seat<'_>], count: impl Fn(&Seat<'_>) -> u64) -> Self {
        Self::named(seats, count, md5_words)
    }
}

impl<V: Value> Drawn<V> {
    /// `count` names for each node, and the points that `points_of` makes of each.
    pub(super) fn named<const N: usize>(
        seats: &[Seat<'_>],
        count: impl Fn(&Seat<'_>) -> u64,
        points_of: impl Fn(&[u8]) -> [V; N],
    ) -> Self {
        // With the closing point, so that a circle is moved at no time.
        let points = seats.iter().map(&count).sum::<u64>() * N as u64;
        let mut circle = Vec::with_capacity(points as usize + 1);
        let mut name = Vec::new();
        for seat in seats {
            name.clear();
            name.extend_from_slice(seat.name.as_bytes());
            name.push(b'-');
            let prefix_len = name.len();
            for number in 0..count(seat) {
                name.truncate(prefix_len);
                push_decimal(&mut name, number);
                let node = seat.index;
                circle.extend(points_of(&name).map(|value| Point { value, node }));
            }
        }
        circle.sort_unstable();
        Self(circle)
    }

    /// The same, where of points with equal values the last node's counts, not the first's.
    pub(super) fn with_last_of_equals(mut self) -> Self {
        self.0.dedup_by(|later, earlier| {
            let is_same = later.value == earlier.value;
            if is_same {
                *earlier = *later;
            }
            is_same
        });
        self
    }

    /// The owner of `hash`, by halves: for a few look-ups only.
    pub(super) fn owner(&self, hash: V) -> u32 {
        let index = self.0.partition_point(|point| point.value < hash);
        self.0[index % self.0.len()].node
    }

    /// A circle on which a point owns the hashes up to its own.
    pub(super) fn points(self) -> Points<V> {
        Points::indexed(self.0, V::ZERO)
    }

    /// A circle on which a point owns the hashes before its own, but not that.
    pub(super) fn points_strictly_after(self) -> Points<V> {
        Points::indexed(self.0, V::ONE)
    }
}

fn push_decimal(to: &mut Vec<u8>, mut number: u64) {
    let start = to.len();
    loop {
        to.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    to[start..].reverse();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule itself, without cells.
    fn naive(circle: &[Point<u32>], hash: u32) -> u32 {
        circle
            .iter()
            .find(|point| point.value >= hash)
            .unwrap_or(&circle[0])
            .node
    }

    fn values() -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(
            prop_oneof![
                any::<u32>(),
                0..40u32,
                (u32::MAX - 9)..=u32::MAX,
                Just(1 << 31)
            ],
            1..200,
        )
    }

    fn circle(values: &[u32], nodes: u32) -> Vec<Point<u32>> {
        let mut circle: Vec<_> = values
            .iter()
            .zip(0..)
            .map(|(&value, number)| Point {
                value,
                node: number % nodes,
            })
            .collect();
        circle.sort_unstable();
        circle
    }

    proptest! {
        #[test]
        fn points_match_naive(
            values in values(),
            nodes in 1..200u32,
            hashes in prop::collection::vec(any::<u32>(), 20),
        ) {
            let circle = circle(&values, nodes);
            let points = Drawn(circle.clone()).points();
            let strict = Drawn(circle.clone()).points_strictly_after();
            let near = values.iter().flat_map(|&value| {
                [value.wrapping_sub(1), value, value.wrapping_add(1)]
            });
            for hash in near.chain(hashes) {
                prop_assert_eq!(points.find(hash), naive(&circle, hash));
                prop_assert_eq!(points.point(hash).node, naive(&circle, hash));
                prop_assert_eq!(Drawn(circle.clone()).owner(hash), naive(&circle, hash));
                prop_assert_eq!(strict.find(hash), naive(&circle, hash.wrapping_add(1)));
            }
        }

        #[test]
        fn last_of_equals_matches_naive(values in values(), nodes in 1..200u32) {
            let circle = circle(&values, nodes);
            let points = Drawn(circle.clone()).with_last_of_equals().points();
            for value in values {
                let last = circle.iter().rfind(|point| point.value == value).unwrap();
                prop_assert_eq!(points.find(value), last.node);
            }
        }
    }

    #[test]
    fn single_point_owns_the_circle() {
        let points = Drawn(alloc::vec![Point {
            value: 7u32,
            node: 0
        }])
        .points();
        for hash in [0, 7, 8, u32::MAX] {
            assert_eq!(points.find(hash), 0);
        }
    }
}
