//! get, gets, gat and gats.

use steadfast_protocol::{Key, Keys, Response, ValueHeader};
use steadfast_store::{Change, Entry};

use super::execute::Turn;
use super::{Next, Session, Step};
use crate::Output;
use crate::counters::Counter;

impl Session {
    /// Answers the keys one after the other. When the output is full, the line stays unconsumed
    /// and the rest of the keys is answered by a later call.
    pub(super) fn retrieve(
        &mut self,
        keys: Keys<'_>,
        exptime: Option<i32>,
        cas: bool,
        line_bytes: usize,
        turn: &mut Turn<'_>,
    ) -> Step {
        for key in keys.skip(self.keys_done) {
            if turn.is_full() {
                return Step::stop(0, Next::Write);
            }
            match exptime {
                None => turn.get(key, cas),
                Some(exptime) => turn.get_and_touch(key, exptime, cas),
            }
            self.keys_done += 1;
        }
        self.keys_done = 0;
        turn.respond(&Response::End);
        Step::go_on(line_bytes)
    }
}

impl Turn<'_> {
    fn get(&mut self, key: Key<'_>, cas: bool) {
        let cas = self.shown_cas(cas);
        let (out, now) = (&mut *self.out, self.now.timestamp);
        let found = self
            .engine
            .store()
            .read(key.as_bytes(), now, |entry| put_item(key, entry, cas, out));
        let hit = found.hit().is_some();
        self.count(if hit {
            Counter::GetHits
        } else {
            Counter::GetMisses
        });
    }

    fn get_and_touch(&mut self, key: Key<'_>, exptime: i32, cas: bool) {
        let cas = self.shown_cas(cas);
        let expiry = self.now.expiry(exptime);
        let (out, now) = (&mut *self.out, self.now.timestamp);
        let found = self.engine.store().update(key.as_bytes(), now, |entry| {
            put_item(key, entry, cas, out);
            (Change::Expiry(expiry), ())
        });
        let hit = found.is_ok_and(|lookup| lookup.hit().is_some());
        self.count(if hit {
            Counter::TouchHits
        } else {
            Counter::TouchMisses
        });
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
fn put_item(key: Key<'_>, entry: &Entry<'_>, cas: ShownCas, out: &mut Output) {
    let cas = match cas {
        ShownCas::Hidden => None,
        ShownCas::Shown => Some(entry.cas().get()),
        ShownCas::Zero => Some(0),
    };
    let value_bytes = entry.value().len();
    Response::Value(ValueHeader {
        key,
        flags: entry.flags(),
        value_bytes,
        cas,
    })
    .encode(out.text());
    out.put_value(entry);
    out.text().extend_from_slice(b"\r\n");
}
