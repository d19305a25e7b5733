//! What goes into the store and what comes out: times, attributes, conditions, items.

use core::fmt;
use core::num::NonZeroU32;

use crate::counted::Lent;
use crate::log::Head;
use crate::marks::Marks;

/// Seconds on the caller's clock; the store only compares them.
///
/// Any origin will do (Unix time, seconds since start), as long as all calls use the same one.
/// Zero is reserved for "before everything".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u32);

impl Timestamp {
    /// Makes a timestamp from whole seconds.
    #[must_use]
    pub const fn from_secs(secs: u32) -> Self {
        Self(secs)
    }

    /// Returns the whole seconds.
    #[must_use]
    pub const fn as_secs(self) -> u32 {
        self.0
    }
}

/// When an item ends: never, or as soon as the clock reads the given second.
///
/// An item is gone when its expiry is at or before `now`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Expiry(Option<NonZeroU32>);

impl Expiry {
    /// The item stays until it is removed, flushed or evicted.
    pub const NEVER: Self = Self(None);
    /// The item is gone at once: stored, counted, and never seen.
    pub const PAST: Self = Self(Some(NonZeroU32::MIN));

    /// The item is gone from `when` on; second 0 means [`Expiry::PAST`].
    #[must_use]
    pub const fn at(when: Timestamp) -> Self {
        match NonZeroU32::new(when.as_secs()) {
            Some(secs) => Self(Some(secs)),
            None => Self::PAST,
        }
    }

    /// Returns the second from which on the item is gone, or `None` for never.
    #[must_use]
    pub const fn time(self) -> Option<Timestamp> {
        match self.0 {
            Some(secs) => Some(Timestamp(secs.get())),
            None => None,
        }
    }

    /// Returns the second, 0 for never: as it stands in an item's head.
    #[inline]
    pub(crate) const fn to_bits(self) -> u32 {
        match self.0 {
            Some(secs) => secs.get(),
            None => 0,
        }
    }

    #[inline]
    pub(crate) const fn from_bits(secs: u32) -> Self {
        Self(NonZeroU32::new(secs))
    }

    /// Tells whether an item with this expiry is gone at `now`.
    #[must_use]
    pub fn is_past(self, now: Timestamp) -> bool {
        self.0.is_some_and(|secs| secs.get() <= now.as_secs())
    }
}

/// The identity of one stored version: unique in a store, larger for a later version of a key, as
/// long as the caller gives none ([`Attributes::id`]).
///
/// The store never gives out 0, so that an id of 0 from a peer matches nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CasId(u64);

impl CasId {
    /// Makes an id from the number that a peer sent.
    #[must_use]
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// Returns the number to send to a peer.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What is kept beside a value. `Default` is no flags, never expiring, no marks, the next id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attributes {
    /// The client's own 32 bits, returned as they came.
    pub flags: u32,
    /// When the item ends.
    pub expiry: Expiry,
    /// The caller's own marks.
    pub marks: Marks,
    /// The id to store the item under; 0 for the next of the store's own.
    ///
    /// Versions of a key that are stored without an id later have larger ones, so that no id stands
    /// for two of them; unless the given one is above [`CasId::FOLLOWED_MAX`], which the store's own
    /// never come near.
    pub id: CasId,
}

impl Attributes {
    /// Puts both together, without marks, under the next id.
    #[must_use]
    pub const fn new(flags: u32, expiry: Expiry) -> Self {
        Self {
            flags,
            expiry,
            marks: Marks::NONE,
            id: CasId::new(0),
        }
    }

    /// Adds marks.
    #[must_use]
    pub const fn with_marks(self, marks: Marks) -> Self {
        Self { marks, ..self }
    }

    /// Chooses the id.
    #[must_use]
    pub const fn with_id(self, id: CasId) -> Self {
        Self { id, ..self }
    }
}

/// An item to be stored: a value, copied by the store, and its attributes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NewItem<'a> {
    /// The bytes to store; empty is fine.
    pub value: &'a [u8],
    /// Flags, expiry, marks, id.
    pub attributes: Attributes,
}

impl<'a> NewItem<'a> {
    /// Puts both together.
    #[must_use]
    pub const fn new(value: &'a [u8], attributes: Attributes) -> Self {
        Self { value, attributes }
    }
}

