use bytes::Buf;
use steadfast_engine::{Engine, Next, NoProcess, Now, Output, Session};
use steadfast_protocol::Limits;
use steadfast_store::Store;

/// A cache node: a real engine, or none while it is stopped.
pub(crate) struct Node {
    pub(crate) engine: Engine,
    /// Rises with every start: a connection belongs to one life.
    pub(crate) life: u64,
    pub(crate) mode: Mode,
    /// What arrived while the node was hung.
    pub(crate) backlog: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Up,
    /// Up, but its network delays and swallows.
    Flaky,
    /// Takes connections and bytes, and goes on where it was when it wakes up.
    Hung,
    /// Stopped; its machine refuses.
    Refusing,
    /// Stopped with its machine: silence.
    Dark,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self {
            engine: engine(),
            life: 0,
            mode: Mode::Up,
            backlog: Vec::new(),
        }
    }

    /// Starts again without anything in memory.
    pub(crate) fn start_empty(&mut self) {
        self.engine = engine();
        self.life += 1;
        self.mode = Mode::Up;
        self.backlog.clear();
    }

    /// Starts again with so much in memory, and never to be evicted, that nothing more fits.
    pub(crate) fn start_full(&mut self) {
        self.start_empty();
        self.engine = engine_that(false);
        let mut client = Client::new();
        let mut number = 0;
        for len in [100_000, 1_000, 1] {
            loop {
                number += 1;
                let request = format!("set {number} 0 0 {len}\r\n{}\r\n", "x".repeat(len));
                if client.handle_input(request.as_bytes(), &self.engine, 0) != b"STORED\r\n" {
                    break;
                }
            }
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.mode, Mode::Refusing | Mode::Dark)
    }
}

/// The node's side of a connection.
pub(crate) struct Client {
    session: Session,
    input: Vec<u8>,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self {
            session: Session::new(0, Limits::default()),
            input: Vec::new(),
        }
    }

    /// What the node answers to `bytes` at `seconds` after the world began.
    pub(crate) fn handle_input(&mut self, bytes: &[u8], engine: &Engine, seconds: u32) -> Vec<u8> {
        self.input.extend_from_slice(bytes);
        let now = Now::since_start(seconds, 1_700_000_000 + u64::from(seconds));
        let mut replies = Vec::new();
        loop {
            let mut out = Output::new();
            let progress = self
                .session
                .handle_input(&self.input, &mut out, engine, now);
            self.input.drain(..progress.consumed);
            replies.extend_from_slice(&out.copy_to_bytes(out.remaining()));
            if !matches!(progress.next, Next::Again | Next::Write) {
                return replies;
            }
        }
    }
}

fn engine() -> Engine {
    engine_that(true)
}

fn engine_that(evicts: bool) -> Engine {
    let mut settings = steadfast_store::Settings::default();
    settings.memory_bytes_max = 4 << 20;
    settings.stripes = 1;
    settings.evict = evicts;
    let store = Store::new(settings).unwrap();
    Engine::new(
        store,
        steadfast_engine::Settings::default(),
        Box::new(NoProcess),
    )
}
