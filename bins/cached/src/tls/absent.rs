//! What stands for TLS where it is not built in.

use std::io;
use std::sync::Arc;

use mio::net::TcpStream;
use steadfast_engine::TlsFacts;

use super::TlsError;
use crate::settings::{ClientCertificate, Tls};

/// What cannot be had.
#[derive(Debug)]
pub(crate) enum Context {}

impl Context {
    pub(crate) fn load(_: &Tls) -> Result<Self, TlsError> {
        Err(TlsError::NotBuilt)
    }

    pub(crate) fn check(&self, _: ClientCertificate) -> Result<(), TlsError> {
        match *self {}
    }

    pub(crate) fn refresh(&self) -> Result<(), TlsError> {
        match *self {}
    }

    pub(crate) fn facts(&self) -> TlsFacts {
        match *self {}
    }

    pub(crate) fn accept(
        self: &Arc<Self>,
        _: TcpStream,
        _: ClientCertificate,
    ) -> io::Result<TlsStream> {
        match **self {}
    }
}

/// What cannot be made.
#[derive(Debug)]
pub(crate) enum TlsStream {}

impl TlsStream {
    pub(crate) fn socket(&self) -> &TcpStream {
        match *self {}
    }

    pub(crate) fn socket_mut(&mut self) -> &mut TcpStream {
        match *self {}
    }

    pub(crate) fn holds_unsent(&self) -> bool {
        match *self {}
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub(crate) fn is_overdue(&self) -> bool {
        match *self {}
    }
}

impl io::Read for TlsStream {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }
}

impl io::Write for TlsStream {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match *self {}
    }
}
