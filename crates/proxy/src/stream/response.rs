//! Receiving a response: its head, checked and written anew.

use bytes::BytesMut;

use super::errors::Fault;
use super::exchange::Flow;
use super::{Action, Phase, Side, Stream};
use crate::http::{Body, Limits, ResponseHead, ResponseParser, Version};
use crate::log::{self, Cause, Termination};
use crate::state::State;
use crate::time::Now;

impl Stream {
    /// Looks for response heads in what the server has sent: interim ones, then the real one.
    pub(super) fn read_response(&mut self, state: &mut State, now: Now) {
        while self.exchange.response.is_none() && self.phase == Phase::Relaying {
            let exchange = &mut self.exchange;
            let method = exchange.head.as_ref().map_or(&b""[..], |head| &head.method);
            match exchange.parser.parse(&mut self.server.input, method) {
                Ok(None) => return,
                Err(_) => return self.refuse_response(state, now),
                Ok(Some(head)) if head.is_interim() && self.exchange.interims < INTERIMS_MAX => {
                    self.send_interim(&head, now);
                }
                Ok(Some(head)) => self.accept_response(head, state, now),
            }
        }
    }

    /// A 100 or 103: passed on, and the wait goes on.
    fn send_interim(&mut self, head: &ResponseHead, now: Now) {
        self.exchange.bytes_out += head.received_bytes as u64;
        self.exchange.parser = ResponseParser::new(Limits::default());
        self.exchange.interims += 1;
        // A client of HTTP/1.0 would take it for the answer (RFC 9110, section 15.2).
        if self.client_version() == Version::Http11 {
            let mut out = BytesMut::new();
            head.encode(&mut out);
            self.send(Side::Client, out.freeze(), now);
        }
    }

    /// The head of the answer: passed on with what is there of its body in one piece.
    fn accept_response(&mut self, mut head: ResponseHead, state: &mut State, now: Now) {
        let tunnels = self.opens_tunnel(&head);
        if head.is_interim() || (head.status == 101 && !tunnels) {
            return self.refuse_response(state, now);
        }
        let goes_on = finds_end(&head, self.client_version()) && self.client_goes_on();
        let exchange = &mut self.exchange;
        exchange.keep_server &= head.wants_keep_alive() && exchange.request.is_done();
        exchange.keep_client &= goes_on && !self.is_draining && !tunnels;
        if tunnels {
            // Whatever a server says there, all that follows is the tunnel (RFC 9112, section 6.3, rule 2).
            head.headers.remove_name("content-length");
            head.headers.remove_name("transfer-encoding");
        } else {
            self.mark_connection(&mut head);
        }
        let mut flow = Flow::new(if tunnels { Body::UntilClose } else { head.body });
        let body = flow.room_for(&self.server.input);
        let mut out = BytesMut::with_capacity(head.encoded_len() + body);
        head.encode(&mut out);
        let Ok(taken) = flow.pass(&mut self.server.input, &mut out) else {
            return self.refuse_response(state, now);
        };
        let exchange = &mut self.exchange;
        exchange.answered_at = Some(now.instant);
        exchange.bytes_out += head.received_bytes as u64 + taken;
        exchange.status = Some(head.status);
        exchange.resend = None;
        self.send(Side::Client, out.freeze(), now);
        if tunnels {
            self.exchange.response = Some(flow);
            self.start_tunnel(now);
        } else {
            self.relay_response(flow, state, now);
        }
    }

    /// The answer can't be used, and nothing of it has gone out: the client is told so.
    fn refuse_response(&mut self, state: &mut State, now: Now) {
        let fault = Fault::new(502, Cause::Proxy, log::Phase::Headers);
        self.fail(fault, state, now);
    }

    fn opens_tunnel(&self, head: &ResponseHead) -> bool {
        let request = self.exchange.head.as_ref();
        request.is_some_and(|request| match head.status {
            101 => request.wants_upgrade(),
            200..=299 => request.is_connect(),
            _ => false,
        })
    }

    /// Says to the client what becomes of its connection, in place of what the server said about its own.
    fn mark_connection(&self, head: &mut ResponseHead) {
        head.headers
            .strip_members("connection", &["close", "keep-alive"]);
        let is_old = head.version == Version::Http10;
        if self.exchange.keep_client {
            if is_old || self.client_version() == Version::Http10 {
                head.headers.append("connection", "keep-alive");
            }
        } else if !is_old {
            head.headers.append("connection", "close");
        }
    }

    pub(super) fn client_version(&self) -> Version {
        let head = self.exchange.head.as_ref();
        head.map_or(Version::Http11, |head| head.version)
    }

    /// Body bytes from the server that must pass through the core.
    pub(super) fn read_response_body(&mut self, bytes: &[u8], state: &mut State, now: Now) {
        let Some(mut flow) = self.exchange.response.take() else {
            return;
        };
        let mut out = BytesMut::with_capacity(flow.room_for(bytes));
        let passed = flow.copy(bytes, &mut out);
        if !out.is_empty() {
            self.send(Side::Client, out.freeze(), now);
        }
        match passed {
            Ok(taken) => {
                self.exchange.bytes_out += taken as u64;
                self.server.input.extend_from_slice(&bytes[taken..]);
                self.relay_response(flow, state, now);
            }
            Err(_) => {
                self.exchange.response = Some(flow);
                self.cut(Termination::new(Cause::Proxy, log::Phase::Data), state, now);
            }
        }
    }

    /// Keeps `flow` going, or ends the server's part.
    fn relay_response(&mut self, flow: Flow, state: &mut State, now: Now) {
        let is_new = self.exchange.response.is_none();
        let forward = flow.forward_len();
        let is_done = flow.is_done();
        self.exchange.response = Some(flow);
        if is_done {
            self.end_of_response(state, now);
        } else if let (true, Some(len)) = (is_new, forward) {
            self.actions.push_back(Action::Forward {
                to: Side::Client,
                len,
            });
        }
    }
}

/// Whether a client of `version` is sure to find the end of the body without a close. One of HTTP/1.0 knows no chunks,
/// and those in an answer of HTTP/1.0 are nothing to rely on (RFC 9112, section 6.1).
fn finds_end(head: &ResponseHead, version: Version) -> bool {
    match head.body {
        Body::UntilClose => false,
        Body::Chunked => !head.must_close && version == Version::Http11,
        Body::None | Body::Length(_) => true,
    }
}

/// Interim responses to one request: a server can't keep us from its answer for ever.
const INTERIMS_MAX: u32 = 100;
