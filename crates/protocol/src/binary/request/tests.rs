//! Requests: every opcode there and back, every fault, any split.

use std::format;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::binary::{HEAD_BYTES_MAX, Status};

fn key(bytes: &[u8]) -> Key<'_> {
    Key::new(bytes).unwrap()
}

/// A header by hand, with a body of zeros.
fn raw(opcode: u8, key_bytes: u16, extras_bytes: u8, body_bytes: u32) -> Vec<u8> {
    let mut bytes = vec![0x80, opcode];
    bytes.extend(key_bytes.to_be_bytes());
    bytes.extend([extras_bytes, 0, 0, 0]);
    bytes.extend(body_bytes.to_be_bytes());
    bytes.extend([0xde, 0xad, 0xbe, 0xef]);
    bytes.extend([0; 8]);
    bytes.resize(bytes.len() + (body_bytes as usize).min(1000), b'0');
    bytes
}

fn fault_of(bytes: &[u8]) -> RequestErrorKind {
    // The header alone tells.
    let error = Request::parse(&bytes[..24]).unwrap_err();
    assert_eq!(Request::parse(bytes), Err(error));
    error.kind()
}

/// One request for each opcode that a client can send.
fn samples() -> Vec<Request<'static>> {
    let key = key(b"a key\n");
    let storage = |verb| {
        let has_extras = verb < StorageVerb::Append as u8;
        Command::Store(Storage {
            verb: VERBS[usize::from(verb)],
            key,
            flags: if has_extras { 0xdead_beef } else { 0 },
            exptime: if has_extras { u32::MAX } else { 0 },
            value_bytes: 70_000,
        })
    };
    let calculate = |operation| Command::Arithmetic {
        operation,
        key,
        delta: u64::MAX - 1,
        initial: 1 << 40,
        exptime: NO_INITIAL,
    };
    let mechanism = Key::new(b"PLAIN").unwrap();
    let mut commands: Vec<_> = (0..5).map(storage).collect();
    commands.extend([Arithmetic::Increment, Arithmetic::Decrement].map(calculate));
    for with_key in [false, true] {
        commands.push(Command::Get { key, with_key });
        commands.push(Command::GetAndTouch {
            key,
            exptime: 7,
            with_key,
        });
    }
    commands.extend([
        Command::Touch { key, exptime: 9 },
        Command::Delete { key },
        Command::Flush { exptime: None },
        Command::Flush { exptime: Some(0) },
        Command::Noop,
        Command::Version,
        Command::Quit,
        Command::Stat { topic: None },
        Command::Stat { topic: Some(key) },
        Command::Verbosity { level: 2 },
        Command::SaslListMechanisms,
        Command::SaslStart {
            mechanism,
            data_bytes: 12,
        },
        Command::SaslStep {
            mechanism,
            data_bytes: 0,
        },
        Command::Unknown {
            opcode: Opcode::new(0x7f),
            body_bytes: 11,
        },
    ]);
    let request = |command| Request {
        command,
        quiet: false,
        opaque: 0x0102_0304,
        cas: 0x0506_0708_090a_0b0c,
    };
    commands.into_iter().map(request).collect()
}

const VERBS: [StorageVerb; 5] = [
    StorageVerb::Set,
    StorageVerb::Add,
    StorageVerb::Replace,
    StorageVerb::Append,
    StorageVerb::Prepend,
];

#[test]
fn every_request_is_read_as_it_was_written_at_whatever_split() {
    for mut request in samples() {
        for quiet in [false, true] {
            request.quiet = quiet && request.opcode().quiet() != request.opcode().loud();
            let mut bytes = Vec::new();
            request.encode(&mut bytes);
            let consumed = bytes.len();
            assert!(consumed <= HEAD_BYTES_MAX);
            let complete = Ok(Parsed::Complete {
                message: request,
                consumed,
            });
            assert_eq!(Request::parse(&bytes), complete);
            for split in 0..consumed {
                let part = Request::parse(&bytes[..split]);
                let Ok(Parsed::Incomplete { needed }) = part else {
                    panic!("{request:?} at {split}: {part:?}");
                };
                assert!(split + needed.get() <= consumed);
            }
            bytes.extend(b"\x80what follows");
            assert_eq!(Request::parse(&bytes), complete);
        }
    }
}

