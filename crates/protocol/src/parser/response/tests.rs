use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::{DataBlock, DataPart, MetaLine, decode_uri, encode_base64, encode_uri};

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
fn meta_responses_have_a_status_and_flags() {
    for (code, status) in [
        ("HD", MetaStatus::Done),
        ("EN", MetaStatus::Miss),
        ("NF", MetaStatus::NotFound),
        ("NS", MetaStatus::NotStored),
        ("EX", MetaStatus::Exists),
    ] {
        let flags = MetaFlags::NONE;
        check(
            format!("{code}\r\n").as_bytes(),
            Response::Meta { status, flags },
        );
        let flags = MetaFlags::of_response(b"t-1 kfoo W");
        check(
            format!("{code} t-1 kfoo W\r\n").as_bytes(),
            Response::Meta { status, flags },
        );
    }
    let flags = MetaFlags::of_response(b"c12 Oab");
    let value = Response::MetaValue {
        value_bytes: 3,
        flags,
    };
    check(b"VA 3 c12 Oab\r\n", value);
    assert_eq!(value.value_bytes(), Some(3));
    check(b"MN\r\n", Response::MetaNoop);
    for line in ["VA", "VA x", "VA -1"] {
        assert_eq!(
            error_of(format!("{line}\r\n").as_bytes()),
            ResponseErrorKind::BadWords
        );
    }
}

#[test]
fn items_are_told_to_operators() {
    check(
        b"ME foo exp=-1 la=3 cas=12 fetch=no cls=1 size=63\r\n",
        Response::MetaItem(MetaItem {
            key: b"foo",
            expires_in: None,
            used_ago: 3,
            cas: 12,
            was_read: false,
            class: 1,
            item_bytes: 63,
        }),
    );
    let item = DumpedItem {
        key: b"a%20b",
        expires_at: Some(1_700_000_000),
        used_at: 1_600_000_000,
        cas: 2,
        was_read: true,
        class: 3,
        item_bytes: 70,
        flags: 5,
    };
    let line = b"key=a%20b exp=1700000000 la=1600000000 cas=2 fetch=yes cls=3 size=70 flags=5 \n";
    check(line, Response::DumpedItem(item));
    let mut out = Vec::new();
    item.encode_with_key(b"a b", &mut out);
    assert_eq!(out, line);
    // So did 1.6.18.
    check(
        b"key=a%20b exp=1700000000 la=1600000000 cas=2 fetch=yes cls=3 size=70\n",
        Response::DumpedItem(DumpedItem { flags: 0, ..item }),
    );
    let key = Key::new(b"Zm9v").unwrap();
    for (line, is_base64) in [(&b"mg Zm9v\r\n"[..], false), (b"mg Zm9v b\r\n", true)] {
        check(
            line,
            Response::DumpedKey(MetaKey::new(key, is_base64).unwrap()),
        );
    }
    check(
        b"ITEM a [5 b; 0 s]\r\n",
        Response::CachedItem(CachedItem {
            key: b"a",
            value_bytes: 5,
            expires_at: 0,
        }),
    );
    check(
        b"PREFIX  get 4 hit 3 set 2 del 1\r\n",
        Response::Prefix(PrefixCounts {
            prefix: b"",
            gets: 4,
            hits: 3,
            sets: 2,
            deletes: 1,
        }),
    );
}

#[test]
fn a_line_of_a_known_kind_has_all_its_words() {
    for line in [
        "ME",
        "ME a exp=1",
        "key=a",
        "mg",
        "mg Zm9 b",
        "mg a b c",
        "ITEM a [5 b]",
        "PREFIX",
    ] {
        assert_eq!(
            error_of(format!("{line}\r\n").as_bytes()),
            ResponseErrorKind::BadWords
        );
    }
}

