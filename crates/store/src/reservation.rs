//! Room for a value that is yet to be received.

use core::fmt;
use std::sync::Arc;

use crate::counted::Unique;
use crate::item::{Attributes, CasId};
use crate::pool::Pool;

/// A buffer for a value, counted against the store's budget; see
/// [`Store::reserve`](crate::Store::reserve).
///
/// What its bytes are until they are filled is left open. Dropping it gives the memory back.
pub struct Reservation {
    body: Body,
    // Dropped after the body, which it pays for.
    pub(crate) books: Books,
    pub(crate) hash: u64,
    pub(crate) attributes: Attributes,
    /// The item is put back that another store held.
    pub(crate) restores: bool,
}

/// What is filled, and later stored.
pub(crate) enum Body {
    /// The key and the value behind it, to be copied into a segment.
    Small { bytes: Vec<u8>, key_bytes: usize },
    /// An extent, until it is stored.
    Large(Option<Unique>),
}

/// What a reservation has taken beside its extent.
#[derive(Debug)]
pub(crate) struct Books {
    pool: Arc<Pool>,
    taken_bytes: usize,
    held_bytes: usize,
}

impl Reservation {
    pub(crate) fn new(body: Body, books: Books, hash: u64, attributes: Attributes) -> Self {
        Self {
            body,
            books,
            hash,
            attributes,
            restores: false,
        }
    }

    pub(crate) fn is_large(&self) -> bool {
        matches!(self.body, Body::Large(_))
    }

    /// Takes the extent out, if it is one.
    pub(crate) fn take_extent(&mut self) -> Option<Unique> {
        match &mut self.body {
            Body::Small { .. } => None,
            Body::Large(block) => block.take(),
        }
    }

    /// Returns the key it was made for.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match &self.body {
            Body::Small { bytes, key_bytes } => &bytes[..*key_bytes],
            Body::Large(block) => block.as_ref().map_or(&[], Unique::key),
        }
    }

    /// Returns the bytes of the value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        match &self.body {
            Body::Small { bytes, key_bytes } => &bytes[*key_bytes..],
            Body::Large(block) => block.as_ref().map_or(&[], Unique::value),
        }
    }

    /// Has the item stored under this id; 0 for the next ([`Attributes::id`]).
    pub fn set_id(&mut self, id: CasId) {
        self.attributes.id = id;
    }

    /// Returns the bytes of the value, to be filled.
    pub fn value_mut(&mut self) -> &mut [u8] {
        match &mut self.body {
            Body::Small { bytes, key_bytes } => &mut bytes[*key_bytes..],
            Body::Large(block) => block.as_mut().map_or(&mut [], Unique::value_mut),
        }
    }
}

/// Keys and values are peers' secrets: lengths only.
impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("key_bytes", &self.key().len())
            .field("value_bytes", &self.value().len())
            .finish_non_exhaustive()
    }
}

impl Body {
    /// A small one, zeroed; `None` if the system has no memory.
    pub(crate) fn small(key: &[u8], value_bytes: usize) -> Option<Self> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(key.len() + value_bytes).ok()?;
        bytes.extend_from_slice(key);
        bytes.resize(key.len() + value_bytes, 0);
        Some(Self::Small {
            bytes,
            key_bytes: key.len(),
        })
    }
}

impl Books {
    /// Books on which nothing is taken yet.
    pub(crate) fn new(pool: &Arc<Pool>) -> Self {
        Self {
            pool: Arc::clone(pool),
            taken_bytes: 0,
            held_bytes: 0,
        }
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Counts `bytes` as held, within the share of readers and reservations.
    pub(crate) fn try_hold(&mut self, bytes: usize) -> bool {
        let is_held = self.pool.budget().try_hold(bytes);
        self.held_bytes += if is_held { bytes } else { 0 };
        is_held
    }

    /// Takes `bytes` of the budget.
    pub(crate) fn try_take(&mut self, bytes: usize) -> bool {
        let is_taken = self.pool.take(bytes);
        self.taken_bytes += if is_taken { bytes } else { 0 };
        is_taken
    }

    /// Hands over what was taken, for which the caller answers from now on.
    pub(crate) fn take_paid(&mut self) -> usize {
        core::mem::take(&mut self.taken_bytes)
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        if self.held_bytes > 0 {
            self.pool.budget().release(self.held_bytes);
        }
        if self.taken_bytes > 0 {
            self.pool.give(self.taken_bytes);
        }
    }
}
