//! Why something cannot be stored.

use core::fmt;

/// Why there is no place for an item.
#[allow(
    clippy::exhaustive_enums,
    reason = "a server has an answer for each of the three"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutError {
    /// The item is larger than `Settings::item_bytes_max`.
    TooLarge {
        /// Its size by memcached's formula.
        item_bytes: usize,
        /// The most allowed.
        item_bytes_max: usize,
    },
    /// The key is longer than [`KEY_BYTES_MAX`].
    KeyTooLong {
        /// Its length.
        key_bytes: usize,
    },
    /// No memory can be freed for it now.
    NoRoom {
        /// The memory it needs.
        memory_bytes: usize,
    },
}

impl fmt::Display for PutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge {
                item_bytes,
                item_bytes_max,
            } => {
                write!(f, "item of {item_bytes} bytes exceeds {item_bytes_max}")
            }
            Self::KeyTooLong { key_bytes } => {
                write!(f, "key of {key_bytes} bytes exceeds {KEY_BYTES_MAX}")
            }
            Self::NoRoom { memory_bytes } => write!(f, "no room for {memory_bytes} bytes"),
        }
    }
}

impl core::error::Error for PutError {}

/// The longest key; memcached's own limit is 250.
pub const KEY_BYTES_MAX: usize = 255;
