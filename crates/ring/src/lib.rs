#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod affinity;
mod builder;
mod dialect;
mod diff;
mod error;
mod explain;
mod hash;
mod key;
mod measure;
mod member;
mod placement;
mod replicas;
mod ring;
mod server;
mod shares;

pub use affinity::{Affinity, HashTag};
pub use builder::Builder;
pub use dialect::{Dialect, Family, UnknownDialect, Weights};
pub use diff::{Diff, Move, diff};
pub use error::RingError;
pub use explain::{Explanation, Spot, Step};
pub use member::Member;
pub use replicas::Order;
pub use ring::Ring;
pub use server::{BadWeight, Server, Weight};
pub use shares::{Arc, Basis, Circle, Shares};

/// The most places on a circle, or in a list of repeated servers, that one ring may have.
///
/// Weights come from configuration files and multiply points, so a wrong digit could otherwise ask
/// for any amount of memory. 10,000 nodes of weight 1 need 1.6 million.
pub const PLACES_MAX: u64 = 1 << 24;
