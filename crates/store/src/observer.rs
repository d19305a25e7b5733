//! Who wants to know of items that leave.

use core::fmt;
use std::sync::Arc;

use crate::entry::Entry;

/// Told of every version that leaves a store: see [`Store::observed_by`](crate::Store::observed_by).
///
/// To keep count, to write back what was evicted, or to free what an item stands for. A closure will
/// do:
///
/// ```
/// use steadfast_store::{Cache, Departure, Entry, Expiry, Settings, Store, Timestamp};
/// use std::sync::{Arc, mpsc};
///
/// let (sender, departed) = mpsc::channel();
/// let store = Store::new(Settings::default())?.observed_by(Arc::new(
///     move |entry: &Entry<'_>, why: Departure| {
///         // Whoever has stopped listening misses nothing.
///         let _ = sender.send((entry.key().to_vec(), why));
///     },
/// ));
/// let cache: Cache<String> = store.into();
/// let now = Timestamp::from_secs(1);
/// cache.insert("user", &"ann".to_owned(), Expiry::NEVER, now)?;
/// cache.insert("user", &"bob".to_owned(), Expiry::NEVER, now)?;
/// assert_eq!(departed.recv(), Ok((b"user".to_vec(), Departure::Replaced)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer: Send + Sync {
    /// Shows a version on its way out, for the reason given.
    ///
    /// Runs under the stripe's lock, and in the way of whoever needs the room: it must be short, and
    /// must not call the store. If it panics, the version stays where it is. Nothing is told when the
    /// store itself is dropped.
    fn handle_departure(&self, entry: &Entry<'_>, why: Departure);
}

impl<F: Fn(&Entry<'_>, Departure) + Send + Sync> Observer for F {
    fn handle_departure(&self, entry: &Entry<'_>, why: Departure) {
        self(entry, why);
    }
}

/// The observers of a stripe, if there are any.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    /// Told of every departure.
    pub(crate) all: Option<Arc<dyn Observer>>,
    /// Told of evictions only: stores that replace an item need not ask.
    pub(crate) evictions: Option<Arc<dyn Observer>>,
}

impl Watch {
    /// Tells of the version that `entry` makes; makes none when nobody watches.
    #[inline]
    pub(crate) fn tell<'a>(&self, entry: impl Fn() -> Entry<'a>, why: Departure) {
        if let Some(observer) = &self.all {
            observer.handle_departure(&entry(), why);
        }
        if why == Departure::Evicted {
            if let Some(observer) = &self.evictions {
                observer.handle_departure(&entry(), why);
            }
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("all", &self.all.is_some())
            .field("evictions", &self.evictions.is_some())
            .finish()
    }
}