/// What must hold for a store to happen; an expired or flushed item counts as absent.
///
/// The first four are memcached's `set`, `add`, `replace` and `cas`, the last its `ms` with `I`
/// (protocol.txt, "Storage commands" and "Meta Set").
#[allow(clippy::exhaustive_enums, reason = "the protocol has these")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Store whatever is there.
    Always,
    /// Store only if the key is absent; a present item counts as used.
    IfAbsent,
    /// Store only if the key is present.
    IfPresent,
    /// Store only if the present version is this one.
    IfUnchanged(CasId),
    /// Store only if the present version is this one, or one with a larger id: better an outdated
    /// value that says so than none. Over a larger id, the new version keeps the present expiry.
    IfUnchangedOrLater {
        /// The version that the new value was made from.
        id: CasId,
        /// Marks that the new version has in addition if the present one is later.
        adds: Marks,
        /// Marks that it takes over from the present one then.
        keeps: Marks,
    },
}

/// How a store ended.
#[allow(
    clippy::exhaustive_enums,
    reason = "complete: each condition fails in its own way"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a condition may have kept the item from being stored"]
pub enum Outcome {
    /// The item is in the store, under this id.
    Stored(CasId),
    /// `IfAbsent` met an item, or `IfPresent` (or an extension) met none.
    NotStored,
    /// `IfUnchanged` met another version, or `IfUnchangedOrLater` one with a smaller id.
    Exists,
    /// `IfUnchanged` or `IfUnchangedOrLater` met nothing.
    NotFound,
}

/// How a look-up ended.
#[allow(
    clippy::exhaustive_enums,
    reason = "complete: there or not, and why not"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<R> {
    /// The item was there; what the visitor made of it.
    Hit(R),
    /// Nothing under that key.
    Miss,
    /// The item had expired and was removed by this look-up.
    Expired,
    /// A flush had ended the item; it was removed by this look-up.
    Flushed,
}

impl<R> Lookup<R> {
    pub(crate) fn map<S>(self, make: impl FnOnce(R) -> S) -> Lookup<S> {
        match self {
            Self::Hit(result) => Lookup::Hit(make(result)),
            Self::Miss => Lookup::Miss,
            Self::Expired => Lookup::Expired,
            Self::Flushed => Lookup::Flushed,
        }
    }

    /// Returns the hit and drops the reason of a miss.
    pub fn hit(self) -> Option<R> {
        match self {
            Self::Hit(result) => Some(result),
            Self::Miss | Self::Expired | Self::Flushed => None,
        }
    }
}

/// An item that was read, whole, holding no lock.
///
/// It shows the version that was current when it was taken, even after that one was replaced,
/// evicted or flushed. A large one is a counted reference, whose bytes count against the store's
/// budget until it is dropped; a small one is a copy. `AsRef<[u8]>` is the value, so that it can be
/// the owner of a `bytes::Bytes`.
pub struct Item {
    body: Body,
    flags: u32,
    cas: CasId,
    expiry: Expiry,
    marks: Marks,
}

enum Body {
    Held(Lent),
    /// The key and the value behind it.
    Copied {
        bytes: Vec<u8>,
        key_bytes: usize,
    },
}

impl Item {
    pub(crate) fn held(lent: Lent, head: Head) -> Self {
        Self::new(Body::Held(lent), head)
    }

    pub(crate) fn copied(bytes: Vec<u8>, key_bytes: usize, head: Head) -> Self {
        Self::new(Body::Copied { bytes, key_bytes }, head)
    }

    fn new(body: Body, head: Head) -> Self {
        Self {
            body,
            flags: head.flags,
            cas: head.cas,
            expiry: head.expiry,
            marks: head.bits.marks(),
        }
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match &self.body {
            Body::Held(lent) => lent.key(),
            Body::Copied { bytes, key_bytes } => &bytes[..*key_bytes],
        }
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        match &self.body {
            Body::Held(lent) => lent.value(),
            Body::Copied { bytes, key_bytes } => &bytes[*key_bytes..],
        }
    }

    /// Returns the client's flags.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// Returns the version's id.
    #[must_use]
    pub fn cas(&self) -> CasId {
        self.cas
    }

    /// Returns when the item ends, as it was when it was read.
    #[must_use]
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// Returns the caller's marks, as they were when it was read.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.marks
    }
}

/// Keys and values are peers' secrets: lengths only.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("key_bytes", &self.key().len())
            .field("value_bytes", &self.value().len())
            .finish_non_exhaustive()
    }
}

impl AsRef<[u8]> for Item {
    fn as_ref(&self) -> &[u8] {
        self.value()
    }
}
