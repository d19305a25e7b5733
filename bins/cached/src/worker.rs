//! A worker thread: one poll, its own listeners, its own connections.

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};
use slab::Slab;
use steadfast_engine::{CloseReason, Session, SessionSettings};
use steadfast_host::exit::reason;
use steadfast_host::log;

use crate::census::{Resident, Seat};
use crate::connection::{Connection, Desk, Turn};
use crate::listener::{Accepted, Listener};
use crate::shared::{Phase, Shared};
use crate::udp::{UdpPorts, UdpTurn};

/// One worker, before and while it runs.
///
/// Sockets are registered once, edge-triggered. What is left undone without a further event to
/// come (a turn that was cut short, a listener at the limit) is noted and done in a later round.
///
/// A panic in a connection's turn ends that connection and nothing else.
#[derive(Debug)]
pub(crate) struct Worker {
    index: usize,
    shared: Arc<Shared>,
    poll: Poll,
    listeners: Vec<Listener>,
    udp: UdpPorts,
    connections: Slab<Connection>,
    desk: Desk,
    /// Connections that have work without an event.
    ready: Vec<usize>,
    /// Connections that watch: they have something to send whenever a worker is woken.
    watching: Vec<usize>,
    /// UDP sockets that may have more datagrams without an event.
    udp_ready: Vec<usize>,
    /// Listeners that may have more connections without an event.
    waiting: Vec<usize>,
    /// Whether listeners wait because there is no room.
    paused: bool,
    /// Whether some client may still be at its handshake.
    handshaking: bool,
    /// The second in which clients to be closed were last looked for.
    kicked_secs: u32,
    drain_until: Option<Instant>,
}

impl Worker {
    /// Sets up a worker and registers its listeners.
    pub(crate) fn new(
        index: usize,
        poll: Poll,
        mut listeners: Vec<Listener>,
        mut udp: UdpPorts,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        for (position, listener) in listeners.iter_mut().enumerate() {
            listener.register(poll.registry(), Token(LISTENER_TOKEN_MAX - position))?;
        }
        udp.register(poll.registry(), LISTENER_TOKEN_MAX - listeners.len())?;
        let desk = Desk::new(Arc::clone(&shared.engine), shared.clock.now());
        Ok(Self {
            index,
            shared,
            poll,
            listeners,
            udp,
            connections: Slab::new(),
            desk,
            ready: Vec::new(),
            watching: Vec::new(),
            udp_ready: Vec::new(),
            waiting: Vec::new(),
            paused: false,
            handshaking: false,
            kicked_secs: 0,
            drain_until: None,
        })
    }

