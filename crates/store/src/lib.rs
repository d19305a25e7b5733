#![doc = include_str!("../README.md")]

mod entry;
mod item;
mod reservation;
mod settings;
mod size;
mod stats;
mod store;

pub use entry::Entry;
pub use item::{
    Attributes, CasId, Change, Condition, End, Expiry, Item, Lookup, NewItem, Outcome, ShortValue,
    Timestamp,
};
pub use reservation::Reservation;
pub use settings::{Settings, SettingsError};
pub use size::{CHUNK_BYTES, CLASSES, item_bytes, size_class};
pub use stats::{ClassStats, ClassTable, Stats};
pub use store::{Cursor, KEY_BYTES_MAX, PutError, Store};
