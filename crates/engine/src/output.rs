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

    /// Appends the value of `entry`: copied if it is small, since a copy is cheaper than two
    /// more entries in a scatter list, else by reference. Copied as well when readers hold so
    /// much of the store's memory that it lends no more.
    pub(crate) fn put_value(&mut self, entry: &Entry<'_>) {
        let bytes = entry.value().len();
        let held = if bytes < REFERENCE_BYTES_MIN {
            None
        } else {
            entry.hold()
        };
        match held {
            Some(item) => {
                self.insert_bytes += bytes;
                self.inserts.push_back(Insert {
                    place: self.text.len(),
                    item,
                    read: 0,
                });
            }
            None => self.text.extend_from_slice(entry.value()),
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

    fn forget_if_drained(&mut self) {
        if self.text_read == self.text.len() && self.inserts.is_empty() {
            self.text.clear();
            self.text_read = 0;
            // A burst of big replies must not keep its memory for good.
            if self.text.capacity() > KEPT_BYTES_MAX {
                self.text.shrink_to(KEPT_BYTES_MAX);
            }
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
        self.forget_if_drained();
    }
}

/// From this size on a value is referred to instead of copied: measured break-even of a copy
/// against two more entries in a scatter list.
const REFERENCE_BYTES_MIN: usize = 16 << 10;
/// What an empty output keeps of its buffer.
const KEPT_BYTES_MAX: usize = 256 << 10;
/// How much unread output a session may cause before it waits for the reader. A reply that has
/// begun may exceed it by one value.
const FULL_BYTES: usize = 1 << 20;
