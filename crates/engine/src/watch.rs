//! Watchers: clients who are told what happens while it happens (`watch`).
//!
//! ```text
//! turn of a session ─┐             ┌─ queue ── session that watches
//! another turn ──────┼─ batches ───┤   (at most watcher_log_bytes_max each)
//! evictions ─────────┘  (at most   └─ queue ── another
//!                       worker_log_bytes_max each)
//! ```
//!
//! Nobody ever waits for a watcher: what finds no room is counted and lost. Lines are gathered by
//! thread and handed out once a call, so that workers seldom meet at a queue.

mod event;
mod queue;

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use std::boxed::Box;
use std::io::Write;
use std::sync::Arc;
use std::vec::Vec;

use parking_lot::{Mutex, RwLock};
use steadfast_protocol::WatchStreams;
use steadfast_store::{Departure, Entry, Observer, Timestamp};

pub use self::event::CloseReason;
pub(crate) use self::event::{Deletion, Fetch, Storing};
use self::queue::{Batch, Queue};
use crate::{Now, Process, Settings};

/// All who watch, and what there is to tell them.
#[derive(Debug)]
pub(crate) struct Watchers {
    /// The union of what is watched is in here, for who does something that can be.
    attention: Arc<AtomicU32>,
    process: Arc<dyn Process>,
    watchers: RwLock<Vec<Arc<Watcher>>>,
    /// One for each worker, and one for who is none.
    batches: Box<[Row]>,
    /// Whether the last of them has lines: all workers look here. Changed under its lock only.
    has_common: AtomicBool,
    batch_bytes_max: usize,
    queue_bytes_max: usize,
    next_number: AtomicU64,
    /// The time of the last turn that was watched, for evictions, which are told no time.
    timestamp: AtomicU32,
    unix_secs: AtomicU64,
    counts: Counts,
}

/// Apart from its neighbours, so that workers do not share cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Row(Mutex<Batch>);

#[derive(Debug)]
struct Watcher {
    streams: WatchStreams,
    /// Whom to wake when there is something.
    worker: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Counts {
    dropped: AtomicU64,
    written: AtomicU64,
    skipped: AtomicU64,
    sent: AtomicU64,
}

/// What `stats` tells about watching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WatchStats {
    /// Lines that found no room in their thread's batch.
    pub(crate) dropped: u64,
    /// Lines that found room there.
    pub(crate) written: u64,
    /// Lines that found no room in a watcher's queue.
    pub(crate) skipped: u64,
    /// Lines that found room there.
    pub(crate) sent: u64,
    /// Watchers now.
    pub(crate) watchers: u64,
}

impl Watchers {
    /// Nobody watches; bits of `attention` will say when somebody does.
    pub(crate) fn new(
        attention: Arc<AtomicU32>,
        process: Arc<dyn Process>,
        settings: &Settings,
    ) -> Arc<Self> {
        Arc::new(Self {
            attention,
            process,
            watchers: RwLock::default(),
            batches: (0..=settings.workers.max(1))
                .map(|_| Row::default())
                .collect(),
            has_common: AtomicBool::new(false),
            batch_bytes_max: settings.worker_log_bytes_max as usize,
            queue_bytes_max: settings.watcher_log_bytes_max as usize,
            next_number: AtomicU64::new(1),
            timestamp: AtomicU32::new(0),
            unix_secs: AtomicU64::new(0),
            counts: Counts::default(),
        })
    }

    /// Takes a watcher in; none if there are too many.
    pub(crate) fn join(self: &Arc<Self>, streams: WatchStreams, worker: usize) -> Option<Watching> {
        let mut watchers = self.watchers.write();
        if watchers.len() >= WATCHERS_MAX {
            return None;
        }
        let watcher = Arc::new(Watcher {
            streams,
            worker,
            queue: Mutex::default(),
        });
        watchers.push(Arc::clone(&watcher));
        self.attend(&watchers);
        Some(Watching {
            watchers: Arc::clone(self),
            watcher,
        })
    }

    /// Tells everybody what is watched. The lock makes it one after the other.
    fn attend(&self, watchers: &[Arc<Watcher>]) {
        let streams = watchers
            .iter()
            .fold(WatchStreams::default(), |all, watcher| {
                all.with(watcher.streams)
            });
        // First more than there is, then what there is: no line is lost in between.
        let bits = streams.bits();
        self.attention.fetch_or(bits, Ordering::Relaxed);
        self.attention
            .fetch_and(bits | !ATTENTION_STREAMS, Ordering::Relaxed);
    }

    /// Whether anybody watches that now.
    pub(crate) fn are_told_of(&self, stream: WatchStreams) -> bool {
        is_watched(self.attention.load(Ordering::Relaxed), stream)
    }

