use alloc::vec::Vec;

use crate::Ring;
use crate::measure::{measure, samples};
use crate::placement::{Placement, Points, Value};

/// How much of all keys each node has.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    shares: Vec<f64>,
    basis: Basis,
}

/// What a share was found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "one counts or one samples")]
pub enum Basis {
    /// By counting the hashes, all of which are equally likely for a good hash.
    Exact,
    /// By placing so many made-up session ids, always the same: where the dialect has no hash space
    /// that could be counted (rendezvous, Ch3, jump), or two rings have none in common.
    Sampled {
        /// How many; a share is off by some `1 / sqrt(keys)` of its square root.
        keys: u32,
    },
}

/// The hash space of a ring, cut into arcs that each belong to a node: what a drawing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    space: u128,
    arcs: Vec<Arc>,
}

/// The hashes from `start` to before `end` belong to the node `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "an interval and an owner, no more"
)]
pub struct Arc {
    /// The first hash.
    pub start: u128,
    /// The one after the last.
    pub end: u128,
    /// The node's place in the list.
    pub index: usize,
}

impl<N> Ring<N> {
    /// How much of all keys each node owns.
    ///
    /// Linear in the number of points. Sampling takes up to 100,000 look-ups.
    pub fn shares(&self) -> Shares {
        let mut shares = alloc::vec![0.0; self.members().len()];
        let is_exact = measure(self.placement(), self.placement(), |share, index, _| {
            shares[index as usize] += share;
        });
        if is_exact {
            let basis = Basis::Exact;
            return Shares { shares, basis };
        }
        let keys = samples(self.members().len());
        for key in keys.iter() {
            shares[self.owner(&key).index()] += 1.0 / f64::from(keys.count());
        }
        let basis = Basis::Sampled { keys: keys.count() };
        Shares { shares, basis }
    }

    /// The hash space with its owners, in order, neighbours of one node joined.
    ///
    /// `None` where the dialect has no such space (rendezvous, Ch3, jump). Dialects that take a
    /// remainder have a space of as many places as their list; pecl-memcache's consistent strategy has
    /// its 1024 buckets. Linear in the number of points.
    pub fn circle(&self) -> Option<Circle> {
        Some(match self.placement() {
            Placement::List(_, list) => Circle::of_slots((0..list.len()).map(|slot| list.at(slot))),
            Placement::Maglev(table) => Circle::of_slots(table.iter().copied()),
            Placement::Points(hash, points) => Circle::of_points(points, hash.range().into()),
            Placement::WidePoints(points) => Circle::of_points(points, 1 << u64::BITS),
            Placement::Ch3(_)
            | Placement::WeightedCh3(_)
            | Placement::Jump(_)
            | Placement::Pymemcache(_)
            | Placement::Mcrouter(_) => return None,
        })
    }
}

impl Shares {
    /// The share of the node with this index, from 0 to 1. All together are 1.
    ///
    /// # Panics
    /// When there is no such node.
    #[must_use]
    pub fn of(&self, index: usize) -> f64 {
        self.shares[index]
    }

    /// The shares in the order of the nodes.
    pub fn iter(&self) -> impl Iterator<Item = f64> {
        self.shares.iter().copied()
    }

    /// What they were found by.
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis
    }
}

impl Circle {
    /// How many hashes there are, from 0 on. Hashes of 128 bits are shown by their upper half.
    #[must_use]
    pub fn space(&self) -> u128 {
        self.space
    }

    /// The arcs from 0 to [`space`](Self::space), without gaps.
    #[must_use]
    pub fn arcs(&self) -> &[Arc] {
        &self.arcs
    }

    fn of_slots(owners: impl Iterator<Item = u32>) -> Self {
        let mut circle = Self::empty();
        for owner in owners {
            let end = circle.space + 1;
            circle.extend(end, owner);
        }
        circle
    }

    fn of_points<V: Value>(points: &Points<V>, space: u128) -> Self {
        let mut circle = Self::empty();
        for (end, owner) in points.parts(space) {
            circle.extend(end, owner);
        }
        circle
    }

    fn empty() -> Self {
        Self {
            space: 0,
            arcs: Vec::new(),
        }
    }

    /// Gives all from the end so far to `end` to `owner`.
    fn extend(&mut self, end: u128, owner: u32) {
        let (start, index) = (self.space, owner as usize);
        if end <= start {
            return;
        }
        self.space = end;
        match self.arcs.last_mut() {
            Some(last) if last.index == index => last.end = end,
            _ => self.arcs.push(Arc { start, end, index }),
        }
    }
}
