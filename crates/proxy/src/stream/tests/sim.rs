//! The simulated pair: what a daemon would do, on plain buffers.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use crate::config::{self, Config, Host};
use crate::log::{HttpRecord, ServerField};
use crate::state::{BackendId, FrontendId, ServerId, State, StreamId};
use crate::stream::{Action, ConnectError, Endpoints, Event, Side, Stream};
use crate::time::Now;

/// The guide's section, with two servers and its timers.
pub(crate) const GUIDE: &str = "
defaults
    mode http
    option httplog
    option dontlognull
    option httpclose
    option forwardfor except 127.0.0.0/8
    option redispatch
    retries 3
    timeout http-request 10s
    timeout queue 1m
    timeout connect 10s
    timeout client 45s
    timeout server 45s
    timeout check 10s
    maxconn 4096
listen http
    bind :80
    mode http
    balance roundrobin
    option forwardfor
    option httpclose
    option http-server-close
    timeout http-keep-alive 3000
    http-request del-header Proxy
    server web1 10.0.0.94:80 weight 1 check inter 3000 rise 2 fall 1
    server web2 10.0.0.95:80 weight 1 check inter 3000 rise 2 fall 1
";

/// One frontend, one backend `be` of one server `s1`, short timers, and `extra` lines for both.
pub(crate) fn one_server(extra: &str) -> String {
    format!(
        "
defaults
    mode http
    option httplog
    timeout client 600ms
    timeout server 700ms
    timeout connect 400ms
    timeout http-request 600ms
{extra}
frontend fe
    bind :80
    default_backend be
backend be
    server s1 10.0.0.1:80
"
    )
}

pub(crate) fn config(text: &str) -> Arc<Config> {
    let parsed = config::parse(&[("test", text.as_bytes())], &|_| None);
    let complaint = format!("{:?}", parsed.diagnostics);
    Arc::new(parsed.config.expect(&complaint))
}

#[allow(clippy::disallowed_methods, reason = "a test's clock starts somewhere")]
pub(crate) fn start() -> Now {
    Now::new(Instant::now(), 1_700_000_000_000)
}

pub(crate) fn state(config: &Arc<Config>, now: Now) -> State {
    let address = |host: &Host, port: u16| match host {
        Host::Ip(ip) => SocketAddr::new(*ip, port),
        _ => SocketAddr::from(([127, 0, 0, 1], port)),
    };
    State::new(Arc::clone(config), &address, 1000, 7, now)
}

/// The world around one stream.
pub(crate) struct Sim {
    pub(crate) state: State,
    pub(crate) stream: Stream,
    pub(crate) now: Now,
    /// What has reached the client.
    pub(crate) to_client: Vec<u8>,
    /// What has reached the present server.
    pub(crate) to_server: Vec<u8>,
    pub(crate) records: Vec<HttpRecord>,
    /// Every `Connect`, by the server's place.
    pub(crate) connects: Vec<usize>,
    pub(crate) connecting: Option<ServerId>,
    pub(crate) reuse: bool,
    pub(crate) parked: Vec<ServerId>,
    pub(crate) server_open: bool,
    pub(crate) client_open: bool,
    pub(crate) shut: Vec<Side>,
    /// The client does not take what it is sent.
    pub(crate) client_stalls: bool,
    unsent: usize,
    relay_to_client: u64,
    relay_to_server: u64,
}

impl Sim {
    pub(crate) fn new(text: &str) -> Self {
        Self::from_client(text, "198.51.100.7:5000")
    }

    pub(crate) fn from_client(text: &str, client: &str) -> Self {
        let now = start();
        let mut state = state(&config(text), now);
        let stream = open(&mut state, client, 1, now);
        let mut sim = Self {
            state,
            stream,
            now,
            to_client: Vec::new(),
            to_server: Vec::new(),
            records: Vec::new(),
            connects: Vec::new(),
            connecting: None,
            reuse: false,
            parked: Vec::new(),
            server_open: false,
            client_open: true,
            shut: Vec::new(),
            client_stalls: false,
            unsent: 0,
            relay_to_client: 0,
            relay_to_server: 0,
        };
        sim.act();
        sim
    }

    pub(crate) fn event(&mut self, event: Event<'_>) {
        self.stream.handle_event(event, &mut self.state, self.now);
        self.act();
    }

    /// Does what the stream says until it says nothing more.
    pub(crate) fn act(&mut self) {
        while let Some(action) = self.stream.poll_action() {
            match action {
                Action::Connect { server, reuse, .. } => {
                    self.connects.push(server.index);
                    self.connecting = Some(server);
                    self.reuse = reuse;
                    self.to_server.clear();
                    self.server_open = true;
                }
                Action::Send { to, bytes } => self.deliver(to, &bytes),
                Action::Forward {
                    to: Side::Client,
                    len,
                } => self.relay_to_client = len,
                Action::Forward {
                    to: Side::Server,
                    len,
                } => self.relay_to_server = len,
                Action::ShutdownWrite(side) => self.shut.push(side),
                Action::Park(server) => {
                    assert!(self.server_open);
                    self.server_open = false;
                    self.parked.push(server);
                }
                Action::Close(Side::Server) => {
                    assert!(self.server_open, "a server that is open is closed");
                    self.connecting = None;
                    self.server_open = false;
                    (self.relay_to_client, self.relay_to_server) = (0, 0);
                }
                Action::Close(Side::Client) => {
                    assert!(self.client_open, "the client is closed once");
                    self.client_open = false;
                }
                Action::Log(record) => self.records.push(*record),
                Action::LogConnect(_) => {}
            }
        }
    }

