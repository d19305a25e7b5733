use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::builder::Builder;
use crate::placement::Placement;
use crate::replicas::{self, Order};
use crate::{Dialect, RingError};

/// A list of nodes and, for every key, the node that a client would ask.
///
/// Immutable, and a pure function of its description: dialect and nodes in order. To change the
/// nodes build another ring and swap it. `N` is whatever the caller reaches a node by; the ring
/// never looks at it.
#[derive(Clone)]
pub struct Ring<N> {
    dialect: Dialect,
    members: Vec<Member<N>>,
    placement: Placement,
}

/// A node of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<N> {
    pub(crate) node: N,
    pub(crate) index: usize,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) weight: u32,
    pub(crate) name: String,
}

impl<N> Ring<N> {
    /// Starts an empty list of nodes for `dialect`.
    pub fn builder(dialect: Dialect) -> Builder<N> {
        Builder::new(dialect)
    }

    pub(crate) fn new(dialect: Dialect, members: Vec<Member<N>>) -> Result<Self, RingError> {
        let places: Vec<_> = members
            .iter()
            .map(|member| (member.name(), member.weight))
            .collect();
        let placement = Placement::new(dialect.0.layout, dialect.0.hash, &places)?;
        Ok(Self {
            dialect,
            members,
            placement,
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
    /// Costs a hash of the key and a look-up of some nanoseconds; allocates nothing. The home of a
    /// *session* can be another node: see [`replicas`](Self::replicas) and [`Order::Session`].
    pub fn owner(&self, key: &[u8]) -> &Member<N> {
        self.dialect
            .0
            .keys
            .treated(key, |key| &self.members[self.index_of(key)])
    }

    /// The nodes that get the first `copies` copies of `key`, as the client finds them and in its
    /// order, all different. The first is the home.
    ///
    /// Can be fewer than asked for: there are no more nodes, or pecl-memcache has used up its 20
    /// attempts. Empty only if `copies` is 0.
    pub fn replicas(&self, key: &[u8], order: Order, copies: usize) -> Vec<&Member<N>> {
        let indexes = self
            .dialect
            .0
            .keys
            .treated(key, |key| replicas::of_client(self, key, order, copies));
        indexes
            .into_iter()
            .map(|index| &self.members[index])
            .collect()
    }

    /// Every node once, best first: those that the client finds, in its order, then the rest by a
    /// rule of our own.
    ///
    /// The rest is ranked by a score of key and node (rendezvous), so that a node that comes or goes
    /// leaves the others in their order. Linear in the number of nodes, and sorts them.
    pub fn replicas_all(&self, key: &[u8], order: Order) -> Vec<&Member<N>> {
        let indexes = self
            .dialect
            .0
            .keys
            .treated(key, |key| replicas::all(self, key, order));
        indexes
            .into_iter()
            .map(|index| &self.members[index])
            .collect()
    }

    /// The index of the owner of a key that is treated already.
    pub(crate) fn index_of(&self, key: &[u8]) -> usize {
        if self.members.len() == 1 {
            return 0;
        }
        self.placement.find(self.dialect.0.hash.of(key))
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

impl<N> Member<N> {
    /// The caller's own value for the node.
    pub fn node(&self) -> &N {
        &self.node
    }

    /// The place in the list of nodes, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The host as it is hashed: a name, an address, or a socket as the client writes it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 0 for a Unix socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The weight, at least 1.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// Host and port as the client names the node's points: `10.0.0.94:11211`, or without the port
    /// where the client leaves it out.
    pub fn name(&self) -> &str {
        &self.name
    }
}
