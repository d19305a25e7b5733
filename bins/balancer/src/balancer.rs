//! The balancer as a value: bind it, let it serve, stop it.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use steadfast_host::limits;
use steadfast_proxy::config::{Config, Level as Access};
use steadfast_proxy::state::{FrontendId, State};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::bind::{self, Addresses, StartError, StatsListener};
use crate::clock;
use crate::control_socket::{self, Door, Rules};
use crate::shared::{Phase, Shared, Signal};
use crate::status::{status_lines, stop_lines};
use crate::syslog::Logs;
use crate::{checks, listener};

/// Takes lines of text: a terminal, a test, a page.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// What a program that holds a balancer decides, beside the configuration.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Embedding {
    /// Gets every log line, without syslog's header, also where the configuration names no log target.
    pub log: Option<Sink>,
    /// Gets what changes: servers that go down and come up, with HAProxy's words and level.
    pub notices: Option<Sink>,
    /// Beats the configuration's `maxconn` of the process. Unset both: derived from the limit of open files.
    pub connections_max: Option<u32>,
    /// Whether another process of the same user may be listening on the same addresses (it is about to leave).
    pub share_addresses: bool,
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedding")
            .field("log", &self.log.is_some())
            .field("notices", &self.notices.is_some())
            .field("connections_max", &self.connections_max)
            .field("share_addresses", &self.share_addresses)
            .finish()
    }
}

/// A balancer whose sockets are bound and that does not serve yet: clients wait in the backlog.
///
/// Between binding and serving a daemon forks, changes its root and gives up its privileges.
pub struct Balancer {
    config: Arc<Config>,
    addresses: Addresses,
    listeners: Vec<(FrontendId, std::net::TcpListener)>,
    stats: Vec<(Access, StatsListener)>,
    logs: Logs,
    embedding: Embedding,
    connections_max: u32,
    /// The machine's name, asked for while `/proc` is in sight.
    node: String,
}

impl fmt::Debug for Balancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balancer")
            .field("addresses", &self.addresses())
            .finish_non_exhaustive()
    }
}

impl Balancer {
    /// Resolves names, opens log targets and binds every listener and stats socket of `config`.
    ///
    /// Blocks while names are resolved. A port of 0 in `config` lets the system choose; see
    /// [`addresses`](Self::addresses).
    ///
    /// # Errors
    ///
    /// The first thing that can't be had. Nothing stays bound then.
    pub fn bind(config: Config, embedding: Embedding) -> Result<Self, StartError> {
        let addresses = Addresses::resolve(&config)?;
        let logs = Logs::open(&config, &addresses, embedding.log.clone())?;
        let shared = embedding.share_addresses;
        let listeners = bind::frontends(&config, &addresses, shared)?;
        let mut stats = Vec::new();
        for socket in &config.global.stats_sockets {
            stats.push((socket.level, bind::stats(socket, &addresses, shared)?));
        }
        let asked = embedding.connections_max.or(config.global.maxconn);
        let mut balancer = Self {
            config: Arc::new(config),
            addresses,
            listeners,
            stats,
            logs,
            embedding,
            connections_max: 0,
            node: hostname(),
        };
        balancer.connections_max = asked.unwrap_or_else(|| balancer.affordable());
        Ok(balancer)
    }

    /// Binds and serves, within the present tokio runtime.
    ///
    /// # Errors
    ///
    /// The first thing that can't be had.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time and I/O.
    pub fn start(config: Config, embedding: Embedding) -> Result<Running, StartError> {
        Self::bind(config, embedding)?
            .serve()
            .map_err(|cause| StartError::System("cannot watch a socket", cause))
    }

