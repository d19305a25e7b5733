use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use crate::hash::{Hash, md5_words};
use crate::placement::index_u32;

/// Points on a circle of 2^32 places, each owned by a node.
///
/// A hash belongs to the first point at or after it; after the last point comes the first. `first`
/// holds, for each value of a hash's top bits, the index of the first point with these bits or
/// greater ones, so that a look-up starts where it ends but for a step or two.
///
/// `circle` is sorted and ends with a copy of its first point at the greatest value.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    circle: Vec<Point>,
    first: Vec<u32>,
    shift: u32,
}

/// Sorted by value, then by the node's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    value: u32,
    node: u32,
}

impl Points {
    /// `count(node)` points for each node: `hash` of `name-0`, `name-1`, …
    pub(crate) fn hashed(hash: Hash, nodes: &[(&str, u32)], count: impl Fn(usize) -> u32) -> Self {
        Self::named(nodes, count, |name, node, circle| {
            circle.push(Point {
                value: hash.of(name),
                node,
            });
        })
    }

    /// `count(node)` MD5 digests of the same names for each node, four points from each.
    pub(crate) fn digests(nodes: &[(&str, u32)], count: impl Fn(usize) -> u32) -> Self {
        Self::named(nodes, count, |name, node, circle| {
            circle.extend(md5_words(name).map(|value| Point { value, node }));
        })
    }

    /// The node that owns `hash`.
    pub(crate) fn find(&self, hash: u32) -> u32 {
        let start = self.first[(hash >> self.shift) as usize] as usize;
        let ahead = &self.circle[start..];
        if let Some(point) = ahead
            .iter()
            .take(STEPS_MAX)
            .find(|point| point.value >= hash)
        {
            return point.node;
        }
        // Only where points crowd together: a hash that is not spread over all 32 bits.
        ahead[ahead.partition_point(|point| point.value < hash)].node
    }

    fn named(
        nodes: &[(&str, u32)],
        count: impl Fn(usize) -> u32,
        mut add: impl FnMut(&[u8], u32, &mut Vec<Point>),
    ) -> Self {
        let mut circle = Vec::new();
        let mut point_name = String::new();
        for (index, &(name, _)) in nodes.iter().enumerate() {
            for number in 0..count(index) {
                point_name.clear();
                write!(point_name, "{name}-{number}").expect("a string takes what it is given");
                add(point_name.as_bytes(), index_u32(index), &mut circle);
            }
        }
        circle.sort_unstable();
        Self::indexed(circle)
    }

    /// Adds the closing point and the index: one or two entries a point.
    fn indexed(mut circle: Vec<Point>) -> Self {
        let node = circle
            .first()
            .expect("a circle has at least one point")
            .node;
        circle.push(Point {
            value: u32::MAX,
            node,
        });
        let bits = circle.len().next_power_of_two().trailing_zeros().max(1);
        let shift = u32::BITS - bits;
        let mut point = 0;
        let mut first = Vec::with_capacity(1 << bits);
        for top in 0..1u32 << bits {
            while circle[point].value < top << shift {
                point += 1;
            }
            first.push(index_u32(point));
        }
        Self {
            circle,
            first,
            shift,
        }
    }
}

/// How far to look point by point before halving.
const STEPS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule itself, without an index.
    fn naive(circle: &[Point], hash: u32) -> u32 {
        circle
            .iter()
            .find(|point| point.value >= hash)
            .unwrap_or(&circle[0])
            .node
    }

    proptest! {
        #[test]
        fn points_match_naive(
            values in prop::collection::vec(
                prop_oneof![any::<u32>(), 0..40u32, (u32::MAX - 9)..=u32::MAX, Just(1 << 31)],
                1..200,
            ),
            hashes in prop::collection::vec(any::<u32>(), 20),
        ) {
            let mut circle: Vec<_> =
                values.iter().zip(0..).map(|(&value, node)| Point { value, node }).collect();
            circle.sort_unstable();
            let points = Points::indexed(circle.clone());
            let near = values.iter().flat_map(|&value| {
                [value.wrapping_sub(1), value, value.wrapping_add(1)]
            });
            for hash in near.chain(hashes) {
                prop_assert_eq!(points.find(hash), naive(&circle, hash));
            }
        }
    }

    #[test]
    fn single_point_owns_the_circle() {
        let points = Points::indexed(alloc::vec![Point { value: 7, node: 0 }]);
        for hash in [0, 7, 8, u32::MAX] {
            assert_eq!(points.find(hash), 0);
        }
    }
}
