//! What the operator chose.

use std::string::String;

/// What the operator chose, as `stats settings` reports it, with memcached's defaults. Memory,
/// item limit, eviction and cas ids are the store's: see `steadfast_store::Settings`.
///
/// Only the fields that say so steer the engine; the others are the daemon's own and are kept
/// here to be reported.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The text of `version` and `stats`. It must start with three dotted numbers, which
    /// libmemcached parses; 1.6.45 stands for the dialect spoken. Steers the engine.
    pub version: String,
    /// `-F` switches it off. Steers the engine.
    pub flush_enabled: bool,
    /// `-R`: how many requests of one session are executed per call. At least 1. Steers the
    /// engine.
    pub requests_per_call_max: usize,
    /// `-v`: the level at the start; the `verbosity` command changes it.
    pub verbosity: u32,
    /// `-c`
    pub connections_max: u64,
    /// `-p`
    pub tcp_port: u16,
    /// `-l`, as given; empty for all addresses.
    pub listen: String,
    /// `-s`; empty without.
    pub unix_socket: String,
    /// `-a`, the mode of the socket file.
    pub unix_mode: u32,
    /// `-t`: worker threads. Steers the engine, which keeps counters for each.
    pub workers: usize,
    /// `-b`
    pub listen_backlog: u32,
    /// `-o idle_timeout` in seconds; 0 for none.
    pub idle_timeout_secs: u32,
    /// `-o maxconns_fast`
    pub refuse_when_full: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: String::from(concat!("1.6.45-steadfast.", env!("CARGO_PKG_VERSION"))),
            flush_enabled: true,
            requests_per_call_max: 20,
            verbosity: 0,
            connections_max: 1024,
            tcp_port: 11211,
            listen: String::new(),
            unix_socket: String::new(),
            unix_mode: 0o700,
            workers: 4,
            listen_backlog: 1024,
            idle_timeout_secs: 0,
            refuse_when_full: true,
        }
    }
}
