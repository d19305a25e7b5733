//! What the stream waits for, for how long, and what happens when it does not come.

use core::time::Duration;
use std::time::Instant;

use super::errors::Fault;
use super::{Phase, Stream};
use crate::config::Timeouts;
use crate::log::{self, Cause, Termination};
use crate::state::State;
use crate::time::{Now, deadline};

/// Whose patience ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    Head,
    Queue,
    TurnAround { moves: bool },
    Connect,
    Client,
    Server,
    Linger,
}

impl Stream {
    /// The next deadline, and what it is about.
    pub(super) fn next_expiry(&self) -> Option<(Instant, Expiry)> {
        match self.phase {
            Phase::Head => Some((self.head_deadline()?, Expiry::Head)),
            Phase::Queued { until, .. } => Some((until?, Expiry::Queue)),
            Phase::TurnAround { until, moves } => Some((until?, Expiry::TurnAround { moves })),
            Phase::Connecting { until } => Some((until?, Expiry::Connect)),
            Phase::Relaying => first(self.client_deadline(), self.server_deadline()),
            Phase::Tunnel => self.tunnel_deadline(),
            Phase::Flushing => Some((self.client_deadline()?, Expiry::Client)),
            Phase::Lingering { until } => Some((until?, Expiry::Linger)),
            Phase::Finished => None,
        }
    }

    /// Acts on a deadline that has passed.
    pub(super) fn expire(&mut self, expiry: Expiry, state: &mut State, now: Now) {
        match expiry {
            Expiry::Head => self.head_timeout(state, now),
            Expiry::Queue => self.queue_timeout(state, now),
            Expiry::TurnAround { moves } => self.turn_around(moves, state, now),
            Expiry::Connect => self.connect_timeout(state, now),
            Expiry::Client => self.client_timeout(state, now),
            Expiry::Server => {
                let phase = self.data_phase();
                self.fail(Fault::new(504, Cause::ServerTimeout, phase), state, now);
            }
            Expiry::Linger => self.finish(state),
        }
    }

    fn head_timeout(&mut self, state: &mut State, now: Now) {
        if !self.exchange.has_begun && !self.exchange.is_first {
            self.close_client(state, now);
        } else {
            let fault = Fault::new(408, Cause::ClientTimeout, log::Phase::Request);
            self.fail(fault.closing(), state, now);
        }
    }

    /// The client neither sends what it has announced nor takes what it is sent.
    fn client_timeout(&mut self, state: &mut State, now: Now) {
        if self.phase == Phase::Relaying && self.exchange.response.is_none() {
            let fault = Fault::new(400, Cause::ClientTimeout, log::Phase::Headers);
            self.fail(fault.closing(), state, now);
            return;
        }
        let mut termination = self.exchange.termination;
        if termination.cause == Cause::Normal {
            termination = Termination::new(Cause::ClientTimeout, log::Phase::Data);
        }
        self.give_up_client();
        self.cut(termination, state, now);
    }

    fn head_deadline(&self) -> Option<Instant> {
        let timeouts = self.client_timeouts();
        let wait = if self.exchange.has_begun || self.exchange.is_first {
            timeouts.request_or_client()?
        } else {
            timeouts.keep_alive_or_request()?
        };
        deadline(self.exchange.began.instant, wait)
    }

    fn client_deadline(&self) -> Option<Instant> {
        let is_reading = self.client.unsent > 0;
        let awaits_body = !self.exchange.request.is_done() && self.server.unsent == 0;
        let since = match self.phase {
            _ if is_reading => self.client.active_at,
            Phase::Relaying if awaits_body => self.client.active_at.max(self.server.active_at),
            _ => return None,
        };
        deadline(since, self.client_timeouts().client?)
    }

    fn server_deadline(&self) -> Option<Instant> {
        let is_reading = self.server.unsent > 0;
        let awaits_answer = self.exchange.request.is_done() && self.client.unsent == 0;
        let since = if is_reading {
            self.server.active_at
        } else if awaits_answer {
            self.server.active_at.max(self.client.active_at)
        } else {
            return None;
        };
        deadline(since, self.server_timeouts()?.server?)
    }

    /// Both sides are awaited at once; once one has closed, the `fin` limits count too.
    fn tunnel_deadline(&self) -> Option<(Instant, Expiry)> {
        let server = self.server_timeouts()?;
        let client = self.client_timeouts();
        let tunnel = server.tunnel.or(client.tunnel);
        let limit = |side: Option<Duration>, fin: Option<Duration>, half_closed: bool| {
            let usual = tunnel.or(side);
            if half_closed { fin.or(usual) } else { usual }
        };
        let half_closed = self.client.has_ended || self.server.has_ended;
        let since = self.client.active_at.max(self.server.active_at);
        let until = |wait: Option<Duration>| deadline(since, wait?);
        first(
            until(limit(client.client, client.client_fin, half_closed)),
            until(limit(server.server, server.server_fin, half_closed)),
        )
    }

    fn client_timeouts(&self) -> &Timeouts {
        &self.config.frontends[self.frontend.0].timeouts
    }

    fn server_timeouts(&self) -> Option<&Timeouts> {
        let backend = self.exchange.backend?;
        Some(&self.config.backends[backend.0].timeouts)
    }
}

/// The earlier of both; the client's if they are equal.
fn first(client: Option<Instant>, server: Option<Instant>) -> Option<(Instant, Expiry)> {
    let client = client.map(|at| (at, Expiry::Client));
    let server = server.map(|at| (at, Expiry::Server));
    client.into_iter().chain(server).min_by_key(|(at, _)| *at)
}
