use alloc::string::String;
use core::fmt;

use crate::Weight;

/// Why a list of nodes makes no ring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RingError {
    /// The list is empty: there is nothing to place a key on.
    NoNode,
    /// A node has an empty host name or path.
    EmptyHost {
        /// The place of the node in the list, from 0.
        index: usize,
    },
    /// Two nodes of the list have the same name or the same address.
    DuplicateNode {
        /// The place of the second one in the list, from 0.
        index: usize,
        /// The name as the dialect writes it, or the address.
        name: String,
    },
    /// A node has weight 0. Clients treat it in different ways, none of them useful: leave it out.
    ///
    /// mcrouter's WeightedCh3 alone has a use for it, and takes it.
    ZeroWeight {
        /// The place of the node in the list, from 0.
        index: usize,
        /// The name as the dialect writes it.
        name: String,
    },
    /// A node has a weight that the client would not take.
    BadWeight {
        /// The place of the node in the list, from 0.
        index: usize,
        /// The name as the dialect writes it.
        name: String,
        /// The weight.
        found: Weight,
        /// What the client takes, in words.
        allowed: &'static str,
    },
    /// A node has an alias, and the client has no such thing.
    NoAliases {
        /// The place of the node in the list, from 0.
        index: usize,
        /// The client.
        family: &'static str,
    },
    /// The nodes and their weights ask for more than [`PLACES_MAX`](crate::PLACES_MAX) places, or for
    /// more nodes than the client can number.
    TooManyPlaces {
        /// How many were asked for.
        found: u64,
        /// How many are allowed.
        allowed: u64,
    },
}

impl RingError {
    /// The place in the list of the node that is at fault, from 0; `None` when no single one is.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        match *self {
            Self::NoNode | Self::TooManyPlaces { .. } => None,
            Self::EmptyHost { index }
            | Self::DuplicateNode { index, .. }
            | Self::ZeroWeight { index, .. }
            | Self::BadWeight { index, .. }
            | Self::NoAliases { index, .. } => Some(index),
        }
    }
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNode => f.write_str("a ring needs at least one node, found none"),
            Self::EmptyHost { index } => write!(f, "node {index} has an empty host"),
            Self::DuplicateNode { name, .. } => {
                write!(f, "node {} is named twice", name.escape_default())
            }
            Self::ZeroWeight { name, .. } => {
                let name = name.escape_default();
                write!(f, "node {name} has weight 0, allowed are 1 and above")
            }
            Self::BadWeight {
                name,
                found,
                allowed,
                ..
            } => {
                let name = name.escape_default();
                write!(f, "node {name} has weight {found}, allowed are {allowed}")
            }
            Self::NoAliases { index, family } => {
                write!(f, "node {index} has an alias, which {family} does not know")
            }
            Self::TooManyPlaces { found, allowed } => write!(
                f,
                "nodes and weights ask for {found} places on the ring, allowed are {allowed}"
            ),
        }
    }
}

impl core::error::Error for RingError {}
