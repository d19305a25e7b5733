use alloc::vec::Vec;

use crate::hash::{Hash, md5_number};
use crate::{PLACES_MAX, RingError, Weight};

mod drawn;
mod furc;
mod jump;
mod list;
mod maglev;
mod points;
mod rendezvous;

use drawn::Drawn;
pub(crate) use furc::WeightedCh3;
pub(crate) use list::List;
pub(crate) use maglev::slot as maglev_slot;
pub(crate) use points::{Points, Value};
pub(crate) use rendezvous::{Mcrouter, Pymemcache};

/// How a dialect lays its nodes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// pecl-memcache standard: a list with each node repeated `weight` times, 15 bits of the hash.
    Slots,
    /// pecl-memcache consistent: 1024 buckets cut from a circle of 160 points a node and weight.
    Buckets,
    /// libmemcached modula, mcrouter Crc32: hash modulo the number of nodes.
    Modulo,
    /// twemproxy modula: hash modulo the length of a list with each node repeated `weight` times.
    Repeated,
    /// libmemcached consistent: 100 points a node, by the key's hash; weighted MD5 points as soon
    /// as a weight exceeds 1.
    Ketama,
    /// libmemcached's weighted ketama: 4 points from each MD5 digest, 40 digests a node on average.
    WeightedKetama,
    /// spymemcached: 40 MD5 digests a node, 4 points from each.
    SpyKetama,
    /// uhashring with `hash_fn='ketama'`: as weighted ketama, counted in whole numbers.
    UhashringKetama,
    /// uhashring as it comes: 160 points a node and weight, each a whole MD5 digest.
    Uhashring,
    /// The highest murmur3 of `node-key`.
    PymemcacheRendezvous,
    /// The highest mix of the hashes of node and key.
    McrouterRendezvous,
    /// mcrouter's `furc_hash`.
    Ch3,
    /// The same, where a node can pass a share of its keys on.
    WeightedCh3,
    /// Lamping and Veach's jump consistent hash.
    Jump,
    /// Eisenbud et al.'s table.
    Maglev,
}

/// A node as a layout sees it, in the order of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat<'a> {
    pub(crate) name: &'a str,
    pub(crate) weight: Weight,
    /// The node's place in the list as it was given.
    pub(crate) index: u32,
}

/// The nodes laid out, ready for look-ups: from a key to the index of a node.
#[derive(Clone, Debug)]
pub(crate) enum Placement {
    List(Hash, List),
    Points(Hash, Points<u32>),
    WidePoints(Points<u128>),
    Ch3(u32),
    WeightedCh3(WeightedCh3),
    Jump(u32),
    Maglev(Vec<u32>),
    Pymemcache(Pymemcache),
    Mcrouter(Mcrouter),
}

impl Placement {
    /// Lays out `seats`.
    pub(crate) fn new(layout: Layout, hash: Hash, seats: &[Seat<'_>]) -> Result<Self, RingError> {
        check_places(layout, seats)?;
        let nodes = seats.len();
        let weights: u64 = seats.iter().map(Seat::whole_weight).sum();
        let multiplied = |seat: &Seat<'_>| 160 * seat.whole_weight();
        Ok(match layout {
            Layout::Slots => Self::List(hash, List::slots(seats)),
            Layout::Modulo => Self::List(hash, List::numbered(seats)),
            Layout::Repeated => Self::List(hash, List::repeated(seats)),
            Layout::Buckets => {
                Self::List(hash, List::buckets(&Drawn::hashed(hash, seats, multiplied)))
            }
            Layout::Ketama if seats.iter().all(|seat| seat.weight <= Weight::ONE) => {
                Self::Points(hash, Drawn::hashed(hash, seats, |_| 100).points())
            }
            Layout::Ketama | Layout::WeightedKetama => {
                let count = |seat: &Seat<'_>| ketama_digests(seat.whole_weight(), weights, nodes);
                Self::Points(hash, Drawn::digests(seats, count).points())
            }
            Layout::SpyKetama => {
                let drawn = Drawn::digests(seats, |_| DIGESTS_KETAMA);
                Self::Points(hash, drawn.with_last_of_equals().points())
            }
            Layout::UhashringKetama => {
                let all_digests = DIGESTS_KETAMA * nodes as u64;
                let count = |seat: &Seat<'_>| all_digests * seat.whole_weight() / weights;
                let drawn = Drawn::digests(seats, count).with_last_of_equals();
                Self::Points(hash, drawn.points_strictly_after())
            }
            Layout::Uhashring => {
                let drawn = Drawn::named(seats, multiplied, |name| [md5_number(name)]);
                Self::WidePoints(drawn.with_last_of_equals().points_strictly_after())
            }
            Layout::PymemcacheRendezvous => Self::Pymemcache(Pymemcache::new(seats)),
            Layout::McrouterRendezvous => Self::Mcrouter(Mcrouter::new(seats)),
            Layout::Ch3 => Self::Ch3(index_u32(nodes)),
            Layout::WeightedCh3 => Self::WeightedCh3(WeightedCh3::new(seats)),
            Layout::Jump => Self::Jump(index_u32(nodes)),
            Layout::Maglev => Self::Maglev(maglev::table(seats)),
        })
    }

    /// The index of the node for `key`.
    pub(crate) fn find(&self, key: &[u8]) -> usize {
        let index = match self {
            Self::List(hash, list) => list.find(hash.of(key)),
            Self::Points(hash, points) => points.find(hash.of(key)),
            Self::WidePoints(points) => points.find(md5_number(key)),
            Self::Ch3(nodes) => furc::furc(key, *nodes),
            Self::WeightedCh3(nodes) => nodes.find(key),
            Self::Jump(nodes) => jump::jump(jump::hash(key), *nodes),
            Self::Maglev(table) => table[maglev::slot(key).1],
            Self::Pymemcache(nodes) => nodes.find(key),
            Self::Mcrouter(nodes) => nodes.find(key),
        };
        index as usize
    }
}

impl Placement {
    /// The hash that picks the node, if it is one of 32 bits.
    pub(crate) fn hash(&self) -> Option<Hash> {
        match self {
            Self::List(hash, _) | Self::Points(hash, _) => Some(*hash),
            _ => None,
        }
    }

