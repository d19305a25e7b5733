//! A key whose place in the store is known.

use core::fmt;

use crate::store::Store;

/// A key and its hash in the store that located it: see [`Store::locate`].
///
/// Says nothing about whether there is an item, and never goes stale. It is for the store that made
/// it: another one, with another seed, looks for the key in the wrong place, and panics later over
/// what was stored there. Debug builds panic at once.
#[derive(Clone, Copy)]
pub struct Located<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) hash: u64,
}

impl<'a> Located<'a> {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        self.key
    }
}

/// Keys are peers' secrets, and hashes tell of the seed: the length only.
impl fmt::Debug for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Located")
            .field("key_bytes", &self.key.len())
            .finish_non_exhaustive()
    }
}

/// What the store's methods take for a key: bytes, hashed then and there, or a [`Located`] key.
///
/// Implemented for references to everything that is bytes, and nothing else can be.
pub trait IntoLocated<'a>: sealed::Sealed {
    /// Returns the key with its hash in `store`.
    fn into_located(self, store: &Store) -> Located<'a>;
}

impl<'a, T: AsRef<[u8]> + ?Sized> IntoLocated<'a> for &'a T {
    #[inline]
    fn into_located(self, store: &Store) -> Located<'a> {
        store.hashed(self.as_ref())
    }
}

impl<'a> IntoLocated<'a> for Located<'a> {
    #[inline]
    fn into_located(self, store: &Store) -> Self {
        debug_assert_eq!(
            self.hash,
            store.hashed(self.key).hash,
            "a located key is used with the store that located it"
        );
        self
    }
}

mod sealed {
    #[allow(
        unnameable_types,
        reason = "seals IntoLocated: no other crate can implement it"
    )]
    pub trait Sealed {}

    impl<T: AsRef<[u8]> + ?Sized> Sealed for &T {}
    impl Sealed for super::Located<'_> {}
}

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests {
    use crate::change::{Change, End};
    use crate::item::{Attributes, Condition, Expiry, NewItem, Outcome, Timestamp};
    use crate::{Settings, Store};

    #[test]
    fn a_located_key_prints_nothing_that_is_secret() {
        let store = Store::new(Settings::default()).unwrap();
        let printed = format!("{:?}", store.locate(b"PHPSESSID-1"));
        assert_eq!(printed, "Located { key_bytes: 11, .. }");
    }

    #[test]
    fn a_located_key_does_what_the_key_does() {
        let store = Store::new(Settings::default()).unwrap();
        let now = Timestamp::from_secs(1);
        let key = store.locate(b"key");
        assert_eq!(key.key(), b"key");
        let item = NewItem::new(b"b", Attributes::default());
        assert!(store.put(key, item, Condition::Always, now).is_ok());
        assert!(matches!(
            store.extend(key, b"a", End::Front, now),
            Ok(Outcome::Stored(_))
        ));
        store.prefetch([&key]);
        let value = store.read(b"key", now, |entry| entry.value().to_vec());
        assert_eq!(value.hit().as_deref(), Some(&b"ab"[..]));
        assert!(store.touch(key, Expiry::NEVER, now));
        let seen = store.update(key, now, |entry| (Change::Keep, entry.value().len()));
        assert_eq!(seen.map(crate::Lookup::hit), Ok(Some(2)));
        let mut room = store.reserve(key, 1, Attributes::default(), now).unwrap();
        room.value_mut().copy_from_slice(b"c");
        let stored = store.commit(room, Condition::Always, now);
        assert!(matches!(stored, Outcome::Stored(_)));
        assert_eq!(store.get(key, now).unwrap().value(), b"c");
        assert!(store.remove(key, now) && !store.remove(b"key", now));
    }
}
