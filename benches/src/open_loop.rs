//! An open-loop generator: requests leave at due times, whether or not replies have come, and latency
//! counts from the due time, so that a stalled server cannot hide the requests it held up.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::closed_loop::{Batch, Received, STALL_MAX, Script, receive};
use crate::rounds::{Answered, Load, Quantiles};

/// Open connections to one server, over which requests leave evenly spaced, in turn.
pub struct OpenLoop {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    script: Box<dyn Script>,
    interval: Duration,
    buffer: Vec<u8>,
}

impl fmt::Debug for OpenLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenLoop")
            .field("connections", &self.connections.len())
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    unsent: Vec<u8>,
    waiting: VecDeque<Waiting>,
}

/// A request whose reply has not come yet.
#[derive(Debug)]
struct Waiting {
    due: Instant,
    batch: Batch,
    received: Received,
}

impl OpenLoop {
    /// Opens `count` connections to `address`, for one batch of `script` every `interval`. The
    /// script must know the length of its replies beforehand.
    ///
    /// # Errors
    /// The server refuses a connection.
    pub fn connect(
        address: SocketAddr,
        count: usize,
        script: Box<dyn Script>,
        interval: Duration,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let open = |index| {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut stream, Token(index), interest)?;
            Ok(Connection {
                stream,
                unsent: Vec::new(),
                waiting: VecDeque::new(),
            })
        };
        let connections = (0..count).map(open).collect::<io::Result<_>>()?;
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            connections,
            script,
            interval,
            buffer: vec![0; 256 * 1024],
        })
    }
}

impl Load for OpenLoop {
    fn run_until(&mut self, end: Instant) -> io::Result<Answered> {
        let mut due = Instant::now();
        let mut latencies = Vec::new();
        let (mut sent, mut turn) = (0, 0);
        let mut last_reply = due;
        while due < end || latencies.len() < sent {
            while due < end && due <= Instant::now() {
                turn = (turn + 1) % self.connections.len();
                self.connections[turn].send(&mut *self.script, due)?;
                sent += 1;
                due += self.interval;
            }
            // Never sleeps: waking up late would count as the server's latency.
            match self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let before = latencies.len();
            for event in &self.events {
                let connection = &mut self.connections[event.token().0];
                connection.flush()?;
                connection.receive(&mut self.buffer, &*self.script, &mut latencies)?;
            }
            if latencies.len() > before {
                last_reply = Instant::now();
            } else if latencies.len() < sent && last_reply.elapsed() > STALL_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the server stopped answering",
                ));
            }
        }
        Ok(Answered {
            operations: sent as u64,
            latency: Some(Quantiles::of(latencies)),
        })
    }
}

impl Connection {
    fn send(&mut self, script: &mut dyn Script, due: Instant) -> io::Result<()> {
        let batch = script.next_batch(&mut self.unsent);
        self.waiting.push_back(Waiting {
            due,
            batch,
            received: Received::default(),
        });
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        script: &dyn Script,
        latencies: &mut Vec<u64>,
    ) -> io::Result<()> {
        while let Some(count) = receive(&mut self.stream, buffer)? {
            let now = Instant::now();
            let mut rest = &buffer[..count];
            while !rest.is_empty() {
                let Some(first) = self.waiting.front_mut() else {
                    return Err(io::Error::other("a reply came that nothing had asked for"));
                };
                let left = first.batch.reply_bytes - first.received.bytes;
                let taken = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                first.received.keep(&rest[..taken]);
                rest = &rest[taken..];
                script.progress(first.batch, &first.received)?;
                if first.received.bytes == first.batch.reply_bytes {
                    latencies.push((now - first.due).as_nanos() as u64);
                    self.waiting.pop_front();
                }
            }
            if count < buffer.len() {
                break;
            }
        }
        Ok(())
    }
}
