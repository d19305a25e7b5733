//! The nodes of the demo: their names and places.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A node of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    Balancer,
    Web(usize),
    Cache(usize),
}

/// All nodes in the order in which they are shown.
pub(crate) const NODES: [Node; 5] = [
    Node::Balancer,
    Node::Web(0),
    Node::Web(1),
    Node::Cache(0),
    Node::Cache(1),
];

impl Node {
    /// The node of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NODES.into_iter().find(|node| node.to_string() == name)
    }

    /// What it does, for people.
    pub(crate) fn duty(self) -> &'static str {
        match self {
            Self::Balancer => "sends each request to the next web node",
            Self::Web(_) => "answers the page, keeps sessions in the caches",
            Self::Cache(_) => "speaks memcached's protocol",
        }
    }

    /// Where it runs in the cluster of that number: on the guide's machine that it stands for, on the
    /// usual port or so many above it.
    pub(crate) fn place(self, number: u16) -> SocketAddr {
        let (host, port) = match self {
            Self::Balancer => (BALANCER_HOST, 8080),
            Self::Web(index) => (WEB_HOST + index as u8, 8080),
            Self::Cache(index) => (WEB_HOST + index as u8, 11211),
        };
        loopback(host, port + number)
    }

    /// Its place among [`NODES`].
    pub(crate) fn slot(self) -> usize {
        match self {
            Self::Balancer => 0,
            Self::Web(index) => 1 + index,
            Self::Cache(index) => 3 + index,
        }
    }
}

/// The last number of the guide's addresses, here on loopback: 127.0.0.93 and 127.0.0.94, 95.
pub(crate) const BALANCER_HOST: u8 = 93;
const WEB_HOST: u8 = 94;

/// An address on this machine.
pub(crate) fn loopback(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)), port)
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balancer => f.write_str("balancer"),
            Self::Web(index) => write!(f, "web{}", index + 1),
            Self::Cache(index) => write!(f, "cache{}", index + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_found_by_name_and_slot() {
        for (slot, node) in NODES.into_iter().enumerate() {
            assert_eq!(Node::named(&node.to_string()), Some(node));
            assert_eq!(node.slot(), slot);
        }
        assert_eq!(Node::named("cache3"), None);
    }
}
