//! Requests in datagrams, and how little they can be abused for.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cache;

use std::net::IpAddr;
use std::sync::Arc;

use cache::Cache;
use proptest::prelude::*;
use steadfast_engine::{Allowance, BURST_SECS, Datagrams, FREE_RATIO};
use steadfast_protocol::udp::{DATAGRAM_BYTES_MAX, Header};

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Asks, checks the frames of the reply, and returns its payload and the bytes of all its datagrams.
fn ask(datagrams: &mut Datagrams, cache: &Cache, datagram: &[u8]) -> (Vec<u8>, usize) {
    datagrams.handle_datagram(datagram, CLIENT, &cache.engine, cache.now);
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    let (mut message, mut bytes, mut count, mut total) = (Vec::new(), 0, 0, None);
    while let Some(length) = datagrams.poll_datagram(&mut buffer) {
        let (header, payload) = Header::parse(&buffer[..length]).unwrap();
        assert_eq!(header.request_id.to_be_bytes(), datagram[..2]);
        assert_eq!(header.sequence, count);
        assert_eq!(*total.get_or_insert(header.total), header.total);
        message.extend_from_slice(payload);
        bytes += length;
        count += 1;
    }
    assert!(total.is_none_or(|total| total == count || (total, count) == (0, 1)));
    (message, bytes)
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let mut datagram = Header::request(300).encode().to_vec();
    datagram.extend_from_slice(payload);
    datagram
}

fn datagrams(bytes_per_sec: u32) -> Datagrams {
    Datagrams::new(0, Arc::new(Allowance::new(bytes_per_sec, 1)))
}

#[test]
fn datagram_is_a_conversation_of_its_own() {
    let cache = Cache::new();
    let mut datagrams = datagrams(0);
    for (request, reply) in [
        (
            &b"set a 0 0 1\r\nx\r\nget a\r\n"[..],
            &b"STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n"[..],
        ),
        (b"set a 0 0 1\r\n", b"CLIENT_ERROR bad data chunk\r\n"),
        (b"get a b\r\nget ", b"VALUE a 0 1\r\nx\r\nEND\r\n"),
        // What was begun in the last one is forgotten.
        (b"a\r\n", b"CLIENT_ERROR bad command line format\r\n"),
        (b"quit\r\nget a\r\n", b""),
        (b"get a\r\nquit\r\n", b"VALUE a 0 1\r\nx\r\nEND\r\n"),
        (b"\x80\x0a", b""),
    ] {
        let got = ask(&mut datagrams, &cache, &framed(request)).0;
        assert_eq!(
            got.escape_ascii().to_string(),
            reply.escape_ascii().to_string()
        );
    }
}

#[test]
fn datagram_full_of_the_shortest_requests_is_answered() {
    let cache = Cache::new();
    let count = (65_507 - Header::BYTES) / 4;
    let (reply, _) = ask(&mut datagrams(0), &cache, &framed(&b"mn\r\n".repeat(count)));
    assert!(reply == b"MN\r\n".repeat(count));
}

#[test]
fn refusal_itself_never_exceeds_what_is_free() {
    let mut cache = Cache::new();
    cache.send([&b"set a 0 0 1000\r\n"[..], &[b'v'; 1000], b"\r\n"]);
    let mut datagrams = datagrams(1);
    for request in [&b"\n"[..], b"get a\r\n", b"mn\nmg a v\n", b"gets a a\r\n"] {
        let datagram = framed(request);
        let bytes = ask(&mut datagrams, &cache, &datagram).1;
        assert!(bytes > 0 && bytes <= FREE_RATIO * datagram.len(), "{bytes}");
    }
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => proptest::sample::select(vec![
            "get a\r\n", "get a a a\r\n", "gets b\r\n", "mg a v\r\n", "stats\r\n", "stats settings\r\n",
            "set b 0 0 3\r\nabc\r\n", "set b 0 0 9\r\nabc\r\n", "\n", "quit\r\n", "version\r\n",
            "lru_crawler metadump all\r\n", "watch mutations\r\n", "set a 0 0 1 noreply\r\nx\r\n",
        ])
        .prop_map(|line| line.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..60),
        1 => proptest::collection::vec(any::<u8>(), 0..60)
            .prop_map(|rest| [&[0x80][..], &rest].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whoever_is_lied_about_gets_no_more_than_the_allowance(
        requests in proptest::collection::vec((request(), 0u32..2), 1..40),
    ) {
        let bytes_per_sec = 500;
        let mut cache = Cache::new();
        cache.send([&b"set a 0 0 1500\r\n"[..], &[b'v'; 1500], b"\r\n"]);
        let mut datagrams = datagrams(bytes_per_sec);
        let (mut excess, mut secs) = (0, 0);
        for (request, wait) in requests {
            cache.wait(wait);
            secs += wait;
            let datagram = framed(&request);
            let (_, bytes) = ask(&mut datagrams, &cache, &datagram);
            excess += bytes.saturating_sub(FREE_RATIO * datagram.len());
        }
        prop_assert!(excess <= (bytes_per_sec * (BURST_SECS + secs)) as usize, "{excess}");
    }
}
