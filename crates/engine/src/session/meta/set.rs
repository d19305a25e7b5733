//! ms.

use std::boxed::Box;
use std::vec::Vec;

use steadfast_protocol::{Key, Meta, MetaStoreMode, MetaVerb, Response};
use steadfast_store::{
    Attributes, CasId, Condition, End, Extension, Located, NewItem, Outcome, PutError, Reservation,
    item_bytes,
};

use super::{KeyRoom, given_id, marks_of, put_flag, put_key_flag, put_opaque, put_word, real_key};
use crate::counters::{ClassCounter, Counter};
use crate::marks::{CLAIMED, STALE};
use crate::session::execute::Turn;

/// The line of an `ms` that outlives the buffer that it came in.
#[derive(Debug)]
pub(in crate::session) struct MetaHeader {
    /// The key's word and the flags.
    words: Box<[u8]>,
    key_bytes: usize,
}

impl MetaHeader {
    pub(in crate::session) fn new(meta: &Meta<'_>) -> Self {
        let key = meta.key().text();
        let mut words = Vec::from(key.as_bytes());
        for flag in meta.flags() {
            words.extend_from_slice(&[b' ', flag.letter]);
            words.extend_from_slice(flag.token);
        }
        Self {
            words: words.into_boxed_slice(),
            key_bytes: key.as_bytes().len(),
        }
    }

    pub(in crate::session) fn as_meta(&self) -> Meta<'_> {
        let (key, flags) = self.words.split_at(self.key_bytes);
        let key = Key::new(key).expect("it was a key before");
        Meta::new(MetaVerb::Set, key, flags).expect("it was right before")
    }
}

/// What was stored, or why not.
#[derive(Clone, Copy)]
struct Stored {
    outcome: Outcome,
    /// The length of the whole value; that of the value that was sent, if nothing was stored.
    value_bytes: usize,
}

