//! Bytes to a store.

use super::Clocks;
use super::error::SnapshotError;
use super::form::{Head, Record};
use super::reader::{Parsed, Part, Reader};
use crate::item::{Attributes, CasId, Expiry, NewItem};
use crate::located::Located;
use crate::reservation::Reservation;
use crate::store::Store;

/// Fills a store from a snapshot.
///
/// The items come with the value, flags, id and remaining life that they had; time has passed for
/// them since. If the world's clock has gone back since the snapshot was written, no time has
/// passed: nothing lives longer than it would have.
///
/// Items are stored in the order of the file. If the store has less room than the old one, the
/// order of eviction decides which of them stay; what cannot be stored at all is counted.
///
/// After an error, or without [`finish`](Self::finish) having said that the file is whole, some of it may be
/// in the store: drop the store then, and begin with an empty one.
#[derive(Debug)]
pub struct Loader<'a> {
    store: &'a Store,
    clocks: Clocks,
    reader: Reader,
    /// The large item whose value comes now, unless it is passed over.
    large: Option<Receiving>,
    loaded: Loaded,
}

/// What came of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// Items that were stored.
    pub items: u64,
    /// Items whose time was over.
    pub expired: u64,
    /// Items that were too large for the store's settings, or found no room where nothing may be
    /// evicted.
    pub refused: u64,
    /// When the snapshot was written: seconds since 1970.
    pub written_unix_secs: u64,
    /// Who wrote it.
    pub creator: String,
}

/// A small item that is about to be stored.
#[derive(Clone, Copy, Debug)]
struct Ahead<'i> {
    key: Located<'i>,
    item: NewItem<'i>,
    cas: CasId,
}

/// A large value that is received in its place.
#[derive(Debug)]
struct Receiving {
    reservation: Reservation,
    cas: CasId,
    filled_bytes: usize,
}

impl<'a> Loader<'a> {
    /// Begins. The store should be new; `clocks` is when this is.
    #[must_use]
    pub fn new(store: &'a Store, clocks: Clocks) -> Self {
        Self {
            store,
            clocks,
            reader: Reader::new(),
            large: None,
            loaded: Loaded::default(),
        }
    }

    /// Takes the next bytes of the file, as far as they make whole parts, and returns how many
    /// that were; show the others again, with more behind them.
    ///
    /// Given [`Reader::INPUT_BYTES_MAX`] bytes or all that is left, it always takes some, unless the
    /// file is cut off.
    ///
    /// # Errors
    ///
    /// The file is damaged, foreign, or of another format.
    pub fn handle_input(&mut self, input: &[u8]) -> Result<usize, SnapshotError> {
        let mut total = 0;
        let mut ahead = Vec::with_capacity(AHEAD_ITEMS);
        while let Parsed::Complete { part, consumed } = self.reader.parse(&input[total..])? {
            total += consumed;
            if let Part::Item { record, value } = part {
                ahead.extend(self.locate(&record, value));
                if ahead.len() < AHEAD_ITEMS {
                    continue;
                }
                self.restore(&mut ahead);
            } else {
                self.restore(&mut ahead);
                self.take(part);
            }
        }
        self.restore(&mut ahead);
        Ok(total)
    }

    /// Says that the file has no more bytes than those that [`handle_input`](Self::handle_input) has taken
    /// and the `unread` ones that it has not.
    ///
    /// # Errors
    ///
    /// The file is cut off.
    pub fn finish(self, unread: usize) -> Result<Loaded, SnapshotError> {
        self.reader.finish(unread)?;
        Ok(self.loaded)
    }

    /// Has the processor fetch the place of a small item; `None` if its time is over.
    fn locate<'i>(&mut self, record: &Record<'i>, value: &'i [u8]) -> Option<Ahead<'i>> {
        let attributes = self.attributes(record)?;
        Some(Ahead {
            key: self.store.locate(record.key),
            item: NewItem::new(value, attributes),
            cas: record.cas,
        })
    }

    fn restore(&mut self, ahead: &mut Vec<Ahead<'_>>) {
        for Ahead { key, item, cas } in ahead.drain(..) {
            match self.store.restore(key, item, cas, self.clocks.now) {
                Ok(()) => self.loaded.items += 1,
                Err(_) => self.loaded.refused += 1,
            }
        }
    }

    fn take(&mut self, part: Part<'_>) {
        match part {
            Part::Head(head) => self.begin(head),
            Part::Large {
                record,
                value_bytes,
            } => self.large = self.receive(&record, value_bytes),
            Part::Piece(piece) => self.fill(piece),
            Part::Item { .. } | Part::End { .. } => {}
        }
    }

    fn begin(&mut self, head: Head) {
        self.store.skip_ids(head.ids_end);
        self.clocks.unix_secs = self.clocks.unix_secs.max(head.written_unix_secs);
        self.loaded.written_unix_secs = head.written_unix_secs;
        self.loaded.creator = head.creator;
    }

    /// Returns what an item brings with it; `None` if its time is over.
    fn attributes(&mut self, record: &Record<'_>) -> Option<Attributes> {
        let expiry: Option<Expiry> = self.clocks.to_expiry(record.expiry_unix_secs);
        self.loaded.expired += u64::from(expiry.is_none());
        expiry.map(|expiry| Attributes::new(record.flags, expiry).with_marks(record.marks))
    }

    /// Makes room for a large value; `None` if it is to be passed over.
    fn receive(&mut self, record: &Record<'_>, value_bytes: u32) -> Option<Receiving> {
        let attributes = self.attributes(record)?;
        let value_bytes = usize::try_from(value_bytes).unwrap_or(usize::MAX);
        let now = self.clocks.now;
        let reservation = self.store.reserve(record.key, value_bytes, attributes, now);
        self.loaded.refused += u64::from(reservation.is_err());
        Some(Receiving {
            reservation: reservation.ok()?,
            cas: record.cas,
            filled_bytes: 0,
        })
    }

    fn fill(&mut self, piece: &[u8]) {
        let Some(mut large) = self.large.take() else {
            return;
        };
        let end = large.filled_bytes + piece.len();
        large.reservation.value_mut()[large.filled_bytes..end].copy_from_slice(piece);
        large.filled_bytes = end;
        if end < large.reservation.value().len() {
            self.large = Some(large);
            return;
        }
        self.store
            .restore_reserved(large.reservation, large.cas, self.clocks.now);
        self.loaded.items += 1;
    }
}

/// So many items are located before the first of them is stored: the waits for memory overlap.
const AHEAD_ITEMS: usize = 16;
