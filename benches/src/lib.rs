//! Criterion benches of the crates, and side-by-side runs against the peers.
