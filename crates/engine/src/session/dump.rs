//! Dumps: the keys of a whole cache, some at a time.

use core::ops::ControlFlow;
use std::boxed::Box;
use std::vec::Vec;

use steadfast_protocol::{
    CachedItem, DumpForm, DumpedItem, Refusal, Response, SlabClasses, encode_base64,
};
use steadfast_store::{Cursor, Entry, Expiry, Timestamp};

use super::execute::Turn;
use super::{Next, Session, State};
use crate::Now;
use crate::marks::BASE64_KEY;

/// A dump that is under way.
///
/// Every item that is there from the first call to the last is shown once. No lock outlives a step,
/// and no more than an output's worth is ever held: how long it takes is up to the reader.
#[derive(Debug)]
pub(super) struct Dump {
    form: Form,
    classes: SlabClasses,
    from: Cursor,
    /// How many more items are shown, and bytes written.
    items_left: u64,
    bytes_left: usize,
}

/// How an item is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `lru_crawler metadump`: all that is known of an item but its value.
    Metadata,
    /// `lru_crawler mgdump`: a command that gets it.
    MetaGet,
    /// `stats cachedump`
    Short,
}

impl Form {
    const fn end(self) -> &'static [u8] {
        match self {
            Self::Metadata | Self::Short => b"END\r\n",
            Self::MetaGet => b"EN\r\n",
        }
    }
}

impl Session {
    /// `lru_crawler metadump` and `mgdump`. Nothing of it is kept from other clients meanwhile.
    #[inline(never)]
    pub(super) fn begin_dump(&mut self, form: DumpForm, classes: &[u8], turn: &mut Turn<'_>) {
        let classes = match turn.dumped_classes(form, classes) {
            Ok(classes) => classes,
            Err(refusal) => return turn.respond(&refusal),
        };
        turn.respond(&Response::Ok);
        let form = match form {
            DumpForm::Metadata => Form::Metadata,
            DumpForm::Keys => Form::MetaGet,
        };
        self.state = State::Dump(Box::new(Dump {
            form,
            classes,
            from: Cursor::default(),
            items_left: u64::MAX,
            bytes_left: usize::MAX,
        }));
    }

    /// `stats cachedump CLASS LIMIT`; `rest` is what follows the second word.
    #[inline(never)]
    pub(super) fn begin_cachedump(&mut self, rest: &[u8], turn: &mut Turn<'_>) {
        match cachedump(rest, turn.engine.settings().dump_enabled) {
            Ok(dump) => self.state = State::Dump(Box::new(dump)),
            Err(refusal) => turn.respond(&refusal),
        }
    }
}

impl Turn<'_> {
    /// Which classes to dump, or why not.
    fn dumped_classes(
        &self,
        form: DumpForm,
        classes: &[u8],
    ) -> Result<SlabClasses, Response<'static>> {
        if !self.engine.crawler_enabled() {
            return Err(Response::ClientError(b"lru crawler disabled"));
        }
        let (not_allowed, not_first): (&[u8], &[u8]) = match form {
            DumpForm::Metadata => (
                b"metadump not allowed",
                b"cannot pipeline other commands before metadump",
            ),
            DumpForm::Keys => (
                b"key dump not allowed",
                b"cannot pipeline other commands before mgdump",
            ),
        };
        if !self.engine.settings().dump_enabled {
            return Err(Response::Error(not_allowed));
        }
        if !self.out.is_empty() {
            return Err(Response::Error(not_first));
        }
        SlabClasses::parse(classes).ok_or(Response::Refused {
            reason: Refusal::BadClass,
            text: b"invalid class id",
        })
    }
}

fn cachedump(rest: &[u8], is_allowed: bool) -> Result<Dump, Response<'static>> {
    if !is_allowed {
        return Err(Response::ClientError(b"stats cachedump not allowed"));
    }
    let mut words = rest
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    let (Some(class), Some(limit)) = (words.next(), words.next()) else {
        return Err(Response::ClientError(b"bad command line"));
    };
    let (Some(class), Some(limit)) = (decimal(class), decimal(limit)) else {
        return Err(Response::BAD_LINE);
    };
    if class >= CLASSES_END {
        return Err(Response::ClientError(b"Illegal slab id"));
    }
    Ok(Dump {
        form: Form::Short,
        classes: SlabClasses::List(1 << class),
        from: Cursor::default(),
        items_left: if limit == 0 { u64::MAX } else { limit.into() },
        bytes_left: CACHEDUMP_BYTES_MAX,
    })
}

