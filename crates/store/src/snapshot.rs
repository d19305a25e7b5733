//! A store's items as a file, to be read back after a restart.
//!
//! [`Saver`] turns a store into bytes, [`Loader`] turns them into items of another store: of any
//! size, number of stripes, seed, version or machine. Below them, [`Writer`] and [`Reader`] know the
//! form alone. None of them touches a file, or keeps more than a few blocks in memory.
//!
//! ```
//! use steadfast_store::snapshot::{Clocks, Loader, Saver};
//! use steadfast_store::{Attributes, Condition, NewItem, Settings, Store, Timestamp};
//!
//! let old = Store::new(Settings::default())?;
//! let item = NewItem::new(b"cart=3", Attributes::default());
//! let _ = old.put(b"session:1", item, Condition::Always, Timestamp::from_secs(1_000))?;
//! let mut saver = Saver::new(&old, "example", Clocks::new(Timestamp::from_secs(1_000), 1_700_000_000));
//! let mut file = Vec::new();
//! while saver.poll_output(&mut file) {} // write and clear `file` in between
//!
//! let new = Store::new(Settings::default())?;
//! let mut loader = Loader::new(&new, Clocks::new(Timestamp::from_secs(2), 1_700_000_010));
//! let consumed = loader.handle_input(&file)?;
//! assert_eq!((consumed, loader.finish(0)?.items), (file.len(), 1));
//! assert_eq!(new.get(b"session:1", Timestamp::from_secs(2)).expect("is back").value(), b"cart=3");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Form
//!
//! All numbers are little-endian. A head of 96 bytes comes first:
//!
//! | bytes | meaning |
//! |---|---|
//! | 8 | `8a 53 46 53 4e 41 50 0a`: tells a snapshot from all else, and a text conversion from the original |
//! | 4 | version of the form: 2; 1 can be read, too |
//! | 4 | 0 |
//! | 8 | Unix time of writing, seconds |
//! | 8 | an id larger than all that the store ever gave out |
//! | 60 | who wrote it, UTF-8, filled up with zeros |
//! | 4 | CRC-32 of the 92 bytes before |
//!
//! Blocks follow, each with 12 bytes in front: its kind (4), the length of its payload (4, at most
//! 128 KiB), and the CRC-32 (4) of: the head's CRC-32, the number of blocks before (8), kind,
//! length, payload. So no block passes in another place, or in another file.
//!
//! | kind | payload |
//! |---|---|
//! | 1 | whole items: a record, the key, the value; and so on to the end |
//! | 2 | a large item: a record and the key; its value is in the blocks behind |
//! | 3 | a part of that value, one byte at least |
//! | 4 | the end: the number of items (8). Nothing follows |
//!
//! A record has 26 bytes: the key's length (1), the caller's marks (1; not in version 1), flags (4), id (8), the Unix time in seconds from
//! which on the item is gone or 0 for never (8), the value's length (4).
//!
//! A file without its end, or with one wrong bit, is refused: a CRC-32 finds every change within
//! 32 adjacent bits, and all but one in four thousand million of others. It is no protection against
//! somebody who means it: keep the file where only the owner can write.

mod error;
mod form;
mod loader;
mod reader;
mod saver;
#[cfg(all(test, not(steadfast_loom)))]
mod tests;
mod writer;

pub use error::{SnapshotError, SnapshotErrorKind};
pub use form::{Head, Record};
pub use loader::{Loaded, Loader};
pub use reader::{Parsed, Part, Reader};
pub use saver::Saver;
pub use writer::Writer;

use crate::item::{Expiry, Timestamp};

/// One moment on two clocks: the store's own, which ends with the process, and the world's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Clocks {
    /// The moment on the store's clock.
    pub now: Timestamp,
    /// The same moment in seconds since 1970.
    pub unix_secs: u64,
}

impl Clocks {
    /// Puts both together.
    #[must_use]
    pub const fn new(now: Timestamp, unix_secs: u64) -> Self {
        Self { now, unix_secs }
    }

    /// Translates an expiry of the store into a Unix time, 0 being never.
    fn to_unix(self, expiry: Expiry) -> u64 {
        expiry.time().map_or(0, |end| {
            let left = end.as_secs().saturating_sub(self.now.as_secs());
            self.unix_secs.saturating_add(left.into()).max(1)
        })
    }

    /// Translates a Unix time into an expiry of the store; `None` if it is over.
    fn to_expiry(self, unix_secs: u64) -> Option<Expiry> {
        if unix_secs == 0 {
            return Some(Expiry::NEVER);
        }
        let left = unix_secs.checked_sub(self.unix_secs)?;
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        let end = Timestamp::from_secs(self.now.as_secs().saturating_add(left));
        Some(Expiry::at(end)).filter(|expiry| !expiry.is_past(self.now))
    }
}

/// The largest payload of a block.
const PAYLOAD_BYTES_MAX: usize = 128 << 10;
