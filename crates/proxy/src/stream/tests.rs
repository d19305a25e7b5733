//! A stream between a simulated client and simulated servers, with a clock of its own.

mod endings;
mod headers;
mod modes;
mod properties;
mod retries;
pub(crate) mod sim;

use self::sim::Sim;
