use alloc::string::String;
use core::fmt;

use crate::PLACES_MAX;

/// Why a list of nodes makes no ring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RingError {
    /// The list is empty: there is nothing to place a key on.
    NoNode,
    /// A node, counted from 0, has an empty host name or path.
    EmptyHost {
        /// The place of the node in the list, from 0.
        index: usize,
    },
    /// Two nodes of the list have the same host and port.
    DuplicateNode {
        /// Host and port as the dialect writes them.
        name: String,
    },
    /// A node has weight 0. Clients treat it in different ways, none of them useful: leave it out.
    ZeroWeight {
        /// Host and port as the dialect writes them.
        name: String,
    },
    /// The weights ask for more than [`PLACES_MAX`] places.
    TooManyPlaces {
        /// How many were asked for.
        found: u64,
    },
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNode => f.write_str("a ring needs at least one node, found none"),
            Self::EmptyHost { index } => write!(f, "node {index} has an empty host"),
            Self::DuplicateNode { name } => {
                write!(f, "node {} is named twice", name.escape_default())
            }
            Self::ZeroWeight { name } => {
                write!(
                    f,
                    "node {} has weight 0, allowed are 1 and above",
                    name.escape_default()
                )
            }
            Self::TooManyPlaces { found } => {
                write!(
                    f,
                    "weights ask for {found} places on the ring, allowed are {PLACES_MAX}"
                )
            }
        }
    }
}

impl core::error::Error for RingError {}
