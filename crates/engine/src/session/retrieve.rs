//! get, gets, gat and gats.

use arrayvec::ArrayVec;
use steadfast_protocol::{Key, Keys, Response, ValueHeader};
use steadfast_store::{Change, Entry, Located, Lookup};

use super::ahead::{KEYS_AHEAD_MAX, prefetch};
use super::execute::Turn;
use super::{Next, Session, State, Step};
use crate::Output;
use crate::counters::{ClassCounter, Counter};
use crate::prefix::PrefixEvent;

/// What is left of a retrieval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retrieval {
    /// The bytes of the line that are not dealt with, its end included.
    line_bytes: usize,
    /// Those of the line's end.
    end_bytes: usize,
    /// The new expiry time of the items, if they get one.
    exptime: Option<i32>,
    cas: bool,
}

impl Retrieval {
    /// A retrieval at its start; `line` is the whole line.
    pub(super) fn new(line: &[u8], exptime: Option<i32>, cas: bool) -> Self {
        Self {
            line_bytes: line.len(),
            end_bytes: if line.ends_with(b"\r\n") { 2 } else { 1 },
            exptime,
            cas,
        }
    }
}

impl Session {
    /// Answers keys, one after the other, until there are no more, the output is full, or there
    /// were many of them. The line is consumed as far as it is answered, so that nothing of it is
    /// parsed again.
    ///
    /// `place` is that of the only key, if it was looked up ahead.
    #[inline(never)]
    pub(super) fn retrieve(
        &mut self,
        mut keys: Keys<'_>,
        place: Option<Located<'_>>,
        retrieval: Retrieval,
        turn: &mut Turn<'_>,
    ) -> Step {
        if let Some(key) = keys.only() {
            let place = turn.place(place, key);
            turn.retrieve(key, place, retrieval);
            return self.end_retrieval(retrieval, turn);
        }
        for _ in 0..KEYS_PER_CALL_MAX / KEYS_AHEAD_MAX {
            let mut left = keys;
            let mut ahead = ArrayVec::<_, KEYS_AHEAD_MAX>::new();
            let store = turn.engine.store();
            while !ahead.is_full() {
                let Some(key) = keys.next() else { break };
                ahead.push((key, store.locate(key.as_bytes())));
            }
            prefetch(store, ahead.iter().map(|(_, place)| place));
            for (number, &(key, place)) in ahead.iter().enumerate() {
                if turn.is_full() {
                    left.by_ref().take(number).for_each(drop);
                    return self.interrupt(left, retrieval, Next::Write);
                }
                turn.retrieve(key, place, retrieval);
            }
            if !ahead.is_full() {
                return self.end_retrieval(retrieval, turn);
            }
        }
        self.interrupt(keys, retrieval, Next::Again)
    }

    fn end_retrieval(&mut self, retrieval: Retrieval, turn: &mut Turn<'_>) -> Step {
        self.state = State::Line;
        turn.respond(&Response::End);
        Step::go_on(retrieval.line_bytes)
    }

    /// Goes on with a retrieval; `input` begins with the rest of its line.
    pub(super) fn resume(
        &mut self,
        retrieval: Retrieval,
        input: &[u8],
        turn: &mut Turn<'_>,
    ) -> Step {
        // There is all of it, unless the caller has dropped what was not consumed.
        match input.get(..retrieval.line_bytes - retrieval.end_bytes) {
            Some(line) => self.retrieve(Keys::resume(line), None, retrieval, turn),
            None => Step::stop(0, Next::Read),
        }
    }

    fn interrupt(&mut self, rest: Keys<'_>, retrieval: Retrieval, next: Next) -> Step {
        let line_bytes = rest.unread_bytes() + retrieval.end_bytes;
        self.state = State::Retrieval(Retrieval {
            line_bytes,
            ..retrieval
        });
        Step::stop(retrieval.line_bytes - line_bytes, next)
    }
}

impl Turn<'_> {
    /// Answers one key.
    fn retrieve(&mut self, key: Key<'_>, place: Located<'_>, retrieval: Retrieval) {
        match retrieval.exptime {
            None => self.get(key, place, retrieval.cas),
            Some(exptime) => self.get_and_touch(key, place, exptime, retrieval.cas),
        }
    }

    #[inline]
    pub(super) fn get(&mut self, key: Key<'_>, place: Located<'_>, cas: bool) {
        let cas = self.shown_cas(cas);
        let (out, now) = (&mut *self.out, self.now.timestamp);
        let found = self.engine.store().read(place, now, |entry| {
            put_item(key, entry, cas, out);
            entry.item_bytes()
        });
        let item_bytes = found.hit();
        match item_bytes {
            Some(item_bytes) => self.count_in_class(ClassCounter::GetHits, item_bytes),
            None => self.count(Counter::GetMisses),
        }
        if self.attention != 0 {
            let hit = item_bytes.is_some();
            self.count_prefix(key, PrefixEvent::Get { hit });
            self.tell_fetch(key.as_bytes(), found);
        }
    }

    fn get_and_touch(&mut self, key: Key<'_>, place: Located<'_>, exptime: i32, cas: bool) {
        let cas = self.shown_cas(cas);
        let expiry = self.now.expiry(exptime);
        let (out, now) = (&mut *self.out, self.now.timestamp);
        let found = self.engine.store().update(place, now, |entry| {
            put_item(key, entry, cas, out);
            (Change::Expiry(expiry), entry.item_bytes())
        });
        let found = found.unwrap_or(Lookup::Miss);
        let item_bytes = found.hit();
        match item_bytes {
            Some(item_bytes) => self.count_in_class(ClassCounter::TouchHits, item_bytes),
            None => self.count(Counter::TouchMisses),
        }
        if self.attention != 0 {
            let hit = item_bytes.is_some();
            self.count_prefix(key, PrefixEvent::Get { hit });
            self.tell_fetch(key.as_bytes(), found);
        }
    }

    fn shown_cas(&self, asked: bool) -> ShownCas {
        match (asked, self.engine.store().settings().cas) {
            (false, _) => ShownCas::Hidden,
            (true, true) => ShownCas::Shown,
            (true, false) => ShownCas::Zero,
        }
    }
}

/// How cas ids appear in an answer: without them, with them, or all 0 because they are off.
#[derive(Clone, Copy)]
enum ShownCas {
    Hidden,
    Shown,
    Zero,
}

/// Appends the `VALUE` line and the data block. Runs under a stripe's lock.
#[inline(always)]
fn put_item(key: Key<'_>, entry: &Entry<'_>, cas: ShownCas, out: &mut Output) {
    let cas = match cas {
        ShownCas::Hidden => None,
        ShownCas::Shown => Some(entry.cas().get()),
        ShownCas::Zero => Some(0),
    };
    let value = entry.value();
    let header = ValueHeader {
        key,
        flags: entry.flags(),
        value_bytes: value.len(),
        cas,
    };
    header.encode(out.text());
    out.put_value(value, entry);
    out.text().extend_from_slice(b"\r\n");
}

/// How many keys are answered before other clients have their turn: a line of 4 MiB can name two
/// million, and a miss adds nothing to the output that would make us stop.
const KEYS_PER_CALL_MAX: usize = 10 * KEYS_AHEAD_MAX;
