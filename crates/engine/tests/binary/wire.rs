//! Binary requests by hand, and answers as lines of text.

use steadfast_protocol::binary::{
    Command, Key, NO_INITIAL, Opcode, Request, Response, Status, Storage, StorageVerb,
};
use steadfast_protocol::{Arithmetic, Parsed};

/// A key that is known to be one.
pub(crate) fn key(name: &str) -> Key<'_> {
    Key::new(name.as_bytes()).unwrap()
}

/// A loud request.
pub(crate) fn loud(command: Command<'_>) -> Request<'_> {
    Request {
        opaque: 0x5eed,
        ..Request::new(command)
    }
}

/// The same, quiet.
pub(crate) fn quiet(request: Request<'_>) -> Request<'_> {
    Request {
        quiet: true,
        ..request
    }
}

/// The same, for one version.
pub(crate) fn only(cas: u64, request: Request<'_>) -> Request<'_> {
    Request { cas, ..request }
}

pub(crate) fn get(name: &str) -> Request<'_> {
    let key = key(name);
    loud(Command::Get {
        key,
        with_key: false,
    })
}

pub(crate) fn getk(name: &str) -> Request<'_> {
    let key = key(name);
    loud(Command::Get {
        key,
        with_key: true,
    })
}

pub(crate) fn gat(name: &str, exptime: u32, with_key: bool) -> Request<'_> {
    loud(Command::GetAndTouch {
        key: key(name),
        exptime,
        with_key,
    })
}

pub(crate) fn touch(name: &str, exptime: u32) -> Request<'_> {
    let key = key(name);
    loud(Command::Touch { key, exptime })
}

pub(crate) fn delete(name: &str) -> Request<'_> {
    loud(Command::Delete { key: key(name) })
}

pub(crate) fn flush(exptime: Option<u32>) -> Request<'static> {
    loud(Command::Flush { exptime })
}

pub(crate) fn stat(topic: &str) -> Request<'_> {
    let topic = Key::new(topic.as_bytes()).ok();
    loud(Command::Stat { topic })
}

/// Adds `delta`, which may be negative, to a number that is there.
pub(crate) fn count(name: &str, delta: i64) -> Request<'_> {
    begin(name, delta, 0, NO_INITIAL)
}

/// Adds to a number or begins one.
pub(crate) fn begin(name: &str, delta: i64, initial: u64, exptime: u32) -> Request<'_> {
    loud(Command::Arithmetic {
        operation: if delta < 0 {
            Arithmetic::Decrement
        } else {
            Arithmetic::Increment
        },
        key: key(name),
        delta: delta.unsigned_abs(),
        initial,
        exptime,
    })
}

/// A request with its value, as bytes.
pub(crate) fn with_value(request: &Request<'_>, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    request.encode(&mut bytes);
    bytes.extend(value);
    bytes
}

/// A storage command.
pub(crate) fn storage<'a>(
    verb: StorageVerb,
    name: &'a str,
    (flags, exptime): (u32, u32),
    value: &[u8],
) -> Request<'a> {
    loud(Command::Store(Storage {
        verb,
        key: key(name),
        flags,
        exptime,
        value_bytes: value.len(),
    }))
}

/// A storage command without flags and time, with its value.
pub(crate) fn store(verb: StorageVerb, name: &str, value: &str) -> Vec<u8> {
    let request = storage(verb, name, (0, 0), value.as_bytes());
    with_value(&request, value.as_bytes())
}

pub(crate) fn set(name: &str, value: &str) -> Vec<u8> {
    store(StorageVerb::Set, name, value)
}

/// Requests without values, one after the other.
pub(crate) fn bytes<'a>(requests: impl IntoIterator<Item = Request<'a>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for request in requests {
        request.encode(&mut bytes);
    }
    bytes
}

/// An answer with its value.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) line: String,
    pub(crate) cas: u64,
    pub(crate) value: Vec<u8>,
}

/// Reads answers, all of which must be whole, and know their request by its number.
///
/// The line is the opcode, the status unless it is success, `cas` if there is one, and flags, key
/// and value, numbers in decimal.
pub(crate) fn answers(mut input: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !input.is_empty() {
        let parsed = Response::parse(input).unwrap();
        let Parsed::Complete { message, consumed } = parsed else {
            panic!("half an answer: {}", input.escape_ascii());
        };
        assert_eq!(message.opaque, 0x5eed, "{message:?}");
        let (value, rest) = input[consumed..].split_at(message.value_bytes);
        answers.push(Answer {
            line: line(&message, value),
            cas: message.cas,
            value: value.to_vec(),
        });
        input = rest;
    }
    answers
}

fn line(message: &Response<'_>, value: &[u8]) -> String {
    let mut words = vec![format!("{:?}", message.opcode)];
    if message.status != Status::SUCCESS {
        words.push(format!("{:#04x}", message.status.get()));
    }
    if message.cas != 0 {
        words.push(String::from("cas"));
    }
    if let Some(flags) = message.flags {
        words.push(format!("flags={flags}"));
    }
    if let Some(key) = message.key {
        words.push(format!("key={}", key.as_bytes().escape_ascii()));
    }
    let is_number = matches!(message.opcode.loud(), Opcode::INCREMENT | Opcode::DECREMENT);
    if is_number && message.status == Status::SUCCESS {
        let number = u64::from_be_bytes(value.try_into().unwrap());
        words.push(number.to_string());
    } else if !value.is_empty() {
        words.push(value.escape_ascii().to_string());
    }
    words.join(" ")
}
