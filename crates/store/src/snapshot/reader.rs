//! Bytes to items.

use super::error::{SnapshotError, SnapshotErrorKind};
use super::form::{FRONT_BYTES, Front, HEAD_BYTES, Head, Kind, Place, Record, Version};

/// Turns the bytes of a snapshot into its parts; keeps none of them.
///
/// Nothing of a block is shown before its check has matched. The file as a whole is good only when
/// [`Part::End`] has come, with nothing behind it.
#[derive(Debug, Default)]
pub struct Reader {
    state: State,
    version: Version,
    place: Place,
    /// Where the next part begins.
    at: u64,
    items: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Head,
    /// A block comes; so much of a large value is missing.
    Block {
        missing_bytes: u32,
    },
    /// Within a block of items whose check has matched.
    Items {
        left_bytes: usize,
    },
    Ended,
}

/// How far [`Reader::parse`] came.
#[allow(
    clippy::exhaustive_enums,
    reason = "complete: there is a part, or more is needed"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// There is a part.
    Complete {
        /// The part.
        part: Part<'a>,
        /// How many bytes are done with.
        consumed: usize,
    },
    /// There is none yet.
    Incomplete {
        /// The least number of bytes, from the front of the input on, that the next call needs. At
        /// most [`Reader::INPUT_BYTES_MAX`].
        needed: usize,
    },
}

/// A part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part<'a> {
    /// The head, first of all and once.
    Head(Head),
    /// A whole item.
    Item {
        /// All but the value.
        record: Record<'a>,
        /// The value.
        value: &'a [u8],
    },
    /// A large item, whose value comes in pieces behind it.
    Large {
        /// All but the value.
        record: Record<'a>,
        /// The length of the value.
        value_bytes: u32,
    },
    /// The next part of a large value; together they have the length that was announced.
    Piece(&'a [u8]),
    /// The end: the snapshot is complete and undamaged, unless something follows.
    End {
        /// How many items there were.
        items: u64,
    },
}

impl Reader {
    /// The most bytes that [`parse`](Self::parse) needs at once.
    pub const INPUT_BYTES_MAX: usize = FRONT_BYTES + super::PAYLOAD_BYTES_MAX;

