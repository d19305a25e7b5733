//! Counters of requests and their outcomes.

use core::sync::atomic::{AtomicU64, Ordering};
use std::boxed::Box;
use std::sync::{Mutex, PoisonError};

use steadfast_store::{CHUNK_BYTES, size_class};

/// What is counted, in rows of numbers.
///
/// Those that [`ClassCounter`] has as well are for requests whose item's size is not known; reports
/// add both up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    GetHits,
    GetMisses,
    /// Data blocks taken: not those of items that were refused for want of room, big or small.
    CmdSet,
    CmdFlush,
    /// Only `me`.
    CmdMeta,
    TouchHits,
    TouchMisses,
    DeleteHits,
    DeleteMisses,
    IncrHits,
    IncrMisses,
    DecrHits,
    DecrMisses,
    CasHits,
    CasMisses,
    CasBadval,
    StoreTooLarge,
    StoreNoMemory,
    /// Authentications that came to the check.
    AuthCmds,
    AuthErrors,
    BytesRead,
    BytesWritten,
    ConnYields,
}

impl Counter {
    const COUNT: usize = Self::ConnYields as usize + 1;
}

/// What is counted by the size of the item that a request met: memcached's per-class counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClassCounter {
    GetHits,
    CmdSet,
    DeleteHits,
    IncrHits,
    DecrHits,
    CasHits,
    CasBadval,
    TouchHits,
}

impl ClassCounter {
    pub(crate) const ALL: [Self; 8] = [
        Self::GetHits,
        Self::CmdSet,
        Self::DeleteHits,
        Self::IncrHits,
        Self::DecrHits,
        Self::CasHits,
        Self::CasBadval,
        Self::TouchHits,
    ];

    /// The counter of the same thing where the size is not known.
    const fn without_size(self) -> Counter {
        match self {
            Self::GetHits => Counter::GetHits,
            Self::CmdSet => Counter::CmdSet,
            Self::DeleteHits => Counter::DeleteHits,
            Self::IncrHits => Counter::IncrHits,
            Self::DecrHits => Counter::DecrHits,
            Self::CasHits => Counter::CasHits,
            Self::CasBadval => Counter::CasBadval,
            Self::TouchHits => Counter::TouchHits,
        }
    }
}

/// The counters of all workers. Each worker has a row of its own, so that no cache line is shared
/// on the hot path; reports add the rows up.
///
/// A reset writes to no row, which has one writer: it remembers where they stood.
#[derive(Debug)]
pub(crate) struct Counters {
    rows: Box<[Row]>,
    /// The sums at the last reset.
    at_reset: Mutex<Box<Sums>>,
}

/// The counters of a worker.
///
/// Written by one thread at a time, without the cost of an atomic addition: would two threads serve
/// sessions of one worker, counts would get lost.
///
/// Two cache lines apart from its neighbours: processors fetch lines in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Row {
    counters: [AtomicU64; Counter::COUNT],
    classes: [[AtomicU64; ClassCounter::ALL.len()]; CLASSES],
}

/// What all workers counted since the last reset.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    counters: [u64; Counter::COUNT],
    classes: [[u64; ClassCounter::ALL.len()]; CLASSES],
}

impl Sums {
    /// A general number: over all classes.
    pub(crate) fn of(&self, counter: Counter) -> u64 {
        self.counters[counter as usize]
    }

    /// The number of one class, counted from 1.
    pub(crate) fn of_class(&self, class: usize, counter: ClassCounter) -> u64 {
        self.classes[class - 1][counter as usize]
    }

    fn each(&mut self) -> impl Iterator<Item = &mut u64> {
        let classes = self.classes.iter_mut().flatten();
        self.counters.iter_mut().chain(classes)
    }
}

impl Counters {
    /// Counters for so many workers, at least one.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            rows: (0..workers.max(1)).map(|_| Row::default()).collect(),
            at_reset: Mutex::default(),
        }
    }

    /// The sums over all workers since the last reset.
    pub(crate) fn sums(&self) -> Box<Sums> {
        let mut sums = self.raw_sums();
        let mut at_reset = self
            .at_reset
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (sum, before) in sums.each().zip(at_reset.each()) {
            *sum = sum.saturating_sub(*before);
        }
        for counter in ClassCounter::ALL {
            let classes = sums.classes.iter().map(|class| class[counter as usize]);
            sums.counters[counter.without_size() as usize] += classes.sum::<u64>();
        }
        sums
    }

    pub(crate) fn reset(&self) {
        let mut at_reset = self.at_reset.lock().unwrap_or_else(PoisonError::into_inner);
        *at_reset = self.raw_sums();
    }

    fn raw_sums(&self) -> Box<Sums> {
        let mut sums = Box::<Sums>::default();
        for row in &self.rows {
            let classes = row.classes.iter().flatten();
            for (sum, counter) in sums.each().zip(row.counters.iter().chain(classes)) {
                *sum += counter.load(Ordering::Relaxed);
            }
        }
        sums
    }

    /// The row of a worker.
    pub(crate) fn row(&self, worker: usize) -> &Row {
        &self.rows[worker % self.rows.len()]
    }
}

impl Row {
    #[inline]
    pub(crate) fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    #[inline]
    pub(crate) fn add(&self, counter: Counter, amount: u64) {
        add(&self.counters[counter as usize], amount);
    }

    /// Counts one for the class of an item of so many bytes by memcached's formula.
    #[inline]
    pub(crate) fn count_in_class(&self, counter: ClassCounter, item_bytes: usize) {
        let class = size_class(item_bytes) - 1;
        add(&self.classes[class][counter as usize], 1);
    }
}

/// A row has one writer, so that nothing comes between.
#[inline]
fn add(counter: &AtomicU64, amount: u64) {
    let sum = counter.load(Ordering::Relaxed).wrapping_add(amount);
    counter.store(sum, Ordering::Relaxed);
}

impl Default for Row {
    fn default() -> Self {
        Self {
            counters: [const { AtomicU64::new(0) }; Counter::COUNT],
            classes: [const { [const { AtomicU64::new(0) }; ClassCounter::ALL.len()] }; CLASSES],
        }
    }
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            counters: [0; Counter::COUNT],
            classes: [[0; ClassCounter::ALL.len()]; CLASSES],
        }
    }
}

const CLASSES: usize = CHUNK_BYTES.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_run_over_all_workers() {
        let counters = Counters::new(2);
        for worker in 0..3 {
            counters.row(worker).count(Counter::GetMisses);
        }
        assert_eq!(counters.sums().of(Counter::GetMisses), 3);
        counters.reset();
        assert_eq!(counters.sums().of(Counter::GetMisses), 0);
        counters.row(1).add(Counter::GetMisses, 2);
        assert_eq!(counters.sums().of(Counter::GetMisses), 2);
    }

    #[test]
    fn what_is_counted_by_class_counts_in_general_too() {
        let counters = Counters::new(2);
        counters.row(0).count(Counter::GetHits);
        counters.row(0).count_in_class(ClassCounter::GetHits, 61);
        counters.row(1).count_in_class(ClassCounter::GetHits, 96);
        counters.row(1).count_in_class(ClassCounter::GetHits, 97);
        counters
            .row(1)
            .count_in_class(ClassCounter::CmdSet, 1 << 20);
        let sums = counters.sums();
        assert_eq!(sums.of(Counter::GetHits), 4);
        assert_eq!(sums.of_class(1, ClassCounter::GetHits), 2);
        assert_eq!(sums.of_class(2, ClassCounter::GetHits), 1);
        assert_eq!(sums.of_class(CLASSES, ClassCounter::CmdSet), 1);
    }
}
