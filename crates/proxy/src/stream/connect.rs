//! Finding a server: choosing, queueing, connecting, trying again.

use core::time::Duration;

use super::errors::Fault;
use super::{Action, ConnectError, Phase, Side, Stream};
use crate::config::{self, Redispatch};
use crate::log::{self, Cause, Termination};
use crate::state::{Assignment, ServerId, State};
use crate::time::{Now, deadline};

impl Stream {
    /// Picks a server, or a place in the queue. A server tried before is avoided if there is another.
    pub(super) fn choose_server(&mut self, state: &mut State, now: Now) {
        let Some(backend) = self.exchange.backend else {
            self.fail(
                Fault::new(503, Cause::Server, log::Phase::Connect),
                state,
                now,
            );
            return;
        };
        let previous = self.exchange.server.take();
        let assignment = state.assign(backend, self.id, previous, now);
        if let Some(previous) = previous {
            match assignment {
                Assignment::Server(server) if server == previous => self.count_retry(server, state),
                _ => {
                    self.exchange.redispatched = true;
                    state.server_mut(previous).redispatches += 1;
                    state.backend_mut(backend).redispatches += 1;
                }
            }
        }
        match assignment {
            Assignment::Server(server) => self.take_slot(server, state, now),
            Assignment::Queued(ticket) => {
                self.exchange.queue.backend = ticket.position;
                let wait = self.config.backends[backend.0].timeouts.queue_or_connect();
                let until = wait.and_then(|wait| deadline(now.instant, wait));
                self.phase = Phase::Queued { ticket, until };
            }
            Assignment::NoServer => {
                let cause = self.exchange.connect_failure;
                self.fail(Fault::new(503, cause, log::Phase::Connect), state, now);
            }
        }
    }

    /// The queue has given us a server.
    pub(super) fn granted(&mut self, state: &mut State, now: Now) {
        let Some(server) = state.claim(self.id) else {
            return;
        };
        if matches!(self.phase, Phase::Queued { .. }) {
            self.take_slot(server, state, now);
        } else {
            state.release(server, now);
        }
    }

    /// The queue was too slow.
    pub(super) fn queue_timeout(&mut self, state: &mut State, now: Now) {
        self.exchange.assigned_at = Some(now.instant);
        self.fail(
            Fault::new(503, Cause::ServerTimeout, log::Phase::Queue),
            state,
            now,
        );
    }

    fn take_slot(&mut self, server: ServerId, state: &mut State, now: Now) {
        self.exchange.slot = Some(server);
        self.exchange.server = Some(server);
        self.exchange.assigned_at = Some(now.instant);
        self.start_connect(server, self.exchange.keep_server, state, now);
    }

    /// Asks for a connection to the server whose slot we hold.
    pub(super) fn start_connect(
        &mut self,
        server: ServerId,
        reuse: bool,
        state: &mut State,
        now: Now,
    ) {
        state.server_mut(server).connects += 1;
        state.backend_mut(server.backend).connects += 1;
        self.server.is_open = true;
        self.actions.push_back(Action::Connect {
            server,
            address: state.address(server),
            reuse,
        });
        let wait = self.backend(server).timeouts.connect;
        let until = wait.and_then(|wait| deadline(now.instant, wait));
        self.phase = Phase::Connecting { until };
    }

    /// There is a connection: the request goes out, head and what is there of its body in one piece.
    pub(super) fn connected(&mut self, is_reused: bool, state: &mut State, now: Now) {
        let exchange = &mut self.exchange;
        exchange.connected_at = Some(now.instant);
        exchange.is_reused = is_reused;
        self.client.active_at = now.instant;
        self.server.active_at = now.instant;
        self.server.input.clear();
        self.server.has_ended = false;
        self.phase = Phase::Relaying;
        if let (true, Some(server)) = (is_reused, exchange.slot) {
            state.server_mut(server).reuses += 1;
            state.backend_mut(server.backend).reuses += 1;
        }
        self.send_request(state, now);
    }

