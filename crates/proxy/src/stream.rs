//! One client connection, from accept to close, as a state machine.
//!
//! A [`Stream`] is fed with [`Event`]s (what happened on the two sockets) and deadlines, and answers with
//! [`Action`]s (what to do with them). It parses and rewrites heads, picks servers, retries, keeps time, counts
//! and logs; it owns no socket. Bodies of known length do not pass through it: it names a length and the daemon
//! relays ([`Action::Forward`]).
//!
//! # The daemon's loop
//!
//! One task per client connection, `state` behind one mutex that is held for single calls only:
//!
//! ```text
//! stream = Stream::new(id, frontend, endpoints, &mut state, now)
//! loop {
//!     while let Some(action) = stream.poll_action() {
//!         Connect { server, address, reuse } => if reuse and a parked connection to server lives: take it,
//!                                               event Connected { reused: true }; else start connecting
//!         Send { to, bytes }    => out[to].push(bytes)
//!         Forward { to, len }   => relay[to] = len            // bytes come from the other side, after out[to]
//!         ShutdownWrite(side)   => once out[side] is written: shutdown(side, Write)
//!         Park(server)          => parked[server] = the server's socket (one per server)
//!         Close(Server)         => drop the server's socket or the attempt to connect, out[Server], relay[*]
//!         Close(Client)         => drop the client's socket
//!         Log(record), LogConnect(record) => format and send to the log targets of the frontend
//!     }
//!     wake every stream of state.poll_wakeup(); send every state.poll_notice() to the logs
//!     if stream.is_finished() { break }
//!     select! {
//!         read(side)  if relay[other(side)] > 0 and out[other(side)] is empty
//!                     => out[other].push(bytes); relay[other] -= len; event Forwarded { from: side, len }
//!         read(side)  if no relay from side and stream.wants(side)
//!                     => event Received { from: side, bytes }
//!                        // either read: end of input is Closed { by: side }, an error Reset { by: side }
//!         write(side) if out[side] is not empty => event Sent { to: side, len }
//!                        // an error of Client is Reset { by: Client }; of Server: drop out[Server] and the relay
//!                        // to it, and read on: an answer may be there, and the end of input says the rest
//!         connecting  => event Connected { reused: false } or ConnectFailed { error }
//!         woken       => event Granted
//!         stopping    => event Draining
//!         sleep until stream.poll_timeout() => stream.handle_timeout(&mut state, now)
//!     }
//! }
//! ```
//!
//! Rules: never read more than a pending `Forward` asks for (the rest belongs to the core) — or read into a buffer
//! and split it, giving what lies beyond as `Received`. After `Close(Server)` or `Park` nothing of that connection
//! is reported any more. Events that make no sense in the present phase are ignored, never a panic. A stream that must
//! be dropped before it is finished is [abandoned](Stream::abandon) first, or what it has counted stays counted.

mod action;
mod connect;
mod deadline;
mod departure;
mod errors;
mod event;
mod exchange;
mod record;
mod relay;
mod request;
mod response;
#[cfg(test)]
pub(crate) mod tests;
mod tunnel;

pub use self::action::Action;
pub use self::event::{ConnectError, Event, Side};

use core::net::SocketAddr;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use self::exchange::{Exchange, Flow};
use crate::config::Config;
use crate::http::{HeadError, Limits, RequestParser};
use crate::state::{FrontendId, State, StreamId, Ticket};
use crate::time::Now;

/// The two ends of an accepted connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "what accept tells, complete")]
pub struct Endpoints {
    /// The client's address.
    pub client: SocketAddr,
    /// The address the client connected to.
    pub local: SocketAddr,
}

