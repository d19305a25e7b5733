//! A request before it is known who is asked: each peer has its own cas ids.

use std::collections::HashMap;

/// A request with its data block, and what has to be known about it.
#[derive(Debug, Default)]
pub(crate) struct Request {
    parts: Vec<Part>,
    /// The items that it may change or tell of, by their real keys.
    pub(crate) keys: Vec<&'static [u8]>,
    /// It begins a batch, since the newest memcached forgets unsent answers at it.
    pub(crate) is_alone: bool,
    /// It ends all items, but for some that memcached misses.
    pub(crate) is_flush: bool,
}

#[derive(Debug)]
enum Part {
    Bytes(Vec<u8>),
    /// The id that the peer gave to the item last.
    Id(&'static [u8]),
}

/// The id that each peer gave last to each item.
pub(crate) type Ids = HashMap<&'static [u8], u64>;

impl Request {
    /// A request about these items.
    pub(crate) fn about(keys: &[&'static [u8]]) -> Self {
        Self {
            keys: keys.to_vec(),
            ..Self::default()
        }
    }

    /// A request about nothing that is stored.
    pub(crate) fn fixed(bytes: &[u8]) -> Self {
        Self::default().with(bytes)
    }

    pub(crate) fn with(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.push(bytes);
        self
    }

    pub(crate) fn push(&mut self, bytes: impl AsRef<[u8]>) {
        match self.parts.last_mut() {
            Some(Part::Bytes(last)) => last.extend_from_slice(bytes.as_ref()),
            _ => self.parts.push(Part::Bytes(bytes.as_ref().to_vec())),
        }
    }

    pub(crate) fn push_id(&mut self, key: &'static [u8]) {
        self.parts.push(Part::Id(key));
    }

    pub(crate) fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    /// The bytes for the peer that gave `ids`.
    pub(crate) fn render(&self, ids: &Ids) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in &self.parts {
            match part {
                Part::Bytes(part) => bytes.extend_from_slice(part),
                Part::Id(key) => {
                    let id = ids.get(key).copied().unwrap_or(ID_OF_NOTHING);
                    bytes.extend_from_slice(id.to_string().as_bytes());
                }
            }
        }
        bytes
    }
}

/// An id that no peer comes to by itself, and higher than all of them.
const ID_OF_NOTHING: u64 = u64::MAX - 2;
