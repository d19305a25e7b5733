use alloc::vec::Vec;

use super::drawn::Drawn;
use super::{Seat, index_u32};

/// A list of nodes, of which a hash picks one by its remainder.
#[derive(Clone, Debug)]
pub(crate) struct List {
    slots: Vec<u32>,
    is_short: bool,
}

impl List {
    /// pecl-memcache's standard strategy: 15 bits of the hash choose among repeated nodes.
    pub(crate) fn slots(seats: &[Seat<'_>]) -> Self {
        Self {
            is_short: true,
            ..Self::repeated(seats)
        }
    }

    /// Each node once.
    pub(crate) fn numbered(seats: &[Seat<'_>]) -> Self {
        Self::of(seats.iter().map(|seat| seat.index).collect())
    }

    /// Each node as many times as its weight says.
    pub(crate) fn repeated(seats: &[Seat<'_>]) -> Self {
        let repeated =
            |seat: &Seat<'_>| core::iter::repeat_n(seat.index, seat.whole_weight() as usize);
        Self::of(seats.iter().flat_map(repeated).collect())
    }

    /// pecl-memcache's consistent strategy: bucket b belongs to the first point at or after
    /// b x 4194303.
    ///
    /// A key's bucket is its hash modulo 1024: the low bits, not the usual walk from the hash.
    pub(super) fn buckets(circle: &Drawn<u32>) -> Self {
        let starts = (0..BUCKETS).map(|bucket| bucket * BUCKET_STEP);
        Self::of(starts.map(|start| circle.owner(start)).collect())
    }

    fn of(slots: Vec<u32>) -> Self {
        Self {
            slots,
            is_short: false,
        }
    }

    /// The node that owns `hash`.
    pub(crate) fn find(&self, hash: u32) -> u32 {
        self.slots[self.slot(hash) as usize]
    }

    /// The place in the list that `hash` picks.
    pub(crate) fn slot(&self, hash: u32) -> u32 {
        self.short(hash) % self.len()
    }

    /// What is divided: the hash, or 15 bits of it, of which the client takes 0 for "no hash yet".
    pub(crate) fn short(&self, hash: u32) -> u32 {
        if self.is_short {
            ((hash >> 16) & 0x7fff).max(1)
        } else {
            hash
        }
    }

    /// Whether only 15 bits of the hash count.
    pub(crate) fn is_short(&self) -> bool {
        self.is_short
    }

    /// How many places there are.
    pub(crate) fn len(&self) -> u32 {
        index_u32(self.slots.len())
    }

    /// The node at `slot`.
    pub(crate) fn at(&self, slot: u32) -> u32 {
        self.slots[slot as usize]
    }
}

const BUCKETS: u32 = 1024;
/// 0xffffffff / 1024, rounded down: not 4194304.
const BUCKET_STEP: u32 = u32::MAX / BUCKETS;