    /// The attempt has failed.
    pub(super) fn connect_failed(&mut self, error: ConnectError, state: &mut State, now: Now) {
        self.server.is_open = false;
        self.exchange.connect_failure = match error {
            ConnectError::Resource => Cause::Resource,
            _ => Cause::Server,
        };
        self.retry(true, state, now);
    }

    /// The attempt took too long.
    pub(super) fn connect_timeout(&mut self, state: &mut State, now: Now) {
        self.close_server();
        self.exchange.connect_failure = Cause::ServerTimeout;
        self.retry(false, state, now);
    }

    /// Tries again: elsewhere if that is allowed, else on the same server, after a pause if it refused at once.
    fn retry(&mut self, refused: bool, state: &mut State, now: Now) {
        let Some(server) = self.exchange.slot else {
            return;
        };
        let cause = self.exchange.connect_failure;
        let retries_max = self.backend(server).retries;
        if self.exchange.retries >= retries_max {
            state.server_mut(server).connect_errors += 1;
            self.release_slot(state, now);
            self.fail(Fault::new(503, cause, log::Phase::Connect), state, now);
            return;
        }
        self.exchange.retries += 1;
        let moves = may_move(self.backend(server), self.exchange.retries, server, state);
        let is_alone = state.usable(server.backend).0 <= 1;
        if refused && (!moves || is_alone) {
            let connect = self.backend(server).timeouts.connect.unwrap_or(TURN_AROUND);
            let until = deadline(now.instant, TURN_AROUND.min(connect));
            self.phase = Phase::TurnAround { until, moves };
        } else {
            self.try_again(server, moves, state, now);
        }
    }

    /// The pause is over.
    pub(super) fn turn_around(&mut self, moves: bool, state: &mut State, now: Now) {
        let Some(server) = self.exchange.slot else {
            return;
        };
        let redispatch = self.backend(server).redispatch;
        let moves = moves || (redispatch != Redispatch::Never && !state.is_usable(server));
        self.try_again(server, moves, state, now);
    }

    fn try_again(&mut self, server: ServerId, moves: bool, state: &mut State, now: Now) {
        if moves {
            self.release_slot(state, now);
            self.choose_server(state, now);
        } else {
            self.count_retry(server, state);
            self.start_connect(server, false, state, now);
        }
    }

    fn count_retry(&self, server: ServerId, state: &mut State) {
        state.server_mut(server).retries += 1;
        state.backend_mut(server.backend).retries += 1;
    }

    /// The client has gone while we were looking for a server.
    pub(super) fn give_up_connecting(&mut self, state: &mut State, now: Now) {
        let phase = match self.phase {
            Phase::Queued { .. } => {
                self.exchange.assigned_at = Some(now.instant);
                log::Phase::Queue
            }
            _ => log::Phase::Connect,
        };
        self.cut(Termination::new(Cause::Client, phase), state, now);
    }

    pub(super) fn backend(&self, server: ServerId) -> &config::Backend {
        &self.config.backends[server.backend.0]
    }

    /// Drops the server's connection, or the attempt to make one.
    pub(super) fn close_server(&mut self) {
        if self.server.is_open {
            self.server.is_open = false;
            self.actions.push_back(Action::Close(Side::Server));
        }
        self.server.unsent = 0;
        self.server.input.clear();
    }

    /// Gives the server's slot back, and a place in the queue.
    pub(super) fn release_slot(&mut self, state: &mut State, now: Now) {
        if let Some(server) = self.exchange.slot.take() {
            state.release(server, now);
        }
        if let Phase::Queued { ticket, .. } = self.phase {
            state.leave_queue(ticket, self.id, now);
        }
    }
}

/// Whether the `retry`th retry (from 1) may go to another server than `server`.
fn may_move(backend: &config::Backend, retry: u32, server: ServerId, state: &State) -> bool {
    let by_count = match backend.redispatch {
        Redispatch::Never => return false,
        Redispatch::Every(step) => retry % step.max(1) == 0,
        Redispatch::FromLast(place) => retry + place == backend.retries + 1,
    };
    by_count || !state.is_usable(server) || state.usable(server.backend).0 > 1
}

/// The pause before a server that has refused is tried again.
const TURN_AROUND: Duration = Duration::from_secs(1);
