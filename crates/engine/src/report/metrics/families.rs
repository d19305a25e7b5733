//! The well-known exporter's names for what our reports say.

use self::Kind::{Counter, Gauge};

/// A metric with all its samples.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    /// The name of each value in our reports, and its labels, at most two. A value that is not
    /// reported has no sample.
    pub(super) samples: &'static [(&'static str, Labels<'static>)],
}

/// Names and values.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// Whether a number only grows, until a restart or reset.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

impl Family {
    const fn new(
        name: &'static str,
        kind: Kind,
        help: &'static str,
        samples: &'static [(&'static str, Labels<'static>)],
    ) -> Self {
        Self {
            name,
            kind,
            help,
            samples,
        }
    }
}

/// Not a name of our reports: `cmd_set` without the cas commands.
pub(super) const PLAIN_SETS: &str = "plain sets";

/// What the general report and the settings say.
pub(super) const GENERAL: &[Family] = &[
    Family::new(
        "memcached_uptime_seconds",
        Counter,
        "Seconds since the start.",
        &[("uptime", &[])],
    ),
    Family::new(
        "memcached_time_seconds",
        Gauge,
        "Unix time of the cache.",
        &[("time", &[])],
    ),
    Family::new(
        "memcached_commands_total",
        Counter,
        "Requests by command and outcome; those of `get` by key.",
        &[
            ("get_hits", &[("command", "get"), ("status", "hit")]),
            ("get_misses", &[("command", "get"), ("status", "miss")]),
            ("delete_hits", &[("command", "delete"), ("status", "hit")]),
            (
                "delete_misses",
                &[("command", "delete"), ("status", "miss")],
            ),
            ("incr_hits", &[("command", "incr"), ("status", "hit")]),
            ("incr_misses", &[("command", "incr"), ("status", "miss")]),
            ("decr_hits", &[("command", "decr"), ("status", "hit")]),
            ("decr_misses", &[("command", "decr"), ("status", "miss")]),
            ("cas_hits", &[("command", "cas"), ("status", "hit")]),
            ("cas_misses", &[("command", "cas"), ("status", "miss")]),
            ("touch_hits", &[("command", "touch"), ("status", "hit")]),
            ("touch_misses", &[("command", "touch"), ("status", "miss")]),
            ("cas_badval", &[("command", "cas"), ("status", "badval")]),
            ("cmd_flush", &[("command", "flush"), ("status", "hit")]),
            (PLAIN_SETS, &[("command", "set"), ("status", "hit")]),
        ],
    ),
    Family::new(
        "memcached_process_user_cpu_seconds_total",
        Counter,
        "CPU time in user mode.",
        &[("rusage_user", &[])],
    ),
    Family::new(
        "memcached_process_system_cpu_seconds_total",
        Counter,
        "CPU time in the kernel.",
        &[("rusage_system", &[])],
    ),
    Family::new(
        "memcached_current_bytes",
        Gauge,
        "Sizes of all items by the formula of memcached.",
        &[("bytes", &[])],
    ),
    Family::new(
        "memcached_limit_bytes",
        Gauge,
        "The memory for items.",
        &[("limit_maxbytes", &[])],
    ),
    Family::new(
        "memcached_malloced_bytes",
        Gauge,
        "Memory in use, everything included.",
        &[("total_malloced", &[])],
    ),
    Family::new(
        "memcached_current_items",
        Gauge,
        "Items in the cache.",
        &[("curr_items", &[])],
    ),
    Family::new(
        "memcached_items_total",
        Counter,
        "Items ever stored.",
        &[("total_items", &[])],
    ),
    Family::new(
        "memcached_items_evicted_total",
        Counter,
        "Live items removed to make room.",
        &[("evictions", &[])],
    ),
    Family::new(
        "memcached_items_reclaimed_total",
        Counter,
        "Expired or flushed items removed to make room.",
        &[("reclaimed", &[])],
    ),
    Family::new(
        "memcached_item_too_large_total",
        Counter,
        "Stores refused because the item exceeds the limit.",
        &[("store_too_large", &[])],
    ),
    Family::new(
        "memcached_item_no_memory_total",
        Counter,
        "Stores refused for lack of memory.",
        &[("store_no_memory", &[])],
    ),
    Family::new(
        "memcached_direct_reclaims_total",
        Counter,
        "Items removed by whoever stored others.",
        &[("direct_reclaims", &[])],
    ),
    Family::new(
        "memcached_read_bytes_total",
        Counter,
        "Bytes received.",
        &[("bytes_read", &[])],
    ),
    Family::new(
        "memcached_written_bytes_total",
        Counter,
        "Bytes sent.",
        &[("bytes_written", &[])],
    ),
    Family::new(
        "memcached_current_connections",
        Gauge,
        "Open connections.",
        &[("curr_connections", &[])],
    ),
    Family::new(
        "memcached_max_connections",
        Gauge,
        "The most clients at a time.",
        &[("maxconns", &[])],
    ),
    Family::new(
        "memcached_connections_total",
        Counter,
        "Connections ever opened.",
        &[("total_connections", &[])],
    ),
    Family::new(
        "memcached_connections_rejected_total",
        Counter,
        "Connections refused at the limit.",
        &[("rejected_connections", &[])],
    ),
    Family::new(
        "memcached_connections_yielded_total",
        Counter,
        "How often a client had to let others go first.",
        &[("conn_yields", &[])],
    ),
    Family::new(
        "memcached_connections_listener_disabled_total",
        Counter,
        "How often accepting was suspended.",
        &[("listen_disabled_num", &[])],
    ),
    Family::new(
        "memcached_accepting_connections",
        Gauge,
        "Whether connections are accepted.",
        &[("accepting_conns", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_enabled",
        Gauge,
        "Whether expired items are looked for in the background.",
        &[("lru_crawler", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_sleep",
        Gauge,
        "The setting `lru_crawler_sleep`, in microseconds.",
        &[("lru_crawler_sleep", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_to_crawl",
        Gauge,
        "The setting `lru_crawler_tocrawl`.",
        &[("lru_crawler_tocrawl", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_maintainer_thread",
        Gauge,
        "The setting `lru_maintainer`.",
        &[("lru_maintainer_thread", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_hot_percent",
        Gauge,
        "The setting `hot_lru_pct`.",
        &[("hot_lru_pct", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_warm_percent",
        Gauge,
        "The setting `warm_lru_pct`.",
        &[("warm_lru_pct", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_hot_max_factor",
        Gauge,
        "The setting `hot_max_factor`.",
        &[("hot_max_factor", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_warm_max_factor",
        Gauge,
        "The setting `warm_max_factor`.",
        &[("warm_max_factor", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_starts_total",
        Counter,
        "Crawls that clients asked for.",
        &[("lru_crawler_starts", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_reclaimed_total",
        Counter,
        "Expired items found in the background.",
        &[("crawler_reclaimed", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_items_checked_total",
        Counter,
        "Items looked at in the background.",
        &[("crawler_items_checked", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_moves_to_cold_total",
        Counter,
        "Items moved to a cold list; there is but one list.",
        &[("moves_to_cold", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_moves_to_warm_total",
        Counter,
        "Items moved to a warm list; there is but one list.",
        &[("moves_to_warm", &[])],
    ),
    Family::new(
        "memcached_lru_crawler_moves_within_lru_total",
        Counter,
        "Items moved within a list; there is but one list.",
        &[("moves_within_lru", &[])],
    ),
];

/// What the exporter does not tell.
pub(super) const OURS: &[Family] = &[
    Family::new(
        "steadfast_cached_get_expired_total",
        Counter,
        "Look-ups that met an expired item.",
        &[("get_expired", &[])],
    ),
    Family::new(
        "steadfast_cached_get_flushed_total",
        Counter,
        "Look-ups that met a flushed item.",
        &[("get_flushed", &[])],
    ),
    Family::new(
        "steadfast_cached_evicted_unfetched_total",
        Counter,
        "Items evicted that were never read.",
        &[("evicted_unfetched", &[])],
    ),
    Family::new(
        "steadfast_cached_expired_unfetched_total",
        Counter,
        "Items expired that were never read.",
        &[("expired_unfetched", &[])],
    ),
    Family::new(
        "steadfast_cached_authentications_total",
        Counter,
        "Authentications that came to the check.",
        &[("auth_cmds", &[])],
    ),
    Family::new(
        "steadfast_cached_authentication_errors_total",
        Counter,
        "Authentications that failed.",
        &[("auth_errors", &[])],
    ),
    Family::new(
        "steadfast_cached_idle_kicks_total",
        Counter,
        "Connections closed for idleness.",
        &[("idle_kicks", &[])],
    ),
    Family::new(
        "steadfast_cached_index_bytes",
        Gauge,
        "Memory of the index.",
        &[("hash_bytes", &[])],
    ),
    Family::new(
        "steadfast_cached_threads",
        Gauge,
        "Worker threads.",
        &[("threads", &[])],
    ),
    Family::new(
        "steadfast_cached_watchers",
        Gauge,
        "Clients that watch.",
        &[("log_watchers", &[])],
    ),
    Family::new(
        "steadfast_cached_watcher_lines_skipped_total",
        Counter,
        "Lines that a watcher was too slow for.",
        &[("log_watcher_skipped", &[])],
    ),
    Family::new(
        "steadfast_cached_tls_handshake_errors_total",
        Counter,
        "TLS handshakes that failed.",
        &[("ssl_handshake_errors", &[])],
    ),
    Family::new(
        "steadfast_cached_tls_protocol_errors_total",
        Counter,
        "Connections lost to what is no TLS.",
        &[("ssl_proto_errors", &[])],
    ),
];

/// What each size class says.
pub(super) const CLASSES: &[Family] = &[
    Family::new(
        "memcached_slab_current_items",
        Gauge,
        "Items of the class.",
        &[("number", &[])],
    ),
    Family::new(
        "memcached_slab_items_age_seconds",
        Gauge,
        "Seconds since the item that was used longest ago was used.",
        &[("age", &[])],
    ),
    Family::new(
        "memcached_slab_items_crawler_reclaimed_total",
        Counter,
        "Expired items found in the background.",
        &[("crawler_reclaimed", &[])],
    ),
    Family::new(
        "memcached_slab_items_evicted_total",
        Counter,
        "Live items removed to make room.",
        &[("evicted", &[])],
    ),
    Family::new(
        "memcached_slab_items_evicted_nonzero_total",
        Counter,
        "Of them, those with an expiry time.",
        &[("evicted_nonzero", &[])],
    ),
    Family::new(
        "memcached_slab_items_evicted_time_seconds",
        Gauge,
        "Seconds since the last use of the item that was evicted last.",
        &[("evicted_time", &[])],
    ),
    Family::new(
        "memcached_slab_items_evicted_unfetched_total",
        Counter,
        "Items evicted that were never read.",
        &[("evicted_unfetched", &[])],
    ),
    Family::new(
        "memcached_slab_items_expired_unfetched_total",
        Counter,
        "Items expired that were never read.",
        &[("expired_unfetched", &[])],
    ),
    Family::new(
        "memcached_slab_items_outofmemory_total",
        Counter,
        "Stores refused for lack of memory.",
        &[("outofmemory", &[])],
    ),
    Family::new(
        "memcached_slab_items_reclaimed_total",
        Counter,
        "Expired or flushed items removed to make room.",
        &[("reclaimed", &[])],
    ),
    Family::new(
        "memcached_slab_items_tailrepairs_total",
        Counter,
        "Repairs of lists; there is nothing to repair.",
        &[("tailrepairs", &[])],
    ),
    Family::new(
        "memcached_slab_items_moves_to_cold",
        Counter,
        "Items moved to a cold list; there is but one list.",
        &[("moves_to_cold", &[])],
    ),
    Family::new(
        "memcached_slab_items_moves_to_warm",
        Counter,
        "Items moved to a warm list; there is but one list.",
        &[("moves_to_warm", &[])],
    ),
    Family::new(
        "memcached_slab_items_moves_within_lru",
        Counter,
        "Items moved within a list; there is but one list.",
        &[("moves_within_lru", &[])],
    ),
    Family::new(
        "memcached_slab_hot_items",
        Gauge,
        "Items in a hot list.",
        &[("number_hot", &[])],
    ),
    Family::new(
        "memcached_slab_warm_items",
        Gauge,
        "Items in a warm list.",
        &[("number_warm", &[])],
    ),
    Family::new(
        "memcached_slab_cold_items",
        Gauge,
        "Items in the one list that there is.",
        &[("number_cold", &[])],
    ),
    Family::new(
        "memcached_slab_temporary_items",
        Gauge,
        "Items in a list of short-lived ones.",
        &[("number_temp", &[])],
    ),
    Family::new(
        "memcached_slab_hot_age_seconds",
        Gauge,
        "Age of the oldest item in a hot list.",
        &[("age_hot", &[])],
    ),
    Family::new(
        "memcached_slab_warm_age_seconds",
        Gauge,
        "Age of the oldest item in a warm list.",
        &[("age_warm", &[])],
    ),
    Family::new(
        "memcached_slab_mem_requested_bytes",
        Gauge,
        "Sizes of the items by the formula of memcached.",
        &[("mem_requested", &[])],
    ),
    Family::new(
        "memcached_slab_lru_hits_total",
        Counter,
        "Hits of `get` by list.",
        &[
            ("hits_to_hot", &[("lru", "hot")]),
            ("hits_to_warm", &[("lru", "warm")]),
            ("hits_to_cold", &[("lru", "cold")]),
            ("hits_to_temp", &[("lru", "temporary")]),
        ],
    ),
    Family::new(
        "memcached_slab_chunk_size_bytes",
        Gauge,
        "The largest item of the class.",
        &[("chunk_size", &[])],
    ),
    Family::new(
        "memcached_slab_chunks_per_page",
        Gauge,
        "How many such items fill a mebibyte.",
        &[("chunks_per_page", &[])],
    ),
    Family::new(
        "memcached_slab_current_pages",
        Gauge,
        "Mebibytes that the items would fill.",
        &[("total_pages", &[])],
    ),
    Family::new(
        "memcached_slab_current_chunks",
        Gauge,
        "Items of the class.",
        &[("total_chunks", &[])],
    ),
    Family::new(
        "memcached_slab_chunks_used",
        Gauge,
        "Items of the class.",
        &[("used_chunks", &[])],
    ),
    Family::new(
        "memcached_slab_chunks_free",
        Gauge,
        "Always 0: no memory belongs to a class.",
        &[("free_chunks", &[])],
    ),
    Family::new(
        "memcached_slab_chunks_free_end",
        Gauge,
        "Always 0: no memory belongs to a class.",
        &[("free_chunks_end", &[])],
    ),
    Family::new(
        "memcached_slab_commands_total",
        Counter,
        "Requests that met an item of the class, by command and outcome.",
        &[
            ("get_hits", &[("command", "get"), ("status", "hit")]),
            ("delete_hits", &[("command", "delete"), ("status", "hit")]),
            ("incr_hits", &[("command", "incr"), ("status", "hit")]),
            ("decr_hits", &[("command", "decr"), ("status", "hit")]),
            ("cas_hits", &[("command", "cas"), ("status", "hit")]),
            ("touch_hits", &[("command", "touch"), ("status", "hit")]),
            ("cas_badval", &[("command", "cas"), ("status", "badval")]),
            (PLAIN_SETS, &[("command", "set"), ("status", "hit")]),
        ],
    ),
];