/// Why a version leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Departure {
    /// Another version of the same key takes its place.
    Replaced,
    /// It was removed by its key.
    Removed,
    /// It had expired, and that was noticed: by a look-up, a sweep, or in search of room.
    Expired,
    /// A flush had ended it, and that was noticed.
    Flushed,
    /// Others needed the room.
    Evicted,
}

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::change::{Change, ShortValue};
    use crate::item::{Attributes, Condition, Expiry, NewItem, Timestamp};
    use crate::settings::{Eviction, Settings};
    use crate::store::Store;

    type Departed = Arc<Mutex<Vec<(Vec<u8>, Vec<u8>, Departure)>>>;

    const NOW: Timestamp = Timestamp::from_secs(10);

    fn observed(order: Eviction) -> (Store, Departed) {
        let departed = Departed::default();
        let seen = Arc::clone(&departed);
        let note = move |entry: &Entry<'_>, why: Departure| {
            let (key, value) = (entry.key().to_vec(), entry.value().to_vec());
            seen.lock().unwrap().push((key, value, why));
        };
        let settings = Settings {
            memory_bytes_max: 1 << 20,
            item_bytes_max: 100 << 10,
            stripes: 1,
            order,
            ..Settings::default()
        };
        let store = Store::new(settings).unwrap().observed_by(Arc::new(note));
        (store, departed)
    }

    fn put(store: &Store, key: &str, value: &[u8], expiry: Expiry) {
        let item = NewItem::new(value, Attributes::new(0, expiry));
        assert!(store.put(key, item, Condition::Always, NOW).is_ok());
    }

    #[test]
    fn each_way_out_is_told_of_with_what_left() {
        let (store, departed) = observed(Eviction::ScanResistant);
        let soon = Expiry::at(Timestamp::from_secs(11));
        let later = Timestamp::from_secs(12);
        let large = vec![b'l'; 50 << 10];
        // In place, elsewhere, from and to an extent, and by an edit.
        put(&store, "key", b"1", Expiry::NEVER);
        put(&store, "key", b"2", Expiry::NEVER);
        put(&store, "key", &[b'3'; 500], Expiry::NEVER);
        put(&store, "key", &large, Expiry::NEVER);
        put(&store, "key", &large, Expiry::NEVER);
        put(&store, "key", b"6", soon);
        let seven = Change::Value(ShortValue::new(b"7").unwrap());
        assert!(store.update("key", NOW, |_| (seven, ())).is_ok());
        assert_eq!(store.get("key", later).map(drop), None);
        put(&store, "key", b"8", Expiry::NEVER);
        assert!(store.remove("key", NOW));
        put(&store, "key", b"9", Expiry::NEVER);
        store.flush(NOW);
        assert_eq!(store.sweep(10, NOW), 1);
        let departed = departed.lock().unwrap();
        let values = departed
            .iter()
            .map(|(_, value, why)| (value[0], value.len(), *why));
        assert_eq!(
            values.collect::<Vec<_>>(),
            [
                (b'1', 1, Departure::Replaced),
                (b'2', 1, Departure::Replaced),
                (b'3', 500, Departure::Replaced),
                (b'l', 50 << 10, Departure::Replaced),
                (b'l', 50 << 10, Departure::Replaced),
                (b'6', 1, Departure::Replaced),
                (b'7', 1, Departure::Expired),
                (b'8', 1, Departure::Removed),
                (b'9', 1, Departure::Flushed),
            ]
        );
    }

    #[test]
    fn a_version_stays_if_the_observer_panics_over_it() {
        let settings = Settings {
            memory_bytes_max: 1 << 20,
            item_bytes_max: 100 << 10,
            stripes: 1,
            ..Settings::default()
        };
        let panics = |entry: &Entry<'_>, why: Departure| {
            let is_dear = entry.value() == b"dear" && why == Departure::Replaced;
            assert!(!is_dear, "a bug, as this test wants it");
        };
        let store = Store::new(settings).unwrap().observed_by(Arc::new(panics));
        for next in [&b"near"[..], &[7; 1000]] {
            put(&store, "key", b"dear", Expiry::NEVER);
            let replace = || put(&store, "key", next, Expiry::NEVER);
            let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(replace));
            assert!(unwound.is_err());
            assert_eq!(store.get("key", NOW).unwrap().value(), b"dear");
            assert!(store.remove("key", NOW));
        }
        // All segments are reclaimed, and nothing is met there that should not be.
        for number in 0..5000 {
            put(&store, &format!("key{number}"), &[7; 1000], Expiry::NEVER);
        }
        assert_eq!(store.check_invariants(), 0);
    }

    #[test]
    fn who_watches_evictions_is_told_of_nothing_else() {
        let (store, all) = observed(Eviction::ScanResistant);
        let evicted = Departed::default();
        let seen = Arc::clone(&evicted);
        let note = move |entry: &Entry<'_>, why: Departure| {
            let (key, value) = (entry.key().to_vec(), entry.value().to_vec());
            seen.lock().unwrap().push((key, value, why));
        };
        let store = store.evictions_observed_by(Arc::new(note));
        put(&store, "key", b"1", Expiry::NEVER);
        put(&store, "key", b"2", Expiry::NEVER);
        assert!(store.remove("key", NOW));
        assert_eq!(all.lock().unwrap().len(), 2);
        assert_eq!(*evicted.lock().unwrap(), []);
        for number in 0..5000 {
            put(&store, &format!("key{number}"), &[7; 1000], Expiry::NEVER);
        }
        let evicted = evicted.lock().unwrap();
        assert!(!evicted.is_empty());
        assert_eq!(all.lock().unwrap()[2..], evicted[..]);
    }

    #[test]
    fn what_was_stored_is_there_or_was_told_of() {
        for order in [Eviction::ScanResistant, Eviction::ExactLru] {
            let (store, departed) = observed(order);
            for number in 0..5000 {
                put(&store, &format!("key{number}"), &[7; 1000], Expiry::NEVER);
            }
            let departed = departed.lock().unwrap();
            assert!(departed.iter().all(|left| left.2 == Departure::Evicted));
            assert_eq!(store.stats().evictions, departed.len() as u64);
            assert_eq!(store.stats().items, 5000 - departed.len() as u64);
        }
    }
}
