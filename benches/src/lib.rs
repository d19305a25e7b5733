//! Side-by-side runs against the peers: several servers up at once, one generator that visits them
//! in turn with short slots, ratios formed inside each round.
//!
//! The measuring rules (paired slots, CPU time per operation first, a floor beside every figure)
//! are explained in this package's README.

pub mod client;
pub mod closed_loop;
pub mod cpu;
pub mod floor;
pub mod http;
pub mod keys;
pub mod memcached;
pub mod memory;
pub mod open_loop;
pub mod peer;
pub mod report;
pub mod rounds;
pub mod server;
pub mod trace;
