//! Items to bytes.

use super::PAYLOAD_BYTES_MAX;
use super::form::{Head, Kind, Place, Record};

/// Turns items into a snapshot, and keeps at most one block.
///
/// Everything is appended to the caller's buffer, which may be written and cleared after each call.
/// Head, then [`item`](Self::item) or [`large`](Self::large) for each item, then
/// [`finish`](Self::finish).
#[derive(Debug)]
pub struct Writer {
    place: Place,
    payload: Vec<u8>,
    items: u64,
    /// What is still to come of a large value.
    missing_bytes: u32,
}

impl Writer {
    /// An item whose record, key and value take up to this many bytes is put with others.
    pub const SMALL_BYTES_MAX: usize = PAYLOAD_BYTES_MAX / 2;
    /// The most bytes of a large value that [`piece`](Self::piece) takes.
    pub const PIECE_BYTES_MAX: usize = PAYLOAD_BYTES_MAX;

    /// Appends the head.
    #[must_use]
    pub fn new(head: &Head, out: &mut Vec<u8>) -> Self {
        let bytes = head.encode();
        out.extend_from_slice(&bytes);
        let [.., a, b, c, d] = bytes;
        Self {
            place: Place {
                file: u32::from_le_bytes([a, b, c, d]),
                number: 0,
            },
            payload: Vec::with_capacity(PAYLOAD_BYTES_MAX),
            items: 0,
            missing_bytes: 0,
        }
    }

    /// Tells whether an item is to be given to [`item`](Self::item), not to [`large`](Self::large).
    #[must_use]
    pub fn is_small(record: &Record<'_>, value_bytes: usize) -> bool {
        record.front_bytes() + value_bytes <= Self::SMALL_BYTES_MAX
    }

    /// Adds an item; appends a block when one is full.
    ///
    /// # Panics
    ///
    /// If the item is not small, or a large value is not complete.
    pub fn item(&mut self, record: &Record<'_>, value: &[u8], out: &mut Vec<u8>) {
        assert!(Self::is_small(record, value.len()), "the item is small");
        assert_eq!(self.missing_bytes, 0, "the item before is complete");
        if self.payload.len() + record.front_bytes() + value.len() > PAYLOAD_BYTES_MAX {
            self.flush(out);
        }
        record.encode(value.len() as u32, &mut self.payload);
        self.payload.extend_from_slice(value);
        self.items += 1;
    }

    /// Begins a large item; its value follows by [`piece`](Self::piece).
    ///
    /// # Panics
    ///
    /// If a large value is not complete.
    pub fn large(&mut self, record: &Record<'_>, value_bytes: u32, out: &mut Vec<u8>) {
        assert_eq!(self.missing_bytes, 0, "the item before is complete");
        self.flush(out);
        record.encode(value_bytes, &mut self.payload);
        self.place.encode(Kind::Large, &self.payload, out);
        self.payload.clear();
        self.items += 1;
        self.missing_bytes = value_bytes;
    }

    /// Appends the next part of a large value.
    ///
    /// # Panics
    ///
    /// If the part is empty, longer than [`PIECE_BYTES_MAX`](Self::PIECE_BYTES_MAX), or longer than what
    /// is missing.
    pub fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        assert!(
            (1..=Self::PIECE_BYTES_MAX).contains(&piece.len()),
            "a piece is of a block's size"
        );
        let missing = u32::try_from(piece.len())
            .ok()
            .and_then(|bytes| self.missing_bytes.checked_sub(bytes));
        self.missing_bytes = missing.expect("a value has no more bytes than were announced");
        self.place.encode(Kind::Piece, piece, out);
    }

    /// Appends what is left and the end.
    ///
    /// # Panics
    ///
    /// If a large value is not complete.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        assert_eq!(self.missing_bytes, 0, "the item before is complete");
        self.flush(out);
        self.place.encode(Kind::End, &self.items.to_le_bytes(), out);
    }

    /// Returns how many items were added.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if !self.payload.is_empty() {
            self.place.encode(Kind::Items, &self.payload, out);
            self.payload.clear();
        }
    }
}
