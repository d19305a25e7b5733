//! A store to bytes.

use std::collections::VecDeque;

use super::Clocks;
use super::form::{Head, Record};
use super::writer::Writer;
use crate::item::{Expiry, Item, Timestamp};
use crate::store::{LogCursor, Store};

/// Moves a store's live items into a snapshot, a bounded step at a time, and so empties the store.
///
/// An item is removed as soon as its bytes are handed out: a cache that moves into a file in memory
/// (a tmpfs) never takes much more than it did. Items are written as they stand in
/// memory, not by their last use.
///
/// For a store that nobody changes any more. What others store meanwhile may be missed; what they read
/// may be gone.
#[derive(Debug)]
pub struct Saver<'a> {
    store: &'a Store,
    ends: Ends,
    /// Some between the head and the end.
    writer: Option<Writer>,
    /// Where the walk goes on; `None` at its end.
    cursor: Option<LogCursor>,
    /// Large items that the walk has met, held until they are written; the first is in work.
    large: VecDeque<Item>,
    /// How much of the first large item's value is written.
    written_bytes: usize,
    /// The keys that a step has met, one behind the other, each behind its length.
    keys: Vec<u8>,
    head: Option<Head>,
    items: u64,
}

impl<'a> Saver<'a> {
    /// Begins. `creator` is the program and its version (60 bytes at most); `clocks` is when this is.
    #[must_use]
    pub fn new(store: &'a Store, creator: &str, clocks: Clocks) -> Self {
        Self {
            store,
            ends: Ends {
                clocks,
                flush_due: store.flush_due(),
            },
            writer: None,
            cursor: Some(LogCursor::default()),
            large: VecDeque::new(),
            written_bytes: 0,
            keys: Vec::new(),
            head: Some(Head::new(clocks.unix_secs, store.ids_end(), creator)),
            items: 0,
        }
    }

    /// Appends the next bytes of the file to `out`, if this step has any; false after the last.
    ///
    /// A step is a part of a large value, or a step of the walk: 64 items at most, of
    /// [`Writer::SMALL_BYTES_MAX`] each.
    pub fn poll_output(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(head) = self.head.take() {
            self.writer = Some(Writer::new(&head, out));
        }
        if !self.large.is_empty() {
            self.write_large(out);
        } else if let Some(cursor) = self.cursor {
            self.cursor = self.walk(cursor, out);
        } else if let Some(writer) = self.writer.take() {
            self.items = writer.items();
            writer.finish(out);
        } else {
            return false;
        }
        true
    }

    /// Returns how many items were written.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.writer.as_ref().map_or(self.items, Writer::items)
    }

    /// Writes the next part of the first large item.
    fn write_large(&mut self, out: &mut Vec<u8>) {
        let (Some(writer), Some(item)) = (&mut self.writer, self.large.front()) else {
            return;
        };
        let start = self.written_bytes;
        let end = item.value().len().min(start + Writer::PIECE_BYTES_MAX);
        if start == 0 {
            let expiry = self.ends.unix(item.expiry());
            let record = Record::new(item.key(), item.flags(), item.cas(), expiry);
            let record = record.with_marks(item.marks());
            writer.large(&record, item.value().len() as u32, out);
        }
        writer.piece(&item.value()[start..end], out);
        self.written_bytes = end;
        if end == item.value().len() {
            self.large.pop_front();
            self.written_bytes = 0;
        }
    }

    /// Writes the small items of the walk's next step, and takes all that it shows off the store.
    fn walk(&mut self, from: LogCursor, out: &mut Vec<u8>) -> Option<LogCursor> {
        let Self {
            writer,
            large,
            keys,
            ends,
            ..
        } = self;
        let writer = writer.as_mut()?;
        let now = ends.clocks.now;
        let next = self.store.walk_log(from, now, |entry| {
            keys.push(entry.key().len() as u8);
            keys.extend_from_slice(entry.key());
            let end = ends.unix(entry.expiry());
            let record = Record::new(entry.key(), entry.flags(), entry.cas(), end);
            let record = record.with_marks(entry.marks());
            if Writer::is_small(&record, entry.value().len()) {
                writer.item(&record, entry.value(), out);
            } else if let Some(item) = entry.hold() {
                large.push_back(item);
            } else {
                // Others hold too much already: copied at once, whatever its size.
                copy_large(writer, &record, entry.value(), out);
            }
        });
        let mut rest = &keys[..];
        let keys = core::iter::from_fn(|| {
            let (&key_bytes, behind) = rest.split_first()?;
            let (key, behind) = behind.split_at(key_bytes.into());
            rest = behind;
            Some(self.store.locate(key))
        });
        // All located before the first is removed: the waits for memory overlap.
        for key in keys.collect::<Vec<_>>() {
            self.store.remove(key, now);
        }
        self.keys.clear();
        next
    }
}

/// When items end, by the clock that goes on.
#[derive(Clone, Copy, Debug)]
struct Ends {
    clocks: Clocks,
    /// Everything that is in the store now ends then at the latest.
    flush_due: Option<Timestamp>,
}

impl Ends {
    fn unix(&self, expiry: Expiry) -> u64 {
        let end = match (expiry.time(), self.flush_due) {
            (Some(end), Some(due)) => Expiry::at(end.min(due)),
            (None, Some(due)) => Expiry::at(due),
            (_, None) => expiry,
        };
        self.clocks.to_unix(end)
    }
}

/// Writes a large item in one go.
fn copy_large(writer: &mut Writer, record: &Record<'_>, value: &[u8], out: &mut Vec<u8>) {
    writer.large(record, value.len() as u32, out);
    for piece in value.chunks(Writer::PIECE_BYTES_MAX) {
        writer.piece(piece, out);
    }
}
