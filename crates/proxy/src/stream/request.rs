//! Receiving a request: its head, the rules, what we add.

use core::net::IpAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::errors::Fault;
use super::exchange::{Exchange, Flow};
use super::{Phase, Stream};
use crate::config::{ConnectionMode, ForwardFor, HttpRequestRule};
use crate::http::{HeadError, Headers, Limits, RequestHead, RequestParser, Version};
use crate::log::{self, Cause};
use crate::state::{BackendId, State};
use crate::time::Now;

impl Stream {
    /// Waits for the next request; parses at once what has been received already.
    pub(super) fn start_exchange(&mut self, is_first: bool, state: &mut State, now: Now) {
        self.exchange = Exchange::new(is_first, now);
        self.request_parser = RequestParser::new(Limits::default());
        self.phase = Phase::Head;
        if self.client.input.is_empty() {
            // An idle connection keeps no buffer.
            self.client.input = BytesMut::new();
            self.server.input = BytesMut::new();
        } else {
            self.read_head(state, now);
            if self.phase == Phase::Head && self.client.has_ended {
                self.end_of_requests(state, now);
            }
        }
    }

    /// Looks for a request head in what has been received.
    pub(super) fn read_head(&mut self, state: &mut State, now: Now) {
        let exchange = &mut self.exchange;
        let received = self.client.input.len() as u64;
        let parsed = self.request_parser.parse(&mut self.client.input);
        // Asked after the parser has passed by empty lines: they are no beginning.
        let waits = parsed == Ok(None) && !self.request_parser.has_started(&self.client.input);
        if !(exchange.has_begun || waits) {
            exchange.has_begun = true;
            exchange.began = now;
        }
        match parsed {
            Ok(None) => {}
            Ok(Some(head)) => {
                exchange.bytes_in = head.received_bytes as u64;
                self.accept_head(head, state, now);
            }
            Err(error) => {
                exchange.bytes_in = received;
                self.refuse_head(error, state, now);
            }
        }
    }

    /// The head can't be used: say so, and close.
    fn refuse_head(&mut self, error: HeadError, state: &mut State, now: Now) {
        self.exchange.has_begun = true;
        self.last_error = Some(error);
        let fault = Fault::new(error.status(), Cause::Proxy, log::Phase::Request);
        self.fail(fault.closing(), state, now);
    }

    /// The head is sound: apply the rules, then look for a server.
    fn accept_head(&mut self, mut head: RequestHead, state: &mut State, now: Now) {
        let exchange = &mut self.exchange;
        exchange.request = Flow::new(head.body);
        let Ok(taken) = exchange
            .request
            .pass(&mut self.client.input, &mut exchange.early)
        else {
            exchange.request = Flow::Done;
            let fault = Fault::new(400, Cause::Proxy, log::Phase::Request);
            self.fail(fault.closing(), state, now);
            return;
        };
        exchange.bytes_in += taken;
        exchange.parsed_at = Some(now.instant);
        state.frontend_mut(self.frontend).count_request(now);
        state.process_mut().requests_total += 1;
        self.log_connect();

        let is_sound = self.route(&mut head, state, now);
        mark_connection(&mut head, self.exchange.keep_server);
        self.exchange.head = Some(head);
        if is_sound {
            self.choose_server(state, now);
        } else {
            let fault = Fault::new(500, Cause::Internal, log::Phase::Request);
            self.fail(fault.closing(), state, now);
        }
    }

    /// Applies what frontend and backend say about the request. Returns false if it can't be sent like that.
    fn route(&mut self, head: &mut RequestHead, state: &mut State, now: Now) -> bool {
        let config = Arc::clone(&self.config);
        let frontend = &config.frontends[self.frontend.0];
        self.exchange.keep_client = head.wants_keep_alive()
            && frontend.connection_mode != ConnectionMode::Close
            && !self.is_draining;
        let Some(place) = frontend.default_backend else {
            return true;
        };
        let backend = &config.backends[place];
        // Where a server may see the end of the body elsewhere, nobody's next request follows.
        self.exchange.keep_server = !head.must_close
            && frontend.connection_mode != ConnectionMode::ServerClose
            && backend.connection_mode == ConnectionMode::KeepAlive;
        self.exchange.backend = Some(BackendId(place));
        let counters = state.backend_mut(BackendId(place));
        counters.enter(now.unix_ms);
        counters.requests += 1;

        let rules = [&frontend.http_request[..], &backend.http_request];
        for rule in rules.into_iter().flatten() {
            apply(rule, &mut head.headers);
        }
        let is_sound = rules.iter().all(|rules| rules.is_empty()) || head.restore_framing();
        let wishes = [&frontend.forward_for, &backend.forward_for];
        let client = self.endpoints.client.ip().to_canonical();
        if let Some(name) = forward_for(wishes, client, &head.headers) {
            let text = &mut self.client_text;
            let text = text.get_or_insert_with(|| Bytes::from(client.to_string()));
            head.headers.append(name.clone(), text.clone());
        }
        is_sound
    }

    /// The client has closed or gone while we wait for a request.
    pub(super) fn end_of_requests(&mut self, state: &mut State, now: Now) {
        let exchange = &self.exchange;
        if !exchange.has_begun && !exchange.is_first {
            self.close_client(state, now);
            return;
        }
        let fault = Fault::new(400, Cause::Client, log::Phase::Request);
        self.fail(fault.closing(), state, now);
    }
}

/// Changes headers as one rule of the configuration says.
fn apply(rule: &HttpRequestRule, headers: &mut Headers) {
    match rule {
        HttpRequestRule::DelHeader(which) => headers.remove(|name| which.matches(name)),
        HttpRequestRule::SetHeader { name, value } => {
            headers.remove_name(name);
            headers.append(name.clone(), value.clone());
        }
        HttpRequestRule::AddHeader { name, value } => {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// The line to add for the client's address, of its own and one in all: the backend's name for it wins.
fn forward_for<'a>(
    wishes: [&'a Option<ForwardFor>; 2],
    client: IpAddr,
    headers: &Headers,
) -> Option<&'a String> {
    let mut name = None;
    let mut leaves_others = true;
    for wish in wishes.into_iter().flatten() {
        if wish.except.is_some_and(|network| network.contains(client)) {
            return None;
        }
        leaves_others &= wish.if_none;
        name = Some(&wish.header);
    }
    name.filter(|name| !(leaves_others && headers.contains(name)))
}

/// Says to the server what becomes of its connection, in place of what the client said about its own.
fn mark_connection(head: &mut RequestHead, keep_server: bool) {
    if head.wants_upgrade() {
        return;
    }
    head.headers
        .strip_members("connection", &["close", "keep-alive"]);
    match head.version {
        Version::Http11 if !keep_server => head.headers.append("connection", "close"),
        Version::Http10 if keep_server => head.headers.append("connection", "keep-alive"),
        _ => {}
    }
}
