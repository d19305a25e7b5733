//! One call's work on the shared engine, and the commands of one line.

use core::sync::atomic::Ordering;

use bytes::Buf;
use steadfast_protocol::{Arithmetic, Key, Request, Response, parse_stored_number};
use steadfast_store::{Change, Entry, Expiry, Located, Lookup, ShortValue, Timestamp, Usage};

use crate::counters::{ClassCounter, Counter, Row};
use crate::engine::ATTENTION_PREFIXES;
use crate::prefix::PrefixEvent;
use crate::watch::ATTENTION_STREAMS;
use crate::{Engine, Now, Output};

/// What one call of a session works with.
pub(super) struct Turn<'a> {
    pub(super) engine: &'a Engine,
    pub(super) out: &'a mut Output,
    pub(super) now: Now,
    /// How many more requests this call may execute.
    pub(super) requests_left: usize,
    /// What is to be looked after besides: see [`Engine::attention`].
    pub(super) attention: u32,
    worker: usize,
    connection: u64,
    /// The worker's own counters.
    row: &'a Row,
    /// The unread output that is counted already.
    out_counted: usize,
}

impl<'a> Turn<'a> {
    /// A call's work for a session that is served by a worker and known by a number.
    pub(super) fn new(
        engine: &'a Engine,
        out: &'a mut Output,
        (worker, connection): (usize, u64),
        now: Now,
    ) -> Self {
        let out_counted = out.remaining();
        let attention = engine.attention().load(Ordering::Relaxed);
        if attention & ATTENTION_STREAMS != 0 {
            engine.watchers().note_time(now);
        }
        Self {
            engine,
            out,
            now,
            requests_left: engine.settings().requests_per_call_max.max(1),
            attention,
            worker,
            connection,
            row: engine.counters().row(worker),
            out_counted,
        }
    }

    /// Ends the call: what it counted becomes visible.
    pub(super) fn finish(&mut self, bytes_read: usize) {
        self.row.add(Counter::BytesRead, bytes_read as u64);
        self.publish();
        if self.attention & ATTENTION_STREAMS != 0 {
            self.engine.watchers().publish(self.worker);
        }
    }

    pub(super) const fn worker(&self) -> usize {
        self.worker
    }

    /// The number that `stats conns` names the session by.
    pub(super) const fn connection(&self) -> u64 {
        self.connection
    }

    pub(super) fn is_full(&self) -> bool {
        self.out.is_full()
    }

    /// Where `key` is, which may be known already.
    #[inline]
    pub(super) fn place<'k>(&self, known: Option<Located<'k>>, key: Key<'k>) -> Located<'k> {
        known.unwrap_or_else(|| self.engine.store().locate(key.as_bytes()))
    }

    pub(super) fn count(&mut self, counter: Counter) {
        self.row.count(counter);
    }

    /// Counts for the class of an item of so many bytes by memcached's formula, and in general.
    #[inline]
    pub(super) fn count_in_class(&mut self, counter: ClassCounter, item_bytes: usize) {
        self.row.count_in_class(counter, item_bytes);
    }

    /// Counts for the key's prefix, if that is on. Asked for only where
    /// [`attention`](Self::attention) is not 0.
    #[cold]
    pub(super) fn count_prefix(&self, key: Key<'_>, event: PrefixEvent) {
        if self.attention & ATTENTION_PREFIXES != 0 {
            self.engine.prefixes().count(key.as_bytes(), event);
        }
    }

    #[inline(always)]
    pub(super) fn respond(&mut self, response: &Response<'_>) {
        response.encode(self.out.text());
    }

    #[inline(always)]
    pub(super) fn respond_unless(&mut self, noreply: bool, response: &Response<'_>) {
        if !noreply {
            self.respond(response);
        }
    }

