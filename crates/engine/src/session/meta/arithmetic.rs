//! ma.

use steadfast_protocol::{Arithmetic, Meta, Response};
use steadfast_store::{
    Attributes, CasId, Change, Edit, Entry, Expiry, Initial, Located, PutError, ShortValue,
    Updated, Usage,
};

use super::{
    given_id, is_version, marks_of, next_or_given_id, put_flag, put_key_flag, put_number,
    put_opaque, put_ttl, put_word, real_key,
};
use crate::counters::{ClassCounter, Counter};
use crate::session::execute::{Turn, calculate};

/// How an item that is there took it.
enum Result {
    Counted(Counted),
    NotANumber,
    OtherVersion,
}

/// A number and its item, as the answer shows them.
struct Counted {
    number: u64,
    id: CasId,
    /// When the item ended before this command.
    expiry: Expiry,
    item_bytes: usize,
    /// Made by this command.
    is_new: bool,
}

impl Turn<'_> {
    /// `ma`: incr and decr, which may also make the item, give it a time to live or an id.
    pub(in crate::session) fn meta_arithmetic<'k>(
        &mut self,
        meta: &Meta<'k>,
        place: Option<Located<'k>>,
    ) {
        let mut room = None;
        let key = real_key(meta.key(), &mut room);
        let place = self.meta_place(place, key);
        if self.attention != 0 {
            self.tell_lookup(key);
        }
        let (hits, misses) = match meta.arithmetic() {
            Arithmetic::Increment => (ClassCounter::IncrHits, Counter::IncrMisses),
            Arithmetic::Decrement => (ClassCounter::DecrHits, Counter::DecrMisses),
        };
        match self.calculate_meta(meta, place) {
            Ok(Some(Result::Counted(counted))) => {
                if !counted.is_new {
                    self.count_in_class(hits, counted.item_bytes);
                }
                if !meta.is_quiet() {
                    self.answer_counted(meta, key, &counted);
                }
            }
            Ok(Some(Result::NotANumber)) => self.respond(&Response::NOT_A_NUMBER),
            Ok(Some(Result::OtherVersion)) => self.echo(b"EX", meta, key),
            Ok(None) => {
                self.count(misses);
                self.echo(b"NF", meta, key);
            }
            Err(_) => {
                self.count(Counter::StoreNoMemory);
                self.respond(&Response::ServerError(b"out of memory"));
            }
        }
    }

    /// Counts, all of it in one step; none if there is no item.
    fn calculate_meta(
        &self,
        meta: &Meta<'_>,
        place: Located<'_>,
    ) -> core::result::Result<Option<Result>, PutError> {
        let (store, now) = (self.engine.store(), self.now);
        let counts_cas = self.counts_cas();
        let edit = |entry: &Entry<'_>| {
            let compared = meta.compared_id().filter(|&id| id != 0);
            if entry.value().is_empty() {
                return (Change::Keep, Result::NotANumber);
            }
            if compared.is_some_and(|id| !is_version(entry, id, counts_cas)) {
                return (Change::Keep, Result::OtherVersion);
            }
            let delta = meta.delta().unwrap_or(1);
            let Some((number, text)) = calculate(meta.arithmetic(), entry, delta) else {
                return (Change::Keep, Result::NotANumber);
            };
            let mut edit = Edit::new().with_value(text).with_id(next_or_given_id(meta));
            edit.expiry = meta.ttl().map(|exptime| now.expiry(exptime));
            let id = match given_id(meta) {
                id if id.get() == 0 => entry.next_cas(),
                id => id,
            };
            let counted = Counted {
                number,
                id,
                expiry: entry.expiry(),
                item_bytes: entry.item_bytes(),
                is_new: false,
            };
            (Change::Edit(edit), Result::Counted(counted))
        };
        let now = self.now.timestamp;
        let Some(vivify_ttl) = meta.vivify_ttl() else {
            let found = store.update_as(place, Usage::Use, now, edit)?;
            return Ok(found.hit());
        };
        let number = meta.initial().unwrap_or(0);
        let initial = self.initial(meta, number, vivify_ttl);
        let counted = match store.update_or_insert(place, &initial, Usage::Use, now, edit)? {
            Updated::Found(result) => result,
            Updated::Inserted(id) => Result::Counted(Counted {
                number,
                id,
                expiry: Expiry::NEVER,
                item_bytes: 0,
                is_new: true,
            }),
        };
        Ok(Some(counted))
    }

    /// The item that is made where there is none. Flags act in their order: the last one wins.
    fn initial(&self, meta: &Meta<'_>, number: u64, vivify_ttl: i32) -> Initial {
        let is_time = |letter| letter == b'N' || letter == b'T';
        let last = meta.flags().into_iter().map(|flag| flag.letter);
        let exptime = match last.filter(|&letter| is_time(letter)).last() {
            Some(b'T') => meta.ttl().unwrap_or(vivify_ttl),
            _ => vivify_ttl,
        };
        let attributes = Attributes::new(0, self.now.expiry(exptime))
            .with_marks(marks_of(meta.key()))
            .with_id(given_id(meta));
        let mut digits = itoa::Buffer::new();
        let value = ShortValue::new(digits.format(number).as_bytes())
            .expect("a number of 64 bits is short");
        Initial::new(value, attributes)
    }

    fn answer_counted(&mut self, meta: &Meta<'_>, key: &[u8], counted: &Counted) {
        let (now, id) = (self.now, self.shown_id(counted.id));
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(counted.number).as_bytes();
        let mut expiry = counted.expiry;
        let shows_value = meta.flags().has(b'v');
        let text = self.out.text();
        if shows_value {
            put_word(b"VA ", text);
            put_number(digits.len() as u64, text);
        } else {
            put_word(b"HD", text);
        }
        for flag in meta.flags() {
            let exptime = match flag.letter {
                b'T' => meta.ttl(),
                b'N' if counted.is_new => meta.vivify_ttl(),
                _ => None,
            };
            expiry = exptime.map_or(expiry, |exptime| now.expiry(exptime));
            match flag.letter {
                b'c' => put_flag(b'c', id, text),
                b't' => put_ttl(expiry, now.timestamp, text),
                b'O' => put_opaque(flag.token, text),
                b'k' => put_key_flag(key, marks_of(meta.key()), text),
                _ => {}
            }
        }
        put_word(b"\r\n", text);
        if shows_value {
            put_word(digits, text);
            put_word(b"\r\n", text);
        }
    }
}
