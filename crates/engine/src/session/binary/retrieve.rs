//! get, gat and touch.

use steadfast_protocol::binary::{Key, Response, Status};
use steadfast_store::{Change, Entry, Located, Lookup};

use super::super::execute::Turn;
use super::Asked;
use crate::Output;
use crate::counters::{ClassCounter, Counter};
use crate::prefix::PrefixEvent;

impl Turn<'_> {
    /// Answers an item. `key` is named in the answer, if it is there.
    #[inline]
    pub(super) fn get_binary(&mut self, asked: Asked, key: Option<Key<'_>>, place: Located<'_>) {
        let shows_cas = self.engine.store().settings().cas;
        let (out, now) = (&mut *self.out, self.now.timestamp);
        let found = self.engine.store().read(place, now, |entry| {
            put_item(asked, key, entry, shows_cas, out);
            entry.item_bytes()
        });
        match found.hit() {
            Some(item_bytes) => self.count_in_class(ClassCounter::GetHits, item_bytes),
            None => {
                self.count(Counter::GetMisses);
                self.miss(asked, key);
            }
        }
        if self.attention != 0 {
            let hit = matches!(found, Lookup::Hit(_));
            self.note_prefix(place.key(), PrefixEvent::Get { hit });
            self.tell_fetch(place.key(), found);
        }
    }

    /// Answers an item and gives it a new expiry time.
    pub(super) fn get_and_touch_binary(
        &mut self,
        asked: Asked,
        key: Option<Key<'_>>,
        place: Located<'_>,
        exptime: u32,
    ) {
        let shows_cas = self.engine.store().settings().cas;
        self.touch_with(asked, key, place, exptime, |entry, out| {
            put_item(asked, key, entry, shows_cas, out);
        });
    }

    /// Gives an item a new expiry time, and answers its flags.
    pub(super) fn touch_binary(&mut self, asked: Asked, place: Located<'_>, exptime: u32) {
        let shows_cas = self.engine.store().settings().cas;
        self.touch_with(asked, None, place, exptime, |entry, out| {
            let response = Response {
                cas: shown_cas(entry, shows_cas),
                flags: Some(entry.flags()),
                ..Response::new(asked.opcode, asked.opaque)
            };
            response.encode(out.text());
        });
    }

    fn touch_with(
        &mut self,
        asked: Asked,
        key: Option<Key<'_>>,
        place: Located<'_>,
        exptime: u32,
        answer: impl FnOnce(&Entry<'_>, &mut Output),
    ) {
        let expiry = self.now.expiry_unsigned(exptime);
        let (out, now) = (&mut *self.out, self.now.timestamp);
        let found = self.engine.store().update(place, now, |entry| {
            answer(entry, out);
            (Change::Expiry(expiry), entry.item_bytes())
        });
        // A change of the expiry alone needs no room.
        let found = found.unwrap_or(Lookup::Miss);
        match found.hit() {
            Some(item_bytes) => self.count_in_class(ClassCounter::TouchHits, item_bytes),
            None => {
                self.count(Counter::TouchMisses);
                self.miss(asked, key);
            }
        }
        if self.attention != 0 {
            let hit = matches!(found, Lookup::Hit(_));
            self.note_prefix(place.key(), PrefixEvent::Get { hit });
            self.tell_fetch(place.key(), found);
        }
    }

    /// Answers that there is no such item, by naming it or in words. Quiet retrievals are silent.
    fn miss(&mut self, asked: Asked, key: Option<Key<'_>>) {
        if asked.quiet {
            return;
        }
        let status = Status::KEY_NOT_FOUND;
        if key.is_none() {
            return self.fail(asked, status);
        }
        let response = Response {
            status,
            key,
            ..Response::new(asked.opcode, asked.opaque)
        };
        response.encode(self.out.text());
    }
}

/// Appends a hit. Runs under a stripe's lock.
#[inline(always)]
fn put_item(
    asked: Asked,
    key: Option<Key<'_>>,
    entry: &Entry<'_>,
    shows_cas: bool,
    out: &mut Output,
) {
    let value = entry.value();
    let response = Response {
        cas: shown_cas(entry, shows_cas),
        flags: Some(entry.flags()),
        key,
        value_bytes: value.len(),
        ..Response::new(asked.opcode, asked.opaque)
    };
    response.encode(out.text());
    out.put_value(value, entry);
}

/// An item's id, or 0 if they are off.
fn shown_cas(entry: &Entry<'_>, shows_cas: bool) -> u64 {
    if shows_cas { entry.cas().get() } else { 0 }
}
