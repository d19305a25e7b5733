//! A client's connection, whatever it runs over.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::AsRawFd;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

use crate::tls::TlsStream;

/// A client's connection, over either kind of socket, plain or not.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
    /// Over TCP, encrypted.
    Tls(TlsStream),
}

impl Stream {
    /// Registers for reading and writing, edge-triggered, once for the connection's life.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let source: &mut dyn Source = match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
            Self::Tls(stream) => stream.socket_mut(),
        };
        source.register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Returns the descriptor number, which names the connection in reports.
    pub(crate) fn id(&self) -> u64 {
        match self {
            Self::Tcp(stream) => id(stream),
            Self::Unix(stream) => id(stream),
            Self::Tls(stream) => id(stream.socket()),
        }
    }

    /// Tells whether the client is on this machine's Unix socket.
    pub(crate) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    /// Tells whether a read that comes back short may have left something behind. Then only
    /// `WouldBlock` means that there is nothing more.
    pub(crate) fn reads_short(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Tells whether something that was written waits here for the socket to take it; `flush`
    /// passes it on.
    pub(crate) fn holds_unsent(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Unix(_) => false,
            Self::Tls(stream) => stream.holds_unsent(),
        }
    }

    /// Tells whether it is not yet agreed how to encrypt.
    pub(crate) fn is_handshaking(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Unix(_) => false,
            Self::Tls(stream) => stream.is_handshaking(),
        }
    }

    /// Tells whether that has been so for too long.
    pub(crate) fn is_overdue(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Unix(_) => false,
            Self::Tls(stream) => stream.is_overdue(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read_vectored(buffers),
            Self::Unix(stream) => stream.read_vectored(buffers),
            Self::Tls(stream) => stream.read_vectored(buffers),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(slices),
            Self::Unix(stream) => stream.write_vectored(slices),
            Self::Tls(stream) => stream.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(_) | Self::Unix(_) => Ok(()),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// Returns a descriptor number, as reports show it.
pub(crate) fn id(socket: &impl AsRawFd) -> u64 {
    socket.as_raw_fd().unsigned_abs().into()
}
