//! What the caller decides, and what is wrong with it.

use core::fmt;

use crate::index::{Index, ItemRef};
use crate::log::Layout;

/// How a store is made; start from `Settings::default()` and change fields.
///
/// ```
/// use steadfast_store::{Settings, Store};
///
/// let mut settings = Settings::default();
/// settings.memory_bytes_max = 256 << 20;
/// settings.hash_seed = 0x5eed; // from the system's random source
/// let store = Store::new(settings)?;
/// # Ok::<(), steadfast_store::SettingsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// All memory the store may use, everything included; 1 MiB and up. Default 64 MiB. Can be
    /// changed later ([`Store::set_memory_bytes_max`](crate::Store::set_memory_bytes_max)).
    pub memory_bytes_max: usize,
    /// The largest item by memcached's formula ([`item_bytes`](crate::item_bytes)); from 1 KiB to
    /// half of the memory, at most 1 GiB. Default 1 MiB.
    pub item_bytes_max: usize,
    /// The number of stripes, each with a lock: a power of two up to 1024 that leaves each stripe
    /// at least 64 KiB. Default 16; four times the number of threads is a good choice.
    pub stripes: usize,
    /// Make room by evicting old items; if false, a full store refuses new ones (memcached's `-M`).
    pub evict: bool,
    /// Which items go first. Default [`Eviction::ScanResistant`].
    pub order: Eviction,
    /// Count 8 bytes of id in an item's size, and let `IfUnchanged` match (memcached without `-C`).
    pub cas: bool,
    /// Secret random bits, so that outsiders cannot aim keys at one stripe or bucket.
    pub hash_seed: u64,
}

/// The order in which items are evicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Eviction {
    /// S3-FIFO over segments: recency decides, but an item must be used once more before it counts,
    /// so that a scan of items that never come back evicts few others. A use costs nothing.
    #[default]
    ScanResistant,
    /// The least recently used first, exactly within a stripe. Items take 24 bytes more, and a use
    /// touches its neighbours in the order.
    ExactLru,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 << 20,
            item_bytes_max: 1 << 20,
            stripes: 16,
            evict: true,
            order: Eviction::default(),
            cas: true,
            hash_seed: 0,
        }
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let in_range = |field, value, min, max| {
            if value < min || value > max {
                return Err(SettingsError::OutOfRange {
                    field,
                    value,
                    min,
                    max,
                });
            }
            Ok(())
        };
        in_range(
            "memory_bytes_max",
            self.memory_bytes_max,
            MEMORY_BYTES_MIN,
            MEMORY_BYTES_MAX,
        )?;
        let item_max = (self.memory_bytes_max / 2).min(ITEM_BYTES_MAX);
        in_range(
            "item_bytes_max",
            self.item_bytes_max,
            ITEM_BYTES_MIN,
            item_max,
        )?;
        let stripes_max = (self.memory_bytes_max / STRIPE_BYTES_MIN).min(STRIPES_MAX);
        in_range("stripes", self.stripes, 1, stripes_max)?;
        if !self.stripes.is_power_of_two() {
            return Err(SettingsError::NotPowerOfTwo {
                field: "stripes",
                value: self.stripes,
            });
        }
        Ok(())
    }
}

impl Settings {
    /// Tells whether a store made with these can do with another budget, of which `least` is needed
    /// for something else.
    pub(crate) fn check_memory(&self, bytes: usize, least: usize) -> Result<(), SettingsError> {
        let min = MEMORY_BYTES_MIN
            .max(2 * self.item_bytes_max)
            .max(self.stripes * STRIPE_BYTES_MIN)
            .max(least);
        if bytes < min || bytes > MEMORY_BYTES_MAX {
            return Err(SettingsError::OutOfRange {
                field: "memory_bytes_max",
                value: bytes,
                min,
                max: MEMORY_BYTES_MAX,
            });
        }
        Ok(())
    }

    /// The size of a segment: some dozens in a stripe's even share, so that the ones being filled
    /// and reclaimed are a small part.
    pub(crate) fn segment_bytes(&self) -> usize {
        let share = (self.stripe_bytes() / SEGMENTS_PER_STRIPE).max(1);
        (1 << share.ilog2()).clamp(SEGMENT_BYTES_MIN, ItemRef::SEGMENT_BYTES_MAX)
    }

    /// The longest item, head and key included, that stands in a segment as a whole.
    pub(crate) fn small_bytes_max(&self) -> usize {
        (self.segment_bytes() / SMALL_SHARE).min(SMALL_BYTES_MAX)
    }

    /// How items are laid out: an exact order needs a number in each.
    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self.order == Eviction::ExactLru)
    }

    pub(crate) fn index_chunk_bytes(&self) -> usize {
        Index::chunk_bytes_for(self.stripe_bytes())
    }

    fn stripe_bytes(&self) -> usize {
        self.memory_bytes_max / self.stripes
    }
}

/// A setting that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// A number is too small or too large.
    OutOfRange {
        /// The field's name.
        field: &'static str,
        /// What it was.
        value: usize,
        /// The least it may be.
        min: usize,
        /// The most it may be, given the other fields.
        max: usize,
    },
    /// A number must be a power of two.
    NotPowerOfTwo {
        /// The field's name.
        field: &'static str,
        /// What it was.
        value: usize,
    },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange {
                field,
                value,
                min,
                max,
            } => {
                write!(f, "{field} of {value} is outside {min} to {max}")
            }
            Self::NotPowerOfTwo { field, value } => {
                write!(f, "{field} of {value} is not a power of two")
            }
        }
    }
}

impl core::error::Error for SettingsError {}

const MEMORY_BYTES_MIN: usize = 1 << 20;
/// Sums of sizes must not overflow, even on wrong books.
const MEMORY_BYTES_MAX: usize = usize::MAX / 4;
/// As memcached's `-I`.
const ITEM_BYTES_MIN: usize = 1 << 10;
/// As memcached's `-I`.
const ITEM_BYTES_MAX: usize = 1 << 30;
/// A stripe's own tables take some 10 KiB before the first item.
const STRIPE_BYTES_MIN: usize = 64 << 10;
const STRIPES_MAX: usize = 1 << 10;
const SEGMENTS_PER_STRIPE: usize = 64;
/// A page, and room for some items with the longest keys.
const SEGMENT_BYTES_MIN: usize = 4 << 10;
/// What is left at a segment's end when an item does not fit is half of this part on average.
const SMALL_SHARE: usize = 8;
/// From here on, an extent's rounding is a small part, and a copy costs more than a reference.
const SMALL_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn an_error_names_field_value_and_range() {
        let settings = Settings {
            item_bytes_max: 100,
            ..Settings::default()
        };
        let error = settings.check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "item_bytes_max of 100 is outside 1024 to 33554432"
        );
        let settings = Settings {
            stripes: 12,
            ..Settings::default()
        };
        let error = settings.check().unwrap_err();
        assert_eq!(error.to_string(), "stripes of 12 is not a power of two");
    }
}
