//! The balancer's parsers and its stream.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use steadfast_proxy::config::{self, Config, Severity};
use steadfast_proxy::http::{Limits, RequestHead, RequestParser, ResponseParser};
use steadfast_proxy::state::{FrontendId, State, StreamId};
use steadfast_proxy::stream::{Action, ConnectError, Endpoints, Event, Side, Stream};
use steadfast_proxy::time::Now;

use crate::input::Input;

/// Any text is either a configuration or a list of errors with their places.
pub fn config(data: &[u8]) {
    let environment = |name: &str| (name == "X").then(|| "x".to_owned());
    let parsed = config::parse(&[("fuzz.cfg", data)], &environment);
    let has_error = parsed
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error);
    assert_eq!(
        parsed.config.is_none(),
        has_error,
        "an error, or a configuration"
    );
    let again = config::parse(&[("fuzz.cfg", data)], &environment);
    assert!(parsed == again, "the same text means the same");
}

/// What httparse takes for a request head and we take too means the same to both; a head that we
/// write is one that we read, and reads the same.
pub fn head_differential(data: &[u8]) {
    let ours = parse_request(data, data.len().max(1));
    assert_eq!(
        ours,
        parse_request(data, 1),
        "a head is the same whatever the split"
    );
    let mut response = BytesMut::from(data);
    if let Ok(Some(head)) = ResponseParser::new(Limits::default()).parse(&mut response, b"GET") {
        let mut written = BytesMut::new();
        head.encode(&mut written);
        let again = ResponseParser::new(Limits::default()).parse(&mut written, b"GET");
        let again = again
            .expect("our own head is right")
            .expect("our own head is whole");
        assert_eq!((again.status, again.body), (head.status, head.body));
        assert!(again.headers.iter().eq(head.headers.iter()));
    }
    let Some(head) = ours else {
        return;
    };
    let mut written = BytesMut::new();
    head.encode(&mut written);
    let again = parse_request(&written, written.len()).expect("our own head is right");
    assert_eq!((&again.method, &again.target), (&head.method, &head.target));
    assert_eq!(again.body, head.body);
    assert!(again.headers.iter().eq(head.headers.iter()));
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut theirs = httparse::Request::new(&mut fields);
    let parsed = match theirs.parse(&written) {
        Ok(parsed) => parsed,
        // Control characters in values are passed on, as HAProxy does; httparse refuses them.
        Err(httparse::Error::HeaderValue) if head.headers.iter().any(|(_, v)| has_control(v)) => {
            return;
        }
        Err(error) => panic!("what we send on is wrong to others: {error}"),
    };
    assert_eq!(
        parsed,
        httparse::Status::Complete(written.len()),
        "no byte is left over"
    );
    assert_eq!(theirs.method.map(str::as_bytes), Some(&head.method[..]));
    assert_eq!(theirs.path.map(str::as_bytes), Some(&head.target[..]));
    let theirs = theirs
        .headers
        .iter()
        .map(|field| (field.name.as_bytes(), field.value));
    assert!(theirs.eq(head.headers.iter()), "both see the same fields");
}

fn has_control(value: &[u8]) -> bool {
    value
        .iter()
        .any(|&byte| byte != b'\t' && byte.is_ascii_control())
}

/// Parses what arrives in steps; `None` is refused or unfinished.
fn parse_request(data: &[u8], step: usize) -> Option<RequestHead> {
    let mut parser = RequestParser::new(Limits::default());
    let mut input = BytesMut::new();
    for piece in data.chunks(step) {
        input.extend_from_slice(piece);
        if let Some(head) = parser.parse(&mut input).ok()? {
            return Some(head);
        }
    }
    None
}

/// Events in any order and number: no panic, deadlines are kept, and once both sides are gone the
/// stream ends and has given back all that it counted.
pub fn stream_events(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World::new();
    for _ in 0..STEPS_MAX {
        if input.is_empty() || world.stream.is_finished() {
            break;
        }
        world.step(&mut input);
    }
    world.end();
}

struct World {
    stream: Stream,
    state: State,
    now: Now,
}

const STEPS_MAX: usize = 2000;

const CONFIGURATION: &str = "\
defaults
    mode http
    retries 2
    option redispatch
    option forwardfor
    option http-server-close
    timeout http-request 10s
    timeout queue 1m
    timeout connect 10s
    timeout client 45s
    timeout server 45s
listen http
    bind 127.0.0.1:80
    balance roundrobin
    timeout http-keep-alive 3000
    http-request del-header Proxy
    server web1 127.0.0.1:81 weight 1 maxconn 1
    server web2 127.0.0.1:82 weight 1
