//! A cache with one client at a time, driven as a daemon would.

#![allow(dead_code, reason = "each test program uses its part")]

use bytes::Buf;
use steadfast_engine::{Engine, Next, NoProcess, Now, Output, Process, Session, Settings};
use steadfast_protocol::Limits;
use steadfast_store::Store;

/// An engine with a clock and one session.
pub(crate) struct Cache {
    pub(crate) engine: Engine,
    pub(crate) now: Now,
    session: Session,
    out: Output,
    held: Vec<u8>,
    /// Read big values into their place, as a daemon does; else all through the input.
    reads_in_place: bool,
    pub(crate) closed: bool,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self::with(steadfast_store::Settings::default(), Settings::default())
    }

    pub(crate) fn with(store: steadfast_store::Settings, settings: Settings) -> Self {
        Self::in_process(store, settings, Box::new(NoProcess))
    }

    pub(crate) fn in_process(
        store: steadfast_store::Settings,
        settings: Settings,
        process: Box<dyn Process>,
    ) -> Self {
        let store = Store::new(store).expect("the settings are valid");
        Self {
            engine: Engine::new(store, settings, process),
            now: Now::since_start(8, 1_700_000_000),
            session: Session::new(0, Limits::default()),
            out: Output::new(),
            held: Vec::new(),
            reads_in_place: true,
            closed: false,
        }
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, secs: u32) {
        let timestamp = steadfast_store::Timestamp::from_secs(self.now.timestamp.as_secs() + secs);
        self.now = Now::new(timestamp, self.now.unix_secs + u64::from(secs));
    }

    /// A new connection.
    pub(crate) fn reconnect(&mut self) {
        self.session = Session::new(0, Limits::default());
        self.held.clear();
        self.closed = false;
    }

    /// Sends the pieces one after the other and returns all that is answered.
    pub(crate) fn send<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut answer = Vec::new();
        for piece in pieces {
            let placed = self.receive_in_place(piece);
            self.held.extend_from_slice(&piece[placed..]);
            self.work(&mut answer);
        }
        answer
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> String {
        String::from_utf8_lossy(&self.send([request])).into_owned()
    }

    fn receive_in_place(&mut self, piece: &[u8]) -> usize {
        if !self.reads_in_place || !self.held.is_empty() {
            return 0;
        }
        let room = self.session.value_buffer();
        let bytes = piece.len().min(room.len());
        room[..bytes].copy_from_slice(&piece[..bytes]);
        self.session.handle_value_received(bytes, &self.engine);
        bytes
    }

    fn work(&mut self, answer: &mut Vec<u8>) {
        loop {
            let progress =
                self.session
                    .handle_input(&self.held, &mut self.out, &self.engine, self.now);
            self.held.drain(..progress.consumed);
            self.drain(answer);
            match progress.next {
                Next::Again | Next::Write => {}
                Next::Read => return,
                Next::ReadValue => {
                    assert!(
                        self.held.is_empty(),
                        "a value is read when the input is used up"
                    );
                    assert!(
                        !self.session.value_buffer().is_empty(),
                        "there is room for it"
                    );
                    return;
                }
                Next::Close => {
                    assert!(self.session.wants_close());
                    self.closed = true;
                    return;
                }
            }
        }
    }

    /// Takes the output in odd pieces, now by one chunk and now by vectors.
    fn drain(&mut self, answer: &mut Vec<u8>) {
        let mut step = 1;
        while self.out.has_remaining() {
            let mut slices = [std::io::IoSlice::new(&[]); 3];
            let count = self.out.chunks_vectored(&mut slices);
            assert!(slices[..count].iter().all(|slice| !slice.is_empty()));
            let available: Vec<u8> = slices[..count]
                .iter()
                .flat_map(|slice| slice.to_vec())
                .collect();
            assert!(available.starts_with(self.out.chunk()) && !self.out.chunk().is_empty());
            let taken = available.len().min(step);
            answer.extend_from_slice(&available[..taken]);
            self.out.advance(taken);
            step = step * 3 + 1;
        }
    }
}

/// Checks a conversation of (send, expect) on a fresh cache: each request whole, byte by byte, and
/// in pieces of seven, with and without reading values in place.
pub(crate) fn converse(make: impl Fn() -> Cache, exchanges: &[(&[u8], &[u8])]) {
    for (piece_bytes, reads_in_place) in [(usize::MAX, true), (1, true), (7, true), (1, false)] {
        let mut cache = make();
        cache.reads_in_place = reads_in_place;
        for (send, expect) in exchanges {
            let answer = cache.send(send.chunks(piece_bytes));
            assert_eq!(
                answer.escape_ascii().to_string(),
                expect.escape_ascii().to_string(),
                "asked {} in pieces of {piece_bytes}",
                send.escape_ascii()
            );
        }
    }
}

/// As [`converse`], on a cache with the usual settings.
pub(crate) fn talk(exchanges: &[(&[u8], &[u8])]) {
    converse(Cache::new, exchanges);
}
