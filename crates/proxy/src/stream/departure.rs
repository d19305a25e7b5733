//! Whoever leaves: the client, the server, or the daemon itself.

use super::errors::Fault;
use super::{Phase, Side, Stream};
use crate::log::{self, Cause, Termination};
use crate::state::State;
use crate::time::Now;

impl Stream {
    /// Gives back all that the stream holds in `state` and ends it, with no word to either side or to the logs.
    ///
    /// For a daemon that must drop a stream before it [is finished](Self::is_finished), say because its task has
    /// panicked: the stream may be in any state, so little is relied on. Waiting streams may be woken by it. A finished
    /// one is left as it is.
    pub fn abandon(&mut self, state: &mut State, now: Now) {
        self.release_slot(state, now);
        if let (Some(backend), false) = (self.exchange.backend, self.exchange.is_logged) {
            self.exchange.is_logged = true;
            state.backend_mut(backend).leave();
        }
        self.finish(state);
        self.actions.clear();
    }

    /// The client will send nothing more. What it has asked for in full is answered: it may have closed its half only.
    ///
    /// HAProxy 2.6 does so; later ones take it for an abort unless told `no option abortonclose`.
    pub(super) fn client_closed(&mut self, state: &mut State, now: Now) {
        self.client.has_ended = true;
        match self.phase {
            Phase::Head => self.end_of_requests(state, now),
            Phase::Queued { .. } | Phase::TurnAround { .. } | Phase::Connecting { .. } => {
                let exchange = &mut self.exchange;
                let early = &mut exchange.early;
                match exchange.request.pass(&mut self.client.input, early) {
                    Ok(taken) => exchange.bytes_in += taken,
                    Err(_) => return self.bad_request_body(state, now),
                }
                if !self.exchange.request.is_done() {
                    self.give_up_connecting(state, now);
                }
            }
            Phase::Relaying if !self.exchange.request.is_done() => self.client_lost(state, now),
            Phase::Relaying | Phase::Flushing | Phase::Finished => {}
            Phase::Tunnel => self.tunnel_ended(Side::Client, state, now),
            Phase::Lingering { .. } => self.finish(state),
        }
    }

    /// The client's connection is broken.
    pub(super) fn client_reset(&mut self, state: &mut State, now: Now) {
        self.give_up_client();
        match self.phase {
            Phase::Head => self.end_of_requests(state, now),
            Phase::Queued { .. } | Phase::TurnAround { .. } | Phase::Connecting { .. } => {
                self.give_up_connecting(state, now);
            }
            Phase::Relaying => self.client_lost(state, now),
            Phase::Tunnel => self.tunnel_broken(Side::Client, state, now),
            Phase::Flushing => {
                if self.exchange.termination.cause == Cause::Normal {
                    let data = log::Phase::Data;
                    self.exchange.termination = Termination::new(Cause::Client, data);
                }
                self.flush(state, now);
            }
            Phase::Lingering { .. } => self.finish(state),
            Phase::Finished => {}
        }
    }

    /// Whether the client may ask for more, or has asked for more before it closed its half.
    pub(super) fn client_goes_on(&self) -> bool {
        !self.client.has_ended || !self.client.input.is_empty()
    }

    /// The client has gone in the middle of an exchange.
    fn client_lost(&mut self, state: &mut State, now: Now) {
        let fault = Fault::new(400, Cause::Client, self.data_phase());
        self.fail(fault.closing(), state, now);
    }

    /// The server will send nothing more, or its connection is broken.
    pub(super) fn server_closed(&mut self, is_reset: bool, state: &mut State, now: Now) {
        match self.phase {
            Phase::Relaying => self.server_ended(is_reset, state, now),
            Phase::Tunnel if is_reset => self.tunnel_broken(Side::Server, state, now),
            Phase::Tunnel => self.tunnel_ended(Side::Server, state, now),
            _ => {}
        }
    }
}