    /// Starts at the beginning of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next part from the front of `input`, which goes on where the parts before ended:
    /// what was not consumed is shown again, with more behind it.
    ///
    /// No byte is checked twice. After an error the file is of no use, and nor is the reader.
    ///
    /// # Errors
    ///
    /// The bytes are not what a [`Writer`](super::Writer) writes.
    pub fn parse<'a>(&mut self, input: &'a [u8]) -> Result<Parsed<'a>, SnapshotError> {
        let parsed = match self.state {
            State::Head => self.head(input),
            State::Block { missing_bytes } => self.block(input, missing_bytes),
            State::Items { left_bytes } => self.item(input, left_bytes),
            State::Ended if input.is_empty() => Ok(Parsed::Incomplete { needed: 1 }),
            State::Ended => Err(SnapshotErrorKind::Excess),
        };
        let parsed = parsed.map_err(|kind| SnapshotError::new(kind, self.at))?;
        if let Parsed::Complete { consumed, .. } = &parsed {
            self.at += *consumed as u64;
        }
        Ok(parsed)
    }

    /// Says that there are no more bytes, `unread` of them left that [`parse`](Self::parse) has not
    /// consumed.
    ///
    /// # Errors
    ///
    /// The end has not come yet, or something follows it.
    pub fn finish(&self, unread: usize) -> Result<(), SnapshotError> {
        let end = self.at + unread as u64;
        match self.state {
            State::Ended if unread == 0 => Ok(()),
            State::Ended => Err(SnapshotError::new(SnapshotErrorKind::Excess, self.at)),
            _ => Err(SnapshotError::new(SnapshotErrorKind::Truncated, end)),
        }
    }

    fn head<'a>(&mut self, input: &'a [u8]) -> Result<Parsed<'a>, SnapshotErrorKind> {
        let Some((bytes, _)) = input.split_first_chunk::<HEAD_BYTES>() else {
            return match Head::may_begin(input) {
                true => Ok(Parsed::Incomplete { needed: HEAD_BYTES }),
                false => Err(SnapshotErrorKind::Foreign),
            };
        };
        let (head, version, file) = Head::decode(bytes)?;
        self.version = version;
        self.place = Place { file, number: 0 };
        self.state = State::Block { missing_bytes: 0 };
        Ok(Parsed::Complete {
            part: Part::Head(head),
            consumed: HEAD_BYTES,
        })
    }

    fn block<'a>(
        &mut self,
        input: &'a [u8],
        missing_bytes: u32,
    ) -> Result<Parsed<'a>, SnapshotErrorKind> {
        let Some((front, rest)) = input.split_first_chunk::<FRONT_BYTES>() else {
            return Ok(Parsed::Incomplete {
                needed: FRONT_BYTES,
            });
        };
        let front = Front::decode(front)?;
        let consumed = FRONT_BYTES + front.payload_bytes;
        let Some(payload) = rest.get(..front.payload_bytes) else {
            return Ok(Parsed::Incomplete { needed: consumed });
        };
        if !front.fits(payload, self.place) {
            return Err(SnapshotErrorKind::Damaged);
        }
        let is_in_value = missing_bytes > 0;
        if is_in_value != (front.kind == Kind::Piece) {
            return Err(SnapshotErrorKind::Malformed("the order of blocks"));
        }
        self.place.number += 1;
        let part = match front.kind {
            Kind::Items => return self.first_item(rest, front.payload_bytes),
            Kind::Large => self.large(payload)?,
            Kind::Piece => self.piece(payload, missing_bytes)?,
            Kind::End => self.end(payload)?,
        };
        Ok(Parsed::Complete { part, consumed })
    }

    /// The first item of a block brings the block's front with it.
    fn first_item<'a>(
        &mut self,
        payload: &'a [u8],
        payload_bytes: usize,
    ) -> Result<Parsed<'a>, SnapshotErrorKind> {
        match self.item(payload, payload_bytes)? {
            Parsed::Complete { part, consumed } => Ok(Parsed::Complete {
                part,
                consumed: FRONT_BYTES + consumed,
            }),
            incomplete @ Parsed::Incomplete { .. } => Ok(incomplete),
        }
    }

    fn item<'a>(
        &mut self,
        input: &'a [u8],
        left_bytes: usize,
    ) -> Result<Parsed<'a>, SnapshotErrorKind> {
        let Some(payload) = input.get(..left_bytes) else {
            return Ok(Parsed::Incomplete { needed: left_bytes });
        };
        let malformed = SnapshotErrorKind::Malformed("an item");
        let (record, value_bytes, rest) = Record::decode(payload, self.version).ok_or(malformed)?;
        let (value, rest) = usize::try_from(value_bytes)
            .ok()
            .and_then(|bytes| rest.split_at_checked(bytes))
            .ok_or(malformed)?;
        let consumed = payload.len() - rest.len();
        self.items += 1;
        self.state = match left_bytes - consumed {
            0 => State::Block { missing_bytes: 0 },
            left_bytes => State::Items { left_bytes },
        };
        Ok(Parsed::Complete {
            part: Part::Item { record, value },
            consumed,
        })
    }

    fn large<'a>(&mut self, payload: &'a [u8]) -> Result<Part<'a>, SnapshotErrorKind> {
        let whole = Record::decode(payload, self.version)
            .filter(|(_, value_bytes, rest)| rest.is_empty() && *value_bytes > 0)
            .ok_or(SnapshotErrorKind::Malformed("a large item"));
        let (record, value_bytes, _) = whole?;
        self.items += 1;
        self.state = State::Block {
            missing_bytes: value_bytes,
        };
        Ok(Part::Large {
            record,
            value_bytes,
        })
    }

    fn piece<'a>(
        &mut self,
        payload: &'a [u8],
        missing_bytes: u32,
    ) -> Result<Part<'a>, SnapshotErrorKind> {
        let left = u32::try_from(payload.len())
            .ok()
            .filter(|&bytes| bytes > 0)
            .and_then(|bytes| missing_bytes.checked_sub(bytes))
            .ok_or(SnapshotErrorKind::Malformed("a part of a value"))?;
        self.state = State::Block {
            missing_bytes: left,
        };
        Ok(Part::Piece(payload))
    }

    fn end<'a>(&mut self, payload: &'a [u8]) -> Result<Part<'a>, SnapshotErrorKind> {
        let items = <[u8; 8]>::try_from(payload)
            .map(u64::from_le_bytes)
            .map_err(|_| SnapshotErrorKind::Malformed("the end"))?;
        if items != self.items {
            return Err(SnapshotErrorKind::Count);
        }
        self.state = State::Ended;
        Ok(Part::End { items })
    }
}