#[test]
fn all_opcodes_but_the_unknown_are_among_the_samples() {
    let requests = samples();
    for opcode in (0..=u8::MAX).map(Opcode::new) {
        let is_known = !format!("{opcode:?}").starts_with("Opcode(");
        let is_sampled = requests
            .iter()
            .any(|request| request.opcode() == opcode.loud());
        assert_eq!(is_sampled, is_known || opcode.get() == 0x7f, "{opcode:?}");
    }
}

#[test]
fn a_wrong_first_byte_is_seen_at_once_and_not_answered() {
    let error = Request::parse(b"g").unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::BadMagic { found: b'g' });
    assert_eq!(error.response(), None);
    assert_eq!(Request::parse(&[b'g'; 40]), Err(error));
}

#[test]
fn a_body_that_is_too_short_is_an_unknown_command() {
    for (key_bytes, extras_bytes, body_bytes) in [(5, 0, 4), (0, 8, 7), (5, 8, 12), (1, 0, 0)] {
        let bytes = raw(1, key_bytes, extras_bytes, body_bytes);
        let error = Request::parse(&bytes).unwrap_err();
        let found = body_bytes as usize;
        assert_eq!(
            error.kind(),
            RequestErrorKind::BodyTooShort { bytes: found }
        );
        let response = error.response().unwrap();
        assert_eq!(response.status, Status::UNKNOWN_COMMAND);
        assert_eq!(
            (response.opcode, response.opaque),
            (Opcode::SET, 0xdead_beef)
        );
    }
}

#[test]
fn too_long_bodies_and_keys_are_invalid_arguments() {
    let bytes = (1 << 30) + 1;
    let too_long = RequestErrorKind::BodyTooLong { bytes };
    assert_eq!(fault_of(&raw(1, 1, 8, bytes as u32)), too_long);
    let bytes = 251;
    let too_long = RequestErrorKind::KeyTooLong { bytes };
    assert_eq!(fault_of(&raw(0, 251, 0, 251)), too_long);
    // Whatever the opcode.
    assert_eq!(fault_of(&raw(0xff, 251, 0, 251)), too_long);
}

#[test]
fn parts_that_do_not_belong_to_the_opcode_are_invalid_arguments() {
    for (opcode, key_bytes, extras_bytes, body_bytes) in [
        (0x00, 0, 0, 0),
        (0x00, 1, 1, 2),
        (0x00, 1, 0, 2),
        (0x01, 1, 0, 1),
        (0x01, 0, 8, 8),
        (0x04, 1, 0, 2),
        (0x05, 1, 20, 22),
        (0x05, 1, 8, 9),
        (0x07, 0, 0, 1),
        (0x08, 0, 3, 3),
        (0x08, 1, 4, 5),
        (0x0a, 1, 0, 1),
        (0x0b, 0, 4, 4),
        (0x0e, 1, 8, 9),
        (0x10, 0, 1, 1),
        (0x10, 1, 0, 2),
        (0x1b, 0, 0, 0),
        (0x1c, 1, 4, 6),
        (0x1d, 1, 0, 1),
        (0x20, 0, 0, 1),
        (0x21, 0, 0, 1),
        (0x22, 1, 1, 2),
        (0x24, 0, 4, 4),
    ] {
        let bytes = raw(opcode, key_bytes, extras_bytes, body_bytes);
        let kind = RequestErrorKind::BadArguments;
        assert_eq!(fault_of(&bytes), kind, "{opcode:#04x}");
    }
}

#[test]
fn an_unknown_opcode_leaves_its_whole_body_to_be_dropped() {
    let bytes = raw(0x45, 3, 2, 10);
    let Ok(Parsed::Complete { message, consumed }) = Request::parse(&bytes) else {
        panic!("it is a request");
    };
    let unknown = Command::Unknown {
        opcode: Opcode::new(0x45),
        body_bytes: 10,
    };
    assert_eq!((message.command, consumed), (unknown, 24));
}
