//! set, add, replace, append and prepend.

use std::boxed::Box;

use steadfast_protocol::binary::{Status, Storage, StorageVerb};
use steadfast_store::{
    Attributes, CasId, Condition, End, Extension, Located, NewItem, Outcome, PutError, Reservation,
    item_bytes,
};

use super::super::PLACED_BYTES_MIN;
use super::super::execute::Turn;
use super::incoming::Incoming;
use super::{Asked, Binary, State, Step};
use crate::counters::{ClassCounter, Counter};
use crate::marks::{CLAIMED, STALE};
use crate::prefix::PrefixEvent;

impl Binary {
    /// Stores the value at the start of `behind`, or decides where it is to be received. The step
    /// counts from there.
    pub(super) fn store(
        &mut self,
        asked: Asked,
        storage: &Storage<'_>,
        place: Located<'_>,
        behind: &[u8],
        turn: &mut Turn<'_>,
    ) -> Step {
        if let Some(error) = turn.too_large(storage) {
            turn.answer_stored_binary(asked, storage, Err(error));
            return Step::go_on(self.skip(storage.value_bytes, behind));
        }
        if let Some(value) = behind.get(..storage.value_bytes) {
            turn.store_binary(asked, storage, place, value);
            return Step::go_on(value.len());
        }
        if storage.value_bytes < PLACED_BYTES_MIN {
            return self.wait_for_value();
        }
        match turn.reserve_binary(storage, place) {
            Ok(reservation) => {
                let incoming = Incoming::new(asked, storage, reservation);
                self.state = State::Value(Box::new(incoming));
                Step::go_on(0)
            }
            Err(error) => {
                turn.answer_stored_binary(asked, storage, Err(error));
                Step::go_on(self.skip(storage.value_bytes, behind))
            }
        }
    }
}