/// One client connection and, one after the other, the requests it carries.
///
/// Invariant: a server slot or a place in a queue is held exactly in the phases that need it, and given back before
/// the stream is finished.
#[derive(Debug)]
pub struct Stream {
    id: StreamId,
    frontend: FrontendId,
    endpoints: Endpoints,
    config: Arc<Config>,
    /// The client's address in words, once a request has needed it.
    client_text: Option<Bytes>,
    client: Connection,
    server: Connection,
    phase: Phase,
    request_parser: RequestParser,
    exchange: Exchange,
    actions: VecDeque<Action>,
    is_draining: bool,
    last_error: Option<HeadError>,
}

/// What is known of one of the two connections.
#[derive(Debug)]
struct Connection {
    /// Whether the daemon has it, or is about to get it.
    is_open: bool,
    /// Nothing more will come from there.
    has_ended: bool,
    /// Nothing more can be sent there.
    is_broken: bool,
    /// Received and not dealt with.
    input: BytesMut,
    /// Bytes that the daemon has still to write.
    unsent: u64,
    /// When bytes last moved there, or the wait for them began.
    active_at: Instant,
}

/// Where the exchange stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waiting for a request, or in its head.
    Head,
    /// Waiting for a slot.
    Queued {
        ticket: Ticket,
        until: Option<Instant>,
    },
    /// Waiting before the next attempt to connect, which may go to another server.
    TurnAround { until: Option<Instant>, moves: bool },
    /// Connecting.
    Connecting { until: Option<Instant> },
    /// Request and response are under way.
    Relaying,
    /// Bytes both ways.
    Tunnel,
    /// The server has done its part; the rest goes to the client.
    Flushing,
    /// Closed for writing; what the client still sends is thrown away.
    Lingering { until: Option<Instant> },
    /// Over.
    Finished,
}

impl Stream {
    /// Starts a connection that `frontend` has just accepted, and counts it.
    ///
    /// `id` is the daemon's own name for it, unique among living streams: wake-ups bear it.
    ///
    /// # Panics
    ///
    /// If `frontend` is not one of [`State::config`].
    #[must_use]
    pub fn new(
        id: StreamId,
        frontend: FrontendId,
        endpoints: Endpoints,
        state: &mut State,
        now: Now,
    ) -> Self {
        state.enter(frontend, now);
        let config = Arc::clone(state.config());
        Self {
            id,
            frontend,
            endpoints,
            config,
            client_text: None,
            client: Connection::new(true, now),
            server: Connection::new(false, now),
            phase: Phase::Head,
            request_parser: RequestParser::new(Limits::default()),
            exchange: Exchange::new(true, now),
            actions: VecDeque::new(),
            is_draining: false,
            last_error: None,
        }
    }

    /// The id given to [`Stream::new`].
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// What was wrong with the last request head that was refused.
    #[must_use]
    pub const fn last_error(&self) -> Option<&HeadError> {
        self.last_error.as_ref()
    }

    /// Takes note of what happened. Poll the actions afterwards.
    ///
    /// Takes time linear in the bytes received. Events that make no sense in the present phase are ignored.
    pub fn handle_event(&mut self, event: Event<'_>, state: &mut State, now: Now) {
        match event {
            Event::Received { from, bytes } => self.received(from, bytes, state, now),
            Event::Forwarded { from, len } => {
                if matches!(self.phase, Phase::Relaying | Phase::Tunnel) {
                    self.forwarded(from, len, state, now);
                }
            }
            Event::Sent { to, len } => {
                let side = self.side_mut(to);
                side.active_at = now.instant;
                side.unsent = side.unsent.saturating_sub(len as u64);
                self.flush(state, now);
            }
            Event::Closed { by: Side::Client } => self.client_closed(state, now),
            Event::Reset { by: Side::Client } => self.client_reset(state, now),
            Event::Closed { by: Side::Server } => self.server_closed(false, state, now),
            Event::Reset { by: Side::Server } => self.server_closed(true, state, now),
            Event::Connected { reused } => {
                if matches!(self.phase, Phase::Connecting { .. }) {
                    self.connected(reused, state, now);
                }
            }
            Event::ConnectFailed { error } => {
                if matches!(self.phase, Phase::Connecting { .. }) {
                    self.connect_failed(error, state, now);
                }
            }
            Event::Granted => self.granted(state, now),
            Event::Draining => {
                self.is_draining = true;
                let waits = self.phase == Phase::Head && !self.exchange.has_begun;
                // One that has just come may have sent its first request already.
                if waits && !self.exchange.is_first {
                    self.close_client(state, now);
                }
            }
        }
        self.check_invariants();
    }

