//! mg.

use std::vec::Vec;

use steadfast_protocol::Meta;
use steadfast_store::{
    Attributes, Change, Edit, Entry, Expiry, Initial, Located, Lookup, Marks, ShortValue,
    Timestamp, Updated, Usage, item_bytes,
};

use super::{
    given_id, is_version, marks_of, put_flag, put_key_flag, put_opaque, put_ttl, put_word, real_key,
};
use crate::counters::{ClassCounter, Counter};
use crate::marks::{CLAIMED, STALE};
use crate::session::execute::Turn;
use crate::{Now, Output};

/// What a look at an item came to.
enum Look {
    /// It is answered.
    Answered { item_bytes: usize },
    /// The client is to be told that it is the one to store the item anew, which changes the item.
    Unclaimed { before: Before },
}

/// How an item was used before this command.
#[derive(Clone, Copy)]
struct Before {
    was_read: bool,
    used_at: Timestamp,
}

impl Before {
    fn of(entry: &Entry<'_>) -> Self {
        Self {
            was_read: entry.was_read(),
            used_at: entry.used_at(),
        }
    }
}

impl Turn<'_> {
    /// `mg`: a look at an item that may change it, and may make one.
    #[inline(never)]
    pub(in crate::session) fn meta_get<'k>(&mut self, meta: &Meta<'k>, place: Option<Located<'k>>) {
        let mut room = None;
        let key = real_key(meta.key(), &mut room);
        let place = self.meta_place(place, key);
        if self.attention != 0 {
            self.tell_lookup(key);
        }
        let flags = meta.flags();
        let usage = if flags.has(b'u') {
            Usage::Trace
        } else {
            Usage::Read
        };
        if flags.has(b'N') {
            return self.get_or_vivify(meta, place, usage);
        }
        if flags.has(b'T') || flags.has(b'R') {
            return self.get_and_change(meta, place, usage, None);
        }
        let answer = self.meta_answer(meta);
        let (out, store) = (&mut *self.out, self.engine.store());
        let visit = |entry: &Entry<'_>| {
            let before = Before::of(entry);
            if entry.marks().among(STALE | CLAIMED) == STALE {
                return Look::Unclaimed { before };
            }
            let mut seen = Seen::of(entry, before, answer.counts_cas);
            answer.put(&mut seen, Some(entry), out);
            Look::Answered {
                item_bytes: entry.item_bytes(),
            }
        };
        let found = match usage {
            Usage::Trace => store.peek(place, self.now.timestamp, visit),
            _ => store.read(place, self.now.timestamp, visit),
        };
        match found.hit() {
            Some(Look::Answered { item_bytes }) => {
                self.count_in_class(ClassCounter::GetHits, item_bytes);
            }
            Some(Look::Unclaimed { before }) => {
                self.get_and_change(meta, place, usage, Some(before));
            }
            None => self.answer_miss(meta, key),
        }
    }

    /// Looks at an item and changes it. `before` is what an earlier look of this command saw.
    fn get_and_change(
        &mut self,
        meta: &Meta<'_>,
        place: Located<'_>,
        usage: Usage,
        before: Option<Before>,
    ) {
        let answer = self.meta_answer(meta);
        let (out, store) = (&mut *self.out, self.engine.store());
        let edit = |entry: &Entry<'_>| answer.change(entry, before, out);
        let found = store.update_as(place, usage, self.now.timestamp, edit);
        match found.ok().and_then(Lookup::hit) {
            Some(item_bytes) => self.count_meta_hit(meta, item_bytes),
            None => self.answer_miss(meta, place.key()),
        }
    }

    /// Looks at an item, or makes an empty one that this client is to fill.
    fn get_or_vivify(&mut self, meta: &Meta<'_>, place: Located<'_>, usage: Usage) {
        let answer = self.meta_answer(meta);
        let (store, now) = (self.engine.store(), self.now.timestamp);
        // Flags act in their order: the last one wins.
        let expiry = meta.flags().into_iter().fold(Expiry::NEVER, |last, flag| {
            let exptime = match flag.letter {
                b'N' => meta.vivify_ttl(),
                b'T' => meta.ttl(),
                _ => None,
            };
            exptime.map_or(last, |exptime| self.now.expiry(exptime))
        });
        let marks = marks_of(meta.key());
        let attributes = Attributes::new(0, expiry)
            .with_marks(marks | CLAIMED)
            .with_id(given_id(meta));
        let initial = Initial::new(ShortValue::default(), attributes);
        let out = &mut *self.out;
        let edit = |entry: &Entry<'_>| answer.change(entry, None, out);
        match store.update_or_insert(place, &initial, usage, now, edit) {
            Ok(Updated::Found(item_bytes)) => self.count_meta_hit(meta, item_bytes),
            Ok(Updated::Inserted(id)) => {
                let mut seen = Seen::new_item(place.key(), self.shown_id(id), marks, now);
                answer.put(&mut seen, None, self.out);
                if usage == Usage::Read {
                    // A hit like any other; it may be gone again by now, which does not matter.
                    let _ = store.read(place, now, |_| ());
                }
                let counts_cas = self.counts_cas();
                self.count_meta_hit(meta, item_bytes(place.key().len(), 0, 0, counts_cas));
            }
            // There is no room for a new item.
            Err(_) => self.answer_miss(meta, place.key()),
        }
    }

    fn answer_miss(&mut self, meta: &Meta<'_>, key: &[u8]) {
        self.count(Counter::GetMisses);
        if !meta.is_quiet() {
            self.echo(b"EN", meta, key);
        }
    }

    /// One that sets the expiry time counts as a touch.
    fn count_meta_hit(&mut self, meta: &Meta<'_>, item_bytes: usize) {
        let counter = if meta.flags().has(b'T') {
            ClassCounter::TouchHits
        } else {
            ClassCounter::GetHits
        };
        self.count_in_class(counter, item_bytes);
    }

    fn meta_answer<'m, 'k>(&self, meta: &'m Meta<'k>) -> Answer<'m, 'k> {
        Answer {
            meta,
            now: self.now,
            counts_cas: self.counts_cas(),
        }
    }
}

