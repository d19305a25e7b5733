//! Looking for expired items in the background: memcached's crawler.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{Engine, Now};

/// What clients asked of the crawler.
#[derive(Debug, Default)]
pub(crate) struct Crawler {
    /// How often it was started.
    starts: AtomicU64,
    /// How many items are still to be looked at because a client asked for it.
    items_left: AtomicU64,
    /// Whether a sweep is at work.
    running: AtomicBool,
}

impl Crawler {
    /// Has the next sweeps look at so many items, whatever they find.
    pub(crate) fn start(&self, items: u64) {
        self.starts.fetch_add(1, Ordering::Relaxed);
        self.items_left.store(items, Ordering::Relaxed);
    }

    pub(crate) fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    /// Whether it is at work, or has been asked to.
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) || self.items_left.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn reset(&self) {
        self.starts.store(0, Ordering::Relaxed);
    }

    /// Takes items off those that are left; whether there were any.
    fn take(&self, items: u64) -> bool {
        let left = self.items_left.load(Ordering::Relaxed);
        self.items_left
            .store(left.saturating_sub(items), Ordering::Relaxed);
        left > 0
    }
}

impl Engine {
    /// Looks for expired items, a bounded number of them, and gives their memory back before it is
    /// missed. The daemon calls it about once a second, from one thread.
    ///
    /// Goes on while it finds something, so that a wave of expired items is gone soon, while a
    /// client's `lru_crawler crawl` is not done, or while it comes nearer to a lowered limit. Else does
    /// nothing while the crawler is disabled; no expired item is ever read all the same.
    pub fn sweep(&self, now: Now) {
        let mut excess_bytes = self.excess_bytes();
        if !self.crawler_enabled() && excess_bytes == 0 {
            return;
        }
        let crawler = self.crawler();
        crawler.running.store(true, Ordering::Relaxed);
        self.watchers().note_time(now);
        for _ in 0..STEPS_MAX {
            let removed = self.store().sweep(STEP_ITEMS, now.timestamp);
            // A lowered limit evicts.
            self.watchers().publish_common();
            let is_asked_for = crawler.take(STEP_ITEMS as u64);
            let excess_before = core::mem::replace(&mut excess_bytes, self.excess_bytes());
            let shrinks = excess_bytes > 0 && excess_bytes < excess_before;
            if removed < STEP_ITEMS / 4 && !is_asked_for && !shrinks {
                break;
            }
        }
        crawler.running.store(false, Ordering::Relaxed);
    }

    /// By how much a lowered limit is exceeded.
    fn excess_bytes(&self) -> u64 {
        let stats = self.store().stats();
        stats.memory_bytes.saturating_sub(stats.memory_bytes_max)
    }
}

/// Items looked at per step: under a millisecond of work.
const STEP_ITEMS: usize = 4096;
/// Steps per call at most: a quarter of a million items.
const STEPS_MAX: usize = 64;
