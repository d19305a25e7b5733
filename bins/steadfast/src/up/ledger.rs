//! Who holds which session: so that `up` can say what a stop costs before anybody notices.

use std::collections::HashMap;

use parking_lot::Mutex;

/// The caches that hold each session, as the web nodes saw it at its latest visit.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<HashMap<Box<str>, Vec<usize>>>);

impl Ledger {
    /// Session `id` was saved on the caches `holders`.
    ///
    /// Beyond [`SESSIONS_MAX`] sessions new ones are not noted: the demo's words then speak of
    /// the others only.
    pub(crate) fn saved(&self, id: &str, holders: Vec<usize>) {
        let mut sessions = self.0.lock();
        if sessions.len() < SESSIONS_MAX || sessions.contains_key(id) {
            sessions.insert(id.into(), holders);
        }
    }

    /// Cache `index` has lost its content; returns how many sessions are gone with it.
    pub(crate) fn emptied(&self, index: usize) -> usize {
        let mut sessions = self.0.lock();
        let before = sessions.len();
        sessions.retain(|_, holders| {
            holders.retain(|holder| *holder != index);
            !holders.is_empty()
        });
        before - sessions.len()
    }

    /// How many sessions have no copy on cache `index`.
    pub(crate) fn missing_on(&self, index: usize) -> usize {
        self.0
            .lock()
            .values()
            .filter(|holders| !holders.contains(&index))
            .count()
    }
}

const SESSIONS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_lost_with_its_last_copy() {
        let ledger = Ledger::default();
        ledger.saved("anna", vec![0, 1]);
        ledger.saved("bert", vec![1]);
        assert_eq!(ledger.missing_on(0), 1);
        assert_eq!(ledger.emptied(0), 0);
        assert_eq!(ledger.missing_on(0), 2);
        ledger.saved("anna", vec![0, 1]);
        assert_eq!(ledger.emptied(1), 1);
        assert_eq!(ledger.missing_on(1), 1);
    }
}
