//! Datagrams: sockets for them, and one worker's answers.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use steadfast_engine::{Allowance, Datagrams, Engine, Now};
use steadfast_protocol::udp::DATAGRAM_BYTES_MAX;

/// One worker's sockets for datagrams, and its answers.
///
/// Each worker has a socket of its own at each place; the kernel keeps a client with one of them.
/// A reply that the socket does not take at once is lost, as datagrams are.
#[derive(Debug)]
pub(crate) struct UdpPorts {
    sockets: Vec<UdpSocket>,
    answers: Datagrams,
    /// Made when the first datagram comes: a worker that gets none holds no memory for them.
    request: Box<[u8]>,
    reply: Box<[u8; DATAGRAM_BYTES_MAX]>,
}

/// What a turn left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UdpTurn {
    /// Nothing, until there is an event.
    Drained,
    /// There may be more.
    More,
    /// There may be more, behind a request that ran into an error of our own.
    Failed,
}

impl UdpPorts {
    /// Answers at `sockets`, for the worker of that number.
    pub(crate) fn new(sockets: Vec<StdSocket>, worker: usize, allowance: Arc<Allowance>) -> Self {
        Self {
            sockets: sockets.into_iter().map(UdpSocket::from_std).collect(),
            answers: Datagrams::new(worker, allowance),
            request: Box::default(),
            reply: Box::new([0; DATAGRAM_BYTES_MAX]),
        }
    }

    /// Registers for datagrams, edge-triggered, with tokens counted down from `token_max`.
    pub(crate) fn register(&mut self, registry: &Registry, token_max: usize) -> io::Result<()> {
        self.sockets
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, socket)| {
                registry.register(socket, Token(token_max - index), Interest::READABLE)
            })
    }

    /// Returns the number of sockets.
    pub(crate) fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Gives the places up.
    pub(crate) fn clear(&mut self) {
        self.sockets.clear();
    }

    /// Answers some of what has come to the socket of that index.
    pub(crate) fn take_turn(&mut self, index: usize, engine: &Engine, now: Now) -> UdpTurn {
        if self.request.is_empty() {
            self.request = vec![0; REQUEST_BYTES_MAX].into_boxed_slice();
        }
        for _ in 0..DATAGRAMS_PER_TURN {
            let Some(socket) = self.sockets.get(index) else {
                return UdpTurn::Drained;
            };
            let (bytes, from) = match socket.recv_from(&mut self.request) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return UdpTurn::Drained,
                // Somebody could not be reached, some time ago; or a signal came.
                Err(_) => continue,
            };
            if is_own(from) {
                continue;
            }
            let datagram = &self.request[..bytes];
            let answers = &mut self.answers;
            let answer = AssertUnwindSafe(|| {
                answers.handle_datagram(datagram, from.ip(), engine, now);
            });
            if panic::catch_unwind(answer).is_err() {
                return UdpTurn::Failed;
            }
            while let Some(bytes) = self.answers.poll_datagram(&mut self.reply) {
                if socket.send_to(&self.reply[..bytes], from).is_err() {
                    break;
                }
            }
        }
        UdpTurn::More
    }
}

/// Tells whether nobody can be there: a reply would be lost, or come back to us.
fn is_own(from: SocketAddr) -> bool {
    from.port() == 0 || from.ip().is_multicast()
}

/// The longest datagram there can be.
const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Datagrams that are answered before others get their turn.
const DATAGRAMS_PER_TURN: usize = 64;
