//! `stats items` and `stats slabs`: memcached's size classes, as buckets of sizes.

use steadfast_store::{CHUNK_BYTES, ClassStats};

use super::Report;
use crate::{Engine, Now};

impl Engine {
    /// The classes that hold items. Sizes decide nothing in our store; the classes tell which
    /// sizes there are.
    pub(super) fn report_items(&self, report: &mut Report<'_>, now: Now) {
        let classes = self.store().class_stats(now.timestamp);
        for (class, stats) in present(&classes[..]) {
            for (name, number) in [
                ("number", stats.items),
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
                ("crawler_reclaimed", stats.swept),
                ("crawler_items_checked", stats.sweep_checked),
                ("lrutail_reflocked", stats.tail_held),
            ] {
                report.stat(format_args!("items:{class}:{name}"), number);
            }
        }
    }

    /// A class looks like a page of just the chunks that its items need. Requests are not counted
    /// by class, so memcached's eight counters of them are left out rather than shown as 0.
    pub(super) fn report_slabs(&self, report: &mut Report<'_>, now: Now) {
        let classes = self.store().class_stats(now.timestamp);
        for (class, stats) in present(&classes[..]) {
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
        }
        report.stat("active_slabs", present(&classes[..]).count());
        report.stat("total_malloced", self.store().stats().memory_bytes);
    }
}

/// The classes that hold items, with their numbers, from 1.
fn present(classes: &[ClassStats]) -> impl Iterator<Item = (usize, &ClassStats)> {
    (1..).zip(classes).filter(|(_, stats)| stats.items > 0)
}

/// memcached's page.
const PAGE_BYTES: u64 = 1 << 20;
