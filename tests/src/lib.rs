//! The whole system against its real peers.
