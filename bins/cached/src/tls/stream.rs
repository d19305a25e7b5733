//! One encrypted connection, as a stream that never blocks.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use mio::net::TcpStream;
use rustls::{Error, HandshakeKind, ServerConnection};

use super::Context;

/// One encrypted connection.
///
/// Reading does the handshake, too. What was written and is not yet in the socket is in
/// `holds_unsent`, and `flush` passes it on.
///
/// Memory: rustls holds one record of at most 18 KB that has come in part, one of plain text that
/// is not yet read, messages of a handshake up to 64 KB, and replies up to the write buffer's limit.
#[derive(Debug)]
pub(crate) struct TlsStream(Box<Inner>);

#[derive(Debug)]
struct Inner {
    socket: TcpStream,
    tls: ServerConnection,
    context: Arc<Context>,
    began_at: Instant,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open,
    /// Over, and counted.
    Failed,
}

impl TlsStream {
    /// Begins a conversation, of which nothing has come yet.
    pub(super) fn new(socket: TcpStream, tls: ServerConnection, context: Arc<Context>) -> Self {
        Self(Box::new(Inner {
            socket,
            tls,
            context,
            began_at: Instant::now(),
            phase: Phase::Handshake,
        }))
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.0.socket
    }

    pub(crate) fn socket_mut(&mut self) -> &mut TcpStream {
        &mut self.0.socket
    }

    /// Tells whether the socket has not taken everything yet.
    pub(crate) fn holds_unsent(&self) -> bool {
        self.0.tls.wants_write()
    }

    /// Tells whether it is not yet agreed how to encrypt.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.0.phase == Phase::Handshake
    }

    /// Tells whether that has been so for too long.
    pub(crate) fn is_overdue(&self) -> bool {
        self.is_handshaking() && self.0.began_at.elapsed() >= self.0.context.handshake_max()
    }
}

impl Read for TlsStream {
    /// Returns 0 at the end, whether the peer said good-bye or only closed: requests say themselves
    /// where they end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.0.receive()?,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                result => return result,
            }
        }
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// Takes as much as the write buffer's limit allows.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // What came before must be gone, so that a slow reader holds one buffer.
        self.flush()?;
        let taken = match self.0.tls.writer().write_vectored(slices)? {
            0 => return Err(ErrorKind::WouldBlock.into()),
            taken => taken,
        };
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.send()
    }
}

impl Inner {
    /// Takes in what the socket has, a part at a time, and answers what the protocol itself wants
    /// answered.
    fn receive(&mut self) -> io::Result<()> {
        let bytes = self.tls.read_tls(&mut self.socket)?;
        if let Err(error) = self.tls.process_new_packets() {
            self.fail(&error);
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        }
        if self.phase == Phase::Handshake && !self.tls.is_handshaking() {
            self.phase = Phase::Open;
            if self.tls.handshake_kind() != Some(HandshakeKind::Resumed) {
                self.context.count_session();
            }
        }
        match self.send() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ if bytes == 0 && self.phase == Phase::Handshake => {
                Err(ErrorKind::UnexpectedEof.into())
            }
            _ => Ok(()),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Counts what ended the connection, and tells the peer why if it can still hear.
    fn fail(&mut self, error: &Error) {
        let is_foreign = matches!(error, Error::InvalidMessage(_));
        match self.phase {
            Phase::Handshake if !is_foreign => self.context.count_handshake_error(),
            _ => self.context.count_protocol_error(),
        }
        self.phase = Phase::Failed;
        // The alert fits into an empty socket, and nobody waits for it in a full one.
        let _ = self.send();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        match self.phase {
            Phase::Handshake => self.context.count_handshake_error(),
            Phase::Open => {
                self.tls.send_close_notify();
                let _ = self.send();
            }
            Phase::Failed => {}
        }
    }
}