    fn deliver(&mut self, to: Side, bytes: &[u8]) {
        match to {
            Side::Client if self.client_stalls => {
                self.to_client.extend_from_slice(bytes);
                self.unsent += bytes.len();
                return;
            }
            Side::Client => self.to_client.extend_from_slice(bytes),
            Side::Server => self.to_server.extend_from_slice(bytes),
        }
        let len = bytes.len();
        self.stream
            .handle_event(Event::Sent { to, len }, &mut self.state, self.now);
    }

    /// The client takes all that it has been sent.
    pub(crate) fn client_reads(&mut self) {
        self.client_stalls = false;
        let len = core::mem::take(&mut self.unsent);
        self.event(Event::Sent {
            to: Side::Client,
            len,
        });
    }

    pub(crate) fn client(&mut self, bytes: impl AsRef<[u8]>) {
        self.says(Side::Client, bytes.as_ref());
    }

    pub(crate) fn server(&mut self, bytes: impl AsRef<[u8]>) {
        self.says(Side::Server, bytes.as_ref());
    }

    fn says(&mut self, from: Side, bytes: &[u8]) {
        let relay = match from {
            Side::Client => &mut self.relay_to_server,
            Side::Server => &mut self.relay_to_client,
        };
        let len = usize::try_from(*relay)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        if *relay != u64::MAX {
            *relay -= len as u64;
        }
        let (relayed, rest) = bytes.split_at(len);
        if len > 0 {
            self.stream
                .handle_event(Event::Forwarded { from, len }, &mut self.state, self.now);
            self.deliver(from.other(), relayed);
            self.act();
        }
        if !rest.is_empty() {
            self.event(Event::Received { from, bytes: rest });
        }
    }

    pub(crate) fn closes(&mut self, by: Side) {
        self.event(Event::Closed { by });
    }

    pub(crate) fn resets(&mut self, by: Side) {
        self.event(Event::Reset { by });
    }

    pub(crate) fn connected(&mut self) {
        assert!(
            self.connecting.take().is_some(),
            "a connection is asked for"
        );
        self.event(Event::Connected { reused: false });
    }

    pub(crate) fn connected_reused(&mut self) {
        assert!(self.reuse, "a parked connection may be taken");
        self.parked.clear();
        self.connecting = None;
        self.event(Event::Connected { reused: true });
    }

    pub(crate) fn refused(&mut self) {
        assert!(
            self.connecting.take().is_some(),
            "a connection is asked for"
        );
        self.server_open = false;
        self.event(Event::ConnectFailed {
            error: ConnectError::Refused,
        });
    }

    /// Lets time pass, keeping every deadline on the way to the millisecond.
    pub(crate) fn advance(&mut self, ms: u64) {
        let end = self.now.instant + Duration::from_millis(ms);
        while let Some(at) = self.stream.poll_timeout().filter(|at| *at <= end) {
            self.pass_to(at);
            self.stream.handle_timeout(&mut self.state, self.now);
            self.act();
        }
        self.pass_to(end);
    }

    fn pass_to(&mut self, at: Instant) {
        let step = at.saturating_duration_since(self.now.instant);
        let ms = u64::try_from(step.as_millis()).unwrap();
        self.now = Now::new(self.now.instant + step, self.now.unix_ms + ms);
    }

    /// A whole exchange: request, connection, answer.
    pub(crate) fn exchange(&mut self, request: &str, response: &str) {
        self.client(request);
        self.connected();
        self.server(response);
    }

    pub(crate) fn client_text(&self) -> &str {
        core::str::from_utf8(&self.to_client).unwrap()
    }

    pub(crate) fn server_text(&self) -> &str {
        core::str::from_utf8(&self.to_server).unwrap()
    }

    /// The last record as the log line has it, from the server to the termination, and the retries.
    pub(crate) fn tail(&self) -> String {
        let record = self.records.last().expect("something is logged");
        let ms = |value: Option<u32>| value.map_or(-1, i64::from);
        let timers = record.timers;
        let server = match &record.server {
            ServerField::Name(name) => name,
            ServerField::None => "<NOSRV>",
        };
        format!(
            "{}/{server} {}/{}/{}/{}/{} {} {} {} {}{}",
            record.backend,
            ms(timers.request_ms),
            ms(timers.wait_ms),
            ms(timers.connect_ms),
            ms(timers.response_ms),
            timers.total_ms,
            record.status.map_or(-1, i32::from),
            record.bytes,
            core::str::from_utf8(&record.termination.letters()).unwrap(),
            if record.redispatched { "+" } else { "" },
            record.retries,
        )
    }

    /// Everything is closed and given back.
    pub(crate) fn assert_over(&self) {
        assert!(self.stream.is_finished(), "the stream is finished");
        assert!(
            !self.client_open && !self.server_open,
            "both sides are closed"
        );
        assert_idle(&self.state);
    }
}

/// No connection, request, slot or place in a queue is left in the books.
pub(crate) fn assert_idle(state: &State) {
    assert_eq!(state.process().connections, 0);
    for frontend in 0..state.config().frontends.len() {
        assert_eq!(state.frontend(FrontendId(frontend)).current, 0);
    }
    for (place, backend) in state.config().backends.iter().enumerate() {
        let id = BackendId(place);
        assert_eq!(state.backend(id).current, 0);
        assert_eq!(state.backend(id).queued, 0);
        for index in 0..backend.servers.len() {
            assert_eq!(
                state
                    .server(ServerId { backend: id, index })
                    .counters
                    .current,
                0
            );
        }
    }
}

pub(crate) fn open(state: &mut State, client: &str, id: u64, now: Now) -> Stream {
    let endpoints = Endpoints {
        client: client.parse().unwrap(),
        local: "203.0.113.1:80".parse().unwrap(),
    };
    Stream::new(StreamId(id), FrontendId(0), endpoints, state, now)
}
