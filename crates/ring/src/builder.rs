use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::dialect::HostRule;
use crate::ring::{Member, Ring};
use crate::{Dialect, RingError};

/// Collects the nodes of a ring in the order in which the client is given them.
///
/// Made by [`Ring::builder`]. The order matters: modulo dialects number the nodes by it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder<N> {
    dialect: Dialect,
    members: Vec<Member<N>>,
}

impl<N> Builder<N> {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            members: Vec::new(),
        }
    }

    /// Adds a node reached over TCP. Host and port are taken as the client is given them: they are
    /// names to be hashed, and `localhost` is another place than `127.0.0.1`.
    ///
    /// Dialects that ignore weights keep the weight, but place without it.
    pub fn node(self, node: N, host: &str, port: u16, weight: u32) -> Self {
        self.push(node, host.into(), port, weight)
    }

    /// Adds a node reached over the Unix socket `path`, which each client writes in its own way.
    pub fn unix(self, node: N, path: &str, weight: u32) -> Self {
        let host = match self.dialect.0.hosts {
            HostRule::PortAlways if !path.is_empty() => format!("unix://{path}"),
            HostRule::PortAlways | HostRule::PortUnlessDefault => path.into(),
        };
        self.push(node, host, 0, weight)
    }

    /// Computes the ring. Costs a hash for each point: 160 a node and weight with pecl-memcache,
    /// 40 MD5 digests or 100 hashes a node with libmemcached, and sorts them.
    ///
    /// # Errors
    /// When there is no node, one is named twice, has no host or weight 0, or the weights ask for
    /// more than [`PLACES_MAX`](crate::PLACES_MAX) places.
    pub fn build(self) -> Result<Ring<N>, RingError> {
        let mut seen = BTreeSet::new();
        for (index, member) in self.members.iter().enumerate() {
            if member.host().is_empty() {
                return Err(RingError::EmptyHost { index });
            }
            if member.weight() == 0 {
                return Err(RingError::ZeroWeight {
                    name: member.name().into(),
                });
            }
            if !seen.insert(member.name()) {
                return Err(RingError::DuplicateNode {
                    name: member.name().into(),
                });
            }
        }
        Ring::new(self.dialect, self.members)
    }

    fn push(mut self, node: N, host: String, port: u16, weight: u32) -> Self {
        let name = match self.dialect.0.hosts {
            HostRule::PortUnlessDefault if port == DEFAULT_PORT => host.clone(),
            HostRule::PortAlways | HostRule::PortUnlessDefault => format!("{host}:{port}"),
        };
        let index = self.members.len();
        self.members.push(Member {
            node,
            index,
            host,
            port,
            weight,
            name,
        });
        self
    }
}

/// memcached's port, which libmemcached leaves out of the names it hashes.
const DEFAULT_PORT: u16 = 11211;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const PECL: Dialect = Dialect::PECL_CONSISTENT_CRC32;
    const COMPATIBLE: Dialect = Dialect::LIBMEMCACHED_COMPATIBLE_MD5;

    #[test]
    fn no_node_is_an_error() {
        let error = Ring::<()>::builder(PECL).build().unwrap_err();
        assert_eq!(error, RingError::NoNode);
        assert_eq!(
            error.to_string(),
            "a ring needs at least one node, found none"
        );
    }

    #[test]
    fn node_named_twice_is_an_error_that_names_it() {
        let builder = Ring::builder(COMPATIBLE)
            .node(1, "a", 1, 1)
            .node(2, "a", 2, 1);
        let error = builder.node(3, "a", 1, 1).build().unwrap_err();
        assert_eq!(error.to_string(), "node a:1 is named twice");
    }

    #[test]
    fn zero_weight_is_an_error() {
        let error = Ring::builder(PECL)
            .node((), "a", 11211, 0)
            .build()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "node a:11211 has weight 0, allowed are 1 and above"
        );
    }

    #[test]
    fn empty_host_is_an_error() {
        let error = Ring::builder(PECL)
            .node((), "", 11211, 1)
            .build()
            .unwrap_err();
        assert_eq!(error, RingError::EmptyHost { index: 0 });
        let error = Ring::builder(PECL).unix((), "", 1).build().unwrap_err();
        assert_eq!(error, RingError::EmptyHost { index: 0 });
    }

    #[test]
    fn absurd_weight_is_an_error_before_memory_is_asked_for() {
        for dialect in [PECL, Dialect::PECL_STANDARD_FNV] {
            let builder = Ring::builder(dialect)
                .node((), "a", 1, u32::MAX)
                .node((), "b", 1, 1);
            assert!(matches!(
                builder.build(),
                Err(RingError::TooManyPlaces { .. })
            ));
        }
    }

    #[test]
    fn sockets_and_default_ports_are_named_as_each_client_names_them() {
        let names = |dialect| {
            let builder = Ring::builder(dialect).node((), "a", 11211, 1);
            let ring = builder.unix((), "/run/c.sock", 1).build().unwrap();
            [
                ring.members()[0].name().to_string(),
                ring.members()[1].name().to_string(),
            ]
        };
        assert_eq!(names(PECL), ["a:11211", "unix:///run/c.sock:0"]);
        assert_eq!(names(COMPATIBLE), ["a", "/run/c.sock:0"]);
    }
}
