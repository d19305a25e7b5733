use alloc::vec::Vec;
use core::fmt;

use crate::builder::Builder;
use crate::key::KeyRule;
use crate::member::Member;
use crate::placement::{Placement, Seat, index_u32};
use crate::replicas::{self, Order};
use crate::{Affinity, Dialect, HashTag, RingError};

/// A list of nodes and, for every key, the node that a client would ask.
///
/// Immutable, and a pure function of its description: dialect, nodes in order, options. To change the
/// nodes build another ring and swap it; [`diff`](crate::diff) says what that moves. `N` is whatever
/// the caller reaches a node by; the ring never looks at it.
#[derive(Clone)]
pub struct Ring<N> {
    dialect: Dialect,
    members: Vec<Member<N>>,
    placement: Placement,
    /// The dialect's own, at hand for each look-up.
    keys: KeyRule,
    affinity: Option<Affinity>,
    hash_tag: Option<HashTag>,
}

impl<N> Ring<N> {
    /// Starts an empty list of nodes for `dialect`.
    pub fn builder(dialect: Dialect) -> Builder<N> {
        Builder::new(dialect)
    }

    pub(crate) fn new(
        dialect: Dialect,
        members: Vec<Member<N>>,
        affinity: Option<Affinity>,
        hash_tag: Option<HashTag>,
    ) -> Result<Self, RingError> {
        let mut seats: Vec<_> = members
            .iter()
            .map(|member| Seat {
                name: member.name(),
                weight: member.weight(),
                index: index_u32(member.index()),
            })
            .collect();
        if dialect.row().is_sorted {
            seats.sort_by_key(|seat| (seat.name.len(), seat.name));
        }
        let placement = Placement::new(dialect.layout(), dialect.hash(), &seats)?;
        Ok(Self {
            dialect,
            members,
            placement,
            keys: dialect.row().keys,
            affinity,
            hash_tag,
        })
    }

    /// The rules that this ring follows.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The nodes in the order in which they were added: at least one.
    pub fn members(&self) -> &[Member<N>] {
        &self.members
    }

    /// The node that the client's pool asks for `key`: any bytes, treated as the client does.
    ///
    /// Costs a hash of the key and a look-up of some nanoseconds; allocates nothing, but for a key
    /// that must be put together anew (an affinity with a prefix, a salt). Rendezvous dialects cost a
    /// score for each node. The home of a *session* can be another node: see
    /// [`replicas`](Self::replicas) and [`Order::Session`].
    pub fn owner(&self, key: &[u8]) -> &Member<N> {
        self.treated(key, |key| &self.members[self.index_of(key)])
    }

    /// The 32-bit hash by which `key` is placed, for callers that place the same key on several rings
    /// of one dialect or keep hashes at hand.
    ///
    /// `None` where the dialect places by something else: rendezvous, Ch3, jump, Maglev, uhashring's
    /// 128 bits.
    pub fn hash_of(&self, key: &[u8]) -> Option<u32> {
        let hash = self.placement.hash()?;
        Some(self.treated(key, |key| hash.of(key)))
    }

    /// The owner of all keys with this hash: [`owner`](Self::owner) without the cost of hashing.
    ///
    /// `None` where [`hash_of`](Self::hash_of) is.
    #[inline]
    pub fn owner_of_hash(&self, hash: u32) -> Option<&Member<N>> {
        let index = self.placement.find_hash(hash)?;
        Some(&self.members[index as usize])
    }

    /// The nodes that get the first `copies` copies of `key`, as the client finds them and in its
    /// order, all different. The first is the home.
    ///
    /// Can be fewer than asked for: there are no more nodes, the client keeps one copy only (all but
    /// PHP's two extensions), or pecl-memcache has used up its 20 attempts. Empty only if `copies` is
    /// 0.
    pub fn replicas(&self, key: &[u8], order: Order, copies: usize) -> Vec<&Member<N>> {
        let indexes = self.treated(key, |key| replicas::of_client(self, key, order, copies));
        indexes
            .into_iter()
            .map(|index| &self.members[index])
            .collect()
    }

    /// Every node once, best first: those that the client finds, in its order, then the rest by a
    /// rule of our own.
    ///
    /// The rest is ranked by a score of key and node (rendezvous), so that a node that comes or goes
    /// leaves the others in their order. Hashes and sorts the nodes; with pecl-memcache, which asks
    /// the ring once more for each, the square of their number.
    pub fn replicas_all(&self, key: &[u8], order: Order) -> Vec<&Member<N>> {
        let indexes = self.treated(key, |key| replicas::all(self, key, order));
        indexes
            .into_iter()
            .map(|index| &self.members[index])
            .collect()
    }

    /// Hands the part of `key` that is hashed to `read`: as the client cuts and cleans it, placed as
    /// what it belongs to, and between the characters of the tag.
    pub(crate) fn treated<R>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> R {
        let tagged = |key: &[u8]| match self.hash_tag {
            Some(tag) => read(tag.part_of(key)),
            None => read(key),
        };
        self.dialect
            .row()
            .keys
            .treated(key, |key| match &self.affinity {
                Some(affinity) => affinity.placed_as(key, tagged),
                None => tagged(key),
            })
    }

    /// Whether `other` hashes the same part of each key.
    pub(crate) fn treats_keys_as<M>(&self, other: &Ring<M>) -> bool {
        self.keys == other.keys
            && self.affinity == other.affinity
            && self.hash_tag == other.hash_tag
    }

    /// The index of the owner of a key that is treated already.
    pub(crate) fn index_of(&self, key: &[u8]) -> usize {
        if self.members.len() == 1 {
            return 0;
        }
        self.placement.find(key)
    }

    pub(crate) fn placement(&self) -> &Placement {
        &self.placement
    }
}

impl<N: fmt::Debug> fmt::Debug for Ring<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("dialect", &self.dialect)
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}
