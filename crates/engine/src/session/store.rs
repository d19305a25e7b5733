//! set, add, replace, append, prepend and cas, and their values on the way in.

use steadfast_protocol::{DataBlock, DataPart, Key, Meta, Parsed, Response, Storage, StorageVerb};
use steadfast_store::{
    Attributes, CasId, Condition, End, Extension, Located, NewItem, Outcome, PutError, Reservation,
    item_bytes,
};

use super::Next;
use super::execute::Turn;
use super::meta::MetaHeader;
use crate::counters::{ClassCounter, Counter};
use crate::marks::{CLAIMED, STALE};
use crate::prefix::PrefixEvent;

/// A storage command whose data block has not arrived as a whole.
#[derive(Debug)]
pub(super) struct Incoming {
    header: OwnedHeader,
    value_bytes: usize,
    place: Place,
}

/// Where the value gathers.
#[derive(Debug)]
enum Place {
    /// In the caller's input, until it is complete.
    Input,
    /// In the item's own memory.
    Reserved {
        reservation: Reservation,
        block: DataBlock,
    },
}

/// How far a data block has come.
pub(super) enum Arrival {
    /// The block was complete and is executed.
    Complete { consumed: usize },
    /// More is needed.
    Incomplete { consumed: usize, next: Next },
}

impl Incoming {
    /// Makes room for the value; none if there is no memory, which is answered.
    pub(super) fn new(header: &Storage<'_>, turn: &mut Turn<'_>) -> Option<Self> {
        let value_bytes = header.value_bytes;
        match Place::new(value_bytes, || turn.reserve(header)) {
            Ok(place) => Some(Self {
                header: OwnedHeader::Classic(ClassicHeader::new(header)),
                value_bytes,
                place,
            }),
            Err(error) => {
                turn.refuse(header, error);
                None
            }
        }
    }

    /// The same for the value of an `ms`.
    pub(super) fn of_meta(
        meta: &Meta<'_>,
        value_bytes: usize,
        turn: &mut Turn<'_>,
    ) -> Option<Self> {
        match Place::new(value_bytes, || turn.reserve_meta(meta, value_bytes)) {
            Ok(place) => Some(Self {
                header: OwnedHeader::Meta(MetaHeader::new(meta)),
                value_bytes,
                place,
            }),
            Err(error) => {
                turn.refuse_meta(meta, &error);
                None
            }
        }
    }

    /// The rest of the value's room, if it has a place of its own.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        match &mut self.place {
            Place::Input => &mut [],
            Place::Reserved { reservation, block } => {
                let filled = self.value_bytes - block.value_left();
                &mut reservation.value_mut()[filled..]
            }
        }
    }

    /// Counts bytes that were read into the buffer.
    pub(super) fn handle_received(&mut self, bytes: usize) {
        match &mut self.place {
            Place::Input => assert_eq!(bytes, 0, "the value is expected in the input"),
            Place::Reserved { block, .. } => block.handle_value_received(bytes),
        }
    }

    /// Takes what there is of the block, and executes the command when it is complete.
    pub(super) fn handle_input(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Arrival {
        let (reservation, block) = match &mut self.place {
            Place::Reserved { reservation, block } => (reservation, block),
            Place::Input => {
                let stored = match &self.header {
                    OwnedHeader::Classic(header) => {
                        turn.store_block(&header.as_header(), None, input)
                    }
                    OwnedHeader::Meta(header) => {
                        turn.store_meta_block(&header.as_meta(), self.value_bytes, None, input)
                    }
                };
                return match stored {
                    Some(consumed) => Arrival::Complete { consumed },
                    None => Arrival::Incomplete {
                        consumed: 0,
                        next: Next::Read,
                    },
                };
            }
        };
        let mut consumed = 0;
        let end = loop {
            let filled = self.value_bytes - block.value_left();
            let part = block.parse(&input[consumed..]);
            let Parsed::Complete {
                message,
                consumed: bytes,
            } = part
            else {
                let next = match block.value_left() {
                    0 => Next::Read,
                    _ => Next::ReadValue,
                };
                return Arrival::Incomplete { consumed, next };
            };
            consumed += bytes;
            match message {
                DataPart::Value(part) => {
                    reservation.value_mut()[filled..filled + bytes].copy_from_slice(part);
                }
                end => break end,
            }
        };
        // The reservation moves into the store; what stays behind is an empty shell.
        let place = core::mem::replace(&mut self.place, Place::Input);
        if let Place::Reserved { reservation, .. } = place {
            let complete = end == DataPart::End;
            match &self.header {
                OwnedHeader::Classic(header) => {
                    turn.commit(&header.as_header(), reservation, complete);
                }
                OwnedHeader::Meta(header) => {
                    turn.commit_meta(&header.as_meta(), reservation, complete);
                }
            }
        }
        Arrival::Complete { consumed }
    }
}