#[test]
fn operators_are_refused_in_words() {
    for (line, reason, text) in [
        (
            "BUSY currently processing crawler request",
            Refusal::Busy,
            "currently processing crawler request",
        ),
        (
            "BADCLASS invalid class id",
            Refusal::BadClass,
            "invalid class id",
        ),
        (
            "NOTSTARTED no items to crawl",
            Refusal::NotStarted,
            "no items to crawl",
        ),
        ("SAME", Refusal::Same, ""),
    ] {
        let text = text.as_bytes();
        check(
            format!("{line}\r\n").as_bytes(),
            Response::Refused { reason, text },
        );
    }
    check(
        b"SERVER_ERROR: shutdown not enabled\r\n",
        Response::ShutdownNotEnabled,
    );
    check(
        b"Error TLS not enabled\r\n",
        Response::NotRefreshed(b"TLS not enabled"),
    );
    check(
        b"ts=1.5 gid=2 type=item_get\n",
        Response::Log(b"ts=1.5 gid=2 type=item_get"),
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
    fn what_operators_are_told_is_parsed(
        key in proptest::collection::vec(b'!'..=b'~', 1..=186),
        (cas, item_bytes) in any::<(u64, u64)>(),
        (used_ago, class, flags, expires_in) in any::<(u32, u32, u32, Option<u32>)>(),
        was_read in any::<bool>(),
        text in "[!-~]{0,40}",
    ) {
        let mut base64 = Vec::new();
        encode_base64(&key, &mut base64);
        let expires_at = expires_in.map(u64::from);
        let item = DumpedItem {
            key: &base64, expires_at, used_at: cas, cas, was_read, class, item_bytes, flags,
        };
        let encoded = MetaKey::new(Key::new(&base64).unwrap(), true).unwrap();
        for response in [
            Response::MetaItem(MetaItem {
                key: &key, expires_in, used_ago, cas, was_read, class, item_bytes,
            }),
            Response::DumpedItem(item),
            Response::DumpedKey(encoded),
            Response::DumpedKey(MetaKey::new(Key::new(&key).unwrap(), false).unwrap()),
            Response::CachedItem(CachedItem { key: &key, value_bytes: item_bytes, expires_at: cas }),
            Response::Prefix(PrefixCounts {
                prefix: text.as_bytes(), gets: cas, hits: item_bytes, sets: cas, deletes: 0,
            }),
            Response::Refused { reason: Refusal::NoSpare, text: text.as_bytes() },
            Response::NotRefreshed(text.as_bytes()),
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
    fn a_meta_line_is_parsed(
        key in proptest::collection::vec(any::<u8>(), 1..=186),
        (value_bytes, number) in (proptest::option::of(0usize..=2_147_483_645), any::<u64>()),
        (seconds, opaque) in (any::<Option<u32>>(), "[!-~]{0,31}"),
    ) {
        let mut out = Vec::new();
        let mut line = match value_bytes {
            Some(value_bytes) => MetaLine::value(value_bytes, &mut out),
            None => MetaLine::status(MetaStatus::Exists, &mut out),
        };
        line.number(b'c', number);
        line.time_to_live(seconds);
        line.token(b'O', opaque.as_bytes());
        line.key(&key, true);
        line.flag(b'W');
        line.end();
        let parsed = ResponseParser::new(Limits::default()).parse(&out);
        let Ok(Parsed::Complete { message, consumed }) = parsed else {
            panic!("{parsed:?}");
        };
        prop_assert_eq!((message.value_bytes(), consumed), (value_bytes, out.len()));
        let flags = match message {
            Response::Meta { flags, .. } | Response::MetaValue { flags, .. } => flags,
            other => panic!("{other:?}"),
        };
        prop_assert_eq!((flags.number(b'c'), flags.number(b't')), (Some(number), seconds.map(u64::from)));
        prop_assert_eq!(flags.token(b'O'), Some(opaque.as_bytes()));
        let text = Key::new(flags.token(b'k').unwrap()).unwrap();
        let mut room = [0; MetaKey::DECODED_BYTES_MAX];
        prop_assert_eq!(MetaKey::new(text, flags.has(b'b')).unwrap().decode(&mut room), key);
        prop_assert!(flags.has(b'W') && !flags.has(b'X'));
    }

    #[test]
    fn keys_survive_dumps(key in proptest::collection::vec(any::<u8>(), 0..=250)) {
        let mut text = Vec::new();
        encode_uri(&key, &mut text);
        prop_assert!(text.iter().all(|byte| byte.is_ascii_graphic()));
        prop_assert_eq!(decode_uri(&text).collect::<Vec<u8>>(), key);
    }

    #[test]
    fn no_input_panics(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = ResponseParser::new(Limits::default()).parse(&input);
    }
}
