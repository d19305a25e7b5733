use proptest::prelude::*;

use super::*;
use crate::batch::{Batch, Value};
use crate::{Fleet, Settings};

fn node() -> NodeId {
    let builder = steadfast_ring::Ring::builder(steadfast_ring::Dialect::PECL_CONSISTENT_CRC32);
    let ring = builder.node((), "a", 1, 1).build().unwrap();
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    let now = std::time::Instant::now();
    let fleet = Fleet::new(ring, Settings::default(), now).unwrap();
    fleet.nodes().next().unwrap()
}

fn waiting() -> Link {
    let (data, lock) = (Bytes::from_static(b"id"), Bytes::from_static(b"id.lock"));
    let value = Value {
        bytes: b"token",
        flags: 0,
        exptime: 15,
    };
    let mut link = Link::new(node(), 100);
    link.start(Batch::default().add(&lock, value).gets(&[&lock, &data]));
    link
}

const ANSWER: &[u8] =
    b"NOT_STORED\r\nVALUE id.lock 0 5 7\r\ntoken\r\nVALUE id 3 4 8\r\nE\r\nD\r\nEND\r\n";

fn replies() -> Vec<Reply> {
    let item = |key: &[u8], flags, cas, value: &[u8]| Item {
        key: key.to_vec(),
        flags,
        cas,
        value: value.to_vec(),
    };
    let items = vec![
        item(b"id.lock", 0, 7, b"token"),
        item(b"id", 3, 8, b"E\r\nD"),
    ];
    vec![Reply::NotStored, Reply::Items(items)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn answer_is_the_same_however_it_is_split(
        lens in prop::collection::vec(1..20usize, 0..20),
    ) {
        let mut link = waiting();
        let mut buffer = Vec::new();
        let mut rest = ANSWER;
        let mut found = None;
        for len in lens.into_iter().chain([ANSWER.len()]) {
            let (piece, after) = rest.split_at(len.min(rest.len()));
            rest = after;
            buffer.extend_from_slice(piece);
            if link.is_waiting() {
                let (taken, done) = link.parse(&buffer).unwrap();
                buffer.drain(..taken);
                found = found.or(done);
            }
        }
        prop_assert_eq!(found, Some(replies()));
        prop_assert!(buffer.is_empty() && !link.is_waiting());
    }
}

#[test]
fn error_line_answers_any_request() {
    let mut link = waiting();
    let (_, done) = link
        .parse(b"SERVER_ERROR out of memory\r\nERROR\r\n")
        .unwrap();
    let refused = |text: &str| Reply::Refused(text.into());
    assert_eq!(done, Some(vec![refused("out of memory"), refused("")]));
}

#[test]
fn what_does_not_fit_the_request_is_refused() {
    for answer in [
        &b"END\r\n"[..],
        b"hello\r\n",
        b"STORED\r\nSTORED\r\n",
        b"STORED\r\nVALUE id 0 2 7\r\nabcd",
        b"STORED\r\nVALUE id 0 2\r\nab\r\nEND\r\n",
        b"STORED\r\nVALUE id 0 101 7\r\n",
        b"STORED\r\nVALUE a 0 0 7\r\n\r\nVALUE b 0 0 7\r\n\r\nVALUE c 0 0 7\r\n",
    ] {
        assert_eq!(
            waiting().parse(answer),
            Err(BadReply),
            "{}",
            answer.escape_ascii()
        );
    }
}

#[test]
fn dead_idle_connection_is_repeated_once_and_a_proven_one_not() {
    let mut link = waiting();
    assert!(link.repeat().is_some());
    assert!(link.repeat().is_none());
    let mut link = waiting();
    link.parse(b"STORED\r\n").unwrap();
    assert!(link.repeat().is_none());
}