impl Turn<'_> {
    /// Refuses a value that can never fit, as the header tells already.
    pub(in crate::session) fn refuse_meta_if_too_large(
        &mut self,
        meta: &Meta<'_>,
        value_bytes: usize,
    ) -> bool {
        let item_bytes_max = self.engine.store().settings().item_bytes_max;
        let item_bytes = self.meta_item_bytes(meta, value_bytes);
        let too_large = item_bytes > item_bytes_max;
        if too_large {
            let error = PutError::TooLarge {
                item_bytes,
                item_bytes_max,
            };
            self.refuse_meta(meta, &error);
        }
        too_large
    }

    /// Answers that there is no place for the item. Whatever the mode, the old item is removed.
    pub(in crate::session) fn refuse_meta(&mut self, meta: &Meta<'_>, error: &PutError) {
        let (counter, response) = match error {
            PutError::NoRoom { .. } => (Counter::StoreNoMemory, Response::OUT_OF_MEMORY),
            PutError::TooLarge { .. } | PutError::KeyTooLong { .. } => {
                (Counter::StoreTooLarge, Response::TOO_LARGE)
            }
        };
        let mut room = None;
        let key = real_key(meta.key(), &mut room);
        self.engine.store().remove(key, self.now.timestamp);
        self.count(counter);
        self.respond(&response);
    }

    pub(in crate::session) fn reserve_meta(
        &self,
        meta: &Meta<'_>,
        value_bytes: usize,
    ) -> Result<Reservation, PutError> {
        let mut room = None;
        let key = real_key(meta.key(), &mut room);
        let (attributes, now) = (self.meta_attributes(meta), self.now.timestamp);
        self.engine
            .store()
            .reserve(key, value_bytes, attributes, now)
    }

    /// Executes an `ms` if `input` begins with its whole data block, whose length it returns.
    pub(in crate::session) fn store_meta_block(
        &mut self,
        meta: &Meta<'_>,
        value_bytes: usize,
        place: Option<Located<'_>>,
        input: &[u8],
    ) -> Option<usize> {
        let block = input.get(..value_bytes + 2)?;
        let Some(value) = block.strip_suffix(b"\r\n") else {
            self.answer_bad_meta_end(meta, value_bytes);
            return Some(block.len());
        };
        let mut room: KeyRoom = None;
        let place = self.meta_place(place, real_key(meta.key(), &mut room));
        if self.attention != 0 {
            self.tell_lookup(place.key());
        }
        let stored = match meta_end(meta) {
            None => {
                let item = NewItem::new(value, self.meta_attributes(meta));
                let (when, now) = (self.meta_condition(meta), self.now.timestamp);
                let outcome = self.engine.store().put(place, item, when, now);
                outcome.map(|outcome| Stored {
                    outcome,
                    value_bytes,
                })
            }
            Some(end) => self.meta_extend(meta, place, value, end),
        };
        self.answer_meta_stored(meta, place.key(), value_bytes, stored);
        Some(block.len())
    }

    /// Executes an `ms` whose value is in a reservation.
    pub(in crate::session) fn commit_meta(
        &mut self,
        meta: &Meta<'_>,
        filled: Reservation,
        complete: bool,
    ) {
        let value_bytes = filled.value().len();
        if !complete {
            return self.answer_bad_meta_end(meta, value_bytes);
        }
        let mut room: KeyRoom = None;
        let key = real_key(meta.key(), &mut room);
        let stored = match meta_end(meta) {
            None => {
                let (when, now) = (self.meta_condition(meta), self.now.timestamp);
                Ok(Stored {
                    outcome: self.engine.store().commit(filled, when, now),
                    value_bytes,
                })
            }
            Some(end) => {
                let place = self.meta_place(None, key);
                self.meta_extend(meta, place, filled.value(), end)
            }
        };
        self.answer_meta_stored(meta, key, value_bytes, stored);
    }

    /// Extends the value that is there, or stores it if there is none and that is wanted. One that
    /// finds no room leaves the item as it is, and says no more than that.
    fn meta_extend(
        &self,
        meta: &Meta<'_>,
        place: Located<'_>,
        data: &[u8],
        end: End,
    ) -> Result<Stored, PutError> {
        let (store, now) = (self.engine.store(), self.now.timestamp);
        let mut extension = Extension::new(data, end);
        extension.expected = self.compared_version(meta).filter(|id| id.get() != 0);
        extension.id = given_id(meta);
        extension.drops = STALE | CLAIMED;
        let not_stored = Stored {
            outcome: Outcome::NotStored,
            value_bytes: data.len(),
        };
        for _ in 0..VIVIFY_ATTEMPTS_MAX {
            match store.extend_with(place, &extension, now) {
                Ok(extended) if matches!(extended.outcome, Outcome::Stored(_)) => {
                    return Ok(Stored {
                        outcome: extended.outcome,
                        value_bytes: extended.value_bytes,
                    });
                }
                Ok(extended) if extended.outcome == Outcome::NotStored => {}
                Ok(extended) => {
                    return Ok(Stored {
                        outcome: extended.outcome,
                        ..not_stored
                    });
                }
                Err(_) => return Ok(not_stored),
            }
            let Some(exptime) = meta.vivify_ttl() else {
                break;
            };
            let mut attributes = self.meta_attributes(meta);
            attributes.expiry = self.now.expiry(exptime);
            let item = NewItem::new(data, attributes);
            let outcome = store.put(place, item, Condition::IfAbsent, now)?;
            if let Outcome::Stored(_) = outcome {
                return Ok(Stored {
                    outcome,
                    value_bytes: data.len(),
                });
            }
            // Another client has made the item meanwhile.
        }
        Ok(not_stored)
    }

    fn answer_bad_meta_end(&mut self, meta: &Meta<'_>, value_bytes: usize) {
        self.count_in_class(
            ClassCounter::CmdSet,
            self.meta_item_bytes(meta, value_bytes),
        );
        self.respond(&Response::BAD_DATA_CHUNK);
    }

    fn answer_meta_stored(
        &mut self,
        meta: &Meta<'_>,
        key: &[u8],
        value_bytes: usize,
        stored: Result<Stored, PutError>,
    ) {
        if self.attention != 0 {
            self.tell_meta_stored(meta, key, value_bytes, &stored);
        }
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => return self.refuse_meta(meta, &error),
        };
        let item_bytes = self.meta_item_bytes(meta, value_bytes);
        self.count_in_class(ClassCounter::CmdSet, item_bytes);
        if is_compared(self.meta_condition(meta)) && meta_end(meta).is_none() {
            match stored.outcome {
                Outcome::Stored(_) => self.count_in_class(ClassCounter::CasHits, item_bytes),
                Outcome::Exists => self.count_in_class(ClassCounter::CasBadval, item_bytes),
                _ => self.count(Counter::CasMisses),
            }
        }
        let (code, id): (&[u8], _) = match stored.outcome {
            Outcome::Stored(_) if meta.is_quiet() => return,
            Outcome::Stored(id) => (b"HD", self.shown_id(id)),
            Outcome::NotStored => (b"NS", 0),
            Outcome::Exists => (b"EX", 0),
            Outcome::NotFound => (b"NF", 0),
        };
        let text = self.out.text();
        put_word(code, text);
        for flag in meta.flags() {
            match flag.letter {
                b'O' => put_opaque(flag.token, text),
                b'k' => put_key_flag(key, marks_of(meta.key()), text),
                b'c' => put_flag(b'c', id, text),
                b's' => put_flag(b's', stored.value_bytes as u64, text),
                _ => {}
            }
        }
        put_word(b"\r\n", text);
    }

    #[cold]
    fn tell_meta_stored(
        &self,
        meta: &Meta<'_>,
        key: &[u8],
        value_bytes: usize,
        stored: &Result<Stored, PutError>,
    ) {
        let command = match meta.store_mode() {
            MetaStoreMode::Add => "add",
            MetaStoreMode::Append => "append",
            MetaStoreMode::Prepend => "prepend",
            MetaStoreMode::Replace => "replace",
            MetaStoreMode::Set if meta.flags().has(b'C') => "cas",
            MetaStoreMode::Set => "set",
        };
        let outcome = stored.map(|stored| stored.outcome);
        let ttl = meta.ttl().unwrap_or(0);
        self.tell_store(key, command, ttl.max(-1).into(), value_bytes, &outcome);
    }

    fn meta_condition(&self, meta: &Meta<'_>) -> Condition {
        let condition = match meta.store_mode() {
            MetaStoreMode::Add => return Condition::IfAbsent,
            MetaStoreMode::Replace => Condition::IfPresent,
            _ => Condition::Always,
        };
        match meta.compared_id().map(CasId::new) {
            None => condition,
            // 0 is no version, and none is older; without ids there is no order.
            Some(id) if meta.flags().has(b'I') && id.get() != 0 && self.counts_cas() => {
                Condition::IfUnchangedOrLater {
                    id,
                    adds: STALE,
                    keeps: CLAIMED,
                }
            }
            Some(id) => Condition::IfUnchanged(id),
        }
    }

    /// The version that an extension wants to find. Where there are no ids, any will do.
    fn compared_version(&self, meta: &Meta<'_>) -> Option<CasId> {
        let id = meta.compared_id().filter(|_| self.counts_cas());
        id.map(CasId::new)
    }

    fn meta_attributes(&self, meta: &Meta<'_>) -> Attributes {
        let flags = meta.client_flags().unwrap_or(0);
        let expiry = self.now.expiry(meta.ttl().unwrap_or(0));
        Attributes::new(flags, expiry)
            .with_marks(marks_of(meta.key()))
            .with_id(given_id(meta))
    }

    /// The size by memcached's formula of the item that a command brings.
    fn meta_item_bytes(&self, meta: &Meta<'_>, value_bytes: usize) -> usize {
        let mut room = None;
        let key_bytes = real_key(meta.key(), &mut room).len();
        let flags = meta.client_flags().unwrap_or(0);
        item_bytes(key_bytes, flags, value_bytes, self.counts_cas())
    }
}

/// At which end the value is added, if it is.
fn meta_end(meta: &Meta<'_>) -> Option<End> {
    match meta.store_mode() {
        MetaStoreMode::Append => Some(End::Back),
        MetaStoreMode::Prepend => Some(End::Front),
        _ => None,
    }
}

const fn is_compared(condition: Condition) -> bool {
    matches!(
        condition,
        Condition::IfUnchanged(_) | Condition::IfUnchangedOrLater { .. }
    )
}

/// How often an extension looks for an item or makes one: each time after the first, another client
/// has made it and a third removed it meanwhile.
const VIVIFY_ATTEMPTS_MAX: usize = 8;
