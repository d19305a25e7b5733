//! Who a client is.

use steadfast_engine::Credentials;
use steadfast_protocol::binary::{Command, Request};

use crate::cache::Cache;
use crate::wire::{answers, bytes, get, key, loud, set, with_value};

/// A cache that knows two users.
fn locked() -> Cache {
    let cache = Cache::new();
    let users = Credentials::parse(b"web:s3cret\nadmin:x").unwrap();
    cache.engine.set_credentials(Some(users));
    cache
}

fn start(mechanism: &'static str, message: &[u8]) -> Vec<u8> {
    let request = loud(Command::SaslStart {
        mechanism: key(mechanism),
        data_bytes: message.len(),
    });
    with_value(&request, message)
}

fn step(message: &[u8]) -> Vec<u8> {
    let request = loud(Command::SaslStep {
        mechanism: key("PLAIN"),
        data_bytes: message.len(),
    });
    with_value(&request, message)
}

fn mechanisms() -> Request<'static> {
    loud(Command::SaslListMechanisms)
}

fn ask(cache: &mut Cache, send: &[u8]) -> Vec<String> {
    let answer = cache.send([send]);
    answers(&answer).into_iter().map(|a| a.line).collect()
}

const OK: &str = "SASL_AUTH Authenticated";
const NO: &str = "SASL_AUTH 0x20 Auth failure.";

#[test]
fn without_users_there_is_nothing_to_say() {
    let mut cache = Cache::new();
    let unknown = "SASL_LIST_MECHS 0x81 Unknown command";
    assert_eq!(ask(&mut cache, &bytes([mechanisms()])), [unknown]);
    let send = [
        start("PLAIN", b"\0web\0s3cret"),
        step(b"x"),
        bytes([get("a")]),
    ]
    .concat();
    assert_eq!(
        ask(&mut cache, &send),
        [
            "SASL_AUTH 0x81 Unknown command",
            "SASL_STEP 0x81 Unknown command",
            "GET 0x01 Not found"
        ]
    );
}

#[test]
fn a_client_that_is_known_may_do_everything() {
    for piece_bytes in [usize::MAX, 1] {
        let mut cache = locked();
        let send = [
            bytes([mechanisms()]),
            start("PLAIN", b"\0web\0s3cret"),
            set("a", "1"),
        ]
        .concat();
        let answer = cache.send(send.chunks(piece_bytes));
        let lines: Vec<_> = answers(&answer).into_iter().map(|a| a.line).collect();
        assert_eq!(lines, ["SASL_LIST_MECHS PLAIN", OK, "SET cas"]);
    }
}

#[test]
fn others_are_told_so_and_closed() {
    let version = Cache::new().engine.settings().version.clone();
    let version = format!("VERSION {version}");
    for (send, expect) in [
        (bytes([get("a")]), &["GET 0x20 Auth failure."][..]),
        (set("a", "1"), &["SET 0x20 Auth failure."]),
        (bytes([loud(Command::Noop)]), &["NOOP 0x20 Auth failure."]),
        (bytes([loud(Command::Quit)]), &["QUIT"]),
        (
            bytes([loud(Command::Version), get("a"), get("b")]),
            &[&version, "GET 0x20 Auth failure."],
        ),
    ] {
        let mut cache = locked();
        assert_eq!(ask(&mut cache, &send), expect);
        assert!(cache.closed);
        assert_eq!(cache.engine.store().stats().items, 0);
    }
}

#[test]
fn a_wrong_message_is_refused_and_may_be_followed_by_a_right_one() {
    let mut cache = locked();
    for message in [
        &b"\0web\0S3cret"[..],
        b"\0web\0x",
        b"\0nobody\0s3cret",
        b"admin\0web\0s3cret",
        b"web\0s3cret",
        b"web",
        &[b'x'; 5000],
    ] {
        assert_eq!(ask(&mut cache, &start("PLAIN", message)), [NO]);
    }
    for name in ["CRAM-MD5", "plain"] {
        assert_eq!(ask(&mut cache, &start(name, b"\0web\0s3cret")), [NO]);
    }
    let long = "THIS-MECHANISM-HAS-FAR-TOO-LONG-A-NAME";
    let refused = "SASL_AUTH 0x04 Invalid arguments";
    assert_eq!(ask(&mut cache, &start(long, b"\0web\0s3cret")), [refused]);
    assert_eq!(ask(&mut cache, &start("PLAIN", b"web\0web\0s3cret")), [OK]);
    let report = ask(&mut cache, &bytes([crate::wire::stat("")]));
    for line in ["STAT key=auth_cmds 10", "STAT key=auth_errors 9"] {
        assert!(
            report.iter().any(|found| found == line),
            "{line} in {report:#?}"
        );
    }
}

#[test]
fn the_message_may_come_with_a_step_of_its_own() {
    let mut cache = locked();
    let refused = "SASL_STEP 0x20 Auth failure.";
    assert_eq!(ask(&mut cache, &step(b"\0web\0s3cret")), [refused]);
    assert_eq!(ask(&mut cache, &start("PLAIN", b"")), ["SASL_AUTH 0x21"]);
    let send = [step(b"\0web\0s3cret"), bytes([get("a")])].concat();
    assert_eq!(
        ask(&mut cache, &send),
        ["SASL_STEP Authenticated", "GET 0x01 Not found"]
    );
}

#[test]
fn who_fails_to_say_so_again_is_not_known_any_more() {
    let mut cache = locked();
    assert_eq!(ask(&mut cache, &start("PLAIN", b"\0web\0s3cret")), [OK]);
    assert_eq!(ask(&mut cache, &start("PLAIN", b"\0web\0wrong")), [NO]);
    assert_eq!(
        ask(&mut cache, &bytes([get("a")])),
        ["GET 0x20 Auth failure."]
    );
    assert!(cache.closed);
}

#[test]
fn a_file_that_is_read_again_counts_for_who_comes_after() {
    let mut cache = locked();
    assert_eq!(ask(&mut cache, &start("PLAIN", b"\0web\0s3cret")), [OK]);
    let users = Credentials::parse(b"web:new").unwrap();
    cache.engine.set_credentials(Some(users));
    assert_eq!(ask(&mut cache, &bytes([get("a")])), ["GET 0x01 Not found"]);
    cache.reconnect();
    assert_eq!(ask(&mut cache, &start("PLAIN", b"\0web\0s3cret")), [NO]);
    assert_eq!(ask(&mut cache, &start("PLAIN", b"\0web\0new")), [OK]);
}
