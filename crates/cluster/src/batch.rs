use bytes::{Bytes, BytesMut};
use steadfast_protocol::{Key, Keys, Request, Storage, StorageVerb};

/// Requests that go to a node together, and the shape of each answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    bytes: BytesMut,
    expected: Vec<Expected>,
}

/// The shape of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// One line.
    Line,
    /// Up to so many items, and the end.
    Items(usize),
}

impl Batch {
    pub(crate) fn add(self, key: &Bytes, value: Value<'_>) -> Self {
        self.store(StorageVerb::Add, key, value)
    }

    pub(crate) fn cas(self, key: &Bytes, cas: u64, value: Value<'_>) -> Self {
        self.store(StorageVerb::Cas(cas), key, value)
    }

    /// Removes the item if it has not changed: cas with an expiry time that is over.
    pub(crate) fn cas_remove(self, key: &Bytes, cas: u64) -> Self {
        self.cas(
            key,
            cas,
            Value {
                bytes: b"",
                flags: 0,
                exptime: -1,
            },
        )
    }

    pub(crate) fn gets(mut self, keys: &[&Bytes]) -> Self {
        let list: Vec<Key<'_>> = keys.iter().map(|bytes| key(bytes)).collect();
        Request::Get {
            keys: Keys::list(&list),
            cas: true,
        }
        .encode(&mut self.bytes);
        self.expect(Expected::Items(list.len()))
    }

    pub(crate) fn touch(mut self, name: &Bytes, exptime: i32) -> Self {
        Request::Touch {
            key: key(name),
            exptime,
            noreply: false,
        }
        .encode(&mut self.bytes);
        self.expect(Expected::Line)
    }

    pub(crate) fn version(mut self) -> Self {
        Request::Version.encode(&mut self.bytes);
        self.expect(Expected::Line)
    }

    /// The bytes to send, and the shapes of the answers in order.
    pub(crate) fn into_parts(self) -> (Bytes, Vec<Expected>) {
        (self.bytes.freeze(), self.expected)
    }

    fn store(mut self, verb: StorageVerb, name: &Bytes, value: Value<'_>) -> Self {
        let Value {
            bytes,
            flags,
            exptime,
        } = value;
        let (key, value_bytes) = (key(name), bytes.len());
        let storage = Storage {
            verb,
            key,
            flags,
            exptime,
            value_bytes,
            noreply: false,
        };
        storage.encode_with_value(bytes, &mut self.bytes);
        self.expect(Expected::Line)
    }

    fn expect(mut self, expected: Expected) -> Self {
        self.expected.push(expected);
        self
    }
}

/// What is stored under a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) flags: u32,
    pub(crate) exptime: i32,
}

fn key(bytes: &Bytes) -> Key<'_> {
    Key::new(bytes).expect("a session checks its keys when it is made")
}
