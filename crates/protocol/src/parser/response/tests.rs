use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::{DataBlock, DataPart};

/// Checks that `line` means `expected`: whole, byte by byte, and with bytes behind it.
fn check(line: &[u8], expected: Response<'_>) {
    let complete = Ok(Parsed::Complete {
        message: expected,
        consumed: line.len(),
    });
    assert_eq!(ResponseParser::new(Limits::default()).parse(line), complete);
    let mut parser = ResponseParser::new(Limits::default());
    for end in 0..line.len() {
        assert!(matches!(
            parser.parse(&line[..end]),
            Ok(Parsed::Incomplete { .. })
        ));
    }
    assert_eq!(parser.parse(line), complete);
    let trailing = [line, b"STORED\r\n"].concat();
    assert_eq!(parser.parse(&trailing), complete);
}

fn error_of(line: &[u8]) -> ResponseErrorKind {
    ResponseParser::new(Limits::default())
        .parse(line)
        .unwrap_err()
        .kind()
}

#[test]
fn every_response_is_recognised() {
    check(b"STORED\r\n", Response::Stored);
    check(b"NOT_STORED\r\n", Response::NotStored);
    check(b"EXISTS\r\n", Response::Exists);
    check(b"NOT_FOUND\r\n", Response::NotFound);
    check(b"DELETED\r\n", Response::Deleted);
    check(b"TOUCHED\r\n", Response::Touched);
    check(b"OK\r\n", Response::Ok);
    check(b"RESET\r\n", Response::Reset);
    check(b"END\r\n", Response::End);
    check(b"18446744073709551615\r\n", Response::Number(u64::MAX));
    check(b"VERSION 1.6.45-x\r\n", Response::Version(b"1.6.45-x"));
    check(
        b"STAT pid 1\r\n",
        Response::Stat {
            name: b"pid",
            value: b"1",
        },
    );
    check(
        b"STAT version a b\r\n",
        Response::Stat {
            name: b"version",
            value: b"a b",
        },
    );
    check(
        b"STAT empty\r\n",
        Response::Stat {
            name: b"empty",
            value: b"",
        },
    );
    check(b"ERROR\r\n", Response::ERROR);
    check(
        b"ERROR Too many open connections\r\n",
        Response::TOO_MANY_CONNECTIONS,
    );
    check(b"CLIENT_ERROR bad data chunk\r\n", Response::BAD_DATA_CHUNK);
    check(
        b"SERVER_ERROR out of memory storing object\r\n",
        Response::OUT_OF_MEMORY,
    );
}

#[test]
fn values_are_announced_with_and_without_cas() {
    let key = Key::new(b"SID").unwrap();
    let mut header = ValueHeader {
        key,
        flags: 768,
        value_bytes: 7,
        cas: None,
    };
    check(b"VALUE SID 768 7\r\n", Response::Value(header));
    header.cas = Some(12);
    check(b"VALUE SID 768 7 12\r\n", Response::Value(header));
}

#[test]
fn a_value_is_followed_by_its_block_and_the_end() {
    let mut input = &b"VALUE a 0 4\r\n\r\nx\n\r\nEND\r\n"[..];
    let mut parser = ResponseParser::new(Limits::default());
    let Ok(Parsed::Complete {
        message: Response::Value(header),
        consumed,
    }) = parser.parse(input)
    else {
        panic!("a value line")
    };
    input = &input[consumed..];
    let mut block = DataBlock::new(header.value_bytes);
    let Parsed::Complete { message, consumed } = block.parse(input) else {
        panic!("the value")
    };
    assert_eq!(message, DataPart::Value(b"\r\nx\n"));
    input = &input[consumed..];
    let Parsed::Complete { message, consumed } = block.parse(input) else {
        panic!("its end")
    };
    assert_eq!(message, DataPart::End);
    let end = Parsed::Complete {
        message: Response::End,
        consumed: 5,
    };
    assert_eq!(parser.parse(&input[consumed..]), Ok(end));
}

#[test]
fn a_strange_line_is_an_error() {
    assert_eq!(error_of(b"\r\n"), ResponseErrorKind::UnknownLine);
    assert_eq!(
        error_of(b"HTTP/1.0 400 Bad\r\n"),
        ResponseErrorKind::UnknownLine
    );
    assert_eq!(error_of(b"12x\r\n"), ResponseErrorKind::UnknownLine);
    for line in [
        "VALUE",
        "VALUE a 0",
        "VALUE a x 1",
        "VALUE a 0 -1",
        "VALUE a 0 1 x",
    ] {
        assert_eq!(
            error_of(format!("{line}\r\n").as_bytes()),
            ResponseErrorKind::BadValueLine
        );
    }
    let long = [b'x'; 2049];
    let error = ResponseParser::new(Limits::default())
        .parse(&long)
        .unwrap_err();
    assert_eq!(error.to_string(), "line exceeds 2048 bytes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_encoded_is_parsed(
        key in proptest::collection::vec(b'!'..=b'~', 1..=250),
        (flags, value_bytes) in (any::<u32>(), 0usize..=2_147_483_645),
        cas in any::<Option<u64>>(),
        text in "[ -~]{0,40}",
    ) {
        let text = text.as_bytes();
        let key = Key::new(&key).unwrap();
        for response in [
            Response::Value(ValueHeader { key, flags, value_bytes, cas }),
            Response::Number(cas.unwrap_or_default()),
            Response::Stat { name: b"name", value: text },
            Response::Version(text),
            Response::Error(text),
            Response::ClientError(text),
            Response::ServerError(text),
        ] {
            let mut line = Vec::new();
            response.encode(&mut line);
            let parsed = ResponseParser::new(Limits::default()).parse(&line);
            prop_assert_eq!(
                parsed,
                Ok(Parsed::Complete { message: response, consumed: line.len() })
            );
        }
    }

    #[test]
    fn no_input_panics(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = ResponseParser::new(Limits::default()).parse(&input);
    }
}