";

fn configuration() -> Config {
    let parsed = config::parse(&[("stream.cfg", CONFIGURATION.as_bytes())], &|_| None);
    parsed
        .config
        .unwrap_or_else(|| panic!("{:?}", parsed.diagnostics))
}

impl World {
    fn new() -> Self {
        let now = Now::new(Instant::now(), 1_700_000_000_000);
        let config = Arc::new(configuration());
        let mut state = state(config, now);
        let address = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let endpoints = Endpoints {
            client: address(50_000),
            local: address(80),
        };
        let stream = Stream::new(StreamId(1), FrontendId(0), endpoints, &mut state, now);
        Self { stream, state, now }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        let side = if choice & 0x80 == 0 {
            Side::Client
        } else {
            Side::Server
        };
        let length = usize::from(input.byte());
        match choice & 15 {
            0..=4 if self.stream.wants(side) => {
                let bytes = message(side, choice, input.bytes(length));
                if !bytes.is_empty() {
                    self.event(Event::Received {
                        from: side,
                        bytes: &bytes,
                    });
                }
            }
            5 => self.event(Event::Sent {
                to: side,
                len: length,
            }),
            6 => self.event(Event::Forwarded {
                from: side,
                len: length,
            }),
            7 => self.event(Event::Closed { by: side }),
            8 => self.event(Event::Reset { by: side }),
            9 | 10 => self.event(Event::Connected {
                reused: length & 1 == 1,
            }),
            11 => self.event(Event::ConnectFailed {
                error: ConnectError::Refused,
            }),
            12 => self.event(Event::Granted),
            13 => self.event(Event::Draining),
            _ => {
                let until = self.stream.poll_timeout();
                let later = self.now.instant + Duration::from_millis(length as u64 * 40);
                self.pass(until.filter(|_| length & 1 == 0).unwrap_or(later));
                self.stream.handle_timeout(&mut self.state, self.now);
            }
        }
        self.drain();
    }

    fn event(&mut self, event: Event<'_>) {
        self.stream.handle_event(event, &mut self.state, self.now);
    }

    fn drain(&mut self) {
        let mut actions = 0;
        while let Some(action) = self.stream.poll_action() {
            actions += 1;
            assert!(
                actions < 1000,
                "actions without end, the last is {action:?}"
            );
            if let Action::Send { bytes, .. } = &action {
                assert!(!bytes.is_empty(), "nothing to send");
            }
        }
    }

    fn pass(&mut self, until: Instant) {
        let waited = until.saturating_duration_since(self.now.instant);
        self.now = Now::new(
            self.now.instant + waited,
            self.now.unix_ms + waited.as_millis() as u64,
        );
    }

    /// Both sides go away; whatever the stream waits for then is a matter of its own deadlines.
    fn end(&mut self) {
        for side in [Side::Client, Side::Server] {
            self.event(Event::Reset { by: side });
            self.drain();
        }
        for _ in 0..20 {
            if self.stream.is_finished() {
                break;
            }
            let Some(deadline) = self.stream.poll_timeout() else {
                break;
            };
            self.pass(deadline);
            self.stream.handle_timeout(&mut self.state, self.now);
            self.drain();
        }
        assert!(
            self.stream.is_finished(),
            "a stream without sockets goes on: {:?}",
            self.stream
        );
        assert_eq!(
            self.state.process().connections,
            0,
            "a connection is still counted"
        );
    }
}

/// Raw bytes from the input, or a whole message, so that later phases are reached.
fn message(side: Side, choice: u8, raw: &[u8]) -> Vec<u8> {
    let text: &[u8] = match (side, (choice >> 4) & 7) {
        (Side::Client, 0 | 1) => b"GET /session.php HTTP/1.1\r\nHost: a\r\nProxy: x\r\n\r\n",
        (Side::Client, 2) => b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n",
        (Side::Client, 3) => {
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        }
        (Side::Client, 4) => {
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n"
        }
        (Side::Server, 0 | 1) => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        (Side::Server, 2) => b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n",
        (Side::Server, 3) => {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        }
        (Side::Server, 4) => b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nuntil the end",
        _ => raw,
    };
    text.to_vec()
}

/// The state at the start; every server is where the configuration's numbers say.
fn state(config: Arc<Config>, now: Now) -> State {
    let addresses = |host: &config::Host, port: u16| match host {
        config::Host::Ip(ip) => SocketAddr::new(*ip, port),
        other => unreachable!("{other:?} is no address of this configuration"),
    };
    State::new(config, &addresses, 100, 7, now)
}
