//! Calls may come in any order and number: an operation ends, and nothing panics.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use steadfast_cluster::{Action, After, Failure, Fleet, Operation, Procedure, Settings, Token};
use steadfast_ring::{Dialect, Ring};

/// What a caller or a peer may do.
#[derive(Clone, Debug)]
enum Call {
    Poll,
    Bytes(usize, Vec<u8>),
    Failure(usize, Failure),
    Timeout,
    Later(u64),
}

fn call() -> impl Strategy<Value = Call> {
    let lines = prop::sample::select(vec![
        &b"STORED\r\n"[..],
        b"NOT_STORED\r\n",
        b"END\r\n",
        b"EXISTS\r\n",
        b"VALUE id 5 1 9\r\nx\r\nEND\r\n",
        b"VALUE id.lock 0 32 9\r\n10000000000000000000000000000000\r\nVALUE id 5 1 9\r\nx\r\nEND\r\n",
        b"VALUE id",
        b"TOUCHED\r\n",
        b"NOT_FOUND\r\n",
        b"SERVER_ERROR no\r\n",
        b"VERSION 1\r\n",
        b"rubbish\r\n",
    ]);
    let failures = [
        Failure::Refused,
        Failure::Closed,
        Failure::Timeout,
        Failure::BadReply,
    ]
    .to_vec();
    prop_oneof![
        4 => Just(Call::Poll),
        6 => (0..3usize, lines).prop_map(|(node, line)| Call::Bytes(node, line.to_vec())),
        1 => (0..3usize, prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(node, bytes)| Call::Bytes(node, bytes)),
        1 => (0..3usize, prop::sample::select(failures))
            .prop_map(|(node, failure)| Call::Failure(node, failure)),
        1 => Just(Call::Timeout),
        1 => (0..400u64).prop_map(Call::Later),
    ]
}

fn fleet(now: Instant) -> Fleet<()> {
    let mut builder = Ring::builder(Dialect::PECL_CONSISTENT_CRC32);
    for port in 1..=3 {
        builder = builder.node((), "127.0.0.1", port, 1);
    }
    Fleet::new(builder.build().unwrap(), Settings::default(), now).unwrap()
}

/// Performs the calls, then lets every answer be missing until the operation is over.
fn perform<P: Procedure>(
    mut operation: Operation<P>,
    fleet: &mut Fleet<()>,
    calls: &[Call],
    mut now: Instant,
) {
    let nodes: Vec<_> = fleet.nodes().collect();
    let mut is_done = false;
    for call in calls {
        match call {
            Call::Poll => {
                if let Some(action) = operation.poll_action(fleet, now) {
                    assert!(!is_done, "nothing follows the end");
                    is_done = matches!(action, Action::Done(_));
                }
            }
            Call::Bytes(node, bytes) => {
                assert!(operation.handle_bytes(nodes[*node], bytes, fleet, now) <= bytes.len());
            }
            Call::Failure(node, failure) => {
                operation.handle_failure(nodes[*node], *failure, fleet, now);
            }
            Call::Timeout => operation.handle_timeout(fleet, now),
            Call::Later(ms) => now += Duration::from_millis(*ms),
        }
    }
    for _ in 0..1000 {
        match operation.poll_action(fleet, now) {
            Some(Action::Done(_)) => {
                assert!(!is_done, "an operation ends once");
                is_done = true;
            }
            Some(_) => assert!(!is_done, "nothing follows the end"),
            None if is_done => return,
            None => {
                now = now.max(operation.poll_timeout().expect("it waits for something"));
                operation.handle_timeout(fleet, now);
            }
        }
    }
    panic!("the operation does not end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_operation_ends(calls in prop::collection::vec(call(), 0..60)) {
        #[allow(clippy::disallowed_methods, reason = "where the test's clock begins")]
        let now = Instant::now();
        let mut fleet = fleet(now);
        let session = fleet.session(b"id").unwrap();
        perform(session.load(), &mut fleet, &calls, now);
        perform(session.open(Token::new(1)), &mut fleet, &calls, now);
        perform(session.create(Bytes::from_static(b"x")), &mut fleet, &calls, now);
        perform(session.touch(), &mut fleet, &calls, now);
        let mut fresh = self::fleet(now);
        if let Some(lease) = lease(&mut fresh, now) {
            perform(session.save(&lease, Bytes::new(), After::Unlock), &mut fresh, &calls, now);
            perform(session.destroy(&lease), &mut fresh, &calls, now);
            perform(session.unlock(&lease), &mut fresh, &calls, now);
            perform(session.renew(&lease), &mut fresh, &calls, now);
        }
    }
}

/// A lease of token 1, as a node grants it.
fn lease(fleet: &mut Fleet<()>, now: Instant) -> Option<steadfast_cluster::Lease> {
    let mut open = fleet.session(b"id").unwrap().open(Token::new(1));
    loop {
        match open.poll_action(fleet, now)? {
            Action::Send { node, .. } => {
                let answer =
                    b"STORED\r\nVALUE id.lock 0 32 9\r\n10000000000000000000000000000000\r\nEND\r\n";
                open.handle_bytes(node, answer, fleet, now);
            }
            Action::Close { .. } => {}
            Action::Done(opened) => return Some(opened.unwrap().lease),
        }
    }
}

#[test]
fn lease_is_granted_in_the_words_used_above() {
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    let now = Instant::now();
    assert!(lease(&mut fleet(now), now).is_some());
}

#[test]
fn caller_that_was_held_up_may_still_feed_the_answers() {
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    let now = Instant::now();
    let mut fleet = fleet(now);
    let mut load = fleet.session(b"id").unwrap().load();
    let mut asked = Vec::new();
    while let Some(Action::Send { node, .. }) = load.poll_action(&mut fleet, now) {
        asked.push(node);
    }
    let late = now + Duration::from_secs(10);
    load.handle_timeout(&mut fleet, late);
    for node in asked {
        load.handle_bytes(node, b"END\r\n", &mut fleet, late);
    }
    let Some(Action::Done(Ok(loaded))) = load.poll_action(&mut fleet, late) else {
        panic!("both have answered")
    };
    assert_eq!(loaded.answered, 2);
    assert_eq!(fleet.poll_timeout(), None, "no node was ejected");
}

#[test]
fn node_that_stays_silent_is_given_up_by_a_late_caller_too() {
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    let now = Instant::now();
    let mut fleet = fleet(now);
    let mut load = fleet.session(b"id").unwrap().load();
    while load.poll_action(&mut fleet, now).is_some() {}
    for seconds in [10, 20] {
        load.handle_timeout(&mut fleet, now + Duration::from_secs(seconds));
    }
    assert!(fleet.poll_timeout().is_some(), "the nodes are ejected");
}
