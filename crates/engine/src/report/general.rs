//! `stats`: the general report, in memcached's order.

use core::fmt;
use core::time::Duration;

use steadfast_store::Stats;

use super::Report;
use crate::counters::{Counter, Sums};
use crate::engine::Knobs;
use crate::{Engine, Now, ProcessFacts};

impl Engine {
    /// memcached 1.6.45's names in its order. What has no meaning here keeps its name and says 0,
    /// so that no monitoring misses it.
    pub(super) fn report_general(&self, report: &mut Report<'_>, now: Now) {
        let facts = self.process().facts();
        let (counts, stats) = (self.counters().sums(), self.store().stats());
        let knobs = self.knobs().clone();
        self.report_process(report, &facts, now);
        report_commands(report, &counts, &stats);
        self.report_network(report, &facts, &counts, &stats);
        self.report_background(report, &knobs);
        self.report_watchers(report);
        if let Some(tls) = &facts.tls {
            if let Some(sessions) = tls.sessions_new {
                report.stat("ssl_new_sessions", sessions);
            }
            report.stat("ssl_handshake_errors", tls.handshake_errors);
            report.stat("ssl_proto_errors", tls.protocol_errors);
            report.stat("time_since_server_cert_refresh", tls.certificates_age_secs);
        }
        report.stat("unexpected_napi_ids", 0);
        report.stat("round_robin_fallback", 0);
        report_items(report, &stats, knobs.lru.maintainer);
    }

    fn report_process(&self, report: &mut Report<'_>, facts: &ProcessFacts, now: Now) {
        report.stat("pid", facts.pid);
        report.stat("uptime", now.timestamp.as_secs());
        report.stat("time", now.unix_secs);
        report.stat("version", &self.settings().version);
        report.stat("libevent", facts.event_library);
        report.stat("pointer_size", usize::BITS);
        report.stat("rusage_user", Seconds(facts.user_time));
        report.stat("rusage_system", Seconds(facts.system_time));
        report.stat("max_connections", self.settings().connections_max);
        report.stat("curr_connections", facts.connections_now);
        report.stat("total_connections", facts.connections_total);
        if self.settings().refuse_when_full {
            report.stat("rejected_connections", facts.connections_rejected);
        }
        report.stat("connection_structures", facts.connections_peak);
        report.stat("response_obj_oom", 0);
        report.stat("response_obj_count", 0);
        report.stat("response_obj_bytes", 0);
        report.stat("read_buf_count", facts.read_buffers);
        report.stat("read_buf_bytes", facts.read_buffer_bytes);
        report.stat("read_buf_bytes_free", 0);
        report.stat("read_buf_oom", facts.read_buffers_refused);
        report.stat("reserved_fds", facts.descriptors_reserved);
    }

    fn report_network(
        &self,
        report: &mut Report<'_>,
        facts: &ProcessFacts,
        counts: &Sums,
        stats: &Stats,
    ) {
        report.stat("auth_cmds", counts.of(Counter::AuthCmds));
        report.stat("auth_errors", counts.of(Counter::AuthErrors));
        if self.settings().idle_timeout_secs > 0 {
            report.stat("idle_kicks", facts.idle_kicks);
        }
        report.stat("bytes_read", counts.of(Counter::BytesRead));
        report.stat("bytes_written", counts.of(Counter::BytesWritten));
        report.stat("limit_maxbytes", stats.memory_bytes_max);
        report.stat("accepting_conns", u8::from(facts.accepting));
        report.stat("listen_disabled_num", facts.accept_pauses);
        report.stat(
            "time_in_listen_disabled_us",
            facts.accept_paused.as_micros(),
        );
        report.stat("threads", self.settings().workers);
        report.stat("conn_yields", counts.of(Counter::ConnYields));
        report.stat("hash_power_level", stats.index_buckets.max(1).ilog2());
        report.stat("hash_bytes", stats.index_bytes);
        report.stat("hash_is_expanding", 0);
    }

