use alloc::vec::Vec;
use core::fmt;

use crate::hash::md5_number;
use crate::placement::{Placement, maglev_slot};
use crate::replicas::{self, Found};
use crate::{Order, Ring};

/// How a client comes from a key to its nodes, step by step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    key: Vec<u8>,
    steps: Vec<Step>,
}

/// One look at the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// What is hashed: the key, or the key with a suffix. Empty for a step without a hash.
    pub hashed: Vec<u8>,
    /// Where that leads.
    pub spot: Spot,
    /// The index of the node there.
    pub index: usize,
    /// Whether the node gets a copy: false if it has one already.
    pub is_new: bool,
}

/// A place on a ring, and the hash that leads to it. Prints in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spot {
    /// The only node: nothing is hashed.
    Only,
    /// The next node in the list.
    Next,
    /// A place in a list, or a bucket, or a slot of a table.
    Slot {
        /// The hash of the key.
        hash: u64,
        /// The place, from 0.
        slot: u32,
        /// How many there are.
        slots: u32,
    },
    /// The first point at or after the hash, as a number of `bits` bits.
    Point {
        /// The hash of the key.
        hash: u128,
        /// The value of the point.
        point: u128,
        /// 32 or 128.
        bits: u32,
    },
    /// The node scored highest.
    Score {
        /// Its score.
        score: u64,
    },
    /// The node's number was computed from the hash and the number of nodes.
    Number {
        /// How many nodes there are.
        nodes: u32,
    },
}

impl<N> Ring<N> {
    /// Says how the client finds the nodes of up to `copies` copies of `key`: those of
    /// [`replicas`](Self::replicas), and the steps between that bring none.
    pub fn explain(&self, key: &[u8], order: Order, copies: usize) -> Explanation {
        self.treated(key, |key| {
            let mut steps = Vec::new();
            replicas::walk(self, key, order, copies, |hashed, found: Found| {
                steps.push(Step {
                    hashed: hashed.unwrap_or_default().to_vec(),
                    spot: hashed.map_or(Spot::Next, |hashed| self.spot(hashed, found.index)),
                    index: found.index,
                    is_new: found.is_new,
                });
            });
            Explanation {
                key: key.to_vec(),
                steps,
            }
        })
    }

    fn spot(&self, hashed: &[u8], index: usize) -> Spot {
        if self.members().len() == 1 {
            return Spot::Only;
        }
        match self.placement() {
            Placement::List(hash, list) => Spot::Slot {
                hash: hash.of(hashed).into(),
                slot: list.slot(hash.of(hashed)),
                slots: list.len(),
            },
            Placement::Points(hash, points) => {
                let hash = hash.of(hashed);
                Spot::Point {
                    hash: hash.into(),
                    point: points.point(hash).value.into(),
                    bits: 32,
                }
            }
            Placement::WidePoints(points) => {
                let hash = md5_number(hashed);
                let point = points.point(hash).value;
                Spot::Point {
                    hash,
                    point,
                    bits: 128,
                }
            }
            Placement::Maglev(table) => {
                let (hash, slot) = maglev_slot(hashed);
                Spot::Slot {
                    hash,
                    slot: slot as u32,
                    slots: table.len() as u32,
                }
            }
            Placement::Pymemcache(nodes) => Spot::Score {
                score: nodes.score(hashed, index).into(),
            },
            Placement::Mcrouter(nodes) => Spot::Score {
                score: nodes.score(hashed, index),
            },
            Placement::Ch3(_) | Placement::WeightedCh3(_) | Placement::Jump(_) => Spot::Number {
                nodes: self.members().len() as u32,
            },
        }
    }
}

impl Explanation {
    /// The key as it is hashed: cleaned and cut as the client does, reduced to what it is placed by.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The steps in order. Those with [`is_new`](Step::is_new) are the nodes of the copies.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Only => f.write_str("the only node"),
            Self::Next => f.write_str("the next in the list"),
            Self::Slot { hash, slot, slots } => {
                write!(f, "hash {hash:08x}, slot {slot} of {slots}")
            }
            Self::Point { hash, point, bits } => {
                let digits = bits as usize / 4;
                write!(f, "hash {hash:0digits$x}, point {point:0digits$x}")
            }
            Self::Score { score } => write!(f, "score {score:08x}, the highest"),
            Self::Number { nodes } => write!(f, "computed for {nodes} nodes"),
        }
    }
}
