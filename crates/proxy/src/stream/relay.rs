//! Moving bodies, until the exchange is over.

use bytes::{Bytes, BytesMut};

use super::errors::Fault;
use super::exchange::Flow;
use super::{Action, Phase, Side, Stream};
use crate::http::{Limits, ResponseParser};
use crate::log::{self, Cause, Termination};
use crate::state::State;
use crate::time::Now;

impl Stream {
    /// Sends the request to a fresh or reused connection.
    pub(super) fn send_request(&mut self, state: &mut State, now: Now) {
        let exchange = &mut self.exchange;
        let Some(head) = &exchange.head else {
            return;
        };
        let early = core::mem::take(&mut exchange.early);
        let coming = exchange.request.room_for(&self.client.input);
        let mut out = BytesMut::with_capacity(head.encoded_len() + early.len() + coming);
        head.encode(&mut out);
        let head_len = out.len();
        out.extend_from_slice(&early);
        let passed = exchange.request.pass(&mut self.client.input, &mut out);
        let out = out.freeze();
        if exchange.is_reused && exchange.request.is_done() {
            exchange.resend = Some(out.slice(head_len..));
        }
        match passed {
            Ok(taken) => exchange.bytes_in += taken,
            Err(_) => {
                self.bad_request_body(state, now);
                return;
            }
        }
        let forward = exchange.request.forward_len();
        self.send(Side::Server, out, now);
        if let Some(len) = forward {
            self.actions.push_back(Action::Forward {
                to: Side::Server,
                len,
            });
        }
    }

    /// Body bytes from the client that must pass through the core; what follows the body waits.
    pub(super) fn read_request_body(&mut self, bytes: &[u8], state: &mut State, now: Now) {
        let request = &mut self.exchange.request;
        let mut out = BytesMut::with_capacity(request.room_for(bytes));
        let passed = request.copy(bytes, &mut out);
        if !out.is_empty() {
            self.send(Side::Server, out.freeze(), now);
        }
        match passed {
            Ok(taken) => {
                self.exchange.bytes_in += taken as u64;
                self.client.input.extend_from_slice(&bytes[taken..]);
            }
            Err(_) => self.bad_request_body(state, now),
        }
    }

    pub(super) fn bad_request_body(&mut self, state: &mut State, now: Now) {
        let phase = self.data_phase();
        self.fail(Fault::new(400, Cause::Proxy, phase).closing(), state, now);
    }

    /// What is going on once the server is connected: waiting for its head, or for data.
    pub(super) const fn data_phase(&self) -> log::Phase {
        match self.exchange.response {
            None => log::Phase::Headers,
            Some(_) => log::Phase::Data,
        }
    }

    /// The daemon has relayed bytes by itself.
    pub(super) fn forwarded(&mut self, from: Side, len: usize, state: &mut State, now: Now) {
        let len = len as u64;
        self.side_mut(from).active_at = now.instant;
        let target = self.side_mut(from.other());
        if target.unsent == 0 {
            target.active_at = now.instant;
        }
        target.unsent += len;
        match from {
            Side::Client => {
                self.exchange.bytes_in += len;
                self.exchange.request.forwarded(len);
            }
            Side::Server => {
                self.exchange.bytes_out += len;
                let response = self.exchange.response.as_mut();
                let is_done = response.is_some_and(|flow| {
                    flow.forwarded(len);
                    flow.is_done()
                });
                if is_done && self.phase == Phase::Relaying {
                    self.end_of_response(state, now);
                }
            }
        }
    }

    /// All of the response is here: the server has done its part.
    pub(super) fn end_of_response(&mut self, state: &mut State, now: Now) {
        self.exchange.response = Some(Flow::Done);
        let keep = self.exchange.keep_server
            && self.exchange.request.is_done()
            && self.server.unsent == 0
            && self.server.input.is_empty()
            && !self.server.has_ended;
        if let (true, Some(server)) = (keep, self.exchange.slot) {
            self.server.is_open = false;
            self.actions.push_back(Action::Park(server));
        } else {
            self.close_server();
        }
        self.release_slot(state, now);
        self.phase = Phase::Flushing;
        self.flush(state, now);
    }

    /// Goes on once everything has been written to the client.
    pub(super) fn flush(&mut self, state: &mut State, now: Now) {
        if self.phase == Phase::Flushing && self.client.unsent == 0 {
            self.conclude(state, now);
        }
    }

    /// The server has closed, in order or not.
    pub(super) fn server_ended(&mut self, is_reset: bool, state: &mut State, now: Now) {
        self.server.has_ended = true;
        match &self.exchange.response {
            Some(Flow::UntilClose) if !is_reset => self.end_of_response(state, now),
            Some(_) => {
                let termination = Termination::new(Cause::Server, log::Phase::Data);
                self.cut(termination, state, now);
            }
            None if self.may_resend() => self.resend(state, now),
            None => self.fail(
                Fault::new(502, Cause::Server, log::Phase::Headers),
                state,
                now,
            ),
        }
    }

    /// Whether the request may go out again: a connection that was idle has died before it said anything, we have
    /// all of the request, and sending it twice does no harm (RFC 9112, section 9.3.1).
    fn may_resend(&self) -> bool {
        let exchange = &self.exchange;
        let is_idempotent = exchange
            .head
            .as_ref()
            .is_some_and(|head| head.is_idempotent());
        exchange.resend.is_some()
            && exchange.bytes_out == 0
            && self.server.input.is_empty()
            && is_idempotent
    }

    fn resend(&mut self, state: &mut State, now: Now) {
        let Some(server) = self.exchange.slot else {
            return;
        };
        self.close_server();
        self.exchange.early = BytesMut::from(self.exchange.resend.take().unwrap_or_default());
        self.exchange.parser = ResponseParser::new(Limits::default());
        self.start_connect(server, false, state, now);
    }

    /// Writes to one side.
    pub(super) fn send(&mut self, to: Side, bytes: Bytes, now: Now) {
        let side = self.side_mut(to);
        if side.unsent == 0 {
            side.active_at = now.instant;
        }
        side.unsent += bytes.len() as u64;
        self.actions.push_back(Action::Send { to, bytes });
    }
}
