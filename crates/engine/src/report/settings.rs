//! `stats settings`, in memcached's order.

use super::{Report, on, or_null, yes};
use crate::Engine;

impl Engine {
    /// The names of memcached 1.6.45 in its order. Names of machinery that our store does not
    /// have (size classes, their page mover, segments of its LRU) are left out rather than
    /// reported with settings that nothing obeys.
    pub(super) fn report_settings(&self, report: &mut Report<'_>) {
        let (settings, store) = (self.settings(), self.store().settings());
        report.stat("maxbytes", store.memory_bytes_max);
        report.stat("maxconns", settings.connections_max);
        report.stat("tcpport", settings.tcp_port);
        report.stat("udpport", 0);
        report.stat("inter", or_null(&settings.listen));
        report.stat("verbosity", self.verbosity());
        report.stat("oldest", 0);
        report.stat("evictions", on(store.evict));
        report.stat("domain_socket", or_null(&settings.unix_socket));
        report.stat("umask", format_args!("{:o}", settings.unix_mode));
        report.stat("shutdown_command", "no");
        report.stat("num_threads", settings.workers);
        report.stat("num_threads_per_udp", settings.workers);
        report.stat("stat_key_prefix", ":");
        report.stat("detail_enabled", "no");
        report.stat("reqs_per_event", settings.requests_per_call_max);
        report.stat("cas_enabled", yes(store.cas));
        report.stat("tcp_backlog", settings.listen_backlog);
        report.stat("binding_protocol", "ascii");
        report.stat("auth_enabled_sasl", "no");
        report.stat("auth_enabled_ascii", "no");
        report.stat("item_size_max", store.item_bytes_max);
        report.stat("maxconns_fast", yes(settings.refuse_when_full));
        report.stat("slab_reassign", "no");
        report.stat("slab_automove", 0);
        report.stat("lru_crawler", "no");
        report.stat("flush_enabled", yes(settings.flush_enabled));
        report.stat("dump_enabled", "no");
        report.stat("hash_algorithm", "foldhash");
        report.stat("lru_maintainer_thread", "no");
        report.stat("lru_segmented", "no");
        report.stat("idle_timeout", settings.idle_timeout_secs);
        report.stat("track_sizes", "no");
        report.stat("inline_ascii_response", "no");
        report.stat("client_flags_size", 4);
    }
}
