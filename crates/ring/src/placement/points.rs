use alloc::vec::Vec;
use core::fmt;

use super::{Seat, index_u32};
use crate::hash::{Hash, md5_words};

/// Points on a circle, each owned by a node.
///
/// A hash belongs to the first point at or after it; after the last point comes the first.
///
/// `cells` cuts the circle into equal parts, by the top bits of a hash. A cell where every hash has
/// the same owner holds that node; another one the index of the first point in it, where a look-up
/// goes on, and ends after a step or two. With four cells or more to a point most are of the first
/// kind, and a look-up reads memory once.
///
/// `circle` is sorted and ends with a copy of its first point at the greatest value.
#[derive(Clone, Debug)]
pub(crate) struct Points<V> {
    circle: Vec<Point<V>>,
    cells: Vec<u32>,
    cell_bits: u32,
    /// 1 if a point does not own the hash equal to it: the first point *after* a hash is looked for,
    /// which is the first one at or after the next hash.
    ahead: V,
}

/// Sorted by value, then by the node's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point<V> {
    pub(crate) value: V,
    pub(crate) node: u32,
}

/// A place on a circle.
pub(crate) trait Value: Copy + Ord + fmt::Debug {
    const ZERO: Self;
    const ONE: Self;
    const MAX: Self;

    /// Its highest `bits` bits, at most 31.
    fn top(self, bits: u32) -> usize;

    fn wrapping_add(self, other: Self) -> Self;

    /// Where it lies among at most 2^64 places: the upper half of a longer value.
    fn place(self) -> u128;
}

impl Value for u32 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const MAX: Self = Self::MAX;

    #[inline]
    fn top(self, bits: u32) -> usize {
        (self >> (Self::BITS - bits)) as usize
    }

    #[inline]
    fn wrapping_add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn place(self) -> u128 {
        self.into()
    }
}

impl Value for u128 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const MAX: Self = Self::MAX;

    #[inline]
    fn top(self, bits: u32) -> usize {
        (self >> (Self::BITS - bits)) as usize
    }

    #[inline]
    fn wrapping_add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn place(self) -> u128 {
        self >> u64::BITS
    }
}

impl Points<u32> {
    /// `count` points for each node: `hash` of `name-0`, `name-1`, …
    pub(crate) fn hashed(hash: Hash, seats: &[Seat<'_>], count: impl Fn(&Seat<'_>) -> u64) -> Self {
        Self::named(seats, count, |name| [hash.of(name)])
    }

    /// `count` MD5 digests of the same names for each node, four points from each.
    pub(crate) fn digests(seats: &[Seat<'_>], count: impl Fn(&Seat<'_>) -> u64) -> Self {
        Self::named(seats, count, md5_words)
    }
}

