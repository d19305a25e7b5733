//! Several sessions of one cache, each heard when the test says so.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Buf;
use steadfast_engine::{
    ConnectionFacts, Engine, Next, Now, Output, Process, ProcessFacts, Session, SessionSettings,
    Settings,
};
use steadfast_store::Store;

pub(crate) const NOW: Now = Now::since_start(100, 1_700_000_000);

/// A process with a clock, which notes whom it was to wake.
#[derive(Debug, Default, Clone)]
pub(crate) struct Host {
    wakes: Arc<Mutex<Vec<usize>>>,
    micros: Arc<AtomicUsize>,
}

impl Host {
    /// The workers to be woken since the last call.
    pub(crate) fn wakes(&self) -> Vec<usize> {
        std::mem::take(&mut *self.wakes.lock().unwrap())
    }
}

impl Process for Host {
    fn facts(&self) -> ProcessFacts {
        ProcessFacts::default()
    }

    fn visit_connections(&self, _: &mut dyn FnMut(&ConnectionFacts<'_>)) {}

    fn handle_reset(&self) {}

    fn wake(&self, worker: usize) {
        self.wakes.lock().unwrap().push(worker);
    }

    fn unix_time(&self) -> Option<Duration> {
        let micros = self.micros.fetch_add(1, Ordering::Relaxed) as u64;
        Some(Duration::from_secs(NOW.unix_secs) + Duration::from_micros(micros))
    }
}

pub(crate) fn engine(change: impl FnOnce(&mut Settings)) -> (Engine, Host) {
    let mut settings = Settings::default();
    change(&mut settings);
    let host = Host::default();
    let store = Store::new(steadfast_store::Settings::default()).unwrap();
    (Engine::new(store, settings, Box::new(host.clone())), host)
}

/// One client's end.
pub(crate) struct Client {
    session: Session,
    out: Output,
    held: Vec<u8>,
    pub(crate) next: Next,
}

impl Client {
    pub(crate) fn new(worker: usize, connection: u64) -> Self {
        let mut settings = SessionSettings::default();
        settings.connection = connection;
        Self {
            session: Session::with_settings(worker, settings),
            out: Output::new(),
            held: Vec::new(),
            next: Next::Read,
        }
    }

    /// Sends, and returns all that is answered until it is to send more.
    pub(crate) fn ask(&mut self, input: impl AsRef<[u8]>, engine: &Engine) -> String {
        self.held.extend_from_slice(input.as_ref());
        let mut answer = String::new();
        loop {
            answer += &self.step(engine);
            if !matches!(self.next, Next::Again | Next::Write) {
                return answer;
            }
        }
    }

    /// One call of the session; returns what it says.
    pub(crate) fn step(&mut self, engine: &Engine) -> String {
        let progress = self
            .session
            .handle_input(&self.held, &mut self.out, engine, NOW);
        self.held.drain(..progress.consumed);
        self.next = progress.next;
        let mut text = Vec::new();
        while self.out.has_remaining() {
            text.extend_from_slice(self.out.chunk());
            self.out.advance(self.out.chunk().len());
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Calls without reading the answer, as when the client does not take it.
    pub(crate) fn ask_unread(&mut self, input: &[u8], engine: &Engine) {
        let progress = self.session.handle_input(input, &mut self.out, engine, NOW);
        assert_eq!(progress.consumed, input.len());
    }

    pub(crate) fn hold(&mut self, input: impl AsRef<[u8]>) {
        self.held.extend_from_slice(input.as_ref());
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.session.is_broken()
    }

    pub(crate) fn is_watching(&self) -> bool {
        self.session.is_watching()
    }
}
