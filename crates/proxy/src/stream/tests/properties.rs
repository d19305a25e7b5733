//! Whatever the split and the order of events.

use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Action, ConnectError, Event, Side, Stream};
use super::Sim;
use super::sim::{GUIDE, assert_idle, config, one_server, open, start, state};
use crate::time::Now;

const REQUESTS: &str = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world\
    \r\nPOST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4;e=1\r\nwiki\r\n0\r\nt: v\r\n\r\n\
    GET /c HTTP/1.1\r\nx: a\r\n b\r\n\r\n";
const RESPONSES: [&str; 3] = [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\nthird",
];

/// Runs the three requests, cut where `cuts` says, and returns all that servers and client got.
fn run(cuts: &[usize]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut sim = Sim::new(GUIDE);
    let mut seen = Vec::new();
    let mut requests = pieces(REQUESTS, cuts).into_iter();
    let mut answered = 0;
    while sim.client_open {
        if sim.connecting.is_some() {
            sim.connected();
        }
        if let Some(piece) = requests.next() {
            sim.client(piece);
            continue;
        }
        seen.push(sim.to_server.clone());
        for piece in pieces(RESPONSES[answered], cuts) {
            sim.server(piece);
        }
        answered += 1;
        if answered == RESPONSES.len() {
            sim.closes(Side::Server);
        }
    }
    sim.assert_over();
    (seen, sim.to_client)
}

fn pieces<'a>(text: &'a str, cuts: &[usize]) -> Vec<&'a str> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut % text.len()).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.dedup();
    places
        .windows(2)
        .map(|pair| &text[pair[0]..pair[1]])
        .collect()
}

#[test]
fn byte_by_byte_gives_what_the_whole_gives() {
    let all: Vec<_> = (0..REQUESTS.len()).collect();
    assert_eq!(run(&all), run(&[]));
}

/// A request, or what a smuggler would have taken for one.
fn smuggled() -> impl Strategy<Value = String> {
    let start = prop_oneof![
        4 => Just("POST / HTTP/1.1\r\n"),
        1 => Just("POST / HTTP/1.0\r\nConnection: keep-alive\r\n"),
        2 => Just("GET /admin HTTP/1.1\r\nX: "),
        1 => Just("GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n"),
    ];
    let field = prop_oneof![
        4 => Just("Content-Length: 3\r\n"),
        1 => Just("Content-Length: 0\r\n"),
        1 => Just("Content-Length: 3, 3\r\n"),
        4 => Just("Transfer-Encoding: chunked\r\n"),
        2 => Just("Transfer-Encoding:\r\n chunked\r\n"),
        1 => Just("Transfer-Encoding: identity\r\n"),
        1 => Just("content-length : 3\r\n"),
        2 => Just("X: y\n"),
    ];
    let body = prop_oneof![
        3 => Just("abc"),
        2 => Just("3\r\nabc\r\n"),
        1 => Just("3 ;x\r\nabc\r\n"),
        3 => Just("0\r\n\r\n"),
        1 => Just("0\r\nContent-Length: 3\r\n\r\n"),
        1 => Just("\r\n"),
        1 => Just("\r"),
    ];
    let parts = (start, vec(field, 0..3), vec(body, 0..3));
    parts.prop_map(|(start, fields, bodies)| {
        format!("{start}{}\r\n{}", fields.concat(), bodies.concat())
    })
}

/// The length of the one request at the front of `text` as others read it; `None` if it is not all there.
fn request_len(text: &[u8]) -> Option<usize> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut fields);
    let mut len = match head.parse(text).expect("a sound head") {
        httparse::Status::Complete(len) => len,
        httparse::Status::Partial => return None,
    };
    let values = |name: &str| {
        let fields = head.headers.iter();
        let named = fields.filter(|field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| field.value).collect::<Vec<_>>()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    assert!(lengths.len() + codings.len() <= 1, "one framing, told once");
    if let [length] = lengths[..] {
        let length: usize = core::str::from_utf8(length).unwrap().parse().unwrap();
        return (text.len() >= len + length).then_some(len + length);
    }
    let [coding] = codings[..] else {
        return Some(len);
    };
    assert_eq!(coding.to_ascii_lowercase(), b"chunked");
    loop {
        let (line, size) = match httparse::parse_chunk_size(&text[len..]).expect("a sound size") {
            httparse::Status::Complete(found) => found,
            httparse::Status::Partial => return None,
        };
        len += line;
        if size == 0 {
            let end = text[len..].windows(2).position(|pair| pair == b"\r\n")?;
            assert_eq!(end, 0, "a framing trailer goes no further");
            return Some(len + 2);
        }
        len += usize::try_from(size).unwrap() + 2;
        text.get(..len)?;
    }
}

