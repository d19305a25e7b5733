//! Who is heard when the cache has users (`-Y`).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cache;

use cache::{Cache, converse};
use steadfast_engine::Credentials;

const UNKNOWN: &[u8] = b"CLIENT_ERROR unauthenticated\r\n";
const FAILURE: &[u8] = b"CLIENT_ERROR authentication failure\r\n";

fn guarded() -> Cache {
    let cache = Cache::new();
    let users = Credentials::parse(b"web:s3cret\nadmin:two words\n").unwrap();
    cache.engine.set_credentials(Some(users));
    cache
}

#[test]
fn nothing_is_heard_before_a_user_and_a_password() {
    converse(
        guarded,
        &[
            (b"get a key\r\n", UNKNOWN),
            (b"set a 0 0\r\n", UNKNOWN),
            (b"set a 0 0 9 0\r\nweb wrong\r\n", FAILURE),
            (
                b"set a 0 0 6\r\nweb:xx\r\n",
                b"CLIENT_ERROR bad authentication token format\r\n",
            ),
            (
                b"set a 0 0 10\r\nweb s3cretxx",
                b"CLIENT_ERROR bad command line termination\r\n",
            ),
            (
                b"set a 0 0 16385\r\n",
                b"CLIENT_ERROR auth token too long\r\n",
            ),
            (b"set any x y 10\r\nweb s3cret\r\n", b"STORED\r\n"),
            (b"get a\r\nset a 0 0 1\r\nx\r\n", b"END\r\nSTORED\r\n"),
        ],
    );
}

/// memcached 1.6.45 answers several attempts that arrive together only once.
#[test]
fn every_attempt_of_a_batch_is_answered() {
    let attempts = b"get some\r\nset a 0 0 3\r\na b\r\nset a 0 0 15\r\nadmin two words\r\nmn a\r\n";
    let answers = [UNKNOWN, FAILURE, b"STORED\r\nMN\r\n"].concat();
    converse(guarded, &[(attempts, &answers)]);
}

#[test]
fn what_cannot_be_an_attempt_closes() {
    for input in [&b"quit\r\n"[..], b"\r\n", &[b'x'; 2049]] {
        let mut cache = guarded();
        assert_eq!(cache.ask(input), "");
        assert!(cache.closed, "{:?}", input.escape_ascii());
    }
}

#[test]
fn attempts_are_counted() {
    let mut cache = guarded();
    cache.ask(b"set a 0 0 3\r\na b\r\nset a 0 0 2\r\nab\r\nset a 0 0 10\r\nweb s3cret\r\n");
    let stats = cache.ask(b"stats\r\n");
    assert!(stats.contains("STAT auth_cmds 2\r\nSTAT auth_errors 1\r\n"));
}

#[test]
fn users_may_change_while_clients_talk() {
    let mut cache = guarded();
    assert_eq!(cache.ask(b"get any\r\n").as_bytes(), UNKNOWN);
    let users = Credentials::parse(b"new:one\n").unwrap();
    cache.engine.set_credentials(Some(users));
    assert_eq!(
        cache.ask(b"set a 0 0 10\r\nweb s3cret\r\n").as_bytes(),
        FAILURE
    );
    assert_eq!(cache.ask(b"set a 0 0 7\r\nnew one\r\n"), "STORED\r\n");
    cache.engine.set_credentials(None);
    assert_eq!(cache.ask(b"mn a\r\n"), "MN\r\n");
    cache.reconnect();
    assert_eq!(cache.ask(b"mn a\r\n"), "MN\r\n");
}
