//! One side of a relay: its socket, and what is known of it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use steadfast_proxy::stream::ConnectError;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

/// One side's socket. Buffers exist only while something waits to be written.
#[derive(Default)]
pub(super) struct Link {
    pub(super) socket: Option<TcpStream>,
    pub(super) out: VecDeque<Bytes>,
    /// Bytes that are still to be relayed to this side; [`u64::MAX`] for all that come.
    pub(super) relay: u64,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// Nothing more can be read: end of input or an error.
    pub(super) ended: bool,
    pub(super) shut_when_written: bool,
}

impl Link {
    /// Whether there is something to do; if not, the task is woken when there is.
    pub(super) fn poll_ready(&mut self, read: bool, context: &mut Context<'_>) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        if read && socket.poll_read_ready(context).is_ready() {
            self.readable = true;
        }
        if !self.out.is_empty() && socket.poll_write_ready(context).is_ready() {
            self.writable = true;
        }
        (read && self.readable) || (!self.out.is_empty() && self.writable)
    }
}

/// Reads what is there; [`io::ErrorKind::WouldBlock`] if nothing is.
///
/// Unlike `try_read` this takes note of a read that has emptied the socket, which saves a read that finds nothing.
pub(super) fn read(socket: &mut TcpStream, into: &mut [u8]) -> io::Result<usize> {
    let mut buffer = ReadBuf::new(into);
    // Nobody need be woken by this call: the next `poll_ready` registers the task before it goes to sleep.
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(socket).poll_read(&mut context, &mut buffer) {
        Poll::Ready(outcome) => outcome.map(|()| buffer.filled().len()),
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Writes what has room; [`io::ErrorKind::WouldBlock`] if nothing has. Takes note of a write that has filled the socket.
pub(super) fn write(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(socket).poll_write(&mut context, bytes) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Whether a connection without a request has no bytes and no end to report.
pub(super) fn says_nothing(socket: &TcpStream) -> bool {
    let read = socket.try_read(&mut [0]);
    read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// The same; if so, the task is woken when that changes.
pub(super) fn is_quiet(socket: &TcpStream, context: &mut Context<'_>) -> bool {
    // Readiness may be left over from the last response: only a read that would block clears it.
    while socket.poll_read_ready(context).is_ready() {
        if !says_nothing(socket) {
            return false;
        }
    }
    true
}

/// What the stream is told of a failed attempt.
pub(crate) fn connect_error(error: &io::Error) -> ConnectError {
    use io::ErrorKind::{
        AddrInUse, AddrNotAvailable, ConnectionRefused, ConnectionReset, HostUnreachable,
        NetworkUnreachable, OutOfMemory,
    };
    match error.kind() {
        ConnectionRefused | ConnectionReset => ConnectError::Refused,
        HostUnreachable | NetworkUnreachable => ConnectError::Unreachable,
        AddrInUse | AddrNotAvailable | OutOfMemory => ConnectError::Resource,
        _ if matches!(error.raw_os_error(), Some(ENFILE | EMFILE)) => ConnectError::Resource,
        _ => ConnectError::Other,
    }
}

/// Linux's numbers for a full file table, of the system and of the process.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
