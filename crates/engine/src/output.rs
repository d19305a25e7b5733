//! Replies on their way out.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::vec::Vec;

use bytes::Buf;
use steadfast_store::{Entry, Item};

/// Replies in order: bytes in one buffer, and big values as counted items between them.
///
/// ```text
/// text    VALUE a 0 5..hello..END..VALUE b 0 1048000..|..END..
/// inserts                                             ^ item, at this place in the text
/// ```
///
/// A daemon writes it out as a [`bytes::Buf`], vectored where there are big values. One output
/// may serve many sessions in turn, as long as it is drained in between; its buffer is reused.
///
/// Invariant: `text_read <= next insert's place <= text.len()`.
#[derive(Debug, Default)]
pub struct Output {
    text: Vec<u8>,
    text_read: usize,
    inserts: VecDeque<Insert>,
    /// The bytes of all inserts that are not yet read.
    insert_bytes: usize,
}

#[derive(Debug)]
struct Insert {
    /// The index in the text before which the item goes out.
    place: usize,
    item: Item,
    read: usize,
}

impl Insert {
    fn unread(&self) -> &[u8] {
        &self.item.value()[self.read..]
    }
}

impl Output {
    /// An empty output without memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// Drops everything that is unread, and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.text_read = 0;
        self.inserts.clear();
        self.insert_bytes = 0;
    }

    /// The text buffer, to append to.
    pub(crate) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Appends `value`, which is that of `entry`: copied if it is small, since a copy is cheaper than two
    /// more entries in a scatter list, else by reference. Copied as well when readers hold so
    /// much of the store's memory that it lends no more.
    #[inline(always)]
    pub(crate) fn put_value(&mut self, value: &[u8], entry: &Entry<'_>) {
        if value.len() < REFERENCE_BYTES_MIN {
            self.text.extend_from_slice(value);
        } else {
            self.put_big_value(value, entry);
        }
    }

    #[inline(never)]
    fn put_big_value(&mut self, value: &[u8], entry: &Entry<'_>) {
        match entry.hold() {
            Some(item) => {
                self.insert_bytes += value.len();
                self.inserts.push_back(Insert {
                    place: self.text.len(),
                    item,
                    read: 0,
                });
            }
            None => self.text.extend_from_slice(value),
        }
    }

    /// Whether so much is unread that nothing should be added before it is written.
    pub(crate) fn is_full(&self) -> bool {
        self.remaining() >= FULL_BYTES
    }

    /// The text up to the next insert or the end.
    fn text_run(&self) -> &[u8] {
        let end = self
            .inserts
            .front()
            .map_or(self.text.len(), |insert| insert.place);
        &self.text[self.text_read..end]
    }

    /// Frees the text that was read, so that a reader who is never quite done does not make it
    /// grow: when nothing is left behind it, or less than it is itself, which makes a move cheap.
    fn forget_read(&mut self) {
        if self.text_read == self.text.len() && self.inserts.is_empty() {
            self.text.clear();
            self.text_read = 0;
            // A burst of big replies must not keep its memory for good.
            if self.text.capacity() > KEPT_BYTES_MAX {
                self.text.shrink_to(KEPT_BYTES_MAX);
            }
        } else if self.text_read > KEPT_BYTES_MAX && self.text_read > self.text.len() / 2 {
            self.text.drain(..self.text_read);
            for insert in &mut self.inserts {
                insert.place -= self.text_read;
            }
            self.text_read = 0;
        }
    }
}

impl Buf for Output {
    fn remaining(&self) -> usize {
        self.text.len() - self.text_read + self.insert_bytes
    }

    fn chunk(&self) -> &[u8] {
        let run = self.text_run();
        match self.inserts.front() {
            Some(insert) if run.is_empty() => insert.unread(),
            _ => run,
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let runs = self
            .inserts
            .iter()
            .map(|insert| insert.place)
            .chain([self.text.len()]);
        let mut from = self.text_read;
        let texts = runs.map(|end| {
            let run = &self.text[from..end];
            from = end;
            run
        });
        let values = self.inserts.iter().map(Insert::unread).chain([&b""[..]]);
        let chunks = texts.zip(values).flat_map(|(text, value)| [text, value]);
        let mut count = 0;
        for (slice, chunk) in slices
            .iter_mut()
            .zip(chunks.filter(|chunk| !chunk.is_empty()))
        {
            *slice = IoSlice::new(chunk);
            count += 1;
        }
        count
    }

    fn advance(&mut self, mut bytes: usize) {
        assert!(
            bytes <= self.remaining(),
            "no more is advanced than remains"
        );
        while bytes > 0 {
            let run = self.text_run().len();
            if run > 0 {
                let taken = run.min(bytes);
                self.text_read += taken;
                bytes -= taken;
                continue;
            }
            let insert = self
                .inserts
                .front_mut()
                .expect("what remains beside text is an insert");
            let taken = insert.unread().len().min(bytes);
            insert.read += taken;
            self.insert_bytes -= taken;
            bytes -= taken;
            if insert.unread().is_empty() {
                self.inserts.pop_front();
            }
        }
        self.forget_read();
    }
}

/// From this size on a value is referred to instead of copied: measured break-even of a copy
/// against two more entries in a scatter list.
const REFERENCE_BYTES_MIN: usize = 16 << 10;
/// What an empty output keeps of its buffer, and what any keeps of text that was read.
const KEPT_BYTES_MAX: usize = 256 << 10;
/// How much unread output a session may cause before it waits for the reader. A reply that has
/// begun may exceed it by one value.
const FULL_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use steadfast_store::{Attributes, Condition, NewItem, Settings, Store, Timestamp};

    #[test]
    fn a_reader_who_is_never_done_does_not_make_the_buffer_grow() {
        let store = Store::new(Settings::default()).expect("the settings are valid");
        let (now, value) = (Timestamp::from_secs(1), [b'v'; REFERENCE_BYTES_MIN]);
        let item = NewItem::new(&value, Attributes::default());
        let stored = store.put(b"k", item, Condition::Always, now);
        assert!(stored.is_ok());
        let mut out = Output::new();
        let (mut expected, mut seen) = (Vec::new(), Vec::new());
        for round in 0..100u8 {
            let text = vec![round; 100_000];
            out.text().extend_from_slice(&text);
            store.read(b"k", now, |entry| out.put_value(entry.value(), entry));
            expected.extend(text.iter().chain(&value));
            while out.remaining() > 150_000 {
                let bytes = out.chunk().len().min(30_000);
                seen.extend_from_slice(&out.chunk()[..bytes]);
                out.advance(bytes);
            }
            assert!(out.text.capacity() < 2 << 20, "round {round}");
        }
        while out.has_remaining() {
            let bytes = out.chunk().len();
            seen.extend_from_slice(out.chunk());
            out.advance(bytes);
        }
        assert!(seen == expected, "all of it, in order");
    }
}