    /// Executes a command that is a line and no more, other than the retrievals. `place` is that of
    /// its key, if it was looked up ahead.
    #[inline(never)]
    pub(super) fn execute<'k>(&mut self, request: Request<'k>, place: Option<Located<'k>>) {
        match request {
            Request::Delete { key, noreply } => {
                if self.attention != 0 {
                    self.count_prefix(key, PrefixEvent::Delete);
                }
                self.delete(self.place(place, key), noreply);
            }
            Request::Arithmetic {
                operation,
                key,
                delta,
                noreply,
            } => {
                let response = self.arithmetic(operation, self.place(place, key), delta);
                self.respond_unless(noreply, &response);
            }
            Request::Touch {
                key,
                exptime,
                noreply,
            } => self.touch(self.place(place, key), exptime, noreply),
            Request::FlushAll { exptime, noreply } => {
                let response = self.flush_all(exptime);
                self.respond_unless(noreply, &response);
            }
            Request::Verbosity { level, noreply } => {
                self.engine.set_verbosity(level);
                self.respond_unless(noreply, &Response::Ok);
            }
            Request::Stats { topic, rest } => {
                self.publish();
                self.engine
                    .answer_stats((topic, rest), self.connection, self.out.text(), self.now);
            }
            Request::Version => {
                let version = self.engine.settings().version.as_bytes();
                Response::Version(version).encode(self.out.text());
            }
            Request::MetaGet(ref meta) => self.meta_get(meta, place),
            Request::MetaDelete(ref meta) => self.meta_delete(meta, place),
            Request::MetaArithmetic(ref meta) => self.meta_arithmetic(meta, place),
            Request::MetaDebug(ref meta) => self.meta_debug(meta, place),
            Request::MetaNoop => self.meta_noop(),
            other => self.administer(other),
        }
    }

    /// Counts the replies since the last time, so that reports know of them.
    pub(super) fn publish(&mut self) {
        let out_bytes = self.out.remaining();
        let written = out_bytes - self.out_counted;
        self.row.add(Counter::BytesWritten, written as u64);
        self.out_counted = out_bytes;
    }

    fn delete(&mut self, place: Located<'_>, noreply: bool) {
        let (store, key) = (self.engine.store(), place.key());
        if self.attention != 0 {
            self.tell_lookup(key);
        }
        let size = |entry: &Entry<'_>| (entry.item_bytes(), entry.value().len());
        let removed = store.remove_with(place, self.now.timestamp, size).hit();
        let response = if let Some((item_bytes, value_bytes)) = removed {
            self.count_in_class(ClassCounter::DeleteHits, item_bytes);
            if self.attention != 0 {
                self.tell_deleted(key, "delete", item_bytes, value_bytes);
            }
            Response::Deleted
        } else {
            self.count(Counter::DeleteMisses);
            Response::NotFound
        };
        self.respond_unless(noreply, &response);
    }

    fn touch(&mut self, place: Located<'_>, exptime: i32, noreply: bool) {
        if self.attention != 0 {
            self.tell_lookup(place.key());
        }
        let (expiry, now) = (self.now.expiry(exptime), self.now.timestamp);
        let edit = |entry: &Entry<'_>| (Change::Expiry(expiry), entry.item_bytes());
        let found = self.engine.store().update(place, now, edit);
        let response = if let Some(item_bytes) = found.ok().and_then(Lookup::hit) {
            self.count_in_class(ClassCounter::TouchHits, item_bytes);
            Response::Touched
        } else {
            self.count(Counter::TouchMisses);
            Response::NotFound
        };
        self.respond_unless(noreply, &response);
    }

    fn arithmetic(
        &mut self,
        operation: Arithmetic,
        place: Located<'_>,
        delta: u64,
    ) -> Response<'static> {
        if self.attention != 0 {
            self.tell_lookup(place.key());
        }
        let (hits, misses) = match operation {
            Arithmetic::Increment => (ClassCounter::IncrHits, Counter::IncrMisses),
            Arithmetic::Decrement => (ClassCounter::DecrHits, Counter::DecrMisses),
        };
        let result =
            self.engine
                .store()
                .update_as(
                    place,
                    Usage::Use,
                    self.now.timestamp,
                    |entry| match calculate(operation, entry, delta) {
                        Some((number, text)) => {
                            (Change::Value(text), Some((number, entry.item_bytes())))
                        }
                        None => (Change::Keep, None),
                    },
                );
        match result {
            Ok(Lookup::Hit(Some((number, item_bytes)))) => {
                self.count_in_class(hits, item_bytes);
                Response::Number(number)
            }
            Ok(Lookup::Hit(None)) => Response::NOT_A_NUMBER,
            Ok(_) => {
                self.count(misses);
                Response::NotFound
            }
            Err(_) => {
                self.count(Counter::StoreNoMemory);
                Response::ServerError(b"out of memory")
            }
        }
    }

    fn flush_all(&mut self, exptime: Option<i32>) -> Response<'static> {
        let deadline = exptime.filter(|&exptime| exptime > 0);
        if self.flush(deadline.map(|exptime| self.now.expiry(exptime))) {
            Response::Ok
        } else {
            Response::FLUSH_NOT_ALLOWED
        }
    }

    /// Now, or at a deadline one second before the time that is named, as memcached does; false if
    /// that is not allowed.
    pub(super) fn flush(&mut self, deadline: Option<Expiry>) -> bool {
        self.count(Counter::CmdFlush);
        if !self.engine.settings().flush_enabled {
            return false;
        }
        let (store, now) = (self.engine.store(), self.now.timestamp);
        match deadline {
            None => store.flush(now),
            Some(expiry) => {
                // A date that has passed is no deadline; memcached does nothing then.
                if let Some(time) = expiry.time().filter(|_| expiry != Expiry::PAST) {
                    store.flush_at(Timestamp::from_secs(time.as_secs() - 1), now);
                }
            }
        }
        true
    }
}

/// The new number and its text, or none if the value is no number.
///
/// A text that is not longer than the old one is padded with spaces to its length, so that the
/// item keeps its size (protocol.txt, "Increment/Decrement").
pub(super) fn calculate(
    operation: Arithmetic,
    entry: &Entry<'_>,
    delta: u64,
) -> Option<(u64, ShortValue)> {
    let value = entry.value();
    let old = parse_stored_number(value)?;
    let number = match operation {
        Arithmetic::Increment => old.wrapping_add(delta),
        Arithmetic::Decrement => old.saturating_sub(delta),
    };
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number).as_bytes();
    let mut padded = [b' '; ShortValue::BYTES_MAX];
    padded[..digits.len()].copy_from_slice(digits);
    // A number in a wider field than that is stored anew in its own length.
    let width = if value.len() <= padded.len() {
        value.len().max(digits.len())
    } else {
        digits.len()
    };
    Some((number, ShortValue::new(&padded[..width])?))
}
