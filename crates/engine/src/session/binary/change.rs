//! delete, increment, decrement and flush.

use steadfast_protocol::binary::{Command, NO_INITIAL, Status};
use steadfast_protocol::{Arithmetic, binary};
use steadfast_store::{
    Attributes, CasId, Change, Entry, Initial, Located, Lookup, ShortValue, Updated, Usage,
};

use super::super::execute::{Turn, calculate};
use super::Asked;
use crate::counters::{ClassCounter, Counter};
use crate::prefix::PrefixEvent;

/// What became of a number.
enum Calculated {
    /// The new one.
    Number {
        number: u64,
        cas: CasId,
        item_bytes: usize,
    },
    /// There was none, and the initial one was stored.
    Begun(CasId),
    NotFound,
    /// Another version is there.
    Changed,
    NotANumber,
}

impl Turn<'_> {
    pub(super) fn delete_binary(&mut self, asked: Asked, place: Located<'_>) {
        if self.attention != 0 {
            self.note_prefix(place.key(), PrefixEvent::Delete);
            self.tell_lookup(place.key());
        }
        let (store, now) = (self.engine.store(), self.now.timestamp);
        let expected = self.expected(asked);
        let sizes = |entry: &Entry<'_>| (entry.item_bytes(), entry.value().len());
        // None if another version is there.
        let found = if expected == Expected::Any {
            store.remove_with(place, now, sizes).hit().map(Some)
        } else {
            let edit = |entry: &Entry<'_>| {
                if expected.admits(entry) {
                    (Change::Remove, Some(sizes(entry)))
                } else {
                    (Change::Keep, None)
                }
            };
            let found = store.update_as(place, Usage::Trace, now, edit);
            found.ok().and_then(Lookup::hit)
        };
        match found {
            Some(Some((item_bytes, value_bytes))) => {
                self.count_in_class(ClassCounter::DeleteHits, item_bytes);
                if self.attention != 0 {
                    self.tell_deleted(place.key(), "delete", item_bytes, value_bytes);
                }
                self.succeed(asked, 0);
            }
            Some(None) => self.fail(asked, Status::KEY_EXISTS),
            None => {
                self.count(Counter::DeleteMisses);
                self.fail(asked, Status::KEY_NOT_FOUND);
            }
        }
    }

    /// Increments, decrements, or begins a number where there is none.
    pub(super) fn arithmetic_binary(
        &mut self,
        asked: Asked,
        command: &Command<'_>,
        place: Located<'_>,
    ) {
        let Command::Arithmetic {
            operation,
            delta,
            initial,
            exptime,
            ..
        } = *command
        else {
            return;
        };
        if self.attention != 0 {
            self.tell_lookup(place.key());
        }
        let (store, now) = (self.engine.store(), self.now.timestamp);
        let expected = self.expected(asked);
        let edit = |entry: &Entry<'_>| {
            // memcached looks for a number only in the right version, and at all in some value.
            if entry.value().is_empty() {
                return (Change::Keep, Calculated::NotANumber);
            }
            if !expected.admits(entry) {
                return (Change::Keep, Calculated::Changed);
            }
            let Some((number, text)) = calculate(operation, entry, delta) else {
                return (Change::Keep, Calculated::NotANumber);
            };
            let calculated = Calculated::Number {
                number,
                cas: entry.next_cas(),
                item_bytes: entry.item_bytes(),
            };
            (Change::Value(text), calculated)
        };
        let calculated = if exptime == NO_INITIAL {
            let found = store.update_as(place, Usage::Use, now, edit);
            found.map(|found| found.hit().unwrap_or(Calculated::NotFound))
        } else {
            let attributes = Attributes::new(0, self.now.expiry_unsigned(exptime));
            let first = Initial::new(digits(initial), attributes);
            let updated = store.update_or_insert(place, &first, Usage::Use, now, edit);
            updated.map(|updated| match updated {
                Updated::Found(calculated) => calculated,
                Updated::Inserted(cas) => Calculated::Begun(cas),
            })
        };
        let (hits, misses) = match operation {
            Arithmetic::Increment => (ClassCounter::IncrHits, Counter::IncrMisses),
            Arithmetic::Decrement => (ClassCounter::DecrHits, Counter::DecrMisses),
        };
        match calculated {
            Ok(Calculated::Number {
                number,
                cas,
                item_bytes,
            }) => {
                self.count_in_class(hits, item_bytes);
                self.answer_number(asked, number, cas);
            }
            Ok(Calculated::Begun(cas)) => self.answer_number(asked, initial, cas),
            Ok(Calculated::NotFound) => {
                self.count(misses);
                self.fail(asked, Status::KEY_NOT_FOUND);
            }
            Ok(Calculated::Changed) => self.fail(asked, Status::KEY_EXISTS),
            Ok(Calculated::NotANumber) => self.fail(asked, Status::NOT_A_NUMBER),
            Err(_) => {
                self.count(Counter::StoreNoMemory);
                self.fail_for_room(asked, "Out of memory incrementing value");
            }
        }
    }

    fn answer_number(&mut self, asked: Asked, number: u64, cas: CasId) {
        if !asked.quiet {
            let cas = self.told_cas(cas);
            self.put_value_binary(asked, cas, &number.to_be_bytes());
        }
    }

    /// Answers that there is no room, in words of its own.
    #[cold]
    pub(super) fn fail_for_room(&mut self, asked: Asked, text: &str) {
        let response = binary::Response {
            value_bytes: text.len(),
            ..binary::Response::error(asked.opcode, Status::OUT_OF_MEMORY, asked.opaque)
        };
        self.put_error(&response, text);
    }

    /// Forgets all items, now or at a time.
    pub(super) fn flush_binary(&mut self, asked: Asked, exptime: Option<u32>) {
        let deadline = exptime.filter(|&exptime| exptime > 0);
        if self.flush(deadline.map(|exptime| self.now.expiry_unsigned(exptime))) {
            self.succeed(asked, 0);
        } else {
            self.fail(asked, Status::AUTH_ERROR);
        }
    }

    /// The version that a change is bound to.
    pub(super) fn expected(&self, asked: Asked) -> Expected {
        match (asked.cas, self.engine.store().settings().cas) {
            (0, _) => Expected::Any,
            (id, true) => Expected::Only(CasId::new(id)),
            (_, false) => Expected::None,
        }
    }

    /// An item's new id as it is told: 0 if ids are off.
    pub(super) fn told_cas(&self, cas: CasId) -> u64 {
        if self.engine.store().settings().cas {
            cas.get()
        } else {
            0
        }
    }

    /// Counts for the key's prefix, if that is on. Asked for only where
    /// [`attention`](Self::attention) is not 0.
    #[cold]
    pub(super) fn note_prefix(&self, key: &[u8], event: PrefixEvent) {
        if self.attention & crate::engine::ATTENTION_PREFIXES != 0 {
            self.engine.prefixes().count(key, event);
        }
    }
}

/// Which version of an item a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Any,
    Only(CasId),
    /// No version has an id, so none is the one that is meant.
    None,
}

impl Expected {
    fn admits(self, entry: &Entry<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(cas) => entry.cas() == cas,
            Self::None => false,
        }
    }
}

/// A number as it is stored.
fn digits(number: u64) -> ShortValue {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number).as_bytes();
    ShortValue::new(digits).expect("20 digits are short")
}