    /// The index of the node for that hash.
    #[inline]
    pub(crate) fn find_hash(&self, hash: u32) -> Option<u32> {
        match self {
            Self::List(_, list) => Some(list.find(hash)),
            Self::Points(_, points) => Some(points.find(hash)),
            _ => None,
        }
    }
}

impl Seat<'_> {
    /// The weight of a layout that counts in whole numbers; the builder has let no other pass.
    fn whole_weight(&self) -> u64 {
        self.weight.whole().unwrap_or(1).into()
    }
}

/// Refuses what would take more memory than anybody means to spend on a ring.
fn check_places(layout: Layout, seats: &[Seat<'_>]) -> Result<(), RingError> {
    let nodes = seats.len() as u64;
    let weights: u64 = seats.iter().map(Seat::whole_weight).sum();
    let found = match layout {
        Layout::Slots | Layout::Repeated => weights,
        Layout::Buckets | Layout::Uhashring => weights.saturating_mul(160),
        Layout::Ketama | Layout::WeightedKetama | Layout::SpyKetama | Layout::UhashringKetama => {
            nodes * 4 * DIGESTS_KETAMA
        }
        Layout::Modulo
        | Layout::PymemcacheRendezvous
        | Layout::McrouterRendezvous
        | Layout::Ch3
        | Layout::WeightedCh3
        | Layout::Jump
        | Layout::Maglev => nodes,
    };
    let allowed = match layout {
        Layout::Ch3 | Layout::WeightedCh3 => furc::NODES_MAX.into(),
        Layout::Maglev => maglev::SLOTS,
        _ => PLACES_MAX,
    };
    match nodes {
        0 => Err(RingError::NoNode),
        _ if found > allowed => Err(RingError::TooManyPlaces { found, allowed }),
        _ => Ok(()),
    }
}

/// How many digests a node of `weight` gets, in the client's own 32-bit floats.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the client's arithmetic, its rounding included"
)]
fn ketama_digests(weight: u64, weights: u64, nodes: usize) -> u64 {
    let share = weight as f32 / weights as f32;
    let digests = share * (4 * DIGESTS_KETAMA) as f32 / 4.0 * nodes as f32;
    ((f64::from(digests) + 1e-10) as f32) as u64
}

/// A node's index as it is stored; [`PLACES_MAX`] keeps it in range.
pub(crate) fn index_u32(index: usize) -> u32 {
    u32::try_from(index).expect("the number of nodes is limited by PLACES_MAX")
}

const DIGESTS_KETAMA: u64 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighted_ketama_counts_as_libmemcached_does() {
        let points: Vec<u64> = (1..=10)
            .map(|weight| 4 * ketama_digests(weight, 55, 10))
            .collect();
        assert_eq!(points, [28, 56, 84, 116, 144, 172, 200, 232, 260, 288]);
    }

    #[test]
    fn nodes_beyond_the_limit_are_refused() {
        let seat = Seat {
            name: "n",
            weight: Weight::ONE,
            index: 0,
        };
        let seats = alloc::vec![seat; 110_000];
        for (layout, found, allowed) in [
            (Layout::Buckets, 17_600_000, PLACES_MAX),
            (Layout::Maglev, 110_000, 65_537),
        ] {
            let refused = Placement::new(layout, Hash::Crc32, &seats);
            assert_eq!(
                refused.map(|_| ()),
                Err(RingError::TooManyPlaces { found, allowed })
            );
        }
    }
}
