//! Who holds which session: so that `up` can say what a stop costs before anybody notices.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The caches that hold each session, as the web nodes saw it at its latest visit.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    entries: HashMap<Box<str>, Entry>,
    lives: Lives,
}

#[derive(Debug)]
struct Entry {
    holders: Vec<usize>,
    until: Instant,
}

/// How often each cache has lost its content: a save may come to its end when what it has stored is
/// gone already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lives([u64; 2]);

impl Ledger {
    /// The lives of the caches now, to be kept by a save that begins.
    pub(crate) fn lives(&self) -> Lives {
        self.0.lock().lives
    }

    /// Session `id` was saved on the caches `holders` by a save that began in `lives`, and is kept
    /// there for `lifetime`.
    ///
    /// Beyond [`SESSIONS_MAX`] sessions new ones are not noted: the demo's words then speak of
    /// the others only.
    pub(crate) fn saved(
        &self,
        id: &str,
        mut holders: Vec<usize>,
        lives: Lives,
        lifetime: Duration,
        now: Instant,
    ) {
        let mut sessions = self.0.lock();
        let present = sessions.lives;
        holders.retain(|&holder| present.0[holder] == lives.0[holder]);
        if sessions.entries.len() >= SESSIONS_MAX {
            sessions.forget_expired(now);
        }
        if holders.is_empty() {
            sessions.entries.remove(id);
        } else if sessions.entries.len() < SESSIONS_MAX || sessions.entries.contains_key(id) {
            let until = now + lifetime;
            sessions.entries.insert(id.into(), Entry { holders, until });
        }
    }

    /// Cache `index` has lost its content; returns how many sessions are gone with it.
    pub(crate) fn emptied(&self, index: usize, now: Instant) -> usize {
        let mut sessions = self.0.lock();
        sessions.lives.0[index] += 1;
        sessions.forget_expired(now);
        let before = sessions.entries.len();
        sessions.entries.retain(|_, entry| {
            entry.holders.retain(|holder| *holder != index);
            !entry.holders.is_empty()
        });
        before - sessions.entries.len()
    }

    /// How many sessions have a copy.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// How many sessions have no copy on cache `index`.
    pub(crate) fn missing_on(&self, index: usize, now: Instant) -> usize {
        let mut sessions = self.0.lock();
        sessions.forget_expired(now);
        let entries = sessions.entries.values();
        entries
            .filter(|entry| !entry.holders.contains(&index))
            .count()
    }
}

impl Sessions {
    fn forget_expired(&mut self, now: Instant) {
        self.entries.retain(|_, entry| now < entry.until);
    }
}

const SESSIONS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(1440);

    #[test]
    fn a_session_is_lost_with_its_last_copy() {
        let (ledger, now) = (Ledger::default(), Instant::now());
        let saved = |id, holders| ledger.saved(id, holders, ledger.lives(), LIFETIME, now);
        saved("anna", vec![0, 1]);
        saved("bert", vec![1]);
        assert_eq!(ledger.missing_on(0, now), 1);
        assert_eq!(ledger.emptied(0, now), 0);
        assert_eq!(ledger.missing_on(0, now), 2);
        saved("anna", vec![0, 1]);
        assert_eq!(ledger.emptied(1, now), 1);
        assert_eq!(ledger.count(), 1);
        assert_eq!(ledger.missing_on(1, now), 1);
    }

    #[test]
    fn what_a_cache_stored_before_it_was_emptied_is_no_copy() {
        let (ledger, now) = (Ledger::default(), Instant::now());
        let lives = ledger.lives();
        assert_eq!(ledger.emptied(0, now), 0);
        ledger.saved("anna", vec![0, 1], lives, LIFETIME, now);
        assert_eq!(ledger.missing_on(0, now), 1);
        assert_eq!(ledger.emptied(1, now), 1);
    }

    #[test]
    fn a_session_that_has_expired_is_not_lost_by_a_stop() {
        let (ledger, now) = (Ledger::default(), Instant::now());
        ledger.saved("anna", vec![0], ledger.lives(), LIFETIME, now);
        assert_eq!(ledger.missing_on(1, now + LIFETIME), 0);
        ledger.saved("bert", vec![0], ledger.lives(), LIFETIME, now);
        assert_eq!(ledger.emptied(0, now + LIFETIME), 0);
    }
}
