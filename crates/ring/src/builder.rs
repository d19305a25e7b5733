use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::dialect::Weights;
use crate::member::Member;
use crate::{Affinity, Dialect, HashTag, Ring, RingError, Server, Weight};

/// Collects the nodes of a ring in the order in which the client is given them.
///
/// Made by [`Ring::builder`]. The order matters: some dialects number the nodes by it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder<N> {
    dialect: Dialect,
    members: Vec<Member<N>>,
    affinity: Option<Affinity>,
    hash_tag: Option<HashTag>,
}

impl<N> Builder<N> {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            members: Vec::new(),
            affinity: None,
            hash_tag: None,
        }
    }

    /// Adds a node reached over TCP: short for [`server`](Self::server) with [`Server::tcp`].
    pub fn node(self, node: N, host: &str, port: u16, weight: u32) -> Self {
        self.server(node, Server::tcp(host, port).weight(weight))
    }

    /// Adds a node reached over the Unix socket `path`.
    pub fn unix(self, node: N, path: &str, weight: u32) -> Self {
        self.server(node, Server::unix(path).weight(weight))
    }

    /// Adds a node as the client's configuration describes it. `node` is the caller's own.
    pub fn server(mut self, node: N, server: Server) -> Self {
        let index = self.members.len();
        let member = Member::new(self.dialect, index, node, server);
        self.members.push(member);
        self
    }

    /// Places a key by the part of it that stands between two characters, if it has one.
    pub fn hash_tag(mut self, hash_tag: HashTag) -> Self {
        self.hash_tag = Some(hash_tag);
        self
    }

    /// Places some keys as if they were others: a session's lock as its session.
    pub fn affinity(mut self, affinity: Affinity) -> Self {
        self.affinity = Some(affinity);
        self
    }

    /// Computes the ring.
    ///
    /// Point rings cost a hash for each point and a sort: 160 a node and weight with pecl-memcache,
    /// 40 MD5 digests or 100 hashes a node with libmemcached. Maglev fills its table.
    ///
    /// # Errors
    /// When there is no node, one is named twice, has no host, or a weight or an alias that the
    /// client would not take, or the weights ask for more than
    /// [`PLACES_MAX`](crate::PLACES_MAX) places.
    pub fn build(self) -> Result<Ring<N>, RingError> {
        let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for (index, member) in self.members.iter().enumerate() {
            if member.host().is_empty() || member.alias() == Some("") {
                return Err(RingError::EmptyHost { index });
            }
            if member.alias().is_some() && !self.dialect.row().has_aliases {
                let family = self.dialect.family();
                return Err(RingError::NoAliases { index, family });
            }
            check_weight(self.dialect, member)?;
            // Under two aliases a node is still the same, and would have to serve for two.
            for (seen, name) in [
                (&mut names, member.name()),
                (&mut addresses, member.address()),
            ] {
                if !seen.insert(name) {
                    let name = name.into();
                    return Err(RingError::DuplicateNode { index, name });
                }
            }
        }
        Ring::new(self.dialect, self.members, self.affinity, self.hash_tag)
    }
}

fn check_weight<N>(dialect: Dialect, member: &Member<N>) -> Result<(), RingError> {
    let (index, name, found) = (member.index(), member.name().into(), member.weight());
    let allowed = if dialect.weights() == Weights::Fraction {
        if found <= Weight::ONE {
            return Ok(());
        }
        "0 to 1"
    } else {
        match found.whole() {
            Some(0) => return Err(RingError::ZeroWeight { index, name }),
            Some(_) => return Ok(()),
            None => "whole numbers from 1",
        }
    };
    Err(RingError::BadWeight {
        index,
        name,
        found,
        allowed,
    })
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const PECL: Dialect = Dialect::PECL_CONSISTENT_CRC32;
    const COMPATIBLE: Dialect = Dialect::LIBMEMCACHED_COMPATIBLE_MD5;

    fn refusal(dialect: &str, servers: &[Server]) -> RingError {
        let mut builder = Ring::builder(dialect.parse().unwrap());
        for server in servers {
            builder = builder.server((), server.clone());
        }
        builder.build().unwrap_err()
    }

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
        assert_eq!(error.index(), Some(2));
        let twins = [
            Server::tcp("a", 1).alias("x"),
            Server::tcp("b", 1).alias("x"),
        ];
        let error = refusal("twemproxy:ketama-md5", &twins);
        assert_eq!(error.to_string(), "node x is named twice");
        let same = [
            Server::tcp("a", 1).alias("x"),
            Server::tcp("a", 1).alias("y"),
        ];
        let error = refusal("twemproxy:ketama-md5", &same);
        assert_eq!(error.to_string(), "node a:1 is named twice");
    }

    #[test]
    fn zero_weight_is_an_error_but_where_it_has_a_meaning() {
        let idle = Server::tcp("a", 11211).weight(0);
        let error = refusal("pecl-memcache:standard-fnv", core::slice::from_ref(&idle));
        assert_eq!(
            error.to_string(),
            "node a:11211 has weight 0, allowed are 1 and above"
        );
        let dialect = "mcrouter:wch3".parse().unwrap();
        assert!(Ring::builder(dialect).server((), idle).build().is_ok());
    }

    #[test]
    fn weight_that_the_client_would_not_take_is_an_error() {
        let half = Server::tcp("a", 1).weight(Weight::fraction(0.5).unwrap());
        assert_eq!(
            refusal("jump:xxh3", &[half]).to_string(),
            "node a:1 has weight 0.5, allowed are whole numbers from 1"
        );
        assert_eq!(
            refusal("mcrouter:wch3", &[Server::tcp("a", 1).weight(2)]).to_string(),
            "node a:1 has weight 2, allowed are 0 to 1"
        );
    }

    #[test]
    fn alias_is_an_error_where_the_client_knows_none() {
        let named = Server::tcp("a", 1).alias("alpha");
        assert_eq!(
            refusal("pymemcache:rendezvous", &[named]).to_string(),
            "node 0 has an alias, which pymemcache does not know"
        );
    }

    #[test]
    fn empty_host_is_an_error() {
        for server in [Server::tcp("", 11211), Server::unix("")] {
            let error = refusal("pecl-memcache:consistent-crc32", &[server]);
            assert_eq!(error, RingError::EmptyHost { index: 0 });
        }
    }

    #[test]
    fn absurd_weight_is_an_error_before_memory_is_asked_for() {
        for dialect in [
            "pecl-memcache:consistent-crc32",
            "twemproxy:modula-md5",
            "uhashring:default",
        ] {
            let servers = [Server::tcp("a", 1).weight(u32::MAX), Server::tcp("b", 1)];
            let error = refusal(dialect, &servers);
            assert!(
                matches!(error, RingError::TooManyPlaces { .. }),
                "{dialect}"
            );
        }
    }
}
