//! A front for Rust programs: values with a type, made when they are missing.

mod value;

use core::fmt;
use core::marker::PhantomData;

use crate::PutError;
use crate::item::{Attributes, Condition, Expiry, NewItem, Outcome, Timestamp};
use crate::located::IntoLocated;
use crate::settings::{Settings, SettingsError};
use crate::store::{Cursor, Store};

pub use value::Value;

/// A [`Store`] whose values have a type, for programs that cache what costs them time to make.
///
/// Keys are bytes, or whatever is a reference to bytes; values become bytes and are made of bytes
/// again ([`Value`]). An entry weighs what it takes, and all of them together at most
/// [`Settings::memory_bytes_max`]: there is no other weight to choose and none to get wrong.
///
/// ```
/// use steadfast_store::{Cache, Expiry, Settings, Timestamp};
///
/// let pages: Cache<String> = Cache::new(Settings::default())?;
/// let now = Timestamp::from_secs(100);
/// let in_a_minute = Expiry::at(Timestamp::from_secs(160));
/// let page = pages.get_or_insert_with("/index", in_a_minute, now, || "<h1>Hello</h1>".to_owned());
/// assert_eq!(page, "<h1>Hello</h1>");
/// assert_eq!(pages.get("/index", now), Some(page));
/// # Ok::<(), steadfast_store::SettingsError>(())
/// ```
pub struct Cache<V> {
    store: Store,
    value: PhantomData<fn() -> V>,
}

impl<V: Value> Cache<V> {
    /// Makes an empty cache.
    ///
    /// # Errors
    ///
    /// Returns the first setting that is out of its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Store::new(settings).map(Self::from)
    }

    /// Returns the store inside: conditions, ids, flags, sweeping and figures are there.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns a copy of the value under `key`, and counts it as used.
    ///
    /// `None` as well if the bytes are no `V`, as those that were put into [`Cache::store`] can be.
    pub fn get<'a>(&self, key: impl IntoLocated<'a>, now: Timestamp) -> Option<V> {
        self.read(key, now, V::from_bytes).flatten()
    }

    /// Shows the bytes of the value under `key` to `look`, and counts it as used. Copies nothing.
    ///
    /// `look` runs under a stripe's lock: it must be short, and must not call the cache.
    pub fn read<'a, R>(
        &self,
        key: impl IntoLocated<'a>,
        now: Timestamp,
        look: impl FnOnce(&[u8]) -> R,
    ) -> Option<R> {
        let seen = self.store.read(key, now, |entry| look(entry.value()));
        seen.hit()
    }

    /// Stores `value` under `key` until `expiry`, in the place of what is there.
    ///
    /// # Errors
    ///
    /// The key or the value is too long, or there is no room; what was there stays.
    pub fn insert<'a>(
        &self,
        key: impl IntoLocated<'a>,
        value: &V,
        expiry: Expiry,
        now: Timestamp,
    ) -> Result<(), PutError> {
        self.put(key, value, expiry, Condition::Always, now)
            .map(drop)
    }

    /// Returns the value under `key`, or that of `make`, which is stored if it finds room.
    ///
    /// `make` runs without a lock. Threads that miss at once each make a value; the first to be
    /// done stores its own, and all return that one.
    pub fn get_or_insert_with<'a>(
        &self,
        key: impl IntoLocated<'a>,
        expiry: Expiry,
        now: Timestamp,
        make: impl FnOnce() -> V,
    ) -> V {
        let key = key.into_located(&self.store);
        if let Some(value) = self.get(key, now) {
            return value;
        }
        let value = make();
        match self.put(key, &value, expiry, Condition::IfAbsent, now) {
            Ok(Outcome::NotStored) => self.get(key, now).unwrap_or(value),
            // A value that cannot be kept is still the answer.
            Ok(_) | Err(_) => value,
        }
    }

    /// Removes the value; false if there was none.
    pub fn remove<'a>(&self, key: impl IntoLocated<'a>, now: Timestamp) -> bool {
        self.store.remove(key, now)
    }

    /// Removes everything. Takes each stripe's lock once; memory comes back by and by.
    pub fn clear(&self, now: Timestamp) {
        self.store.flush(now);
    }

    /// Shows every key, and its value if it is a `V`, to `look`, one bounded step after the other.
    ///
    /// What comes or goes meanwhile may be shown or not. `look` runs under a stripe's lock, as in
    /// [`Cache::read`]. Uses nothing: the order of eviction stays.
    pub fn for_each(&self, now: Timestamp, mut look: impl FnMut(&[u8], Option<V>)) {
        let mut at = Some(Cursor::default());
        while let Some(from) = at {
            at = self.store.walk(from, now, |entry| {
                look(entry.key(), V::from_bytes(entry.value()));
            });
        }
    }

    /// Returns the number of values, those included that have expired and were not met since.
    /// Takes each stripe's lock once.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.store.stats().items).unwrap_or(usize::MAX)
    }

    /// Tells whether there is none; costs as much as [`Cache::len`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn put<'a>(
        &self,
        key: impl IntoLocated<'a>,
        value: &V,
        expiry: Expiry,
        when: Condition,
        now: Timestamp,
    ) -> Result<Outcome, PutError> {
        let bytes = value.to_bytes();
        let item = NewItem::new(&bytes, Attributes::new(0, expiry));
        self.store.put(key, item, when, now)
    }
}

