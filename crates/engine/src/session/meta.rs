//! The meta commands: mg, ms, md, ma, me and mn (protocol.txt, "Meta Commands").
//!
//! What stands behind the code of an answer was asked for flag by flag, and is given in that
//! order. Flags that change the item act while the answer is put together, so that `t T60` shows
//! the old time to live and `T60 t` the new one.

mod arithmetic;
mod delete;
mod get;
mod set;

use std::vec::Vec;

use steadfast_protocol::{Key, Meta, MetaKey, encode_base64};
use steadfast_store::{CasId, Entry, Expiry, Located, Marks, NewId, Timestamp};

use super::execute::Turn;
use crate::counters::Counter;
use crate::marks::BASE64_KEY;

pub(super) use self::set::MetaHeader;

/// Room for a key that has to be decoded.
type KeyRoom = Option<[u8; MetaKey::DECODED_BYTES_MAX]>;

/// The item's name: the word of the line, or what it stands for, in `room`.
#[inline]
fn real_key<'r, 'k: 'r>(key: MetaKey<'k>, room: &'r mut KeyRoom) -> &'r [u8] {
    if key.is_base64() {
        key.decode(room.insert([0; MetaKey::DECODED_BYTES_MAX]))
    } else {
        key.text().as_bytes()
    }
}

/// The marks of an item that is stored under `key`.
const fn marks_of(key: MetaKey<'_>) -> Marks {
    if key.is_base64() {
        BASE64_KEY
    } else {
        Marks::NONE
    }
}

/// The id that a command gives to what it stores; 0, the next one, if it gives none.
fn given_id(meta: &Meta<'_>) -> CasId {
    CasId::new(meta.given_id().unwrap_or(0))
}

/// The id of an item that is changed: the given one or the next, which is 0 too.
fn next_or_given_id(meta: &Meta<'_>) -> NewId {
    NewId::Given(given_id(meta))
}

impl<'a> Turn<'a> {
    /// `me`: what is known of an item, for people.
    pub(super) fn meta_debug<'k>(&mut self, meta: &Meta<'k>, place: Option<Located<'k>>) {
        let mut room = None;
        let key = real_key(meta.key(), &mut room);
        let place = self.meta_place(place, key);
        let (now, counts_cas) = (self.now.timestamp, self.counts_cas());
        let text = self.out.text();
        let found = self.engine.store().peek(place, now, |entry| {
            text.extend_from_slice(b"ME ");
            put_key(entry.key(), entry.marks(), text);
            put_word(b" exp=", text);
            put_remaining(entry.expiry(), now, text);
            put_word(b" la=", text);
            put_number(since(entry.used_at(), now), text);
            put_word(b" cas=", text);
            put_number(if counts_cas { entry.cas().get() } else { 0 }, text);
            put_word(b" fetch=", text);
            put_word(if entry.was_read() { b"yes" } else { b"no" }, text);
            put_word(b" cls=", text);
            put_number(entry.size_class() as u64, text);
            put_word(b" size=", text);
            put_number(entry.item_bytes() as u64, text);
        });
        if found.hit().is_none() {
            put_word(b"EN", self.out.text());
        }
        put_word(b"\r\n", self.out.text());
        self.count(Counter::CmdMeta);
    }

    /// `mn`: the end of a batch of quiet commands. All answers go out as soon as they can anyway.
    pub(super) fn meta_noop(&mut self) {
        put_word(b"MN\r\n", self.out.text());
    }

    fn meta_place<'k>(&self, known: Option<Located<'k>>, key: &'k [u8]) -> Located<'k> {
        known.unwrap_or_else(|| self.engine.store().locate(key))
    }

    fn counts_cas(&self) -> bool {
        self.engine.store().settings().cas
    }

    /// The id of an entry as clients see it, 0 where there are none (`-C`).
    fn shown_id(&self, id: CasId) -> u64 {
        if self.counts_cas() { id.get() } else { 0 }
    }

    /// Answers with a code and what of the request itself was asked for: its opaque and its key.
    fn echo(&mut self, code: &[u8], meta: &Meta<'_>, key: &[u8]) {
        let text = self.out.text();
        put_word(code, text);
        for flag in meta.flags() {
            match flag.letter {
                b'O' => put_opaque(flag.token, text),
                b'k' => put_key_flag(key, marks_of(meta.key()), text),
                _ => {}
            }
        }
        put_word(b"\r\n", text);
    }
}

/// Whether an entry is at the version that a client compares with.
fn is_version(entry: &Entry<'_>, id: u64, counts_cas: bool) -> bool {
    id == if counts_cas { entry.cas().get() } else { 0 }
}

fn put_word(word: &[u8], text: &mut Vec<u8>) {
    text.extend_from_slice(word);
}

fn put_number(number: u64, text: &mut Vec<u8>) {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A flag of an answer that is a number.
fn put_flag(letter: u8, number: u64, text: &mut Vec<u8>) {
    text.extend_from_slice(&[b' ', letter]);
    put_number(number, text);
}

fn put_opaque(token: &[u8], text: &mut Vec<u8>) {
    text.extend_from_slice(b" O");
    text.extend_from_slice(token);
}

/// `k`, and `b` if the key is in base64.
fn put_key_flag(key: &[u8], marks: Marks, text: &mut Vec<u8>) {
    text.extend_from_slice(b" k");
    if put_key(key, marks, text) {
        text.extend_from_slice(b" b");
    }
}

/// A key as it was given, or in base64 if it came so, or could not stand in a line (the binary
/// protocol knows keys with spaces); tells whether it did so.
fn put_key(key: &[u8], marks: Marks, text: &mut Vec<u8>) -> bool {
    let in_base64 = marks.contains(BASE64_KEY) || Key::new(key).is_err();
    if in_base64 {
        encode_base64(key, text);
    } else {
        text.extend_from_slice(key);
    }
    in_base64
}

/// `t` with the time to live.
fn put_ttl(expiry: Expiry, now: Timestamp, text: &mut Vec<u8>) {
    text.extend_from_slice(b" t");
    put_remaining(expiry, now, text);
}

/// The seconds left: -1 for ever, and 0 for an item that is over, for which memcached prints
/// what is left after an underflow.
fn put_remaining(expiry: Expiry, now: Timestamp, text: &mut Vec<u8>) {
    match expiry.time() {
        None => text.extend_from_slice(b"-1"),
        Some(time) => put_number(since(now, time), text),
    }
}

/// The seconds from one time to another, 0 if it is the earlier one.
fn since(earlier: Timestamp, later: Timestamp) -> u64 {
    later.as_secs().saturating_sub(earlier.as_secs()).into()
}