impl Turn<'_> {
    /// Why a value can never fit, as the header tells already.
    fn too_large(&self, storage: &Storage<'_>) -> Option<PutError> {
        let item_bytes_max = self.engine.store().settings().item_bytes_max;
        let item_bytes = self.stored_bytes(storage);
        let too_large = PutError::TooLarge {
            item_bytes,
            item_bytes_max,
        };
        (item_bytes > item_bytes_max).then_some(too_large)
    }

    fn reserve_binary(
        &self,
        storage: &Storage<'_>,
        place: Located<'_>,
    ) -> Result<Reservation, PutError> {
        let (attributes, now) = (self.attributes_binary(storage), self.now.timestamp);
        let store = self.engine.store();
        store.reserve(place, storage.value_bytes, attributes, now)
    }

    fn store_binary(
        &mut self,
        asked: Asked,
        storage: &Storage<'_>,
        place: Located<'_>,
        value: &[u8],
    ) {
        if self.attention != 0 {
            self.tell_lookup(place.key());
        }
        let outcome = match target(asked, storage.verb) {
            Target::Item(when) => {
                let item = NewItem::new(value, self.attributes_binary(storage));
                let store = self.engine.store();
                store.put(place, item, when, self.now.timestamp)
            }
            Target::Extension(end) => self.extend_binary(asked, place, value, end),
        };
        self.answer_stored_binary(asked, storage, outcome);
    }

    /// Stores a value that was received in its place.
    pub(super) fn commit_binary(
        &mut self,
        asked: Asked,
        storage: &Storage<'_>,
        filled: Reservation,
    ) {
        let place = self.binary_place(None, storage.key);
        if self.attention != 0 {
            self.tell_lookup(place.key());
        }
        let outcome = match target(asked, storage.verb) {
            Target::Item(when) => Ok(self.engine.store().commit(filled, when, self.now.timestamp)),
            Target::Extension(end) => self.extend_binary(asked, place, filled.value(), end),
        };
        self.answer_stored_binary(asked, storage, outcome);
    }

    /// An extension that finds no room leaves the item as it is, and says no more than that. What it
    /// makes is a new value, of which no client was told that it is outdated.
    fn extend_binary(
        &self,
        asked: Asked,
        place: Located<'_>,
        data: &[u8],
        end: End,
    ) -> Result<Outcome, PutError> {
        let mut extension = Extension::new(data, end);
        extension.expected = (asked.cas != 0).then(|| CasId::new(asked.cas));
        extension.drops = STALE.with(CLAIMED);
        let store = self.engine.store();
        let extended = store.extend_with(place, &extension, self.now.timestamp);
        Ok(extended.map_or(Outcome::NotStored, |extended| extended.outcome))
    }

    fn answer_stored_binary(
        &mut self,
        asked: Asked,
        storage: &Storage<'_>,
        outcome: Result<Outcome, PutError>,
    ) {
        if self.attention != 0 {
            self.tell_stored_binary(asked, storage, &outcome);
        }
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return self.refuse_binary(asked, storage, error),
        };
        let item_bytes = self.stored_bytes(storage);
        self.count_in_class(ClassCounter::CmdSet, item_bytes);
        if is_cas(asked, storage.verb) {
            match outcome {
                Outcome::Stored(_) => self.count_in_class(ClassCounter::CasHits, item_bytes),
                Outcome::Exists => self.count_in_class(ClassCounter::CasBadval, item_bytes),
                _ => self.count(Counter::CasMisses),
            }
        }
        match (outcome, storage.verb) {
            (Outcome::Stored(cas), _) => {
                let cas = self.told_cas(cas);
                self.succeed(asked, cas);
            }
            (Outcome::Exists, _) | (Outcome::NotStored, StorageVerb::Add) => {
                self.fail(asked, Status::KEY_EXISTS);
            }
            (Outcome::NotStored, StorageVerb::Append | StorageVerb::Prepend) => {
                self.fail(asked, Status::NOT_STORED);
            }
            _ => self.fail(asked, Status::KEY_NOT_FOUND),
        }
    }

    /// Answers that there is no place for the item. A set that fails so removes the old item, since
    /// the client believes it to be replaced.
    #[cold]
    fn refuse_binary(&mut self, asked: Asked, storage: &Storage<'_>, error: PutError) {
        if storage.verb == StorageVerb::Set {
            let (key, now) = (storage.key.as_bytes(), self.now.timestamp);
            self.engine.store().remove(key, now);
        }
        if matches!(error, PutError::NoRoom { .. }) {
            self.count(Counter::StoreNoMemory);
            return self.fail_for_room(asked, "Out of memory allocating item");
        }
        self.count(Counter::StoreTooLarge);
        self.fail(asked, Status::TOO_LARGE);
    }

    #[cold]
    fn tell_stored_binary(
        &self,
        asked: Asked,
        storage: &Storage<'_>,
        outcome: &Result<Outcome, PutError>,
    ) {
        self.note_prefix(storage.key.as_bytes(), PrefixEvent::Set);
        let command = match storage.verb {
            verb if is_cas(asked, verb) => "cas",
            StorageVerb::Set => "set",
            StorageVerb::Add => "add",
            StorageVerb::Replace => "replace",
            StorageVerb::Append => "append",
            StorageVerb::Prepend => "prepend",
        };
        let (expiry, now) = (
            self.now.expiry_unsigned(storage.exptime),
            self.now.timestamp,
        );
        let ttl = match expiry.time() {
            None => 0,
            Some(_) if expiry.is_past(now) => -1,
            Some(time) => i64::from(time.as_secs()) - i64::from(now.as_secs()),
        };
        let (key, value_bytes) = (storage.key.as_bytes(), storage.value_bytes);
        self.tell_store(key, command, ttl, value_bytes, outcome);
    }

    /// The size by memcached's formula of the item that a command brings.
    fn stored_bytes(&self, storage: &Storage<'_>) -> usize {
        let key_bytes = storage.key.as_bytes().len();
        let cas = self.engine.store().settings().cas;
        item_bytes(key_bytes, storage.flags, storage.value_bytes, cas)
    }

    fn attributes_binary(&self, storage: &Storage<'_>) -> Attributes {
        let expiry = self.now.expiry_unsigned(storage.exptime);
        Attributes::new(storage.flags, expiry)
    }
}

/// What a value becomes.
enum Target {
    /// An item, under a condition.
    Item(Condition),
    /// A part of the item that is there.
    Extension(End),
}

/// Set, add and replace are all the same as soon as they name a version.
fn target(asked: Asked, verb: StorageVerb) -> Target {
    match verb {
        StorageVerb::Append => Target::Extension(End::Back),
        StorageVerb::Prepend => Target::Extension(End::Front),
        _ if asked.cas != 0 => Target::Item(Condition::IfUnchanged(CasId::new(asked.cas))),
        StorageVerb::Set => Target::Item(Condition::Always),
        StorageVerb::Add => Target::Item(Condition::IfAbsent),
        StorageVerb::Replace => Target::Item(Condition::IfPresent),
    }
}

/// Whether memcached counts it as a cas.
fn is_cas(asked: Asked, verb: StorageVerb) -> bool {
    asked.cas != 0 && !matches!(verb, StorageVerb::Append | StorageVerb::Prepend)
}