impl<V> From<Store> for Cache<V> {
    fn from(store: Store) -> Self {
        Self {
            store,
            value: PhantomData,
        }
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cache").field(&self.store).finish()
    }
}

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests {
    use core::cell::Cell;

    use super::*;

    fn cache<V: Value>() -> Cache<V> {
        Cache::new(Settings::default()).unwrap()
    }

    const NOW: Timestamp = Timestamp::from_secs(10);

    #[test]
    fn a_missing_value_is_made_once() {
        let cache = cache::<String>();
        let made = Cell::new(0);
        let make = || {
            made.set(made.get() + 1);
            "dear".to_owned()
        };
        for _ in 0..3 {
            let value = cache.get_or_insert_with("key", Expiry::NEVER, NOW, make);
            assert_eq!(value, "dear");
        }
        assert_eq!(made.get(), 1);
    }

    #[test]
    fn the_first_of_two_makers_wins() {
        let cache = cache::<u64>();
        let value = cache.get_or_insert_with("key", Expiry::NEVER, NOW, || {
            assert!(cache.insert("key", &1, Expiry::NEVER, NOW).is_ok());
            2
        });
        assert_eq!(value, 1);
    }

    #[test]
    fn a_value_that_cannot_be_kept_is_the_answer_all_the_same() {
        let cache = cache::<Vec<u8>>();
        let huge = vec![7; 2 << 20];
        let value = cache.get_or_insert_with("key", Expiry::NEVER, NOW, || huge.clone());
        assert_eq!(value, huge);
        assert_eq!(cache.get("key", NOW), None);
        assert!(matches!(
            cache.insert("key", &huge, Expiry::NEVER, NOW),
            Err(PutError::TooLarge { .. })
        ));
    }

    #[test]
    fn a_value_ends_with_its_expiry() {
        let cache = cache::<u64>();
        let soon = Expiry::at(Timestamp::from_secs(11));
        assert!(cache.insert("key", &5, soon, NOW).is_ok());
        assert_eq!(cache.get("key", NOW), Some(5));
        assert_eq!(cache.get("key", Timestamp::from_secs(11)), None);
    }

    #[test]
    fn bytes_of_another_type_are_none() {
        let cache = cache::<u64>();
        let item = NewItem::new(b"no number", Attributes::default());
        let stored = cache.store().put("key", item, Condition::Always, NOW);
        assert!(stored.is_ok());
        assert_eq!(cache.get("key", NOW), None);
        let mut seen = Vec::new();
        cache.for_each(NOW, |key, value| seen.push((key.to_vec(), value)));
        assert_eq!(seen, [(b"key".to_vec(), None)]);
    }

    #[test]
    fn all_can_be_seen_and_removed() {
        let cache = cache::<u64>();
        for number in 0..1000_u64 {
            let key = number.to_string();
            assert!(cache.insert(&key, &number, Expiry::NEVER, NOW).is_ok());
        }
        let mut sum = 0;
        cache.for_each(NOW, |_, value| sum += value.unwrap());
        assert_eq!((sum, cache.len()), (499_500, 1000));
        assert!(cache.remove("1", NOW) && !cache.remove("1", NOW));
        cache.clear(NOW);
        assert_eq!(cache.get("2", NOW), None);
    }
}