    /// Where each frontend listens: its name and address, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> Vec<(Arc<str>, SocketAddr)> {
        let name = |id: &FrontendId| Arc::clone(&self.config.frontends[id.0].name);
        let bound = self.listeners.iter();
        bound
            .filter_map(|(id, socket)| Some((name(id), socket.local_addr().ok()?)))
            .collect()
    }

    /// The limit of client connections of the whole balancer.
    #[must_use]
    pub fn connections_max(&self) -> u32 {
        self.connections_max
    }

    /// Lowers the limit of client connections: there are not enough files for more.
    pub fn limit_connections(&mut self, connections_max: u32) {
        self.connections_max = connections_max.clamp(1, self.connections_max.max(1));
    }

    /// Sockets that may be open at once beside those of clients and servers.
    #[must_use]
    pub fn spare_files(&self) -> u64 {
        let checks = self
            .config
            .backends
            .iter()
            .map(|backend| backend.servers.len())
            .sum::<usize>();
        let control = self.config.global.stats_maxconn as usize;
        // Each listener may have accepted one client that waits for room.
        let doors = (self.listeners.len() + self.stats.len()) * 2;
        (doors + checks + control) as u64 + SPARE_FILES
    }

    /// Idle connections to servers for which there are open files, beside the one that each client is entitled to.
    fn spare_servers(&self) -> usize {
        let files = limits::open_files().unwrap_or(0);
        let promised = u64::from(self.connections_max) * 2 + self.spare_files();
        usize::try_from(files.saturating_sub(promised)).map_or(Semaphore::MAX_PERMITS, |spare| {
            spare.min(Semaphore::MAX_PERMITS)
        })
    }

    /// Client connections for which the limit of open files is enough: each needs two, and may keep a further server's
    /// connection for later.
    fn affordable(&self) -> u32 {
        let files = limits::open_files().unwrap_or(1024);
        u32::try_from(files.saturating_sub(self.spare_files()) / 3)
            .unwrap_or(u32::MAX)
            .clamp(1, AFFORDED_MAX)
    }

    /// Begins to serve, within the present tokio runtime.
    ///
    /// # Errors
    ///
    /// When the system refuses to watch a socket.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time and I/O.
    pub fn serve(mut self) -> io::Result<Running> {
        self.logs.settle();
        let addresses = self.addresses();
        let (phase, watched) = watch::channel(Phase::Serving);
        let resolve = |host: &_, port| self.addresses.of(host, port);
        let seed = RandomState::new().hash_one(std::process::id());
        let config = Arc::clone(&self.config);
        let state = State::new(
            Arc::clone(&config),
            &resolve,
            self.connections_max,
            seed,
            clock::now(),
        );
        let listeners = self.listeners.len() + self.stats.len();
        let spare = self.spare_servers();
        let notices = self.embedding.notices;
        let shared = Arc::new(Shared::new(
            state, self.logs, notices, self.node, listeners, spare,
        ));
        let (mut accepting, mut tasks) = (JoinSet::new(), JoinSet::new());
        for (id, socket) in self.listeners {
            let socket = TcpListener::from_std(socket)?;
            accepting.spawn(listener::run(
                socket,
                id,
                Arc::clone(&shared),
                watched.clone(),
            ));
        }
        let rules = Arc::new(Rules {
            places: Arc::new(Semaphore::new(config.global.stats_maxconn.max(1) as usize)),
            idle_max: config.global.stats_timeout,
        });
        for (level, socket) in self.stats {
            let door = match socket {
                StatsListener::Tcp(socket) => Door::Tcp(TcpListener::from_std(socket)?),
                StatsListener::Unix(socket) => Door::Unix(UnixListener::from_std(socket)?),
            };
            let (rules, shared) = (Arc::clone(&rules), Arc::clone(&shared));
            tasks.spawn(control_socket::run(
                door,
                level,
                rules,
                shared,
                watched.clone(),
            ));
        }
        tasks.spawn(checks::run(Arc::clone(&shared), watched));
        Ok(Running {
            shared,
            config,
            addresses,
            phase,
            accepting,
            tasks,
        })
    }
}

/// A balancer that serves, until it is stopped or dropped.
pub struct Running {
    shared: Arc<Shared>,
    config: Arc<Config>,
    addresses: Vec<(Arc<str>, SocketAddr)>,
    phase: watch::Sender<Phase>,
    accepting: JoinSet<()>,
    tasks: JoinSet<()>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Running {
    /// Where each frontend listens: its name and address, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> &[(Arc<str>, SocketAddr)] {
        &self.addresses
    }

    /// Looks at load, health and counters. No connection moves while `look` runs.
    pub fn inspect<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        self.shared.with_state(|state| look(state))
    }

    /// Writes the state of every proxy and server to the logs, at level notice.
    pub fn log_status(&self) {
        for line in self.inspect(|state| status_lines(state, &self.config)) {
            self.shared.logs.proxy_line(&line);
        }
    }

    /// The soft stop: closes the listeners, lets requests finish, then stops.
    ///
    /// `hard-stop-after` of the configuration bounds it.
    pub async fn drain(mut self) {
        self.shared.begin_to_stop();
        self.phase.send_replace(Phase::Draining);
        self.shared.signal_all(Signal::Draining);
        while self.accepting.join_next().await.is_some() {}
        for line in self.inspect(|state| stop_lines(state, &self.config)) {
            self.shared.logs.proxy_line(&line);
        }
        let finished = self.shared.emptied();
        match self
            .config
            .global
            .hard_stop_after
            .and_then(|wait| Instant::now().checked_add(wait))
        {
            // Too late or not, what is left is cut by `stop`.
            Some(limit) => drop(timeout_at(limit, finished).await),
            None => finished.await,
        }
        self.stop().await;
    }

    /// Stops at once: connections are cut. When it returns, every port is free.
    pub async fn stop(mut self) {
        self.phase.send_replace(Phase::Stopped);
        while self.accepting.join_next().await.is_some() {}
        while self.tasks.join_next().await.is_some() {}
        self.shared.signal_all(Signal::Stop);
        self.shared.emptied().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.begin_to_stop();
        self.phase.send_replace(Phase::Stopped);
        self.shared.signal_all(Signal::Stop);
    }
}

pub(crate) fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Files that a process needs beside its sockets: standard streams, the poller, log sockets.
const SPARE_FILES: u64 = 32;

/// The most connections that are taken without being asked for: what they cost in memory still fits a small machine.
const AFFORDED_MAX: u32 = 500_000;
