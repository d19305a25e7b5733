#![doc = include_str!("../README.md")]

mod budget;
mod cache;
mod counted;
mod displaced;
mod entry;
mod error;
mod index;
mod item;
mod located;
mod lru;
mod memory;
mod reservation;
mod segments;
mod settings;
mod size;
pub mod snapshot;
mod stats;
mod store;
mod stripe;
mod sync;

pub use cache::{Cache, Value};
pub use entry::Entry;
pub use error::{KEY_BYTES_MAX, PutError};
pub use item::{
    Attributes, CasId, Change, Condition, End, Expiry, Item, Lookup, NewItem, Outcome, ShortValue,
    Timestamp,
};
pub use located::{IntoLocated, Located};
pub use reservation::Reservation;
pub use settings::{Settings, SettingsError};
pub use size::{CHUNK_BYTES, CLASSES, item_bytes, size_class};
pub use stats::{ClassStats, ClassTable, Stats};
pub use store::{Cursor, Store};