    /// Serves until told to stop.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_PER_ROUND);
        while !self.is_over() {
            match self.poll.poll(&mut events, self.poll_timeout()) {
                Ok(()) => self.round(&events),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    log::line(
                        crate::PROGRAM,
                        format_args!("worker {}: {error}", self.index),
                    );
                    return;
                }
            }
        }
    }

    /// Does what one return of the poll brings.
    fn round(&mut self, events: &Events) {
        self.desk.now = self.shared.clock.now();
        let ready = std::mem::take(&mut self.ready);
        let waiting = std::mem::take(&mut self.waiting);
        let udp_ready = std::mem::take(&mut self.udp_ready);
        self.desk.alone = events.iter().take(2).count() + ready.len() + udp_ready.len() <= 1;
        for event in events {
            if self.shared.phase() == Phase::Stop {
                return;
            }
            self.handle_event(event);
        }
        for key in ready {
            if self.shared.phase() == Phase::Stop {
                return;
            }
            self.serve(key);
        }
        for index in udp_ready {
            self.answer_datagrams(index);
        }
        for position in waiting {
            self.accept(position);
        }
        self.unpause();
        self.kick();
    }

    fn handle_event(&mut self, event: &Event) {
        match event.token() {
            WAKER_TOKEN => self.serve_watching(),
            Token(token) if token > LISTENER_TOKEN_MAX - self.listeners.len() => {
                self.accept(LISTENER_TOKEN_MAX - token);
            }
            Token(token) if token > self.udp_token_max() - self.udp.len() => {
                self.answer_datagrams(self.udp_token_max() - token);
            }
            Token(key) => {
                // A token of this round may belong to a connection that is gone already, or to
                // its successor, for which an event too many does no harm.
                let Some(connection) = self.connections.get_mut(key) else {
                    return;
                };
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    connection.handle_readable(event.is_read_closed() || event.is_error());
                } else if !connection.has_unsent() {
                    return;
                }
                // One turn a round, or who keeps sending would have more of them than others.
                if !connection.is_queued() {
                    self.serve(key);
                }
            }
        }
    }

    fn serve(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.set_queued(false);
        let desk = &mut self.desk;
        // What a panic leaves half done is the connection, which goes, and the desk, which is cleared.
        match panic::catch_unwind(AssertUnwindSafe(|| connection.take_turn(desk))) {
            Ok(Turn::Wait) => {}
            Ok(Turn::Watch) => {
                if !self.watching.contains(&key) {
                    self.watching.push(key);
                }
            }
            Ok(Turn::Again) => {
                connection.set_queued(true);
                self.ready.push(key);
            }
            Ok(Turn::Close) => self.close(key, "closed", CloseReason::Normal),
            Ok(Turn::Fail) => self.close(key, "closed", CloseReason::Error),
            Err(_) => {
                let line = "an error of our own ended a connection; the lines above say where";
                log::line(crate::PROGRAM, line);
                self.desk.clear();
                self.close(key, "closed", CloseReason::Error);
            }
        }
    }

    /// Answers datagrams that have come to the socket of that index, some at a time.
    fn answer_datagrams(&mut self, index: usize) {
        match self
            .udp
            .take_turn(index, &self.shared.engine, self.desk.now)
        {
            UdpTurn::Drained => return,
            UdpTurn::More => {}
            UdpTurn::Failed => {
                let line = "an error of our own lost a datagram; the lines above say where";
                log::line(crate::PROGRAM, line);
            }
        }
        self.udp_ready.push(index);
    }

    /// Tokens of UDP sockets count down from here.
    fn udp_token_max(&self) -> usize {
        LISTENER_TOKEN_MAX - self.listeners.len()
    }

    /// Lets those who watch say what there is to say; there are never many.
    fn serve_watching(&mut self) {
        for key in self.watching.clone() {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            connection.handle_wake();
            if !connection.is_queued() {
                self.serve(key);
            }
        }
    }

    fn close(&mut self, key: usize, how: &str, why: CloseReason) {
        self.watching.retain(|&watching| watching != key);
        if let Some(connection) = self.connections.try_remove(key) {
            let resident = connection.resident();
            let (id, address) = (resident.id(), resident.address());
            self.shared
                .engine
                .handle_connection_closed(id, address, why);
            self.tell(2, || format!("<{id} {how}"));
        }
    }

    /// Takes the connections that wait at a listener, some at a time.
    fn accept(&mut self, position: usize) {
        for _ in 0..ACCEPTS_PER_ROUND {
            // Who lets clients wait must know of a seat first. Who refuses them must not: a seat that
            // is held on suspicion could be the last, and another worker's client is turned away.
            let held = match self.shared.refuse_when_full {
                true => None,
                false => match self.shared.census.seat() {
                    None => return self.pause(position),
                    seat => seat,
                },
            };
            let Some(listener) = self.listeners.get(position) else {
                return;
            };
            match listener.accept() {
                Ok(accepted) => match held.or_else(|| self.shared.census.seat()) {
                    Some(seat) => self.admit(accepted, seat),
                    None => self.refuse(accepted),
                },
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The client gave up while it waited, or a signal came: the next may be there.
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    // Said once; it will be tried again and again until there is room.
                    if !self.paused {
                        let reason = reason(&error);
                        self.tell(1, || format!("cannot accept connections for now: {reason}"));
                    }
                    return self.pause(position);
                }
            }
        }
        self.waiting.push(position);
    }

    fn admit(&mut self, accepted: Accepted, seat: Seat) {
        let Accepted {
            mut stream,
            peer,
            place,
            protocol,
            tag,
        } = accepted;
        let entry = self.connections.vacant_entry();
        if let Err(error) = stream.register(self.poll.registry(), Token(entry.key())) {
            return self.tell(1, || format!("cannot watch a connection: {error}"));
        }
        let now_secs = self.desk.now.timestamp.as_secs();
        let resident = Resident::new(stream.id(), peer, place, now_secs);
        let mut settings = SessionSettings::default();
        settings.connection = stream.id();
        settings.protocol = protocol;
        self.handshaking |= stream.is_handshaking();
        let session = Session::with_settings(self.index, settings);
        let share = self.shared.long_requests.share();
        let connection = Connection::new(seat, stream, resident, session, share);
        let key = entry.key();
        let resident = entry.insert(connection).resident();
        let (id, address) = (resident.id(), resident.address());
        self.shared.engine.handle_connection_opened(id, address);
        self.tell(2, || {
            let resident = self.connections[key].resident();
            let (id, address) = (resident.id(), resident.address());
            match tag {
                Some(tag) => format!("<{id} new connection from {address}, tag {tag}"),
                None => format!("<{id} new connection from {address}"),
            }
        });
    }

    fn refuse(&self, accepted: Accepted) {
        let Accepted {
            mut stream, peer, ..
        } = accepted;
        self.shared.census.count_rejected();
        // What does not fit into an empty socket buffer is not worth waiting for.
        let _ = stream.write(TOO_MANY);
        self.tell(1, || {
            format!("too many open connections, turned {peer} away")
        });
    }

    /// Stops accepting for a moment; the listener's event is used up, so a timer brings us back.
    fn pause(&mut self, position: usize) {
        self.waiting.push(position);
        if !self.paused {
            self.paused = true;
            self.shared.census.pause();
        }
    }

    fn unpause(&mut self) {
        if self.paused && self.waiting.is_empty() {
            self.paused = false;
            self.shared.census.resume();
        }
    }

    /// Looks for clients that say nothing or do not get on with their handshake, once a second.
    fn kick(&mut self) {
        let now_secs = self.desk.now.timestamp.as_secs();
        if self.kicked_secs == now_secs {
            return;
        }
        self.kicked_secs = now_secs;
        if let Some(idle_secs) = self.shared.idle_secs {
            self.kick_idle(idle_secs, now_secs);
        }
        if self.handshaking {
            self.kick_overdue();
        }
    }

    fn kick_overdue(&mut self) {
        let connections = self.connections.iter();
        let shaking = connections.filter(|(_, connection)| connection.is_handshaking());
        let (mut overdue, mut count) = (Vec::new(), 0);
        for (key, connection) in shaking {
            count += 1;
            if connection.is_overdue() {
                overdue.push(key);
            }
        }
        self.handshaking = count > overdue.len();
        for key in overdue {
            let how = "did not finish its handshake in time";
            self.close(key, how, CloseReason::IdleTimeout);
        }
    }

    fn kick_idle(&mut self, idle_secs: u32, now_secs: u32) {
        let idle: Vec<usize> = self
            .connections
            .iter()
            .filter(|(_, connection)| !connection.is_unix())
            .filter(|(_, connection)| connection.resident().is_idle(idle_secs, now_secs))
            .map(|(key, _)| key)
            .collect();
        for key in idle {
            self.shared.census.count_idle_kick();
            self.close(key, "was idle for too long", CloseReason::IdleTimeout);
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        if !self.ready.is_empty() || !self.udp_ready.is_empty() {
            return Some(Duration::ZERO);
        }
        if !self.waiting.is_empty() && !self.paused {
            return Some(Duration::ZERO);
        }
        if self.paused {
            return Some(PAUSE);
        }
        if self.drain_until.is_some() {
            return Some(DRAIN_STEP);
        }
        let kicks = self.handshaking || self.shared.idle_secs.is_some();
        kicks.then_some(Duration::from_secs(1))
    }

    /// Tells whether to end; on the way there, lets clients take the replies that are due.
    fn is_over(&mut self) -> bool {
        match self.shared.phase() {
            Phase::Serve => return false,
            Phase::Stop => return true,
            Phase::Drain => {}
        }
        let until = *self
            .drain_until
            .get_or_insert_with(|| Instant::now() + DRAIN_MAX);
        self.listeners.clear();
        self.waiting.clear();
        self.udp.clear();
        self.udp_ready.clear();
        let ready = &self.ready;
        self.connections
            .retain(|key, connection| connection.has_unsent() || ready.contains(&key));
        self.connections.is_empty() || Instant::now() >= until
    }

    fn tell(&self, level: u32, line: impl FnOnce() -> String) {
        if self.shared.engine.verbosity() >= level {
            log::line(crate::PROGRAM, line());
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Interrupted | ErrorKind::ConnectionAborted
    )
}

/// The token of the waker, by which a worker is told to look at the phase.
pub(crate) const WAKER_TOKEN: Token = Token(usize::MAX);
/// Listeners count down from here; connections count up from 0.
const LISTENER_TOKEN_MAX: usize = usize::MAX - 1;
const EVENTS_PER_ROUND: usize = 1024;
/// Connections taken at once, so that a flood of them does not hold up those that are in.
const ACCEPTS_PER_ROUND: usize = 64;
/// How long nothing is accepted when there is no room (memcached's 10 ms).
const PAUSE: Duration = Duration::from_millis(10);
/// How long clients may take to receive the replies that are due at a graceful stop.
const DRAIN_MAX: Duration = Duration::from_secs(5);
const DRAIN_STEP: Duration = Duration::from_millis(50);
/// What a client hears above the limit (memcached's words).
const TOO_MANY: &[u8] = b"ERROR Too many open connections\r\n";