/// A number of up to ten digits that fits 32 bits.
fn decimal(digits: &[u8]) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let digits = core::str::from_utf8(digits).ok()?;
    is_number.then(|| digits.parse().ok())?
}

impl Dump {
    /// Goes on for a call's worth, or until all is shown. What was said is written before there is
    /// more, so that neither it nor the time that others wait ever grows.
    pub(super) fn step(&mut self, turn: &mut Turn<'_>) -> ControlFlow<(), Next> {
        for _ in 0..WALKS_PER_CALL {
            if turn.is_full() {
                break;
            }
            let (store, now) = (turn.engine.store(), turn.now);
            let writer = Writer {
                form: self.form,
                now,
                counts_cas: store.settings().cas,
            };
            let out = turn.out.text();
            let next = store.walk(self.from, now.timestamp, |entry| {
                if self.items_left == 0 || !self.classes.contains(entry.size_class() as u32) {
                    return;
                }
                let start = out.len();
                writer.write(entry, out);
                let bytes = out.len() - start;
                if bytes > self.bytes_left {
                    out.truncate(start);
                    self.items_left = 0;
                } else if bytes > 0 {
                    self.bytes_left -= bytes;
                    self.items_left -= 1;
                }
            });
            match next {
                Some(next) if self.items_left > 0 => self.from = next,
                _ => {
                    out.extend_from_slice(self.form.end());
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(Next::Write)
    }
}

/// Writes items, under a stripe's lock.
#[derive(Clone, Copy)]
struct Writer {
    form: Form,
    now: Now,
    counts_cas: bool,
}

impl Writer {
    fn write(self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        match self.form {
            Form::Metadata => self.write_metadata(entry, out),
            Form::MetaGet => write_meta_get(entry, out),
            // The bytes of such a key are no text.
            Form::Short if entry.marks().contains(BASE64_KEY) => {}
            Form::Short => Response::CachedItem(CachedItem {
                key: entry.key(),
                value_bytes: entry.value().len() as u64,
                expires_at: self.unix_expiry(entry.expiry()).unwrap_or(0),
            })
            .encode(out),
        }
    }

    fn write_metadata(self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        let item = DumpedItem {
            key: b"",
            expires_at: self.unix_expiry(entry.expiry()),
            used_at: self.unix_secs(entry.used_at()),
            cas: if self.counts_cas {
                entry.cas().get()
            } else {
                0
            },
            was_read: entry.was_read(),
            class: entry.size_class() as u32,
            item_bytes: entry.item_bytes() as u64,
            flags: entry.flags(),
        };
        item.encode_with_key(entry.key(), out);
    }

    fn unix_expiry(self, expiry: Expiry) -> Option<u64> {
        expiry.time().map(|time| self.unix_secs(time))
    }

    /// Where a time of the store's clock is on that of the world.
    fn unix_secs(self, time: Timestamp) -> u64 {
        let (time, now) = (time.as_secs(), self.now.timestamp.as_secs());
        (self.now.unix_secs + u64::from(time)).saturating_sub(now.into())
    }
}

fn write_meta_get(entry: &Entry<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"mg ");
    if entry.marks().contains(BASE64_KEY) {
        encode_base64(entry.key(), out);
        out.extend_from_slice(b" b\r\n");
    } else {
        out.extend_from_slice(entry.key());
        out.extend_from_slice(b"\r\n");
    }
}

/// memcached has room for so many classes, whatever it uses.
const CLASSES_END: u32 = 64;
/// memcached's limit on what `stats cachedump` answers.
const CACHEDUMP_BYTES_MAX: usize = 2 << 20;
/// Steps of up to 64 places each in one call: some 40 KB, and well under a millisecond.
const WALKS_PER_CALL: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cachedump_refuses_what_memcached_refuses() {
        let refused = |rest: &[u8]| cachedump(rest, true).unwrap_err();
        for rest in [&b""[..], b"1", b" 1 "] {
            assert_eq!(refused(rest), Response::ClientError(b"bad command line"));
        }
        for rest in [&b"x 1"[..], b"1 x", b"-1 0", b"1 -1", b"1 +1"] {
            assert_eq!(refused(rest), Response::BAD_LINE);
        }
        assert_eq!(refused(b"64 1"), Response::ClientError(b"Illegal slab id"));
        assert!(cachedump(b"63 1 more", true).is_ok());
        let refusal = cachedump(b"1 1", false).unwrap_err();
        assert_eq!(
            refusal,
            Response::ClientError(b"stats cachedump not allowed")
        );
    }
}