impl Place {
    /// Room for a value of its own, if it is big, by `reserve`.
    fn new(
        value_bytes: usize,
        reserve: impl FnOnce() -> Result<Reservation, PutError>,
    ) -> Result<Self, PutError> {
        if value_bytes < PLACED_BYTES_MIN {
            return Ok(Self::Input);
        }
        let block = DataBlock::new(value_bytes);
        reserve().map(|reservation| Self::Reserved { reservation, block })
    }
}

/// A command that outlives the buffer that it came in.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "what it is part of is in a box of its own"
)]
enum OwnedHeader {
    Classic(ClassicHeader),
    Meta(MetaHeader),
}

/// The header of a classic storage command.
#[derive(Debug)]
struct ClassicHeader {
    verb: StorageVerb,
    key: [u8; Key::BYTES_MAX],
    key_bytes: usize,
    flags: u32,
    exptime: i32,
    value_bytes: usize,
    noreply: bool,
}

impl ClassicHeader {
    fn new(header: &Storage<'_>) -> Self {
        let bytes = header.key.as_bytes();
        let mut key = [0; Key::BYTES_MAX];
        key[..bytes.len()].copy_from_slice(bytes);
        Self {
            verb: header.verb,
            key,
            key_bytes: bytes.len(),
            flags: header.flags,
            exptime: header.exptime,
            value_bytes: header.value_bytes,
            noreply: header.noreply,
        }
    }

    fn as_header(&self) -> Storage<'_> {
        Storage {
            verb: self.verb,
            key: Key::new(&self.key[..self.key_bytes]).expect("it was a key before"),
            flags: self.flags,
            exptime: self.exptime,
            value_bytes: self.value_bytes,
            noreply: self.noreply,
        }
    }
}

