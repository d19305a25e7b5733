use alloc::vec::Vec;
use core::fmt;

use super::index_u32;

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

impl<V: Value> Points<V> {
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

    /// Cuts the hashes from 0 to before `space`, at most 2^64, by owner: where each part ends, and
    /// whose it is. Parts may be empty; of longer hashes the upper half counts.
    pub(crate) fn parts(&self, space: u128) -> impl Iterator<Item = (u128, u32)> {
        let points = &self.circle[..self.circle.len() - 1];
        let owns_itself = u128::from(self.ahead == V::ZERO);
        let part = move |point: &Point<V>| {
            let end = point.value.place() + owns_itself;
            (end.min(space), point.node)
        };
        let last = (space, points[0].node);
        points.iter().map(part).chain(core::iter::once(last))
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
    pub(super) fn indexed(mut circle: Vec<Point<V>>, ahead: V) -> Self {
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
            ahead,
        }
    }
}

/// Marks a cell that holds a node.
const NODE: u32 = 1 << 31;

/// Marks a cell with several points. Indexes of points stay below, as
/// [`PLACES_MAX`](crate::PLACES_MAX) does.
const CROWD: u32 = 1 << 30;

/// How far to look point by point before halving.
const STEPS_MAX: usize = 8;
