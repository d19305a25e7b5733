//! What all sessions share.

use core::sync::atomic::{AtomicU32, Ordering};
use std::boxed::Box;

use steadfast_store::Store;

use crate::counters::{Counter, Counters, Tally};
use crate::{Process, Settings};

/// What all sessions of a cache share: the store, the settings and the counters.
///
/// Workers share one behind an `Arc`. Nothing in it is written to by all of them on the hot
/// path: the store locks by stripe, the counters have a row for each worker.
#[derive(Debug)]
pub struct Engine {
    store: Store,
    settings: Settings,
    process: Box<dyn Process>,
    verbosity: AtomicU32,
    counters: Counters,
}

impl Engine {
    /// An engine over `store`. `process` is asked for facts when a report needs them.
    #[must_use]
    pub fn new(store: Store, settings: Settings, process: Box<dyn Process>) -> Self {
        Self {
            verbosity: AtomicU32::new(settings.verbosity),
            counters: Counters::new(settings.workers),
            store,
            settings,
            process,
        }
    }

    /// The store, for the daemon's own work such as sweeping.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The settings given at the start.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How much the daemon is to log: as set at the start or by the last `verbosity` command,
    /// which can ask for at most 2.
    #[must_use]
    pub fn verbosity(&self) -> u32 {
        self.verbosity.load(Ordering::Relaxed)
    }

    pub(crate) fn set_verbosity(&self, level: u32) {
        self.verbosity
            .store(level.min(VERBOSITY_COMMAND_MAX), Ordering::Relaxed);
    }

    pub(crate) fn process(&self) -> &dyn Process {
        &*self.process
    }

    pub(crate) const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts bytes that a worker read past `handle_input`.
    pub(crate) fn count_read(&self, bytes: usize, worker: usize) {
        let mut tally = Tally::default();
        tally.add(Counter::BytesRead, bytes as u64);
        self.counters.take(&mut tally, worker);
    }

    /// `stats reset`: what is there now still counts, what has happened does not.
    pub(crate) fn reset_counters(&self) {
        self.counters.reset();
        self.store.reset_counters();
        self.process.handle_reset();
    }
}

/// memcached caps the level here when a client sets it.
const VERBOSITY_COMMAND_MAX: u32 = 2;