    /// Notes the time of a turn.
    pub(crate) fn note_time(&self, now: Now) {
        self.timestamp
            .store(now.timestamp.as_secs(), Ordering::Relaxed);
        self.unix_secs.store(now.unix_secs, Ordering::Relaxed);
    }

    /// Writes a line into a worker's batch: its head and what `write` adds to it.
    pub(crate) fn tell(
        &self,
        worker: Option<usize>,
        stream: WatchStreams,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let time = self.process.unix_time();
        let time =
            time.unwrap_or_else(|| Duration::from_secs(self.unix_secs.load(Ordering::Relaxed)));
        let mut batch = self.row(worker).0.lock();
        let is_written = batch.push(stream, self.batch_bytes_max, |text| {
            // memcached writes microseconds without their leading zeros, which makes another time.
            let (secs, micros) = (time.as_secs(), time.subsec_micros());
            write!(text, "ts={secs}.{micros:06} gid={number} type=").expect(VEC);
            write(text);
            text.push(b'\n');
        });
        if worker.is_none() {
            self.has_common.store(true, Ordering::Relaxed);
        }
        let count = match is_written {
            true => &self.counts.written,
            false => &self.counts.dropped,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Hands out what a worker has gathered, and what nobody in particular has.
    pub(crate) fn publish(&self, worker: usize) {
        self.publish_row(Some(worker));
        self.publish_common();
    }

    /// Hands out what nobody in particular has gathered.
    pub(crate) fn publish_common(&self) {
        if self.has_common.load(Ordering::Relaxed) {
            self.publish_row(None);
        }
    }

    fn publish_row(&self, worker: Option<usize>) {
        let mut batch = self.row(worker).0.lock();
        if worker.is_none() {
            self.has_common.store(false, Ordering::Relaxed);
        }
        if batch.is_empty() {
            return;
        }
        for watcher in self.watchers.read().iter() {
            let bytes_max = self.queue_bytes_max;
            let taken = watcher
                .queue
                .lock()
                .take(&batch, watcher.streams, bytes_max);
            self.counts.sent.fetch_add(taken.sent, Ordering::Relaxed);
            self.counts
                .skipped
                .fetch_add(taken.skipped, Ordering::Relaxed);
            if taken.wakes {
                self.process.wake(watcher.worker);
            }
        }
        batch.clear();
    }

    fn row(&self, worker: Option<usize>) -> &Row {
        let workers = self.batches.len() - 1;
        &self.batches[worker.map_or(workers, |worker| worker % workers)]
    }

    pub(crate) fn stats(&self) -> WatchStats {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        WatchStats {
            dropped: count(&self.counts.dropped),
            written: count(&self.counts.written),
            skipped: count(&self.counts.skipped),
            sent: count(&self.counts.sent),
            watchers: self.watchers.read().len() as u64,
        }
    }

    /// `stats reset`: who watches goes on.
    pub(crate) fn reset_stats(&self) {
        let counts = &self.counts;
        for count in [
            &counts.dropped,
            &counts.written,
            &counts.skipped,
            &counts.sent,
        ] {
            count.store(0, Ordering::Relaxed);
        }
    }
}

impl Observer for Watchers {
    fn handle_departure(&self, entry: &Entry<'_>, _why: Departure) {
        if self.are_told_of(WatchStreams::EVICTIONS) {
            let now = Timestamp::from_secs(self.timestamp.load(Ordering::Relaxed));
            self.tell(None, WatchStreams::EVICTIONS, |text| {
                event::write_eviction(text, entry, now);
            });
        }
    }
}

/// One who watches; leaves when dropped.
#[derive(Debug)]
pub(crate) struct Watching {
    watchers: Arc<Watchers>,
    watcher: Arc<Watcher>,
}

impl Watching {
    /// Moves the lines that wait to the end of `out`; returns whether there were any.
    pub(crate) fn drain_to(&self, out: &mut Vec<u8>) -> bool {
        self.watcher.queue.lock().drain_to(out)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watchers = self.watchers.watchers.write();
        watchers.retain(|watcher| !Arc::ptr_eq(watcher, &self.watcher));
        self.watchers.attend(&watchers);
    }
}

/// Whether anybody watches that, by the bits of [`Engine::attention`](crate::Engine).
pub(crate) const fn is_watched(attention: u32, stream: WatchStreams) -> bool {
    attention & stream.bits() != 0
}

/// The bits of attention that are streams.
pub(crate) const ATTENTION_STREAMS: u32 = (1 << 10) - 1;
/// How many may watch (memcached's `WATCHER_LIMIT`).
const WATCHERS_MAX: usize = 20;
const VEC: &str = "a vector takes all bytes";
