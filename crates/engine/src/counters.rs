//! Counters of requests and their outcomes.

use core::sync::atomic::{AtomicU64, Ordering};
use std::boxed::Box;

/// What is counted, in rows of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    GetHits,
    GetMisses,
    /// Data blocks taken: not those of items that were refused for want of room, big or small.
    CmdSet,
    CmdFlush,
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
    BytesRead,
    BytesWritten,
    ConnYields,
}

impl Counter {
    const COUNT: usize = Self::ConnYields as usize + 1;
}

/// One number for each [`Counter`]: what one call counts before it adds that to the shared ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    amounts: [u64; Counter::COUNT],
    /// A bit for each counter that may not be 0, since most are in most calls.
    counted: u32,
}

impl Tally {
    #[inline]
    pub(crate) fn count(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    #[inline]
    pub(crate) fn add(&mut self, counter: Counter, amount: u64) {
        self.amounts[counter as usize] += amount;
        self.counted |= 1 << counter as u32;
    }

    pub(crate) fn of(&self, counter: Counter) -> u64 {
        self.amounts[counter as usize]
    }
}

/// The counters of all workers. Each worker has a row of its own, so that no cache line is shared
/// on the hot path; reports add the rows up.
#[derive(Debug)]
pub(crate) struct Counters {
    rows: Box<[Row]>,
}

/// Two cache lines apart from its neighbours: processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Row([AtomicU64; Counter::COUNT]);

impl Counters {
    /// Counters for so many workers, at least one.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            rows: (0..workers.max(1)).map(|_| Row::default()).collect(),
        }
    }

    /// Adds `tally` to a worker's row and empties it.
    pub(crate) fn take(&self, tally: &mut Tally, worker: usize) {
        let row = &self.rows[worker % self.rows.len()];
        while tally.counted != 0 {
            let index = tally.counted.trailing_zeros() as usize;
            let amount = core::mem::take(&mut tally.amounts[index]);
            row.0[index].fetch_add(amount, Ordering::Relaxed);
            tally.counted &= tally.counted - 1;
        }
    }

    /// The sums over all workers.
    pub(crate) fn sums(&self) -> Tally {
        let mut sums = Tally::default();
        for row in &self.rows {
            for (sum, counter) in sums.amounts.iter_mut().zip(&row.0) {
                *sum += counter.load(Ordering::Relaxed);
            }
        }
        sums
    }

    pub(crate) fn reset(&self) {
        for counter in self.rows.iter().flat_map(|row| &row.0) {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_run_over_all_workers() {
        let counters = Counters::new(2);
        let mut tally = Tally::default();
        for worker in 0..3 {
            tally.count(Counter::GetHits);
            counters.take(&mut tally, worker);
        }
        assert_eq!(counters.sums().of(Counter::GetHits), 3);
        assert_eq!(tally.of(Counter::GetHits), 0);
        counters.reset();
        assert_eq!(counters.sums().of(Counter::GetHits), 0);
    }
}
