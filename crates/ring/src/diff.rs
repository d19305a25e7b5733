use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::measure::{measure, samples};
use crate::{Basis, Member, Ring};

/// What moves when one ring takes the place of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    moves: Vec<Move>,
    moved: f64,
    gone: Vec<usize>,
    come: Vec<usize>,
    basis: Basis,
}

/// Keys that change their owner.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "from where, to where, how much, no more"
)]
pub struct Move {
    /// The index of the owner in the old ring.
    pub from: usize,
    /// The index of the owner in the new ring.
    pub to: usize,
    /// How much of all keys moves so, from 0 to 1.
    pub share: f64,
}

/// Says what moves when `new` takes the place of `old`: how much, from where to where.
///
/// Nodes are the same when their [`address`](Member::address) is. Owners are compared, not further
/// copies. Exact when both rings have a hash space in common, that is the same hash and kind of
/// layout; otherwise up to 100,000 made-up keys are placed on both. Linear in the number of points.
///
/// ```
/// use steadfast_ring::{Basis, Dialect, Ring, diff};
///
/// let dialect = Dialect::LIBMEMCACHED_COMPATIBLE_MD5;
/// let two = Ring::builder(dialect).node((), "a", 11211, 1).node((), "b", 11211, 1);
/// let three = two.clone().node((), "c", 11211, 1).build()?;
/// let diff = diff(&two.build()?, &three);
/// assert_eq!(diff.basis(), Basis::Exact);
/// assert!(diff.moves().iter().all(|change| change.to == 2));
/// assert!(diff.moved() > 0.25 && diff.moved() < 0.40);
/// # Ok::<(), steadfast_ring::RingError>(())
/// ```
pub fn diff<N, M>(old: &Ring<N>, new: &Ring<M>) -> Diff {
    let old_places: BTreeMap<&str, usize> = old.members().iter().map(by_address).collect();
    let places: BTreeMap<&str, usize> = new.members().iter().map(by_address).collect();
    // For each old node where it is in the new ring.
    let kept: Vec<Option<usize>> = old
        .members()
        .iter()
        .map(|member| places.get(member.address()).copied())
        .collect();
    let mut table = BTreeMap::new();
    let mut add = |share: f64, from: usize, to: usize| {
        if kept[from] != Some(to) {
            *table.entry((from, to)).or_insert(0.0) += share;
        }
    };
    let basis = compare(old, new, &mut add);
    let mut moves: Vec<_> = table
        .into_iter()
        .map(|((from, to), share)| Move { from, to, share })
        .collect();
    moves.sort_by(|one, other| other.share.total_cmp(&one.share));
    let come = new.members().iter().map(by_address);
    let come = come.filter(|(address, _)| !old_places.contains_key(address));
    Diff {
        moved: moves.iter().map(|change| change.share).sum(),
        moves,
        come: come.map(|(_, index)| index).collect(),
        gone: (0..kept.len())
            .filter(|&index| kept[index].is_none())
            .collect(),
        basis,
    }
}

impl Diff {
    /// The changes of owner, the biggest first.
    #[must_use]
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// How much of all keys moves, from 0 to 1.
    #[must_use]
    pub fn moved(&self) -> f64 {
        self.moved
    }

    /// The indexes of the old nodes that are not in the new ring.
    #[must_use]
    pub fn gone(&self) -> &[usize] {
        &self.gone
    }

    /// The indexes of the new nodes that were not in the old ring.
    #[must_use]
    pub fn come(&self) -> &[usize] {
        &self.come
    }

    /// Whether the shares were counted or sampled.
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis
    }
}

fn by_address<M>(member: &Member<M>) -> (&str, usize) {
    (member.address(), member.index())
}

fn compare<N, M>(old: &Ring<N>, new: &Ring<M>, add: &mut impl FnMut(f64, usize, usize)) -> Basis {
    let is_exact = old.treats_keys_as(new)
        && measure(old.placement(), new.placement(), |share, from, to| {
            add(share, from as usize, to as usize);
        });
    if is_exact {
        return Basis::Exact;
    }
    let keys = samples(old.members().len().max(new.members().len()));
    for key in keys.iter() {
        let share = 1.0 / f64::from(keys.count());
        add(share, old.owner(&key).index(), new.owner(&key).index());
    }
    Basis::Sampled { keys: keys.count() }
}