impl<V: Value> Points<V> {
    /// `count` names for each node, and the points that `points_of` makes of each.
    pub(crate) fn named<const N: usize>(
        seats: &[Seat<'_>],
        count: impl Fn(&Seat<'_>) -> u64,
        points_of: impl Fn(&[u8]) -> [V; N],
    ) -> Self {
        let mut circle = Vec::new();
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
        Self::indexed(circle)
    }

    /// The same, where of points with equal values the last node's counts, not the first's.
    pub(crate) fn with_last_of_equals(mut self) -> Self {
        self.circle.pop();
        self.circle.dedup_by(|later, earlier| {
            let is_same = later.value == earlier.value;
            if is_same {
                *earlier = *later;
            }
            is_same
        });
        Self::indexed(self.circle)
    }

    /// The same, where a point does not own the hash equal to it.
    pub(crate) fn strictly_after(self) -> Self {
        Self {
            ahead: V::ONE,
            ..self
        }
    }

    /// The node that owns `hash`.
    #[inline]
    pub(crate) fn find(&self, hash: V) -> u32 {
        let hash = hash.wrapping_add(self.ahead);
        let cell = self.cells[hash.top(self.cell_bits)];
        if cell & NODE != 0 {
            return cell & !NODE;
        }
        if cell & CROWD != 0 {
            return self.search(cell & !CROWD, hash).node;
        }
        // One point: the hash is before it or behind it, which no processor can guess.
        let [one, next] = [cell, cell + 1].map(|at| self.circle[at as usize]);
        if one.value >= hash {
            one.node
        } else {
            next.node
        }
    }

    /// The point that owns `hash`.
    pub(crate) fn point(&self, hash: V) -> Point<V> {
        let hash = hash.wrapping_add(self.ahead);
        let index = self.circle.partition_point(|point| point.value < hash);
        // The closing point stands for the first one.
        let is_last = index + 1 == self.circle.len();
        self.circle[if is_last { 0 } else { index }]
    }

    /// The points in order, each owning what lies between the one before and itself.
    pub(crate) fn circle(&self) -> &[Point<V>] {
        &self.circle[..self.circle.len() - 1]
    }

    /// Whether a point owns the hash equal to it.
    pub(crate) fn owns_itself(&self) -> bool {
        self.ahead == V::ZERO
    }

    fn search(&self, start: u32, hash: V) -> &Point<V> {
        let ahead = &self.circle[start as usize..];
        let near = ahead.iter().take(STEPS_MAX);
        match near.into_iter().find(|point| point.value >= hash) {
            Some(point) => point,
            // Only where points crowd together: a hash that is not spread over all bits.
            None => &ahead[ahead.partition_point(|point| point.value < hash)],
        }
    }

    /// Adds the closing point and the cells: four to eight to a point.
    fn indexed(mut circle: Vec<Point<V>>) -> Self {
        let first = *circle.first().expect("a circle has at least one point");
        circle.push(Point {
            value: V::MAX,
            node: first.node,
        });
        let cell_bits = circle.len().next_power_of_two().trailing_zeros() + 2;
        let mut cells = Vec::with_capacity(1 << cell_bits);
        let mut index = 0;
        for cell in 0..1usize << cell_bits {
            let start = index;
            // All owners in this cell: those of the points in it, and of the one behind.
            while circle[index].value.top(cell_bits) == cell && index + 1 < circle.len() {
                index += 1;
            }
            let owners = &circle[start..=index];
            let node = owners[0].node;
            cells.push(if owners.iter().all(|point| point.node == node) {
                node | NODE
            } else if owners.len() == 2 {
                index_u32(start)
            } else {
                index_u32(start) | CROWD
            });
        }
        Self {
            circle,
            cells,
            cell_bits,
            ahead: V::ZERO,
        }
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

/// Marks a cell that holds a node.
const NODE: u32 = 1 << 31;

/// Marks a cell with several points. Indexes of points stay below, as
/// [`PLACES_MAX`](crate::PLACES_MAX) does.
const CROWD: u32 = 1 << 30;

/// How far to look point by point before halving.
const STEPS_MAX: usize = 8;

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
            let points = Points::indexed(circle.clone());
            let strict = points.clone().strictly_after();
            let near = values.iter().flat_map(|&value| {
                [value.wrapping_sub(1), value, value.wrapping_add(1)]
            });
            for hash in near.chain(hashes) {
                prop_assert_eq!(points.find(hash), naive(&circle, hash));
                prop_assert_eq!(points.point(hash).node, naive(&circle, hash));
                prop_assert_eq!(strict.find(hash), naive(&circle, hash.wrapping_add(1)));
            }
        }

        #[test]
        fn last_of_equals_matches_naive(values in values(), nodes in 1..200u32) {
            let circle = circle(&values, nodes);
            let points = Points::indexed(circle.clone()).with_last_of_equals();
            for value in values {
                let last = circle.iter().rfind(|point| point.value == value).unwrap();
                prop_assert_eq!(points.find(value), last.node);
            }
        }
    }

    #[test]
    fn single_point_owns_the_circle() {
        let points = Points::indexed(alloc::vec![Point {
            value: 7u32,
            node: 0
        }]);
        for hash in [0, 7, 8, u32::MAX] {
            assert_eq!(points.find(hash), 0);
        }
    }
}
