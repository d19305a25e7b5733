//! What all encrypted connections of a server share.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use rustls::ServerConnection;
use steadfast_engine::TlsFacts;

use super::certificates::Certificates;
use super::{TlsError, TlsStream};
use crate::settings::{ClientCertificate, Tls};

/// What all encrypted connections of a server share: certificates, which can be replaced, and counts.
#[derive(Debug)]
pub(crate) struct Context {
    settings: Tls,
    /// Taken for a moment when a connection comes, and when certificates are replaced.
    current: Mutex<Current>,
    sessions_new: AtomicU64,
    handshake_errors: AtomicU64,
    protocol_errors: AtomicU64,
}

#[derive(Debug)]
struct Current {
    certificates: Arc<Certificates>,
    read_at: Instant,
}

impl Context {
    /// Reads the files that `settings` name.
    pub(crate) fn load(settings: &Tls) -> Result<Self, TlsError> {
        Ok(Self {
            current: Mutex::new(Current::read(settings)?),
            settings: settings.clone(),
            sessions_new: AtomicU64::new(0),
            handshake_errors: AtomicU64::new(0),
            protocol_errors: AtomicU64::new(0),
        })
    }

    /// Tells whether that much interest in clients can be satisfied.
    pub(crate) fn check(&self, certificate: ClientCertificate) -> Result<(), TlsError> {
        self.certificates().config(certificate).map(drop)
    }

    /// Reads the files again, for connections to come. If one can't be used, all stays as it was.
    pub(crate) fn refresh(&self) -> Result<(), TlsError> {
        let new = Current::read(&self.settings)?;
        if self
            .certificates()
            .config(ClientCertificate::Wanted)
            .is_ok()
        {
            // What listeners were promised at the start holds on.
            new.certificates.config(ClientCertificate::Wanted)?;
        }
        *self.current() = new;
        Ok(())
    }

    /// Begins an encrypted conversation. The handshake happens while reading.
    pub(crate) fn accept(
        self: &Arc<Self>,
        socket: TcpStream,
        certificate: ClientCertificate,
    ) -> io::Result<TlsStream> {
        let certificates = self.certificates();
        let config = certificates.config(certificate).map_err(io::Error::other)?;
        let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        let held_bytes_max = self.settings.write_buffer_bytes.max(WRITE_BUFFER_BYTES_MIN);
        tls.set_buffer_limit(Some(held_bytes_max));
        Ok(TlsStream::new(socket, tls, Arc::clone(self)))
    }

    /// Returns what was counted.
    pub(crate) fn facts(&self) -> TlsFacts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut facts = TlsFacts::default();
        facts.sessions_new = self.settings.session_cache.then(|| of(&self.sessions_new));
        facts.handshake_errors = of(&self.handshake_errors);
        facts.protocol_errors = of(&self.protocol_errors);
        facts.certificates_age_secs = self.current().read_at.elapsed().as_secs();
        facts
    }

    /// Returns how long a handshake may take.
    pub(super) fn handshake_max(&self) -> Duration {
        self.settings.handshake_max
    }

    /// Counts a session that was not resumed.
    pub(super) fn count_session(&self) {
        self.sessions_new.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a handshake that came to nothing.
    pub(super) fn count_handshake_error(&self) {
        self.handshake_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a peer that does not speak TLS, or not any more.
    pub(super) fn count_protocol_error(&self) {
        self.protocol_errors.fetch_add(1, Ordering::Relaxed);
    }

    fn certificates(&self) -> Arc<Certificates> {
        Arc::clone(&self.current().certificates)
    }

    /// Nothing panics while the lock is held, and what it guards is always whole.
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn read(settings: &Tls) -> Result<Self, TlsError> {
        Ok(Self {
            certificates: Arc::new(Certificates::read(settings)?),
            read_at: Instant::now(),
        })
    }
}

/// Room for the records of a handshake at the least.
const WRITE_BUFFER_BYTES_MIN: usize = 1 << 10;
