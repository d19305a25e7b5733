//! What is asked of an item that is there: looks, edits, extensions.

use core::fmt;

use crate::item::{Attributes, CasId, Expiry, Outcome};
use crate::marks::Marks;

/// What a look at an item leaves behind.
#[allow(clippy::exhaustive_enums, reason = "complete: nothing, a use, a read")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// It is used, which keeps it from being evicted, and was read
    /// ([`Entry::was_read`](crate::Entry::was_read)).
    #[default]
    Read,
    /// It is used, and not read: a counter that counts, say.
    Use,
    /// Nothing: a look from outside, for reports and dumps.
    Trace,
}

/// What an edit in [`Store::update`](crate::Store::update) asks for.
#[allow(
    clippy::exhaustive_enums,
    reason = "complete: what can be done to an item in place"
)]
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Leave the item as it is.
    Keep,
    /// Replace the value, keep all else; the item gets a new id. Short for an [`Edit`].
    Value(ShortValue),
    /// Replace the expiry; the id stays. Short for an [`Edit`].
    Expiry(Expiry),
    /// Several at once.
    Edit(Edit),
    /// Remove the item.
    Remove,
}

/// Several changes to an item in one step: all that is not asked for stays as it is, the id too.
///
/// ```
/// use steadfast_store::{Edit, Expiry, Marks, NewId, Timestamp};
///
/// const STALE: Marks = Marks::number(0);
/// let soon = Expiry::at(Timestamp::from_secs(1_030));
/// let invalidate = Edit::new().with_marks(STALE).with_expiry(soon).with_id(NewId::Next);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Edit {
    /// The new value.
    pub value: Option<ShortValue>,
    /// The client's new flags.
    pub flags: Option<u32>,
    /// When the item ends from now on.
    pub expiry: Option<Expiry>,
    /// All marks that the item has from now on.
    pub marks: Option<Marks>,
    /// Which id it has from now on.
    pub id: NewId,
    /// With a new value: nobody has read that ([`Entry::was_read`](crate::Entry::was_read)).
    pub is_unread: bool,
}

/// The id of an item after an [`Edit`].
#[allow(
    clippy::exhaustive_enums,
    reason = "complete: the old, the next, another"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewId {
    /// The id it had.
    #[default]
    Same,
    /// The next of the store's own: [`Entry::next_cas`](crate::Entry::next_cas).
    Next,
    /// This one, as with [`Attributes::id`]; 0 is for the next.
    Given(CasId),
}

/// What [`Store::extend_with`](crate::Store::extend_with) adds to a value, and when.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Extension<'a> {
    /// The bytes to add.
    pub data: &'a [u8],
    /// Where they go.
    pub end: End,
    /// Extend this version only.
    pub expected: Option<CasId>,
    /// The id of the new version, as in [`Attributes::id`].
    pub id: CasId,
    /// Marks that the new version does not have; it keeps the others.
    pub drops: Marks,
}

/// How [`Store::extend_with`](crate::Store::extend_with) ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "there may have been no such item"]
pub struct Extended {
    /// `Stored`, `NotStored` without an item, or `Exists` with another version than was expected.
    pub outcome: Outcome,
    /// The length of the whole new value; 0 if nothing was stored.
    pub value_bytes: usize,
}

/// The item that [`Store::update_or_insert`](crate::Store::update_or_insert) makes where none is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Initial {
    /// The value, empty perhaps.
    pub value: ShortValue,
    /// All else.
    pub attributes: Attributes,
}

/// How [`Store::update_or_insert`](crate::Store::update_or_insert) ended.
#[allow(clippy::exhaustive_enums, reason = "complete: it was there or was not")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated<R> {
    /// The item was there and was edited; what the edit returned.
    Found(R),
    /// There was none, and this one was stored, under this id.
    Inserted(CasId),
}

/// At which end [`Store::extend`](crate::Store::extend) adds: `append` or `prepend`.
#[allow(clippy::exhaustive_enums, reason = "a value has two ends")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// After the present value (`append`).
    Back,
    /// Before the present value (`prepend`).
    Front,
}

/// A value of at most [`ShortValue::BYTES_MAX`] bytes, kept inline: a counter's new text, say.
/// `Default` is the empty value.
#[derive(Clone, Copy)]
pub struct ShortValue {
    len: u8,
    bytes: [u8; Self::BYTES_MAX],
}

impl Edit {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the value.
    #[must_use]
    pub fn with_value(self, value: ShortValue) -> Self {
        Self {
            value: Some(value),
            ..self
        }
    }

    /// Replaces the client's flags.
    #[must_use]
    pub fn with_flags(self, flags: u32) -> Self {
        Self {
            flags: Some(flags),
            ..self
        }
    }

    /// Replaces the expiry.
    #[must_use]
    pub fn with_expiry(self, expiry: Expiry) -> Self {
        Self {
            expiry: Some(expiry),
            ..self
        }
    }

    /// Replaces all marks.
    #[must_use]
    pub fn with_marks(self, marks: Marks) -> Self {
        Self {
            marks: Some(marks),
            ..self
        }
    }

    /// Chooses the id.
    #[must_use]
    pub fn with_id(self, id: NewId) -> Self {
        Self { id, ..self }
    }

    /// Forgets that the old value was read, if there is a new one.
    #[must_use]
    pub fn unread(self) -> Self {
        Self {
            is_unread: true,
            ..self
        }
    }
}

impl<'a> Extension<'a> {
    /// Adds `data` at `end` of whatever version is there, under the next id, and keeps its marks.
    #[must_use]
    pub const fn new(data: &'a [u8], end: End) -> Self {
        Self {
            data,
            end,
            expected: None,
            id: CasId::new(0),
            drops: Marks::NONE,
        }
    }
}

impl Initial {
    /// Puts both together.
    #[must_use]
    pub const fn new(value: ShortValue, attributes: Attributes) -> Self {
        Self { value, attributes }
    }
}

impl Extended {
    pub(crate) const fn refused(outcome: Outcome) -> Self {
        Self {
            outcome,
            value_bytes: 0,
        }
    }
}

impl ShortValue {
    /// The most bytes that fit; a 64-bit number in decimal has 20.
    pub const BYTES_MAX: usize = 39;

    /// Copies `value`, or returns `None` if it is longer than [`Self::BYTES_MAX`].
    #[must_use]
    pub fn new(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::BYTES_MAX];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        let len = u8::try_from(value.len()).ok()?;
        Some(Self { len, bytes })
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Default for ShortValue {
    fn default() -> Self {
        Self {
            len: 0,
            bytes: [0; Self::BYTES_MAX],
        }
    }
}

impl fmt::Debug for ShortValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ShortValue({:?})",
            self.as_bytes().escape_ascii().to_string()
        )
    }
}
