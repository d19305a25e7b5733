//! What all sessions share.

use core::sync::atomic::{AtomicU32, Ordering};
use std::boxed::Box;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steadfast_store::Store;

use crate::counters::{Counter, Counters};
use crate::prefix::Prefixes;
use crate::sweep::Crawler;
use crate::watch::{WatchStats, Watchers};
use crate::{Credentials, LruSettings, Process, Settings, SlabSettings};

/// What all sessions of a cache share: the store, the settings and the counters.
///
/// Workers share one behind an `Arc`. Nothing in it is written to by all of them on the hot
/// path: the store locks by stripe, the counters have a row for each worker.
#[derive(Debug)]
pub struct Engine {
    store: Store,
    settings: Settings,
    process: Arc<dyn Process>,
    verbosity: AtomicU32,
    counters: Counters,
    /// What every turn has to look after besides its work; 0 for nothing.
    attention: Arc<AtomicU32>,
    watchers: Arc<Watchers>,
    prefixes: Prefixes,
    knobs: Mutex<Knobs>,
    crawler: Crawler,
    /// Who may use the cache; none if everybody may.
    credentials: Mutex<Option<Arc<Credentials>>>,
}

/// What clients turn while the cache runs.
#[derive(Debug, Clone)]
pub(crate) struct Knobs {
    pub(crate) lru: LruSettings,
    pub(crate) slabs: SlabSettings,
}

impl Engine {
    /// An engine over `store`. `process` is asked for facts when a report needs them.
    ///
    /// The engine has itself told of the store's evictions
    /// ([`Store::evictions_observed_by`]), for those who watch them.
    #[must_use]
    pub fn new(store: Store, settings: Settings, process: Box<dyn Process>) -> Self {
        let attention = if settings.detail_enabled {
            ATTENTION_PREFIXES
        } else {
            0
        };
        let knobs = Knobs {
            lru: settings.lru.clone(),
            slabs: settings.slabs.clone(),
        };
        let attention = Arc::new(AtomicU32::new(attention));
        let process = Arc::from(process);
        let watchers = Watchers::new(Arc::clone(&attention), Arc::clone(&process), &settings);
        Self {
            verbosity: AtomicU32::new(settings.verbosity),
            counters: Counters::new(settings.workers),
            attention,
            prefixes: Prefixes::new(settings.prefix_delimiter),
            knobs: Mutex::new(knobs),
            crawler: Crawler::default(),
            credentials: Mutex::new(None),
            store: store.evictions_observed_by(Arc::clone(&watchers) as _),
            watchers,
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

    /// Has every session that begins from now on say who it is, or none. Those that have begun to
    /// are compared with these, those that have done so go on.
    ///
    /// For `-Y` and `-S`, at the start and whenever the file is read again.
    pub fn set_credentials(&self, credentials: Option<Credentials>) {
        *self.lock_credentials() = credentials.map(Arc::new);
    }

    /// Who may use the cache; none if everybody may. Asked once a session, and whenever a client
    /// authenticates.
    pub(crate) fn credentials(&self) -> Option<Arc<Credentials>> {
        self.lock_credentials().clone()
    }

    fn lock_credentials(&self) -> MutexGuard<'_, Option<Arc<Credentials>>> {
        self.credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How much the daemon is to log: as set at the start or by the last `verbosity` command,
    /// which can ask for at most 2.
    #[must_use]
    pub fn verbosity(&self) -> u32 {
        self.verbosity.load(Ordering::Relaxed)
    }

    /// Whether [`sweep`](Self::sweep) looks for expired items, and dumps are given: as set at the
    /// start or by the last `lru_crawler` command.
    #[must_use]
    pub fn crawler_enabled(&self) -> bool {
        self.knobs().lru.crawler
    }

    /// What clients have turned; hold it for a moment only.
    pub(crate) fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.knobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn crawler(&self) -> &Crawler {
        &self.crawler
    }

    /// One bit for each thing that every turn has to look after besides its work.
    pub(crate) const fn attention(&self) -> &Arc<AtomicU32> {
        &self.attention
    }

    /// Those who are told what happens.
    pub(crate) const fn watchers(&self) -> &Arc<Watchers> {
        &self.watchers
    }

    /// What there is to report about them.
    pub(crate) fn watch_stats(&self) -> WatchStats {
        self.watchers.stats()
    }

    pub(crate) const fn prefixes(&self) -> &Prefixes {
        &self.prefixes
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
        self.counters
            .row(worker)
            .add(Counter::BytesRead, bytes as u64);
    }

    /// `stats reset`: what is there now still counts, what has happened does not.
    pub(crate) fn reset_counters(&self) {
        self.counters.reset();
        self.watchers.reset_stats();
        self.store.reset_counters();
        self.prefixes.reset();
        self.crawler.reset();
        self.process.handle_reset();
    }
}

/// memcached caps the level here when a client sets it.
const VERBOSITY_COMMAND_MAX: u32 = 2;
/// The attention that counting by prefix needs (`stats detail on`); the streams of `watch` have the
/// lower bits.
pub(crate) const ATTENTION_PREFIXES: u32 = 1 << 31;
