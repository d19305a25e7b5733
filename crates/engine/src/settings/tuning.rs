//! What memcached can be tuned by, and TLS.

use std::string::String;

/// memcached's segmented LRU and its background threads.
///
/// Our store keeps its own order, and removes expired items in the background whatever this says,
/// but for [`crawler`](Self::crawler). The rest is kept to be answered and reported.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LruSettings {
    /// `-o lru_crawler`, `lru_crawler enable`: whether expired items are looked for in the
    /// background, and dumps are given. Steers the engine.
    pub crawler: bool,
    /// `-o lru_crawler_sleep`, microseconds.
    pub crawler_sleep_us: u32,
    /// `-o lru_crawler_tocrawl`, items per list; 0 for all.
    pub crawler_items_max: u32,
    /// `-o lru_maintainer`. Without, reports have the names of memcached's flat LRU.
    pub maintainer: bool,
    /// `lru mode`
    pub segmented: bool,
    /// `-o hot_lru_pct`
    pub hot_percent: u32,
    /// `-o warm_lru_pct`
    pub warm_percent: u32,
    /// `-o hot_max_factor`
    pub hot_factor: f64,
    /// `-o warm_max_factor`
    pub warm_factor: f64,
    /// `-o temporary_ttl` was given, or `lru temp_ttl`.
    pub temporary: bool,
    /// Its value in seconds.
    pub temporary_ttl_secs: u32,
}

impl Default for LruSettings {
    fn default() -> Self {
        Self {
            crawler: true,
            crawler_sleep_us: 100,
            crawler_items_max: 0,
            maintainer: true,
            segmented: true,
            hot_percent: 20,
            warm_percent: 40,
            hot_factor: 0.2,
            warm_factor: 2.0,
            temporary: false,
            temporary_ttl_secs: 61,
        }
    }
}

/// memcached's slabs and their page mover. In our store sizes share memory: kept to be answered
/// and reported.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SlabSettings {
    /// `-f`
    pub growth_factor: f64,
    /// `-n`
    pub chunk_bytes_min: u32,
    /// `-o slab_chunk_max`, in bytes.
    pub chunk_bytes_max: u32,
    /// `-o slab_reassign`. Without, the names of the page mover are missing from `stats`.
    pub reassign: bool,
    /// `-o slab_automove`: 0 to 2.
    pub automove: u32,
    /// `-o slab_automove_ratio`
    pub automove_ratio: f64,
    /// `-o slab_automove_window`: 3 to 1800.
    pub automove_window: u32,
}

impl Default for SlabSettings {
    fn default() -> Self {
        Self {
            growth_factor: 1.25,
            chunk_bytes_min: 48,
            chunk_bytes_max: 512 << 10,
            reassign: true,
            automove: 1,
            automove_ratio: 0.8,
            automove_window: 10,
        }
    }
}

/// TLS, as `stats settings` shows it. Empty texts are shown as `NULL`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsSettings {
    /// `-o ssl_chain_cert`
    pub chain_file: String,
    /// `-o ssl_key`
    pub key_file: String,
    /// `-o ssl_verify_mode`: 0 to 3.
    pub verify_mode: u32,
    /// `-o ssl_keyformat`: 1 is PEM, 2 DER.
    pub key_format: u32,
    /// `-o ssl_ciphers`
    pub ciphers: String,
    /// `-o ssl_ca_cert`
    pub authority_file: String,
    /// `-o ssl_wbuf_size` in bytes.
    pub write_buffer_bytes: u32,
    /// `-o ssl_session_cache`
    pub session_cache: bool,
    /// `-o ssl_min_version`: 0 to 3 stand for TLS 1.0 to 1.3.
    pub version_min: u32,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            chain_file: String::new(),
            key_file: String::new(),
            verify_mode: 0,
            key_format: 1,
            ciphers: String::new(),
            authority_file: String::new(),
            write_buffer_bytes: 16 << 10,
            session_cache: false,
            version_min: 2,
        }
    }
}
