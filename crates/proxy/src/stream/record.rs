//! What an exchange leaves behind: its log record, and what it adds to the counters.

use std::sync::Arc;

use super::exchange::Exchange;
use super::{Action, Stream};
use crate::config::TrafficFormat;
use crate::log::{Cause, ConnectRecord, Connections, HttpRecord, Phase, ServerField, Timers};
use crate::state::{Counters, State};
use crate::time::Now;

impl Stream {
    /// Counts and logs the exchange, once.
    pub(super) fn log(&mut self, state: &mut State, now: Now) {
        if self.exchange.is_logged {
            return;
        }
        self.exchange.is_logged = true;
        let timers = timers(&self.exchange, now);
        self.count(&timers, state, now);
        let frontend = &self.config.frontends[self.frontend.0];
        let is_null = !self.exchange.has_begun && self.exchange.is_first;
        if !(is_null && frontend.logging.dont_log_null) {
            let record = self.record(timers, state);
            self.actions.push_back(Action::Log(Box::new(record)));
        }
    }

    /// Says that a request has come, where `option httplog` does not say more in the end.
    pub(super) fn log_connect(&mut self) {
        let frontend = &self.config.frontends[self.frontend.0];
        if frontend.logging.format == TrafficFormat::Connect {
            let record = ConnectRecord {
                client: self.endpoints.client,
                local: self.endpoints.local,
                frontend: Arc::clone(&frontend.name),
            };
            self.actions.push_back(Action::LogConnect(Box::new(record)));
        }
    }

    fn record(&self, timers: Timers, state: &State) -> HttpRecord {
        let exchange = &self.exchange;
        let frontend = &self.config.frontends[self.frontend.0];
        let backend = exchange.backend.map(|id| &self.config.backends[id.0]);
        let server = exchange.server;
        HttpRecord {
            client: self.endpoints.client,
            accept_unix_ms: exchange.began.unix_ms,
            frontend: Arc::clone(&frontend.name),
            backend: Arc::clone(backend.map_or(&frontend.name, |backend| &backend.name)),
            server: server.map_or(ServerField::None, |id| {
                ServerField::Name(Arc::clone(&state.configured(id).name))
            }),
            timers,
            status: exchange.status,
            bytes: exchange.bytes_out,
            termination: exchange.termination,
            connections: Connections {
                process: state.process().connections,
                frontend: state.frontend(self.frontend).current,
                backend: exchange.backend.map_or(0, |id| state.backend(id).current),
                server: server.map_or(0, |id| state.server(id).counters.current),
            },
            retries: exchange.retries,
            redispatched: exchange.redispatched,
            queue: exchange.queue,
            request: exchange.head.as_ref().map(|head| head.line.clone()),
        }
    }

    /// Adds the exchange to the counters of its frontend, backend and server.
    fn count(&self, timers: &Timers, state: &mut State, now: Now) {
        let exchange = &self.exchange;
        if exchange.head.is_none() {
            state.frontend_mut(self.frontend).count_request(now);
        }
        state.process_mut().bytes_out += exchange.bytes_out + exchange.local_bytes;
        let frontend = state.frontend_mut(self.frontend);
        frontend.bytes_out += exchange.local_bytes;
        add(frontend, exchange, exchange.status);
        if exchange.termination.phase == Phase::Request {
            frontend.request_errors += 1;
        }
        if let Some(backend) = exchange.backend {
            let counters = state.backend_mut(backend);
            counters.leave();
            counters.bytes_out += exchange.local_bytes;
            add(counters, exchange, exchange.status);
            add_times(counters, timers);
            if exchange.termination.phase == Phase::Connect
                && exchange.termination.cause != Cause::Client
            {
                counters.connect_errors += 1;
            }
        }
        if let Some(server) = exchange.server {
            let counters = state.server_mut(server);
            // Answers of our own are not the server's.
            let status = exchange.status.filter(|_| exchange.answered_at.is_some());
            add(counters, exchange, status);
            add_times(counters, timers);
        }
    }
}

/// What all three scopes count alike.
fn add(counters: &mut Counters, exchange: &Exchange, status: Option<u16>) {
    counters.bytes_in += exchange.bytes_in;
    counters.bytes_out += exchange.bytes_out;
    if let Some(status) = status {
        counters.statuses.count(status);
    }
    let termination = exchange.termination;
    match (termination.cause, termination.phase) {
        (_, Phase::Request) => {}
        (Cause::Client | Cause::ClientTimeout, _) => counters.client_aborts += 1,
        (Cause::Server, Phase::Data) => {
            counters.server_aborts += 1;
            counters.response_errors += 1;
        }
        (Cause::ServerTimeout, Phase::Data) => counters.server_aborts += 1,
        (Cause::Server | Cause::ServerTimeout | Cause::Proxy, Phase::Headers) => {
            counters.response_errors += 1;
        }
        _ => {}
    }
}

fn add_times(counters: &mut Counters, timers: &Timers) {
    let phases = [
        timers.wait_ms,
        timers.connect_ms,
        timers.response_ms,
        Some(timers.total_ms),
    ];
    for (average, ms) in counters.times.iter_mut().zip(phases) {
        average.add(u64::from(ms.unwrap_or(0)));
    }
}

/// The phases in milliseconds, so cut that they add up.
fn timers(exchange: &Exchange, now: Now) -> Timers {
    let since_start = |at: Option<std::time::Instant>| {
        let elapsed = at?.saturating_duration_since(exchange.began.instant);
        u32::try_from(elapsed.as_millis()).ok()
    };
    let parsed = since_start(exchange.parsed_at);
    let assigned = since_start(exchange.assigned_at);
    let connected = since_start(exchange.connected_at);
    let answered = since_start(exchange.answered_at);
    let between = |from: Option<u32>, to: Option<u32>| Some(to?.saturating_sub(from?));
    Timers {
        request_ms: parsed,
        wait_ms: between(parsed, assigned),
        connect_ms: between(assigned, connected),
        response_ms: between(connected, answered),
        total_ms: since_start(Some(now.instant)).unwrap_or(u32::MAX),
    }
}