    /// memcached's page mover, crawler and maintainer.
    fn report_background(&self, report: &mut Report<'_>, knobs: &Knobs) {
        if knobs.slabs.reassign {
            for name in PAGE_MOVER {
                report.stat(name, 0);
            }
            report.stat("slab_reassign_last_busy_status", "none");
            report.stat("slab_reassign_running", 0);
            report.stat("slabs_moved", 0);
        }
        if knobs.lru.crawler {
            let running = u8::from(self.crawler().is_running());
            report.stat("lru_crawler_running", running);
            report.stat("lru_crawler_starts", self.crawler().starts());
        }
        if knobs.lru.maintainer {
            report.stat("lru_maintainer_juggles", 0);
        }
        report.stat("malloc_fails", 0);
    }

    fn report_watchers(&self, report: &mut Report<'_>) {
        let stats = self.watch_stats();
        for (name, number) in [
            ("log_worker_dropped", stats.dropped),
            ("log_worker_written", stats.written),
            ("log_watcher_skipped", stats.skipped),
            ("log_watcher_sent", stats.sent),
            ("log_watchers", stats.watchers),
        ] {
            report.stat(name, number);
        }
    }
}

fn report_commands(report: &mut Report<'_>, counts: &Sums, stats: &Stats) {
    let sum = |a, b| counts.of(a) + counts.of(b);
    report.stat("cmd_get", sum(Counter::GetHits, Counter::GetMisses));
    report.stat("cmd_set", counts.of(Counter::CmdSet));
    report.stat("cmd_flush", counts.of(Counter::CmdFlush));
    report.stat("cmd_touch", sum(Counter::TouchHits, Counter::TouchMisses));
    report.stat("cmd_meta", counts.of(Counter::CmdMeta));
    report.stat("get_hits", counts.of(Counter::GetHits));
    report.stat("get_misses", counts.of(Counter::GetMisses));
    report.stat("get_expired", stats.get_expired);
    report.stat("get_flushed", stats.get_flushed);
    for (name, counter) in [
        ("delete_misses", Counter::DeleteMisses),
        ("delete_hits", Counter::DeleteHits),
        ("incr_misses", Counter::IncrMisses),
        ("incr_hits", Counter::IncrHits),
        ("decr_misses", Counter::DecrMisses),
        ("decr_hits", Counter::DecrHits),
        ("cas_misses", Counter::CasMisses),
        ("cas_hits", Counter::CasHits),
        ("cas_badval", Counter::CasBadval),
        ("touch_hits", Counter::TouchHits),
        ("touch_misses", Counter::TouchMisses),
        ("store_too_large", Counter::StoreTooLarge),
        ("store_no_memory", Counter::StoreNoMemory),
    ] {
        report.stat(name, counts.of(counter));
    }
}

/// `lists`: whether the names of memcached's lists are there.
fn report_items(report: &mut Report<'_>, stats: &Stats, lists: bool) {
    report.stat("bytes", stats.bytes);
    report.stat("curr_items", stats.items);
    report.stat("total_items", stats.items_total);
    report.stat("slab_global_page_pool", 0);
    report.stat("expired_unfetched", stats.expired_unfetched);
    report.stat("evicted_unfetched", stats.evicted_unfetched);
    if lists {
        report.stat("evicted_active", 0);
    }
    report.stat("evictions", stats.evictions);
    report.stat("reclaimed", stats.reclaimed);
    report.stat("crawler_reclaimed", stats.swept);
    report.stat("crawler_items_checked", stats.sweep_checked);
    report.stat("lrutail_reflocked", stats.tail_held);
    if lists {
        report.stat("moves_to_cold", 0);
        report.stat("moves_to_warm", 0);
        report.stat("moves_within_lru", 0);
        // Whoever stores makes the room for it.
        report.stat("direct_reclaims", stats.evictions + stats.reclaimed);
        report.stat("lru_bumps_dropped", 0);
    }
}

/// Seconds and microseconds, as memcached writes CPU time.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0.as_secs(), self.0.subsec_micros())
    }
}

/// Our store has no pages to move between classes.
const PAGE_MOVER: [&str; 6] = [
    "slab_reassign_rescues",
    "slab_reassign_chunk_rescues",
    "slab_reassign_inline_reclaim",
    "slab_reassign_busy_items",
    "slab_reassign_busy_deletes",
    "slab_reassign_busy_nomem",
];
