use alloc::format;
use alloc::string::String;

use crate::dialect::NameRule;
use crate::{Dialect, Server, Weight};

/// A node of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<N> {
    node: N,
    index: usize,
    server: Server,
    address: String,
    name: String,
}

impl<N> Member<N> {
    pub(crate) fn new(dialect: Dialect, index: usize, node: N, server: Server) -> Self {
        let host = &server.host;
        Self {
            node,
            index,
            address: match server.port {
                Some(port) => format!("{host}:{port}"),
                None => host.clone(),
            },
            name: name(dialect.names(), &server),
            server,
        }
    }

    /// The caller's own value for the node.
    pub fn node(&self) -> &N {
        &self.node
    }

    /// The place in the list of nodes, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The host or path as it was given.
    pub fn host(&self) -> &str {
        &self.server.host
    }

    /// The port; 0 for a Unix socket.
    pub fn port(&self) -> u16 {
        self.server.port.unwrap_or(0)
    }

    /// The weight as it was given: 1 unless it was.
    pub fn weight(&self) -> Weight {
        self.server.weight
    }

    /// The name that the configuration gives the node, if it does.
    pub fn alias(&self) -> Option<&str> {
        self.server.alias.as_deref()
    }

    /// Host and port, or the path: the same whatever the dialect.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The name that the client hashes for the node: `10.0.0.94:11211`, or without the port where
    /// the client leaves it out, or the alias.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn name(rule: NameRule, server: &Server) -> String {
    let Server {
        host, port, alias, ..
    } = server;
    match (rule, port, alias) {
        (NameRule::Twemproxy | NameRule::Plain, _, Some(alias)) => alias.clone(),
        (NameRule::PeclMemcache, None, _) => format!("unix://{host}:0"),
        (NameRule::Libmemcached, None, _) => format!("{host}:0"),
        (NameRule::Spy, None, _) => format!("/{host}:0"),
        (NameRule::Twemproxy | NameRule::Plain, None, _) => host.clone(),
        (NameRule::Libmemcached | NameRule::Twemproxy, Some(DEFAULT_PORT), _) => host.clone(),
        (NameRule::Spy, Some(port), _) => format!("/{host}:{port}"),
        (_, Some(port), _) => format!("{host}:{port}"),
    }
}

/// memcached's port, which libmemcached and twemproxy leave out of the names they hash.
const DEFAULT_PORT: u16 = 11211;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_writes_servers_in_its_own_way() {
        let plain = Server::tcp("a", 11211);
        let other = Server::tcp("a", 11212);
        let socket = Server::unix("/run/c.sock");
        for (rule, names) in [
            (
                NameRule::PeclMemcache,
                ["a:11211", "a:11212", "unix:///run/c.sock:0"],
            ),
            (NameRule::Libmemcached, ["a", "a:11212", "/run/c.sock:0"]),
            (NameRule::Spy, ["/a:11211", "/a:11212", "//run/c.sock:0"]),
            (NameRule::Twemproxy, ["a", "a:11212", "/run/c.sock"]),
            (NameRule::Plain, ["a:11211", "a:11212", "/run/c.sock"]),
        ] {
            assert_eq!(
                [&plain, &other, &socket].map(|server| name(rule, server)),
                names
            );
        }
    }

    #[test]
    fn alias_takes_the_place_of_the_address() {
        let server = Server::tcp("a", 11212).alias("alpha");
        assert_eq!(name(NameRule::Twemproxy, &server), "alpha");
        assert_eq!(name(NameRule::Plain, &server), "alpha");
    }
}