impl Turn<'_> {
    /// Refuses a value that can never fit, as the header tells already.
    pub(super) fn refuse_if_too_large(&mut self, header: &Storage<'_>) -> bool {
        if self.attention != 0 {
            self.count_prefix(header.key, PrefixEvent::Set);
            self.tell_lookup(header.key.as_bytes());
        }
        let item_bytes_max = self.engine.store().settings().item_bytes_max;
        let item_bytes = self.item_bytes(header);
        let too_large = item_bytes > item_bytes_max;
        if too_large {
            self.refuse(
                header,
                PutError::TooLarge {
                    item_bytes,
                    item_bytes_max,
                },
            );
        }
        too_large
    }

    /// Answers that there is no place for the item. A set that fails so removes the old item,
    /// since the client believes it to be replaced.
    fn refuse(&mut self, header: &Storage<'_>, error: PutError) {
        if self.attention != 0 {
            self.tell_stored(header, &Err(error));
        }
        let (counter, response) = match error {
            PutError::NoRoom { .. } => (Counter::StoreNoMemory, Response::OUT_OF_MEMORY),
            PutError::TooLarge { .. } | PutError::KeyTooLong { .. } => {
                (Counter::StoreTooLarge, Response::TOO_LARGE)
            }
        };
        if header.verb == StorageVerb::Set {
            self.engine
                .store()
                .remove(header.key.as_bytes(), self.now.timestamp);
        }
        self.count(counter);
        self.respond_unless(header.noreply, &response);
    }

    fn reserve(&self, header: &Storage<'_>) -> Result<Reservation, PutError> {
        let (key, now) = (header.key.as_bytes(), self.now.timestamp);
        self.engine
            .store()
            .reserve(key, header.value_bytes, self.attributes(header), now)
    }

    /// Executes a storage command if `input` begins with its whole data block, whose length it
    /// returns.
    pub(super) fn store_block(
        &mut self,
        header: &Storage<'_>,
        place: Option<Located<'_>>,
        input: &[u8],
    ) -> Option<usize> {
        let block = input.get(..header.value_bytes + 2)?;
        match block.strip_suffix(b"\r\n") {
            Some(value) => self.store(header, self.place(place, header.key), value),
            None => self.answer_bad_end(header),
        }
        Some(block.len())
    }

    fn store(&mut self, header: &Storage<'_>, place: Located<'_>, value: &[u8]) {
        let outcome = match target(header.verb) {
            Target::Item(when) => {
                let item = NewItem::new(value, self.attributes(header));
                self.engine
                    .store()
                    .put(place, item, when, self.now.timestamp)
            }
            Target::Extension(end) => self.extend(place, value, end),
        };
        self.answer_stored(header, outcome);
    }

    /// Executes a storage command whose value is in a reservation.
    fn commit(&mut self, header: &Storage<'_>, filled: Reservation, complete: bool) {
        if !complete {
            return self.answer_bad_end(header);
        }
        let outcome = match target(header.verb) {
            Target::Item(when) => Ok(self.engine.store().commit(filled, when, self.now.timestamp)),
            Target::Extension(end) => {
                let place = self.place(None, header.key);
                self.extend(place, filled.value(), end)
            }
        };
        self.answer_stored(header, outcome);
    }

    /// An extension that finds no room leaves the item as it is, and says no more than that.
    fn extend(&self, place: Located<'_>, data: &[u8], end: End) -> Result<Outcome, PutError> {
        let store = self.engine.store();
        let mut extension = Extension::new(data, end);
        extension.drops = STALE | CLAIMED;
        let extended = store.extend_with(place, &extension, self.now.timestamp);
        Ok(extended.map_or(Outcome::NotStored, |extended| extended.outcome))
    }

    fn answer_bad_end(&mut self, header: &Storage<'_>) {
        self.count_in_class(ClassCounter::CmdSet, self.item_bytes(header));
        self.respond_unless(header.noreply, &Response::BAD_DATA_CHUNK);
    }

    fn answer_stored(&mut self, header: &Storage<'_>, outcome: Result<Outcome, PutError>) {
        if self.attention != 0 && outcome.is_ok() {
            self.tell_stored(header, &outcome);
        }
        let is_cas = matches!(header.verb, StorageVerb::Cas(_));
        let item_bytes = self.item_bytes(header);
        if matches!(outcome, Ok(Outcome::Stored(_))) && !is_cas {
            self.count_in_class(ClassCounter::CmdSet, item_bytes);
            return self.respond_unless(header.noreply, &Response::Stored);
        }
        let response = match outcome {
            Ok(Outcome::Stored(_)) => Response::Stored,
            Ok(Outcome::NotStored) => Response::NotStored,
            Ok(Outcome::Exists) => Response::Exists,
            Ok(_) => Response::NotFound,
            Err(error) => return self.refuse(header, error),
        };
        self.count_in_class(ClassCounter::CmdSet, item_bytes);
        match response {
            _ if !is_cas => {}
            Response::Stored => self.count_in_class(ClassCounter::CasHits, item_bytes),
            Response::Exists => self.count_in_class(ClassCounter::CasBadval, item_bytes),
            _ => self.count(Counter::CasMisses),
        }
        self.respond_unless(header.noreply, &response);
    }

    /// The size by memcached's formula of the item that a command brings.
    fn item_bytes(&self, header: &Storage<'_>) -> usize {
        let (key_bytes, cas) = (
            header.key.as_bytes().len(),
            self.engine.store().settings().cas,
        );
        item_bytes(key_bytes, header.flags, header.value_bytes, cas)
    }

    fn attributes(&self, header: &Storage<'_>) -> Attributes {
        Attributes::new(header.flags, self.now.expiry(header.exptime))
    }
}

/// What a value becomes.
enum Target {
    /// An item, under a condition.
    Item(Condition),
    /// A part of the item that is there.
    Extension(End),
}

fn target(verb: StorageVerb) -> Target {
    match verb {
        StorageVerb::Set => Target::Item(Condition::Always),
        StorageVerb::Add => Target::Item(Condition::IfAbsent),
        StorageVerb::Replace => Target::Item(Condition::IfPresent),
        StorageVerb::Cas(id) => Target::Item(Condition::IfUnchanged(CasId::new(id))),
        StorageVerb::Append => Target::Extension(End::Back),
        StorageVerb::Prepend => Target::Extension(End::Front),
    }
}

/// From this size on a value that has not arrived as a whole is received in its own memory.
/// Smaller ones wait in the input, where most of them arrive whole.
pub(super) const PLACED_BYTES_MIN: usize = 16 << 10;
