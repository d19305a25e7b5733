//! What the whole-system tests are made of: the programs of the guide, a browser, a syslog receiver.
//!
//! The tests themselves are under `tests/`. They need root, Debian's Apache, PHP and pecl-memcache and
//! are run by `cargo xtask test`; `cargo test` runs only what needs nothing: what is below, and the test of
//! linearizability.

#![allow(
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    reason = "nothing builds on this package"
)]

pub mod apache;
pub mod balancer;
pub mod browser;
pub mod cache;
pub mod check;
pub mod guide;
pub mod home;
pub mod httplog;
pub mod key;
pub mod linearizable;
pub mod network;
pub mod origin;
pub mod page;
pub mod peers;
pub mod process;
pub mod syslog;
pub mod wait;
