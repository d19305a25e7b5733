//! What `stats` wants to know about the process.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mio::Waker;
use steadfast_engine::{ConnectionFacts, Now, Process, ProcessFacts, Shutdown};
use steadfast_host::limits::CpuTime;

use crate::budget::Budget;
use crate::census::{Census, Counts};
use crate::clock::Clock;
use crate::hook::ShutdownHook;
use crate::tls;

/// Answers the engine's questions.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) census: Arc<Census>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) descriptors_reserved: u64,
    pub(crate) long_requests: Arc<Budget>,
    /// One for each worker.
    pub(crate) wakers: Arc<[Waker]>,
    pub(crate) tls: Option<Arc<tls::Context>>,
    pub(crate) shutdown: ShutdownHook,
}

impl Process for Facts {
    fn facts(&self) -> ProcessFacts {
        let used = CpuTime::used();
        let counts = self.census.counts();
        let listeners = self.census.places().len() as u64;
        let mut facts = ProcessFacts::default();
        facts.pid = std::process::id();
        facts.user_time = used.user;
        facts.system_time = used.system;
        facts.event_library = "mio-1";
        facts.descriptors_reserved = self.descriptors_reserved;
        // memcached counts its listening sockets as connections, and takes one off.
        facts.connections_now = (counts.clients + listeners).saturating_sub(1);
        facts.connections_total = counts.clients_total + listeners;
        facts.connections_peak = counts.clients_peak + listeners;
        facts.read_buffers = self.long_requests.holders() as u64;
        facts.read_buffer_bytes = self.long_requests.held_bytes() as u64;
        facts.read_buffers_refused = self.long_requests.refused();
        facts.tls = self.tls.as_ref().map(|tls| tls.facts());
        fill(&mut facts, counts);
        facts
    }

    fn visit_connections(&self, visit: &mut dyn FnMut(&ConnectionFacts<'_>)) {
        let now_secs = self.clock.now().timestamp.as_secs();
        for place in self.census.places() {
            visit(&ConnectionFacts {
                id: place.id,
                address: &place.address,
                listen_address: None,
                state: match place.address.starts_with("udp:") {
                    true => "conn_read",
                    false => "conn_listening",
                },
                idle_secs: now_secs.saturating_sub(Now::START_SECS).into(),
            });
        }
        for resident in self.census.residents() {
            visit(&ConnectionFacts {
                id: resident.id(),
                address: resident.address(),
                listen_address: Some(resident.listen_address()),
                state: resident.state(),
                idle_secs: resident.idle_secs(now_secs).into(),
            });
        }
    }

    fn handle_reset(&self) {
        self.census.reset();
    }

    fn handle_shutdown(&self, how: Shutdown) {
        self.shutdown.call(how);
    }

    fn refresh_certificates(&self) -> Result<(), String> {
        let Some(tls) = &self.tls else {
            return Err("Error TLS not enabled".to_owned());
        };
        tls.refresh().map_err(|error| format!("Error {error}"))
    }

    fn wake(&self, worker: usize) {
        if let Some(waker) = self.wakers.get(worker) {
            // A worker that can't be woken has ended already.
            let _ = waker.wake();
        }
    }

    fn unix_time(&self) -> Option<Duration> {
        SystemTime::now().duration_since(UNIX_EPOCH).ok()
    }
}

fn fill(facts: &mut ProcessFacts, counts: Counts) {
    facts.connections_rejected = counts.rejected;
    facts.accepting = counts.accepting;
    facts.accept_pauses = counts.pauses;
    facts.accept_paused = counts.paused;
    facts.idle_kicks = counts.idle_kicks;
}
