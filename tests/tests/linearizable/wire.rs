//! Ways to a cache: inside this process, or over TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Buf;
use steadfast_engine::{Engine, Next, Now, Output, Session};
use steadfast_protocol::Limits;

/// Asks one thing after the other.
pub(crate) trait Wire: Send {
    /// Sends a request that has one answer, and returns that whole.
    fn ask(&mut self, request: &[u8]) -> Vec<u8>;
}

/// A session of an engine in this process.
pub(crate) struct Inside<'a> {
    engine: &'a Engine,
    session: Session,
    out: Output,
}

impl<'a> Inside<'a> {
    pub(crate) fn new(engine: &'a Engine, worker: usize) -> Self {
        Self {
            engine,
            session: Session::new(worker, Limits::default()),
            out: Output::new(),
        }
    }
}

impl Wire for Inside<'_> {
    fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        let now = Now::since_start(8, 1_700_000_000);
        // A large value goes straight to its place, as a daemon has it.
        let (start, mut rest) = request.split_at(request.len().min(START_BYTES));
        let (mut input, mut answer) = (start.to_vec(), Vec::new());
        loop {
            let progress = self
                .session
                .handle_input(&input, &mut self.out, self.engine, now);
            input.drain(..progress.consumed);
            while self.out.has_remaining() {
                let chunk = self.out.chunk();
                let bytes = chunk.len();
                answer.extend_from_slice(chunk);
                self.out.advance(bytes);
            }
            match progress.next {
                Next::Again | Next::Write => {}
                Next::ReadValue => {
                    let room = self.session.value_buffer();
                    let (placed, behind) = rest.split_at(room.len().min(rest.len()));
                    room[..placed.len()].copy_from_slice(placed);
                    rest = behind;
                    self.session
                        .handle_value_received(placed.len(), self.engine);
                }
                Next::Read if rest.is_empty() => return answer,
                Next::Read => input.extend_from_slice(std::mem::take(&mut rest)),
                Next::Close => panic!("closed after {}", answer.escape_ascii()),
            }
        }
    }
}

/// A connection.
pub(crate) struct Tcp(TcpStream);

impl Tcp {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }
}

impl Wire for Tcp {
    fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        self.0.write_all(request).unwrap();
        let (mut answer, mut piece) = (Vec::new(), [0; 32 << 10]);
        while !is_whole(&answer) {
            let bytes = self.0.read(&mut piece).unwrap();
            assert!(bytes > 0, "closed after {}", answer.escape_ascii());
            answer.extend_from_slice(&piece[..bytes]);
        }
        answer
    }
}

/// Tells whether an answer is complete: a line, or a line that announces a value and what follows it.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(2).position(|pair| pair == b"\r\n") else {
        return false;
    };
    let line = String::from_utf8_lossy(&answer[..end]);
    let mut words = line.split(' ');
    let number = |word: Option<&str>| word.unwrap().parse::<usize>().unwrap();
    let behind = match words.next() {
        Some("VA") => number(words.next()) + 2,
        Some("VALUE") => number(words.nth(2)) + b"\r\nEND\r\n".len(),
        _ => 0,
    };
    answer.len() >= end + 2 + behind
}

/// More than a request has beside a value.
const START_BYTES: usize = 200;
/// Far longer than anything takes; only a hanging test gets there.
const PATIENCE: Duration = Duration::from_secs(20);
