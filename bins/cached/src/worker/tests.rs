//! A worker without a thread: each test plays the rounds itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::AtomicU8;

use steadfast_engine::{Allowance, ConnectionFacts, NoProcess, Process, ProcessFacts};
use steadfast_store::Store;

use super::*;
use crate::budget::Budget;
use crate::census::Census;
use crate::clock::Clock;
use crate::listener::Bound;
use crate::settings::{Listen, Settings};

/// Panics when it is asked, as a bug behind `stats` would.
#[derive(Debug)]
struct Bomb;

impl Process for Bomb {
    fn facts(&self) -> ProcessFacts {
        panic!("a bug, as this test wants it");
    }

    fn visit_connections(&self, _: &mut dyn FnMut(&ConnectionFacts<'_>)) {}

    fn handle_reset(&self) {}
}

/// A worker on a loopback port, and how to reach it.
struct Stage {
    worker: Worker,
    address: std::net::SocketAddr,
    events: Events,
}

impl Stage {
    fn new(process: impl Process + 'static) -> Self {
        let settings = Settings {
            listen: vec![Listen::Address("127.0.0.1:0".parse().unwrap()).into()],
            threads: 1,
            ..Settings::default()
        };
        let mut bound = Bound::bind(&settings).unwrap();
        bound.open(16).unwrap();
        let store = Store::new(steadfast_store::Settings::default()).unwrap();
        let engine = steadfast_engine::Engine::new(
            store,
            steadfast_engine::Settings::default(),
            Box::new(process),
        );
        let shared = Arc::new(Shared {
            engine: Arc::new(engine),
            clock: Arc::new(Clock::start()),
            census: Arc::new(Census::new(10, Vec::new())),
            long_requests: Arc::new(Budget::new(1 << 20)),
            idle_secs: None,
            refuse_when_full: true,
            phase: AtomicU8::new(Phase::Serve as u8),
        });
        let listeners = bound.by_worker.remove(0);
        let udp = UdpPorts::new(Vec::new(), 0, Arc::new(Allowance::new(0, 0)));
        let worker = Worker::new(0, Poll::new().unwrap(), listeners, udp, shared).unwrap();
        Self {
            worker,
            address: bound.addresses[0],
            events: Events::with_capacity(16),
        }
    }

    /// One round, as soon as there is something to do.
    fn round(&mut self) {
        let timeout = self.worker.poll_timeout().unwrap_or(PATIENCE);
        self.worker
            .poll
            .poll(&mut self.events, Some(timeout))
            .unwrap();
        self.worker.round(&self.events);
    }

    /// Plays rounds until `condition` holds.
    fn play_until(&mut self, condition: impl Fn(&Worker) -> bool) {
        let started = Instant::now();
        while !condition(&self.worker) {
            assert!(started.elapsed() < PATIENCE, "played in vain");
            self.round();
        }
    }

    fn client(&mut self) -> TcpStream {
        let before = self.worker.connections.len();
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        self.play_until(|worker| worker.connections.len() > before);
        client
    }
}

#[test]
fn panic_ends_one_connection_and_leaks_nothing_to_the_next() {
    let mut stage = Stage::new(Bomb);
    let mut bystander = stage.client();
    let mut victim = stage.client();
    victim.write_all(b"get a\r\nstats\r\nget b\r\n").unwrap();
    stage.play_until(|worker| worker.connections.len() == 1);
    let mut rest = Vec::new();
    let _ = victim.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    // The reply to the victim's first command must not reach the other.
    bystander
        .write_all(b"set a 0 0 1\r\nx\r\nget a\r\nquit\r\n")
        .unwrap();
    stage.play_until(|worker| worker.connections.is_empty());
    bystander.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    assert_eq!(stage.worker.shared.census.counts().clients, 0);
}

#[test]
fn client_who_keeps_sending_has_one_turn_a_round() {
    let mut stage = Stage::new(NoProcess);
    let mut clients = [stage.client(), stage.client()];
    for _ in 0..5 {
        for client in &mut clients {
            client.write_all(&b"get a\r\n".repeat(200)).unwrap();
        }
        // An event for each, and work left over for each from the round before.
        stage.round();
        assert!(stage.worker.ready.len() <= clients.len());
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
