//! Meta commands. What is expected was said by memcached 1.6.45, if a comment does not tell
//! otherwise.

use super::*;
use crate::{MetaFlag, MetaKey, MetaStoreMode};

const DUPLICATE: &str = "! CLIENT_ERROR duplicate flag";
const UNKNOWN: &str = "! CLIENT_ERROR invalid flag";
const TOO_MANY: &str = "! CLIENT_ERROR options flags are too long";
const BAD_TOKEN: &str = "! CLIENT_ERROR bad token in command line format";
const BAD_KEY: &str = "! CLIENT_ERROR error decoding key";
const LONG_OPAQUE: &str = "! CLIENT_ERROR opaque token too long";
const BAD_MODE: &str = "! CLIENT_ERROR invalid mode for ms M token";
const MA_FAULT: &str = "! CLIENT_ERROR invalid or duplicate flag";

/// The request at the start of `line`, of which a test needs the meta part.
fn meta(line: &[u8]) -> Meta<'_> {
    match RequestParser::new(Limits::default()).parse(line) {
        Ok(Parsed::Complete { message, consumed }) => {
            assert_eq!(consumed, line.len());
            match message {
                Request::MetaGet(meta)
                | Request::MetaSet { meta, .. }
                | Request::MetaDelete(meta)
                | Request::MetaArithmetic(meta)
                | Request::MetaDebug(meta) => meta,
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn meta_commands_have_a_key_and_flags() {
    check(b"mg a\r\n", &["mg a"]);
    check(b"mg  a  v   t \n", &["mg a v t"]);
    check(
        b"ms a 2 c T60\r\nhi\r\nmg a\r\n",
        &["ms a 2 c T60", "= hi", "mg a"],
    );
    check(b"ms a 0\r\n\r\n", &["ms a 0", "= "]);
    check(
        b"md a I T30\r\nma a D2 v\r\nme a\r\n",
        &["md a I T30", "ma a D2 v", "me a"],
    );
    check(b"mn\r\nmn what ever\r\n", &["mn", "mn"]);
}

#[test]
fn meta_commands_without_their_words_are_bad_lines() {
    for line in [
        "mg\r\n", "mg \r\n", "md\r\n", "ma\r\n", "me\r\n", "ms\r\n", "ms a\r\n",
    ] {
        check(line.as_bytes(), &[BAD_LINE]);
    }
    check(b"mx a\r\nmga a\r\n", &[ERROR, ERROR]);
}

#[test]
fn flags_are_read_one_by_one_and_by_name() {
    let line = b"ms key 3 T-1 F7 C18446744073709551615 E5 N30 Oab k q MA I\r\n";
    let meta = meta(line);
    assert_eq!(meta.key().text().as_bytes(), b"key");
    assert_eq!(
        (meta.ttl(), meta.vivify_ttl(), meta.recache_ttl()),
        (Some(-1), Some(30), None)
    );
    assert_eq!(
        (meta.client_flags(), meta.compared_id()),
        (Some(7), Some(u64::MAX))
    );
    assert_eq!(
        (meta.given_id(), meta.delta(), meta.initial()),
        (Some(5), None, None)
    );
    assert_eq!(meta.opaque(), Some(&b"ab"[..]));
    assert_eq!(meta.store_mode(), MetaStoreMode::Append);
    assert!(meta.is_quiet() && meta.flags().has(b'I') && !meta.flags().has(b'v'));
    let letters: Vec<u8> = meta.flags().into_iter().map(|flag| flag.letter).collect();
    assert_eq!(letters, b"TFCENOkqMI");
    let first = MetaFlag {
        letter: b'T',
        token: b"-1",
    };
    assert_eq!(meta.flags().into_iter().next(), Some(first));
}

#[test]
fn modes_are_told_by_their_first_letter() {
    for (mode, expected) in [
        ("MS", MetaStoreMode::Set),
        ("ME", MetaStoreMode::Add),
        ("MA", MetaStoreMode::Append),
        ("MPx", MetaStoreMode::Prepend),
        ("MReplace", MetaStoreMode::Replace),
        ("k", MetaStoreMode::Set),
    ] {
        let line = format!("ms a 0 {mode}\r\n");
        assert_eq!(meta(line.as_bytes()).store_mode(), expected);
    }
    for (mode, expected) in [
        ("MI", Arithmetic::Increment),
        ("M+", Arithmetic::Increment),
        ("MDecr", Arithmetic::Decrement),
        ("M-", Arithmetic::Decrement),
        ("v", Arithmetic::Increment),
    ] {
        assert_eq!(
            meta(format!("ma a {mode}\r\n").as_bytes()).arithmetic(),
            expected
        );
    }
    check(
        b"ms a 4 Ms\r\nquit\r\nms a 4 M\r\nquit\r\n",
        &[BAD_MODE, BAD_MODE],
    );
    check(
        b"ma a MS\r\n",
        &["! CLIENT_ERROR invalid mode for ma M token"],
    );
    // To the others it means nothing.
    check(b"mg a M\r\nmd a Mx\r\n", &["mg a M", "md a Mx"]);
}

#[test]
fn what_no_flag_needs_is_not_looked_at() {
    check(b"mg a vx kfoo s5 qq\r\n", &["mg a vx kfoo s5 qq"]);
    check(
        b"md a k v\r\nms a 1 v\r\nx\r\n",
        &["md a k v", "ms a 1 v", "= x"],
    );
    check(b"mg a P Lsomewhere O\r\n", &["mg a P Lsomewhere O"]);
}

#[test]
fn flags_are_known_and_not_repeated() {
    check(b"mg a v v\r\nmg a vx vy\r\n", &[DUPLICATE, DUPLICATE]);
    check(
        b"mg a W\r\nmd a 1\r\nmg a [\r\n",
        &[UNKNOWN, UNKNOWN, UNKNOWN],
    );
    check(b"mg a noreply\r\n", &[UNKNOWN]);
    check(
        b"mg a !\r\nmg a \xc3\xa9\r\nmg a v -1\r\n",
        &[BAD_LINE, BAD_LINE, BAD_LINE],
    );
    check(
        b"ma a v v\r\nma a W\r\nma a !\r\n",
        &[MA_FAULT, MA_FAULT, BAD_LINE],
    );
}

#[test]
fn flags_that_need_a_number_have_one() {
    for flag in [
        "T",
        "Tx",
        "T2147483648",
        "N",
        "R-",
        "C",
        "C-1",
        "E+1",
        "C18446744073709551616",
    ] {
        let expected = if flag == "R-" { "mg a R-" } else { BAD_TOKEN };
        check(format!("mg a {flag}\r\n").as_bytes(), &[expected]);
    }
    check(b"mg a F\r\nmg a F4294967296\r\n", &[BAD_LINE, BAD_LINE]);
    check(
        b"mg a D\r\n",
        &["! CLIENT_ERROR invalid numeric delta value"],
    );
    check(
        b"mg a Jx\r\n",
        &["! CLIENT_ERROR invalid numeric initial value"],
    );
    check(
        b"ma a D\r\nma a Jx\r\nma a F\r\nma a Tx\r\n",
        &[MA_FAULT; 4],
    );
}

/// Of several faults one is told.
#[test]
fn the_fault_that_is_told_is_the_same_one() {
    check(
        b"mg a Tx Jx\r\n",
        &["! CLIENT_ERROR invalid numeric initial value"],
    );
    check(b"mg a Jx Tx\r\n", &[BAD_TOKEN]);
    check(b"mg a Tx Fx\r\n", &[BAD_TOKEN]);
    check(b"mg a Fx Tx\r\n", &[BAD_TOKEN]);
    check(b"mg a Tx v v\r\n", &[DUPLICATE]);
    check(b"mg a v v W\r\nmg a W v v\r\n", &[DUPLICATE, UNKNOWN]);
    check(b"mg a v v !\r\n", &[BAD_LINE]);
}

#[test]
fn eighteen_flags_are_the_most() {
    let flags = [
        "b", "c", "f", "h", "k", "l", "q", "s", "t", "u", "v", "x", "I", "O", "P", "L",
    ];
    let all = flags.join(" ");
    let line = format!("mg Zm9v {all} T1 N1");
    check(format!("{line}\r\n").as_bytes(), &[&line]);
    check(format!("{line} R1\r\n").as_bytes(), &[TOO_MANY]);
    check(
        format!("ma Zm9v {all} T1 N1 R1\r\n").as_bytes(),
        &[MA_FAULT],
    );
    let line = format!("ms Zm9v 1 {all} T1");
    check(format!("{line}\r\nx\r\n").as_bytes(), &[&line, "= x"]);
    check(format!("{line} N1\r\nx\r\n").as_bytes(), &[TOO_MANY]);
    // Behind the last place for a word nothing is looked at.
    check(
        format!("mg Zm9v {all} T1 N1 R1 C1 E1 !\r\n").as_bytes(),
        &[TOO_MANY],
    );
    check(
        format!("mg Zm9v {all} T1 N1 R1 C1 !\r\n").as_bytes(),
        &[BAD_LINE],
    );
}

#[test]
fn keys_are_no_longer_than_others() {
    let (longest, long) = ("k".repeat(250), "k".repeat(251));
    check(
        format!("mg {longest} v\r\n").as_bytes(),
        &[&format!("mg {longest} v")],
    );
    for line in [
        format!("mg {long} v\r\n"),
        format!("md {long}\r\n"),
        format!("me {long}\r\n"),
    ] {
        check(line.as_bytes(), &[BAD_LINE]);
    }
    check(format!("ma {long}\r\n").as_bytes(), &[MA_FAULT]);
    check(
        format!("ms {long} 4 v v\r\nquit\r\n").as_bytes(),
        &[BAD_LINE],
    );
}

#[test]
fn keys_in_base64_are_decoded() {
    let mut room = [0; MetaKey::DECODED_BYTES_MAX];
    for line in [
        &b"mg Zm9v b\r\n"[..],
        b"ms Zm9v 0 b\r\n",
        b"md Zm9v q b\r\n",
        b"ma Zm9v b v\r\n",
    ] {
        let key = meta(line).key();
        assert!(key.is_base64());
        assert_eq!(key.decode(&mut room), b"foo");
    }
    let plain = meta(b"mg Zm9v v\r\n").key();
    assert_eq!(
        (plain.is_base64(), plain.decode(&mut room)),
        (false, &b"Zm9v"[..])
    );
    check(b"mg Zm9 b\r\nmd !!!! b\r\n", &[BAD_KEY, BAD_KEY]);
    check(b"ma Zm9 b\r\n", &[MA_FAULT]);
    check(b"ms Zm9 4 b\r\nquit\r\n", &[BAD_KEY]);
    let longest = "A".repeat(248);
    let line = format!("mg {longest} b\r\n");
    assert_eq!(meta(line.as_bytes()).key().decode(&mut room), [0; 186]);
}

/// A bug of 1.6.45, where `b` only means something in the first place and with a word behind it.
#[test]
fn me_decodes_its_key_whatever_stands_around() {
    let mut room = [0; MetaKey::DECODED_BYTES_MAX];
    for line in [
        &b"me Zm9v b\r\n"[..],
        b"me Zm9v b v\r\n",
        b"me Zm9v v b\r\n",
    ] {
        assert_eq!(meta(line).key().decode(&mut room), b"foo");
    }
    check(b"me Zm9 b\r\n", &[BAD_LINE]);
    // To the rest it is as patient as memcached.
    check(b"me a v v W Tx\r\n", &["me a v v W Tx"]);
    check(b"me a !\r\n", &[BAD_LINE]);
}

/// memcached sees it at its place in the reply, when `ma` has been done and the time of `mg` set.
#[test]
fn a_long_opaque_is_refused_before_anything_happens() {
    let (most, more) = ("x".repeat(31), "x".repeat(32));
    check(
        format!("mg a O{most}\r\n").as_bytes(),
        &[&format!("mg a O{most}")],
    );
    check(format!("mg a T0 O{more}\r\n").as_bytes(), &[LONG_OPAQUE]);
    check(format!("ma a O{more}\r\n").as_bytes(), &[LONG_OPAQUE]);
    check(format!("md a O{more}\r\n").as_bytes(), &[LONG_OPAQUE]);
    check(
        format!("ms a 4 O{more}\r\nquit\r\n").as_bytes(),
        &[LONG_OPAQUE],
    );
}

#[test]
fn ms_takes_its_data_along_unless_it_is_no_meta_command() {
    for flags in ["v v", "W", "Tx", "F", "Mx", "q q"] {
        let line = format!("ms a 4 {flags}\r\nquit\r\nmn\r\n");
        let (heard, closed) = hear([line.as_bytes()]);
        assert_eq!((heard.len(), closed), (2, false), "{heard:?}");
        assert_eq!(heard[1], "mn");
    }
    for line in [
        "ms a v",
        "ms a -1",
        "ms a 2147483646",
        "ms a +4",
        "ms a 4 !",
    ] {
        check(
            format!("{line}\r\nget b\r\n").as_bytes(),
            &[BAD_LINE, "get b"],
        );
    }
}

#[test]
fn clients_make_what_servers_understand() {
    let key = Key::new(b"Zm9v").unwrap();
    let meta = Meta::new(MetaVerb::Set, key, b" b  T60 MA ").unwrap();
    assert_round_trip(&Request::MetaSet {
        meta,
        value_bytes: 5,
    });
    for (verb, flags) in [
        (MetaVerb::Get, &b"v v"[..]),
        (MetaVerb::Get, b"v\nv"),
        (MetaVerb::Set, b"MI"),
        (MetaVerb::Arithmetic, b"MS"),
    ] {
        assert!(Meta::new(verb, key, flags).is_err());
    }
}

/// Flags as a client may send them, each letter once.
fn flags() -> impl Strategy<Value = Vec<u8>> {
    let flag =
        prop_oneof![
        proptest::sample::select(&b"cfhklqstuvxI"[..]).prop_map(|letter| vec![letter]),
        (proptest::sample::select(&b"NRT"[..]), any::<i32>())
            .prop_map(|(letter, number)| format!("{}{number}", char::from(letter)).into_bytes()),
        (proptest::sample::select(&b"CEDJ"[..]), any::<u64>())
            .prop_map(|(letter, number)| format!("{}{number}", char::from(letter)).into_bytes()),
        any::<u32>().prop_map(|number| format!("F{number}").into_bytes()),
        proptest::collection::vec(b'!'..=b'~', 0..=31).prop_map(|text| [&b"O"[..], &text].concat()),
    ];
    proptest::collection::vec(flag, 0..17).prop_map(|mut flags| {
        let mut seen = Vec::new();
        flags.retain(|flag| {
            let is_new = !seen.contains(&flag[0]);
            seen.push(flag[0]);
            is_new
        });
        flags.join(&b' ')
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_encoded_is_parsed(
        key in key_bytes(),
        flags in flags(),
        value_bytes in 0usize..=2_147_483_645,
    ) {
        let key = Key::new(&key).unwrap();
        let meta = |verb| Meta::new(verb, key, &flags).unwrap();
        assert_round_trip(&Request::MetaGet(meta(MetaVerb::Get)));
        assert_round_trip(&Request::MetaSet { meta: meta(MetaVerb::Set), value_bytes });
        assert_round_trip(&Request::MetaDelete(meta(MetaVerb::Delete)));
        assert_round_trip(&Request::MetaArithmetic(meta(MetaVerb::Arithmetic)));
        assert_round_trip(&Request::MetaDebug(meta(MetaVerb::Debug)));
        assert_round_trip(&Request::MetaNoop);
    }
}
