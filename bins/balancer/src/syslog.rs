//! Log lines on their way out: one datagram each, never waited for.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use steadfast_host::log::{SyslogSocket, SyslogTarget};
use steadfast_proxy::config::{Address, Config, LogHostname, LogTarget, Logging, Proxy};
use steadfast_proxy::log::{ConnectRecord, HttpRecord, Level};
use steadfast_proxy::state::{FrontendId, Notice};

use crate::balancer::{Sink, hostname};
use crate::bind::{Addresses, StartError};
use crate::clock::{self, LocalTime};
use crate::status::Line;

/// The log targets of all proxies, opened.
pub(crate) struct Logs {
    /// By the index of the frontend.
    frontends: Vec<Vec<Target>>,
    /// By the index of the backend.
    backends: Vec<Vec<Target>>,
    sink: Option<Sink>,
    tag: String,
    host: Option<String>,
    time: LocalTime,
    dropped: AtomicU64,
}

struct Target {
    socket: Arc<SyslogSocket>,
    settings: LogTarget,
}

impl Logs {
    /// Opens a socket for each different target. The receivers need not be there yet.
    pub(crate) fn open(
        config: &Config,
        addresses: &Addresses,
        sink: Option<Sink>,
    ) -> Result<Self, StartError> {
        let mut sockets = Sockets {
            addresses,
            open: Vec::new(),
        };
        let mut open = |logging: &Logging| -> Result<Vec<Target>, StartError> {
            logging
                .targets
                .iter()
                .map(|target| sockets.target(target))
                .collect()
        };
        let frontends = config
            .frontends
            .iter()
            .map(|proxy| open(&proxy.logging))
            .collect::<Result<_, _>>()?;
        let backends = config
            .backends
            .iter()
            .map(|proxy| open(&proxy.logging))
            .collect::<Result<_, _>>()?;
        let host = config
            .global
            .log_send_hostname
            .as_ref()
            .map(|host| match host {
                LogHostname::System => hostname(),
                LogHostname::Name(name) => name.clone(),
            });
        Ok(Self {
            frontends,
            backends,
            sink,
            tag: config.global.log_tag.clone(),
            host,
            time: LocalTime::load(),
            dropped: AtomicU64::new(0),
        })
    }

    /// Sends the line of a request that has ended.
    pub(crate) fn request(&self, frontend: FrontendId, record: &HttpRecord) {
        self.send(
            &self.frontends[frontend.0],
            Level::Info,
            &format!("{record:?}"),
        );
    }

    /// Sends the line of a connection that was accepted.
    pub(crate) fn connect(&self, frontend: FrontendId, record: &ConnectRecord) {
        self.send(
            &self.frontends[frontend.0],
            Level::Info,
            &format!("{record:?}"),
        );
    }

    /// Sends a line of a backend about itself or its servers.
    pub(crate) fn notice(&self, notice: &Notice) {
        self.send(&self.backends[notice.backend.0], notice.level, &notice.text);
    }

    /// Sends a line of any proxy about itself.
    pub(crate) fn proxy_line(&self, line: &Line) {
        let targets = match line.proxy {
            Proxy::Frontend(frontend) => &self.frontends[frontend],
            Proxy::Backend(backend) | Proxy::Listen { backend, .. } => &self.backends[backend],
        };
        self.send(targets, line.level, &line.text);
    }

    fn send(&self, targets: &[Target], level: Level, text: &str) {
        if let Some(sink) = &self.sink {
            sink(text);
        }
        for target in targets {
            if target.socket.send(text.as_bytes()).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Lines that could not be sent.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Sockets by their targets, so that proxies with `log global` share them.
struct Sockets<'a> {
    addresses: &'a Addresses,
    open: Vec<(Address, Arc<SyslogSocket>)>,
}

impl Sockets<'_> {
    fn target(&mut self, settings: &LogTarget) -> Result<Target, StartError> {
        let known = self
            .open
            .iter()
            .find(|(address, _)| *address == settings.address);
        let socket = match known {
            Some((_, socket)) => Arc::clone(socket),
            None => {
                let place = match &settings.address {
                    Address::Inet(host, port) => SyslogTarget::Udp(self.addresses.of(host, *port)),
                    Address::Unix(path) => SyslogTarget::Unix(PathBuf::from(path)),
                    _ => return Err(refused(io::ErrorKind::Unsupported.into())),
                };
                let socket = Arc::new(SyslogSocket::open(&place).map_err(refused)?);
                self.open
                    .push((settings.address.clone(), Arc::clone(&socket)));
                socket
            }
        };
        Ok(Target {
            socket,
            settings: settings.clone(),
        })
    }
}

fn refused(cause: io::Error) -> StartError {
    StartError::System("cannot open a log target", cause)
}
