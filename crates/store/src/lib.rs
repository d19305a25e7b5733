#![doc = include_str!("../README.md")]

mod buckets;
mod budget;
mod cache;
mod change;
mod chunks;
mod counted;
mod displaced;
mod entry;
mod error;
mod hash;
mod index;
mod item;
mod located;
mod log;
mod marks;
mod memory;
mod observer;
mod order;
mod pool;
mod prefetch;
mod reservation;
mod settings;
mod size;
pub mod snapshot;
mod stats;
mod store;
mod stripe;
mod sync;

pub use cache::{Cache, Value};
pub use change::{
    Change, Edit, End, Extended, Extension, Initial, NewId, ShortValue, Updated, Usage,
};
pub use entry::Entry;
pub use error::{KEY_BYTES_MAX, PutError};
pub use item::{Attributes, CasId, Condition, Expiry, Item, Lookup, NewItem, Outcome, Timestamp};
pub use located::{IntoLocated, Located};
pub use marks::Marks;
pub use memory::{ALIGN, Allocation, Heap, Kind, Memory, TABLE_ALIGN};
pub use observer::{Departure, Observer};
pub use reservation::Reservation;
pub use settings::{Eviction, Settings, SettingsError};
pub use size::{CHUNK_BYTES, CLASSES, item_bytes, size_class};
pub use stats::{ClassStats, ClassTable, Stats};
pub use store::{Cursor, Store};
