//! What a client was told: which nodes, by which rules, and how keys reach it.

use steadfast_ring::{Dialect, Order, Weight};

use super::fault::{Fault, Place, shown};

/// A list of nodes with the rules of its client, as far as its source says them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    /// Whence it comes: a file's name, or `the command line`.
    pub(crate) origin: String,
    pub(crate) dialect: Option<Dialect>,
    /// Which of the client's lists is meant; the pool's unless the source is about sessions.
    pub(crate) order: Option<Order>,
    /// How many copies the client keeps, the home included.
    pub(crate) copies: Option<usize>,
    /// What the client puts before each key before it hashes it.
    pub(crate) prefix: String,
    /// What the client puts behind each key before it hashes it: mcrouter's salt.
    pub(crate) salt: String,
    /// The two characters between which the hashed part of a key stands.
    pub(crate) hash_tag: Option<[u8; 2]>,
    pub(crate) nodes: Vec<Node>,
}

/// A node as the client is given it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) address: Address,
    pub(crate) weight: Weight,
    /// The name that the client hashes instead of the address: twemproxy's alias.
    pub(crate) alias: Option<String>,
    /// Where it stands in its file.
    pub(crate) place: Option<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp { host: String, port: u16 },
    Unix { path: String },
}

impl Pool {
    pub(crate) fn new(origin: &str) -> Self {
        Self {
            origin: origin.into(),
            ..Self::default()
        }
    }

    /// Refuses a node that is named twice, by its address or its alias.
    pub(crate) fn check_distinct(&self) -> Result<(), Fault> {
        for (index, node) in self.nodes.iter().enumerate() {
            let first = self.nodes[..index].iter().find(|other| node.is_same(other));
            if let Some(first) = first {
                let by_name = node.alias.is_some() && node.alias == first.alias;
                let name = match &node.alias {
                    Some(alias) if by_name => alias.clone(),
                    _ => node.address.to_string(),
                };
                let before = first.place.as_ref().map_or_else(String::new, |place| {
                    format!(", first in line {}, column {}", place.line, place.column)
                });
                return Err(node.fault(format!("node {} is named twice{before}", shown(&name))));
            }
        }
        Ok(())
    }
}

impl Node {
    pub(crate) fn tcp(host: &str, port: u16, weight: Weight) -> Self {
        Self {
            address: Address::Tcp {
                host: host.into(),
                port,
            },
            weight,
            alias: None,
            place: None,
        }
    }

    pub(crate) fn unix(path: &str, weight: Weight) -> Self {
        Self {
            address: Address::Unix { path: path.into() },
            weight,
            alias: None,
            place: None,
        }
    }

    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        match &self.place {
            Some(place) => Fault::at(place, message),
            None => Fault::new(message),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (&self.alias, &other.alias) {
            (Some(alias), Some(known)) if alias == known => true,
            _ => self.address == other.address,
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix { path } => f.write_str(path),
        }
    }
}

/// The port between 1 and 65535 that `text` says.
pub(crate) fn parse_port(text: &str) -> Result<u16, String> {
    match whole(text) {
        Some(port @ 1..=65_535) => Ok(u16::try_from(port).expect("at most 65535")),
        _ => Err(format!(
            "port {} is none, allowed are 1 to 65535",
            shown(text)
        )),
    }
}

/// The weight that `text` says: a whole number from 1.
pub(crate) fn parse_weight(text: &str) -> Result<Weight, String> {
    match whole(text) {
        Some(0) => Err("weight 0: leave the node out, or give it 1 and above".into()),
        Some(weight) => u32::try_from(weight)
            .map(Weight::from)
            .map_err(|_| format!("weight {text} is too large, allowed are 1 to {}", u32::MAX)),
        None => Err(format!(
            "weight {} is none, allowed are whole numbers from 1",
            shown(text)
        )),
    }
}

/// A whole number in digits alone: no sign, no blank.
fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A host name or address with nothing in it that belongs to another form of list.
pub(crate) fn check_host(host: &str) -> Result<(), String> {
    if host.is_empty() {
        return Err("a node has no host".into());
    }
    let strange = |c: char| c.is_whitespace() || c.is_control() || "/,;*?@\"'".contains(c);
    match host.find(strange) {
        Some(_) => Err(format!("{} is no host name", shown(host))),
        None => Ok(()),
    }
}