    /// Takes note that time has passed. Early, late and repeated calls do no harm.
    pub fn handle_timeout(&mut self, state: &mut State, now: Now) {
        if let Some((at, expiry)) = self.next_expiry() {
            if at <= now.instant {
                self.expire(expiry, state, now);
            }
        }
        self.check_invariants();
    }

    /// The next thing to do, in order; `None` when there is nothing for now.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); changes with every event and timeout.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_expiry().map(|(at, _)| at)
    }

    /// Whether bytes from `side` are welcome as [`Event::Received`].
    ///
    /// While it is false, leave them in the kernel: this is the back pressure. Not consulted for a `Forward`.
    #[must_use]
    pub fn wants(&self, side: Side) -> bool {
        let has_room = self.client.input.len() < INPUT_BYTES_MAX;
        match side {
            Side::Client if self.client.has_ended => false,
            Side::Client => match self.phase {
                Phase::Head | Phase::Lingering { .. } => true,
                Phase::Relaying => match self.exchange.request {
                    Flow::Done => has_room,
                    Flow::Chunked(_) => self.server.unsent < UNSENT_BYTES_MAX,
                    Flow::Length(_) | Flow::UntilClose => false,
                },
                Phase::Tunnel | Phase::Finished => false,
                _ => has_room,
            },
            Side::Server if self.phase != Phase::Relaying || self.server.has_ended => false,
            Side::Server => match self.exchange.response {
                None | Some(Flow::Chunked(_)) => self.client.unsent < UNSENT_BYTES_MAX,
                Some(_) => false,
            },
        }
    }

    /// Whether everything is over: all actions taken, both sides closed, all counts given back. Drop it then.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Finished && self.actions.is_empty()
    }

    fn received(&mut self, from: Side, bytes: &[u8], state: &mut State, now: Now) {
        self.side_mut(from).active_at = now.instant;
        match (from, self.phase) {
            (_, Phase::Finished | Phase::Lingering { .. }) => {}
            (Side::Client, Phase::Head) => {
                self.client.input.extend_from_slice(bytes);
                self.read_head(state, now);
            }
            (Side::Client, Phase::Relaying) => self.read_request_body(bytes, state, now),
            (Side::Client, _) => self.client.input.extend_from_slice(bytes),
            (Side::Server, Phase::Relaying) if self.exchange.response.is_some() => {
                self.read_response_body(bytes, state, now);
            }
            (Side::Server, Phase::Relaying) => {
                self.server.input.extend_from_slice(bytes);
                self.read_response(state, now);
            }
            (Side::Server, _) => {}
        }
    }

    const fn side_mut(&mut self, side: Side) -> &mut Connection {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Recounts what the phase promises.
    fn check_invariants(&self) {
        if cfg!(debug_assertions) {
            let holds_slot = matches!(
                self.phase,
                Phase::TurnAround { .. }
                    | Phase::Connecting { .. }
                    | Phase::Relaying
                    | Phase::Tunnel
            );
            assert_eq!(self.exchange.slot.is_some(), holds_slot, "{:?}", self.phase);
        }
    }
}

impl Connection {
    fn new(is_open: bool, now: Now) -> Self {
        Self {
            is_open,
            has_ended: false,
            is_broken: false,
            input: BytesMut::new(),
            unsent: 0,
            active_at: now.instant,
        }
    }
}

/// Received bytes that wait for their turn (a body before the server is there, pipelined requests).
const INPUT_BYTES_MAX: usize = 16384;

/// Bytes to be written to one side beyond which no more are read from the other.
const UNSENT_BYTES_MAX: u64 = 65536;