/// An item as an answer shows it, and as it becomes meanwhile.
struct Seen<'a> {
    key: &'a [u8],
    value_bytes: usize,
    flags: u32,
    id: u64,
    expiry: Expiry,
    marks: Marks,
    before: Before,
    /// Made by this command.
    is_new: bool,
}

impl<'a> Seen<'a> {
    fn of(entry: &Entry<'a>, before: Before, counts_cas: bool) -> Self {
        Self {
            key: entry.key(),
            value_bytes: entry.value().len(),
            flags: entry.flags(),
            id: if counts_cas { entry.cas().get() } else { 0 },
            expiry: entry.expiry(),
            marks: entry.marks(),
            before,
            is_new: false,
        }
    }

    const fn new_item(key: &'a [u8], id: u64, marks: Marks, now: Timestamp) -> Self {
        Self {
            key,
            value_bytes: 0,
            flags: 0,
            id,
            expiry: Expiry::NEVER,
            marks,
            before: Before {
                was_read: false,
                used_at: now,
            },
            is_new: true,
        }
    }
}

/// The answer to an `mg` that hits.
struct Answer<'m, 'k> {
    meta: &'m Meta<'k>,
    now: Now,
    counts_cas: bool,
}

impl Answer<'_, '_> {
    /// Answers with an entry and says how it changes; and how large it is.
    fn change(
        &self,
        entry: &Entry<'_>,
        before: Option<Before>,
        out: &mut Output,
    ) -> (Change, usize) {
        let before = before.unwrap_or_else(|| Before::of(entry));
        let mut seen = Seen::of(entry, before, self.counts_cas);
        self.put(&mut seen, Some(entry), out);
        let mut edit = Edit::new();
        if seen.expiry != entry.expiry() {
            edit = edit.with_expiry(seen.expiry);
        }
        if seen.marks != entry.marks() {
            edit = edit.with_marks(seen.marks);
        }
        (Change::Edit(edit), entry.item_bytes())
    }

    /// Appends the answer. A new item has no entry, and no value.
    #[inline]
    fn put(&self, seen: &mut Seen<'_>, entry: Option<&Entry<'_>>, out: &mut Output) {
        let compared = self.meta.compared_id();
        let is_known = compared.is_some_and(|id| match entry {
            Some(entry) => is_version(entry, id, self.counts_cas),
            None => id == seen.id,
        });
        let shows_value = self.meta.flags().has(b'v') && !is_known;
        let text = out.text();
        if shows_value {
            put_word(b"VA ", text);
            super::put_number(seen.value_bytes as u64, text);
        } else {
            put_word(b"HD", text);
        }
        self.put_flags(seen, text);
        put_word(b"\r\n", text);
        if shows_value {
            if let Some(entry) = entry {
                out.put_value(entry.value(), entry);
            }
            put_word(b"\r\n", out.text());
        }
    }

    #[inline]
    fn put_flags(&self, seen: &mut Seen<'_>, text: &mut Vec<u8>) {
        let now = self.now.timestamp;
        let mut wins = false;
        for flag in self.meta.flags() {
            match flag.letter {
                b'T' => seen.expiry = self.expiry(self.meta.ttl()),
                b'N' if seen.is_new => {
                    seen.expiry = self.expiry(self.meta.vivify_ttl());
                    wins = true;
                }
                b'R' => wins |= self.is_due(seen),
                b's' => put_flag(b's', seen.value_bytes as u64, text),
                b't' => put_ttl(seen.expiry, now, text),
                b'c' => put_flag(b'c', seen.id, text),
                b'f' => put_flag(b'f', seen.flags.into(), text),
                b'l' => put_flag(b'l', super::since(seen.before.used_at, now), text),
                b'h' => put_flag(b'h', seen.before.was_read.into(), text),
                b'O' => put_opaque(flag.token, text),
                b'k' => put_key_flag(seen.key, seen.marks, text),
                _ => {}
            }
        }
        if seen.marks.contains(CLAIMED) {
            put_word(b" Z", text);
        }
        if seen.marks.contains(STALE) {
            put_word(b" X", text);
            wins |= !seen.marks.contains(CLAIMED);
        }
        if wins {
            put_word(b" W", text);
            seen.marks = seen.marks | CLAIMED;
        }
    }

    /// Whether an item that nobody is told to store anew yet lives shorter than `R` wants it to.
    fn is_due(&self, seen: &Seen<'_>) -> bool {
        let threshold = self.expiry(self.meta.recache_ttl()).time();
        match (seen.expiry.time(), threshold) {
            (Some(end), Some(threshold)) => {
                !seen.is_new && !seen.marks.contains(CLAIMED) && end < threshold
            }
            _ => false,
        }
    }

    /// The parser has seen to it that there is a time where its flag is.
    fn expiry(&self, exptime: Option<i32>) -> Expiry {
        exptime.map_or(Expiry::NEVER, |exptime| self.now.expiry(exptime))
    }
}
