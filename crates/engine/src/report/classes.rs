//! `stats items` and `stats slabs`: memcached's size classes, as buckets of sizes.

use steadfast_store::{CHUNK_BYTES, ClassStats};

use super::Report;
use crate::counters::{ClassCounter, Sums};
use crate::{Engine, LruSettings, Now};

impl Engine {
    /// The classes that hold items. Sizes decide nothing in our store; the classes tell which
    /// sizes there are. Of memcached's lists in a class only one is filled, the cold one: no item
    /// is safer than others by its list.
    pub(super) fn report_items(&self, report: &mut Report<'_>, now: Now) {
        let lru = self.knobs().lru.clone();
        let (classes, counts) = (
            self.store().class_stats(now.timestamp),
            self.counters().sums(),
        );
        for (class, stats) in (1..).zip(&classes[..]) {
            if stats.items > 0 {
                let hits = counts.of_class(class, ClassCounter::GetHits);
                let mut line = |name: &str, number| {
                    report.stat(format_args!("items:{class}:{name}"), number);
                };
                report_class(stats, hits, &lru, &mut line);
            }
        }
    }

    /// The classes that hold items, or did anything. A class looks like pages of just the chunks
    /// that its items need.
    pub(super) fn report_slabs(&self, report: &mut Report<'_>, now: Now) {
        let (classes, counts) = (
            self.store().class_stats(now.timestamp),
            self.counters().sums(),
        );
        let mut active = 0;
        for (class, stats) in (1..).zip(&classes[..]) {
            if stats.items == 0 && is_idle(&counts, class) {
                continue;
            }
            active += 1;
            let chunk_bytes = u64::from(CHUNK_BYTES[class - 1]);
            let chunks_per_page = PAGE_BYTES / chunk_bytes;
            for (name, number) in [
                ("chunk_size", chunk_bytes),
                ("chunks_per_page", chunks_per_page),
                ("total_pages", stats.items.div_ceil(chunks_per_page)),
                ("total_chunks", stats.items),
                ("used_chunks", stats.items),
                ("free_chunks", 0),
                ("free_chunks_end", 0),
            ] {
                report.stat(format_args!("{class}:{name}"), number);
            }
            for counter in ClassCounter::ALL {
                let name = name_of(counter);
                report.stat(
                    format_args!("{class}:{name}"),
                    counts.of_class(class, counter),
                );
            }
        }
        report.stat("active_slabs", active);
        report.stat("total_malloced", self.store().stats().memory_bytes);
    }
}

/// The lines of a class. Those of memcached's lists are there where its maintainer is on.
fn report_class(stats: &ClassStats, hits: u64, lru: &LruSettings, line: &mut dyn FnMut(&str, u64)) {
    line("number", stats.items);
    if lru.maintainer {
        line("number_hot", 0);
        line("number_warm", 0);
        line("number_cold", stats.items);
        if lru.temporary {
            line("number_temp", 0);
        }
        line("age_hot", 0);
        line("age_warm", 0);
    }
    for (name, number) in [
        ("age", stats.age_secs.into()),
        ("mem_requested", stats.bytes),
        ("evicted", stats.evicted),
        ("evicted_nonzero", stats.evicted_nonzero),
        ("evicted_time", stats.evicted_age_secs.into()),
        ("outofmemory", stats.no_room),
        ("tailrepairs", 0),
        ("reclaimed", stats.reclaimed),
        ("expired_unfetched", stats.expired_unfetched),
        ("evicted_unfetched", stats.evicted_unfetched),
    ] {
        line(name, number);
    }
    if lru.maintainer {
        line("evicted_active", 0);
    }
    line("crawler_reclaimed", stats.swept);
    line("crawler_items_checked", stats.sweep_checked);
    line("lrutail_reflocked", stats.tail_held);
    if lru.maintainer {
        line("moves_to_cold", 0);
        line("moves_to_warm", 0);
        line("moves_within_lru", 0);
        line("direct_reclaims", stats.evicted + stats.reclaimed);
        line("hits_to_hot", 0);
        line("hits_to_warm", 0);
        line("hits_to_cold", hits);
        line("hits_to_temp", 0);
    }
}

fn is_idle(counts: &Sums, class: usize) -> bool {
    let mut counters = ClassCounter::ALL.into_iter();
    counters.all(|counter| counts.of_class(class, counter) == 0)
}

/// The name in `stats slabs`.
const fn name_of(counter: ClassCounter) -> &'static str {
    match counter {
        ClassCounter::GetHits => "get_hits",
        ClassCounter::CmdSet => "cmd_set",
        ClassCounter::DeleteHits => "delete_hits",
        ClassCounter::IncrHits => "incr_hits",
        ClassCounter::DecrHits => "decr_hits",
        ClassCounter::CasHits => "cas_hits",
        ClassCounter::CasBadval => "cas_badval",
        ClassCounter::TouchHits => "touch_hits",
    }
}

/// memcached's page.
const PAGE_BYTES: u64 = 1 << 20;
