//! Sessions over real engines, in a simulated network that delays, swallows and stops.
//!
//! Everything follows from a seed, which is printed when a test fails.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod machine;
mod node;
mod random;
mod scenarios;
mod visits;
mod world;
