#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod builder;
mod dialect;
mod error;
mod hash;
mod key;
mod placement;
mod points;
mod replicas;
mod ring;

pub use builder::Builder;
pub use dialect::{Dialect, UnknownDialect};
pub use error::RingError;
pub use replicas::Order;
pub use ring::{Member, Ring};

/// The most places on a circle, or in a list of repeated servers, that one ring may have.
///
/// Weights come from configuration files and multiply points, so a wrong digit could otherwise ask
/// for any amount of memory. 10,000 nodes of weight 1 need 1.6 million.
pub const PLACES_MAX: u64 = 1 << 24;
