//! What the operator chose.

mod tuning;

pub use tuning::{LruSettings, SlabSettings, TlsSettings};

use std::string::String;

use crate::Protocol;

/// What the operator chose, as `stats settings` reports it, with memcached's defaults. Memory,
/// item limit, eviction and cas ids are the store's: see `steadfast_store::Settings`.
///
/// Only the fields that say so steer the engine; the others are the daemon's own, or have no
/// meaning in our store, and are kept here to be reported.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The text of `version` and `stats`. It must start with three dotted numbers, which
    /// libmemcached parses; 1.6.45 stands for the dialect spoken. Steers the engine.
    pub version: String,
    /// `-F` switches it off. Steers the engine.
    pub flush_enabled: bool,
    /// `-X` switches it off: `stats cachedump`, `stats detail` and the dumps of `lru_crawler`.
    /// Steers the engine.
    pub dump_enabled: bool,
    /// `-W` switches it off. Steers the engine.
    pub watch_enabled: bool,
    /// `-A`: whether clients may end the process. Steers the engine.
    pub shutdown_enabled: bool,
    /// `-R`: how many requests of one session are executed per call. At least 1. Steers the
    /// engine.
    pub requests_per_call_max: usize,
    /// `-t`: worker threads. Steers the engine, which keeps counters for each.
    pub workers: usize,
    /// `-D`: what ends the prefix of a key, for `stats detail`. Steers the engine.
    pub prefix_delimiter: u8,
    /// `-D` given: whether prefixes are counted from the start; `stats detail` changes it. Steers
    /// the engine.
    pub detail_enabled: bool,
    /// `-o track_sizes`: whether `stats sizes` answers. Steers the engine.
    pub track_sizes: bool,
    /// `-L` or `-e`: `cache_memlimit` is refused. Steers the engine.
    pub memory_fixed: bool,
    /// `-o watcher_logbuf_size` in bytes. Steers the engine.
    pub watcher_log_bytes_max: u32,
    /// `-o worker_logbuf_size` in bytes. Steers the engine.
    pub worker_log_bytes_max: u32,
    /// `-v`: the level at the start; the `verbosity` command changes it.
    pub verbosity: u32,
    /// `-c`
    pub connections_max: u64,
    /// `-p`
    pub tcp_port: u16,
    /// `-U`
    pub udp_port: u16,
    /// Threads that serve each UDP socket; 0 for as many as there are workers.
    pub udp_workers: usize,
    /// `-l`, as given; empty for all addresses.
    pub listen: String,
    /// `-s`; empty without.
    pub unix_socket: String,
    /// `-a`, the mode of the socket file.
    pub unix_mode: u32,
    /// `-b`
    pub listen_backlog: u32,
    /// `-B`
    pub protocol: Protocol,
    /// `-S`
    pub sasl: bool,
    /// `-Y`, the file; empty without.
    pub auth_file: String,
    /// `-o idle_timeout` in seconds; 0 for none.
    pub idle_timeout_secs: u32,
    /// `-o maxconns_fast`
    pub refuse_when_full: bool,
    /// `-o hashpower`; 0 for the default. Our index grows from small, whatever this says.
    pub hash_power: u32,
    /// `-o tail_repair_time`; our store has nothing to repair.
    pub tail_repair_secs: u32,
    /// `-o read_buf_mem_limit` in bytes; 0 for none.
    pub read_buffer_bytes_max: u64,
    /// `-o drop_privileges`; shown only where it is on.
    pub drop_privileges: bool,
    /// `-N`
    pub napi_ids: u32,
    /// `-e`; empty without.
    pub memory_file: String,
    /// The lists and the crawler; clients change some of it.
    pub lru: LruSettings,
    /// Size classes and their page mover; clients change some of it.
    pub slabs: SlabSettings,
    /// `-Z`
    pub tls: Option<TlsSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: String::from(concat!("1.6.45-steadfast.", env!("CARGO_PKG_VERSION"))),
            flush_enabled: true,
            dump_enabled: true,
            watch_enabled: true,
            shutdown_enabled: false,
            requests_per_call_max: 20,
            workers: 4,
            prefix_delimiter: b':',
            detail_enabled: false,
            track_sizes: false,
            memory_fixed: false,
            watcher_log_bytes_max: 256 << 10,
            worker_log_bytes_max: 64 << 10,
            verbosity: 0,
            connections_max: 1024,
            tcp_port: 11211,
            udp_port: 0,
            udp_workers: 0,
            listen: String::new(),
            unix_socket: String::new(),
            unix_mode: 0o700,
            listen_backlog: 1024,
            protocol: Protocol::Negotiate,
            sasl: false,
            auth_file: String::new(),
            idle_timeout_secs: 0,
            refuse_when_full: true,
            hash_power: 0,
            tail_repair_secs: 0,
            read_buffer_bytes_max: 0,
            drop_privileges: false,
            napi_ids: 0,
            memory_file: String::new(),
            lru: LruSettings::default(),
            slabs: SlabSettings::default(),
            tls: None,
        }
    }
}
