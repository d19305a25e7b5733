//! `stats settings`, in memcached's order.

use core::fmt;
use core::sync::atomic::Ordering;

use super::{Report, on, or_null, yes};
use crate::engine::{ATTENTION_PREFIXES, Knobs};
use crate::{Engine, Protocol, TlsSettings};

impl Engine {
    /// The names of memcached 1.6.45 in its order, without those of builds with external storage or
    /// the proxy. Knobs that nothing here obeys show how they stand all the same: tools read them.
    pub(super) fn report_settings(&self, report: &mut Report<'_>) {
        let knobs = self.knobs().clone();
        self.report_service(report);
        self.report_limits(report, &knobs);
        report_lru(report, &knobs);
        self.report_rest(report, &knobs);
    }

    fn report_service(&self, report: &mut Report<'_>) {
        let (settings, store) = (self.settings(), self.store().settings());
        report.stat("maxbytes", self.store().stats().memory_bytes_max);
        report.stat("maxconns", settings.connections_max);
        report.stat("tcpport", settings.tcp_port);
        report.stat("udpport", settings.udp_port);
        report.stat("inter", or_null(&settings.listen));
        report.stat("verbosity", self.verbosity());
        report.stat("oldest", 0);
        report.stat("evictions", on(store.evict));
        report.stat("domain_socket", or_null(&settings.unix_socket));
        report.stat("umask", format_args!("{:o}", settings.unix_mode));
        report.stat("shutdown_command", yes(settings.shutdown_enabled));
    }

    fn report_limits(&self, report: &mut Report<'_>, knobs: &Knobs) {
        let (settings, store, slabs) = (self.settings(), self.store().settings(), &knobs.slabs);
        let detail = self.attention().load(Ordering::Relaxed) & ATTENTION_PREFIXES != 0;
        let udp_workers = match settings.udp_workers {
            0 => settings.workers,
            workers => workers,
        };
        report.stat("growth_factor", Fraction(slabs.growth_factor));
        report.stat("chunk_size", slabs.chunk_bytes_min);
        report.stat("num_threads", settings.workers);
        report.stat("num_threads_per_udp", udp_workers);
        report.stat("stat_key_prefix", char::from(settings.prefix_delimiter));
        report.stat("detail_enabled", yes(detail));
        report.stat("reqs_per_event", settings.requests_per_call_max);
        report.stat("cas_enabled", yes(store.cas));
        report.stat("tcp_backlog", settings.listen_backlog);
        report.stat("binding_protocol", name_of(settings.protocol));
        report.stat("auth_enabled_sasl", yes(settings.sasl));
        let auth_file = match settings.auth_file.as_str() {
            "" => "no",
            file => file,
        };
        report.stat("auth_enabled_ascii", auth_file);
        report.stat("item_size_max", store.item_bytes_max);
        report.stat("maxconns_fast", yes(settings.refuse_when_full));
        report.stat("hashpower_init", settings.hash_power);
        report.stat("slab_reassign", yes(slabs.reassign));
        report.stat("slab_automove", slabs.automove);
        report.stat("slab_automove_ratio", Fraction(slabs.automove_ratio));
        report.stat("slab_automove_window", slabs.automove_window);
        report.stat("slab_chunk_max", slabs.chunk_bytes_max);
        report.stat("lru_crawler", yes(knobs.lru.crawler));
        report.stat("lru_crawler_sleep", knobs.lru.crawler_sleep_us);
        report.stat("lru_crawler_tocrawl", knobs.lru.crawler_items_max);
        report.stat("tail_repair_time", settings.tail_repair_secs);
        report.stat("flush_enabled", yes(settings.flush_enabled));
        report.stat("dump_enabled", yes(settings.dump_enabled));
        report.stat("hash_algorithm", "foldhash");
    }

    fn report_rest(&self, report: &mut Report<'_>, knobs: &Knobs) {
        let settings = self.settings();
        report.stat("temp_lru", yes(knobs.lru.temporary));
        report.stat("temporary_ttl", knobs.lru.temporary_ttl_secs);
        report.stat("idle_timeout", settings.idle_timeout_secs);
        report.stat("watcher_logbuf_size", settings.watcher_log_bytes_max);
        report.stat("worker_logbuf_size", settings.worker_log_bytes_max);
        report.stat("read_buf_mem_limit", settings.read_buffer_bytes_max);
        report.stat("track_sizes", yes(settings.track_sizes));
        report.stat("inline_ascii_response", "no");
        if settings.drop_privileges {
            report.stat("drop_privileges", "yes");
        }
        if let Some(tls) = &settings.tls {
            report_tls(report, tls);
        }
        report.stat("num_napi_ids", settings.napi_ids);
        let memory_file = match settings.memory_file.as_str() {
            "" => "(null)",
            file => file,
        };
        report.stat("memory_file", memory_file);
        report.stat("client_flags_size", 4);
    }
}

fn report_lru(report: &mut Report<'_>, knobs: &Knobs) {
    let lru = &knobs.lru;
    report.stat("lru_maintainer_thread", yes(lru.maintainer));
    report.stat("lru_segmented", yes(lru.segmented));
    report.stat("hot_lru_pct", lru.hot_percent);
    report.stat("warm_lru_pct", lru.warm_percent);
    report.stat("hot_max_factor", Fraction(lru.hot_factor));
    report.stat("warm_max_factor", Fraction(lru.warm_factor));
}

fn report_tls(report: &mut Report<'_>, tls: &TlsSettings) {
    report.stat("ssl_enabled", "yes");
    report.stat("ssl_chain_cert", or_null(&tls.chain_file));
    report.stat("ssl_key", or_null(&tls.key_file));
    report.stat("ssl_verify_mode", tls.verify_mode);
    report.stat("ssl_keyformat", tls.key_format);
    report.stat("ssl_ciphers", or_null(&tls.ciphers));
    report.stat("ssl_ca_cert", or_null(&tls.authority_file));
    report.stat("ssl_wbuf_size", tls.write_buffer_bytes);
    report.stat("ssl_session_cache", yes(tls.session_cache));
    report.stat("ssl_kernel_tls", "no");
    report.stat("ssl_min_version", version_of_tls(tls.version_min));
}

/// memcached's names for what a listener speaks.
const fn name_of(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Negotiate => "auto-negotiate",
        Protocol::Text => "ascii",
        Protocol::Binary => "binary",
    }
}

const fn version_of_tls(number: u32) -> &'static str {
    match number {
        0 => "tlsv1.0",
        1 => "tlsv1.1",
        2 => "tlsv1.2",
        _ => "tlsv1.3",
    }
}

/// Two digits behind the point.
struct Fraction(f64);

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}
