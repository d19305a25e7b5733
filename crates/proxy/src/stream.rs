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
//!         write(side) if out[side] is not empty => event Sent { to: side, len }, an error is Reset { by: side }
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
//! is reported any more. Events that make no sense in the present phase are ignored, never a panic.

mod action;
mod event;

pub use self::action::Action;
pub use self::event::{ConnectError, Event, Side};

use core::net::SocketAddr;
use std::time::Instant;

use crate::state::{FrontendId, State, StreamId};
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
#[derive(Debug)]
pub struct Stream {
    id: StreamId,
}

impl Stream {
    /// Starts a connection that `frontend` has just accepted, and counts it.
    ///
    /// `id` is the daemon's own name for it, unique among living streams: wake-ups bear it.
    #[must_use]
    pub fn new(
        id: StreamId,
        frontend: FrontendId,
        endpoints: Endpoints,
        state: &mut State,
        now: Now,
    ) -> Self {
        let _ = (frontend, endpoints, state, now);
        Self { id }
    }

    /// The id given to [`Stream::new`].
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// Takes note of what happened. Poll the actions afterwards.
    pub fn handle_event(&mut self, event: Event<'_>, state: &mut State, now: Now) {
        let _ = (event, state, now);
    }

    /// Takes note that time has passed. Early, late and repeated calls do no harm.
    pub fn handle_timeout(&mut self, state: &mut State, now: Now) {
        let _ = (state, now);
    }

    /// The next thing to do, in order; `None` when there is nothing for now.
    pub fn poll_action(&mut self) -> Option<Action> {
        None
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); changes with every event and timeout.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Whether bytes from `side` are welcome as [`Event::Received`].
    ///
    /// While it is false, leave them in the kernel: this is the back pressure. Not consulted for a `Forward`.
    #[must_use]
    pub fn wants(&self, side: Side) -> bool {
        let _ = side;
        true
    }

    /// Whether everything is over: all actions taken, both sides closed, all counts given back. Drop it then.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        false
    }
}
