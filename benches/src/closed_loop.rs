//! A closed-loop generator: every connection sends a batch of requests, waits for all replies, and
//! sends the next.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::rounds::{Answered, Load};

/// What connections say and how they know that the answer is complete.
pub trait Script {
    /// Appends the next batch to `out` and says what it holds.
    fn next_batch(&mut self, out: &mut Vec<u8>) -> Batch;

    /// Looks at the bytes received since the batch was sent.
    ///
    /// # Errors
    /// The answer is not what this script expects.
    fn progress(&self, batch: Batch, received: &Received) -> io::Result<Progress>;

    /// Whether each batch goes over a connection of its own.
    fn reconnects(&self) -> bool {
        false
    }
}

/// Requests that were sent together.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::exhaustive_structs, reason = "scripts build it")]
pub struct Batch {
    /// How many requests.
    pub operations: u64,
    /// Bytes of all their replies, where the script knows that beforehand; else 0.
    pub reply_bytes: u64,
}

/// What a connection has received for its present batch.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Received {
    /// The first [`HEAD_BYTES_KEPT`] bytes.
    pub head: Vec<u8>,
    /// How many bytes arrived in all.
    pub bytes: u64,
}

impl Received {
    /// Counts these bytes in, and keeps them where they belong to the head.
    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        let kept = HEAD_BYTES_KEPT
            .saturating_sub(self.head.len())
            .min(bytes.len());
        self.head.extend_from_slice(&bytes[..kept]);
        self.bytes += bytes.len() as u64;
    }
}

/// Whether a batch has been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// More is to come.
    Incomplete,
    /// All replies are there.
    Complete,
}

/// Bytes of a batch's answer that are kept for [`Script::progress`] to look at.
pub const HEAD_BYTES_KEPT: usize = 1024;

/// Open connections to one server, driven by one script.
pub struct Generator {
    poll: Poll,
    events: Events,
    address: SocketAddr,
    connections: Vec<Connection>,
    script: Box<dyn Script>,
    buffer: Vec<u8>,
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator")
            .field("address", &self.address)
            .field("connections", &self.connections.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    unsent: Vec<u8>,
    sent: usize,
    received: Received,
    batch: Batch,
}

impl Generator {
    /// Opens `count` connections to `address`.
    ///
    /// # Errors
    /// The server refuses a connection.
    pub fn connect(address: SocketAddr, count: usize, script: Box<dyn Script>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let connections = (0..count)
            .map(|index| Connection::open(&poll, address, index))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            address,
            connections,
            script,
            buffer: vec![0; 256 * 1024],
        })
    }

    fn start_batch(&mut self, index: usize) -> io::Result<()> {
        if self.script.reconnects() && self.connections[index].received.bytes > 0 {
            self.connections[index] = Connection::open(&self.poll, self.address, index)?;
        }
        let connection = &mut self.connections[index];
        connection.unsent.clear();
        connection.sent = 0;
        connection.received.head.clear();
        connection.received.bytes = 0;
        connection.batch = self.script.next_batch(&mut connection.unsent);
        connection.flush()
    }
}

impl Load for Generator {
    /// Loads the server until `end`, then waits for the batches under way.
    ///
    /// A connection that broke, a wrong answer, or none for [`STALL_MAX`] is an error.
    fn run_until(&mut self, end: Instant) -> io::Result<Answered> {
        for index in 0..self.connections.len() {
            self.start_batch(index)?;
        }
        let (mut answered, mut waiting) = (0, self.connections.len());
        while waiting > 0 {
            wait(&mut self.poll, &mut self.events, Some(STALL_MAX))?;
            if self.events.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the server stopped answering",
                ));
            }
            let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
            let running = Instant::now() < end;
            for index in ready {
                let connection = &mut self.connections[index];
                if connection.batch.operations == 0 {
                    continue;
                }
                connection.flush()?;
                if !connection.receive(&mut self.buffer, &*self.script)? {
                    continue;
                }
                answered += std::mem::take(&mut connection.batch).operations;
                if running {
                    self.start_batch(index)?;
                } else {
                    waiting -= 1;
                }
            }
        }
        Ok(Answered {
            operations: answered,
            latency: None,
        })
    }
}

impl Connection {
    fn open(poll: &Poll, address: SocketAddr, index: usize) -> io::Result<Self> {
        // Connecting in blocking mode keeps the loop simple; loopback answers at once.
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(
            &mut stream,
            Token(index),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        Ok(Self {
            stream,
            unsent: Vec::new(),
            sent: 0,
            received: Received::default(),
            batch: Batch::default(),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.sent < self.unsent.len() {
            match self.stream.write(&self.unsent[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there; true once the batch is answered.
    fn receive(&mut self, buffer: &mut [u8], script: &dyn Script) -> io::Result<bool> {
        loop {
            let Some(count) = receive(&mut self.stream, buffer)? else {
                return Ok(false);
            };
            self.received.keep(&buffer[..count]);
            if script.progress(self.batch, &self.received)? == Progress::Complete {
                return Ok(true);
            }
            if count < buffer.len() {
                return Ok(false);
            }
        }
    }
}

/// Waits for events, whatever signals come meanwhile.
pub(crate) fn wait(
    poll: &mut Poll,
    events: &mut Events,
    timeout: Option<Duration>,
) -> io::Result<()> {
    loop {
        match poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Reads once; `None` if nothing is there, an error if the peer has closed.
pub(crate) fn receive(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// Silence of a server after which a run is given up.
pub const STALL_MAX: Duration = Duration::from_secs(10);