/// Sends `soup`, cut where `cuts` says, answers whatever servers are asked, and returns what each was sent.
fn asked(soup: &str, cuts: &[usize], text: &str) -> Vec<Vec<u8>> {
    let mut sim = Sim::new(text);
    let mut seen = Vec::new();
    for piece in pieces(soup, cuts) {
        if !sim.client_open {
            break;
        }
        sim.client(piece);
        while sim.server_open {
            if sim.reuse && !sim.parked.is_empty() && sim.connecting.is_some() {
                sim.connected_reused();
            } else if sim.connecting.is_some() {
                sim.connected();
            }
            if request_len(&sim.to_server).is_none() {
                break;
            }
            seen.push(core::mem::take(&mut sim.to_server));
            sim.server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    }
    seen
}

#[derive(Debug, Clone)]
enum Step {
    Client(usize),
    Server(usize),
    Forwarded(bool, u16),
    Sent(bool, u16),
    Closed(bool),
    Reset(bool),
    Connected(bool),
    Failed,
    Granted,
    Draining,
    Wait(u16),
}

const CLIENT_WORDS: [&str; 7] = [
    "GET / HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc",
    "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "0\r\n\r\n",
    "GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    "\r\n",
    "\0",
];
const SERVER_WORDS: [&str; 7] = [
    "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n",
    "abcd",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n",
    "0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\n",
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..CLIENT_WORDS.len()).prop_map(Step::Client),
        4 => (0..SERVER_WORDS.len()).prop_map(Step::Server),
        2 => (any::<bool>(), 0..2000_u16).prop_map(|(side, len)| Step::Forwarded(side, len)),
        6 => (any::<bool>(), 0..2000_u16).prop_map(|(side, len)| Step::Sent(side, len)),
        1 => any::<bool>().prop_map(Step::Closed),
        1 => any::<bool>().prop_map(Step::Reset),
        4 => any::<bool>().prop_map(Step::Connected),
        1 => Just(Step::Failed),
        1 => Just(Step::Granted),
        1 => Just(Step::Draining),
        2 => (0..2000_u16).prop_map(Step::Wait),
    ]
}

fn side(is_client: bool) -> Side {
    if is_client {
        Side::Client
    } else {
        Side::Server
    }
}

fn event(step: &Step) -> Option<Event<'static>> {
    Some(match step {
        Step::Client(word) => Event::Received {
            from: Side::Client,
            bytes: CLIENT_WORDS[*word].as_bytes(),
        },
        Step::Server(word) => Event::Received {
            from: Side::Server,
            bytes: SERVER_WORDS[*word].as_bytes(),
        },
        Step::Forwarded(from, len) => Event::Forwarded {
            from: side(*from),
            len: usize::from(*len),
        },
        Step::Sent(to, len) => Event::Sent {
            to: side(*to),
            len: usize::from(*len),
        },
        Step::Closed(by) => Event::Closed { by: side(*by) },
        Step::Reset(by) => Event::Reset { by: side(*by) },
        Step::Connected(reused) => Event::Connected { reused: *reused },
        Step::Failed => Event::ConnectFailed {
            error: ConnectError::Refused,
        },
        Step::Granted => Event::Granted,
        Step::Draining => Event::Draining,
        Step::Wait(_) => return None,
    })
}

fn drain(stream: &mut Stream) {
    let mut actions = 0;
    while let Some(action) = stream.poll_action() {
        actions += 1;
        assert!(actions < 100, "{action:?}");
        if let Action::Send { bytes, .. } = action {
            assert!(!bytes.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_gives_the_same_output(cuts in vec(0..400_usize, 0..12)) {
        prop_assert_eq!(run(&cuts), run(&[]));
    }

    /// No bytes of a client are a request to the server that was none to us.
    #[test]
    fn server_is_sent_exactly_one_request_at_a_time(
        requests in vec(smuggled(), 1..4),
        cuts in vec(0..400_usize, 0..4),
        keep_alive in any::<bool>(),
    ) {
        let text = if keep_alive { &one_server("") } else { GUIDE };
        let soup = requests.concat();
        let seen = asked(&soup, &cuts, text);
        for request in &seen {
            prop_assert_eq!(request_len(request), Some(request.len()), "{:?}", request);
        }
        prop_assert_eq!(seen, asked(&soup, &[], text));
    }

    #[test]
    fn any_order_of_events_ends_and_gives_everything_back(
        steps in vec((any::<bool>(), step()), 0..60),
        keep_alive in any::<bool>(),
        abandoned in any::<bool>(),
    ) {
        let text = if keep_alive {
            one_server("").replace("10.0.0.1:80\n", "10.0.0.1:80 maxconn 1\n")
        } else {
            GUIDE.replace("weight 1", "maxconn 1")
        };
        let mut now = start();
        let mut state = state(&config(&text), now);
        let mut streams = [
            open(&mut state, "198.51.100.7:5000", 0, now),
            open(&mut state, "198.51.100.7:5001", 1, now),
        ];
        for (which, step) in &steps {
            let stream = &mut streams[usize::from(*which)];
            match (event(step), step) {
                (Some(event), _) => stream.handle_event(event, &mut state, now),
                (None, Step::Wait(ms)) => {
                    let wait = Duration::from_millis(u64::from(*ms));
                    now = Now::new(now.instant + wait, now.unix_ms + u64::from(*ms));
                    stream.handle_timeout(&mut state, now);
                }
                (None, _) => {}
            }
            drain(stream);
            while let Some(woken) = state.poll_wakeup() {
                let woken = &mut streams[usize::try_from(woken.0).unwrap()];
                woken.handle_event(Event::Granted, &mut state, now);
                drain(woken);
            }
        }
        // Left alone, every stream ends by its own deadlines.
        for stream in &mut streams {
            if abandoned {
                stream.abandon(&mut state, now);
            }
            let mut timeouts = 0;
            while let Some(at) = stream.poll_timeout() {
                now = Now::new(now.instant.max(at), now.unix_ms + 1);
                stream.handle_timeout(&mut state, now);
                drain(stream);
                timeouts += 1;
                prop_assert!(timeouts < 100);
            }
            prop_assert!(stream.is_finished());
        }
        assert_idle(&state);
    }
}
