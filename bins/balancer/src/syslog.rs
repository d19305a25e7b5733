//! Log lines on their way out: one datagram each, never waited for.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use steadfast_host::log::{SyslogSocket, SyslogTarget};
use steadfast_proxy::config::{Address, Config, LogHostname, LogTarget, Logging, Proxy};
use steadfast_proxy::log::{ConnectRecord, Date, HttpRecord, Level, Sender};
use steadfast_proxy::state::{FrontendId, Notice};

use crate::balancer::{Sink, hostname};
use crate::bind::{Addresses, StartError};
use crate::clock::{self, LocalTime};
use crate::status::Line;

/// The log targets of all proxies, opened.
pub(crate) struct Logs {
    /// By the index of the frontend.
    frontends: Vec<ProxyLog>,
    /// By the index of the backend.
    backends: Vec<ProxyLog>,
    sink: Option<Sink>,
    sender: Sender,
    time: LocalTime,
    dropped: AtomicU64,
}

/// Where one proxy logs, and what.
struct ProxyLog {
    targets: Vec<Target>,
    logging: Logging,
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
        let mut open = |logging: &Logging| -> Result<ProxyLog, StartError> {
            let targets = logging.targets.iter().map(|target| sockets.target(target));
            Ok(ProxyLog {
                targets: targets.collect::<Result<_, _>>()?,
                logging: logging.clone(),
            })
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
            sender: Sender {
                tag: config.global.log_tag.clone(),
                // A daemon has another one than the process that was started: see `settle`.
                pid: std::process::id(),
                hostname: host,
            },
            time: LocalTime::load(),
            dropped: AtomicU64::new(0),
        })
    }

    /// Sends the line of a request that has ended.
    pub(crate) fn request(&self, frontend: FrontendId, record: &HttpRecord) {
        let proxy = &self.frontends[frontend.0];
        let Some(level) = proxy.logging.level_of(record) else {
            return;
        };
        if proxy.targets.is_empty() && self.sink.is_none() {
            return;
        }
        let mut text = Vec::with_capacity(LINE_BYTES);
        record.encode(self.time.offset_seconds(record.accept_unix_ms), &mut text);
        self.send(proxy, level, &text);
    }

    /// Sends the line of a connection that was accepted.
    pub(crate) fn connect(&self, frontend: FrontendId, record: &ConnectRecord) {
        let mut text = Vec::with_capacity(LINE_BYTES);
        record.encode(&mut text);
        self.send(&self.frontends[frontend.0], Level::Info, &text);
    }

    /// Sends a line of a backend about itself or its servers.
    pub(crate) fn notice(&self, notice: &Notice) {
        self.send(
            &self.backends[notice.backend.0],
            notice.level,
            notice.text.as_bytes(),
        );
    }

    /// Sends a line of any proxy about itself.
    pub(crate) fn proxy_line(&self, line: &Line) {
        let proxy = match line.proxy {
            Proxy::Frontend(frontend) => &self.frontends[frontend],
            Proxy::Backend(backend) | Proxy::Listen { backend, .. } => &self.backends[backend],
        };
        self.send(proxy, line.level, line.text.as_bytes());
    }

    fn send(&self, proxy: &ProxyLog, level: Level, text: &[u8]) {
        if let Some(sink) = &self.sink {
            sink(&String::from_utf8_lossy(text));
        }
        if proxy.targets.is_empty() {
            return;
        }
        let now_ms = clock::now().unix_ms;
        let date = Date::new(now_ms, self.time.offset_seconds(now_ms));
        let mut datagram = Vec::with_capacity(text.len() + HEADER_BYTES);
        for target in &proxy.targets {
            datagram.clear();
            let wanted = self
                .sender
                .encode(&target.settings, level, date, text, &mut datagram);
            if wanted && target.socket.send(&datagram).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Takes note that the process may have forked since the targets were opened.
    pub(crate) fn settle(&mut self) {
        self.sender.pid = std::process::id();
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

/// Room for a usual line, so that it is written without growing.
const LINE_BYTES: usize = 512;

/// Room for what precedes the text in a datagram.
const HEADER_BYTES: usize = 128;
