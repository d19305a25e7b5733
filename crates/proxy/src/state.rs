//! What is true now: load, health, queues and counters of every proxy and server.
//!
//! `Config` is what the operator meant and never changes; `State` is one value that the daemon keeps behind one
//! mutex and lends to every call. It runs the health checks (as decisions: [`State::poll_check`] says which to make)
//! and hands server slots to waiting streams ([`State::poll_wakeup`]).
//!
//! The daemon's check task:
//!
//! ```text
//! loop {
//!     while let Some(check) = state.poll_check(now) {
//!         spawn: connect(check.address) within check.timeout, close;
//!                state.handle_check(check.server, outcome, now)
//!     }
//!     send every state.poll_notice() to the logs, deliver every state.poll_wakeup()
//!     sleep until state.poll_timeout(), or until a check ends
//! }
//! ```

mod backend;
mod checks;
mod counters;
mod slots;
#[cfg(test)]
mod tests;

pub use checks::{Check, Notice};
pub use counters::{Counters, Rate, SlidingAverage, Statuses};
pub(crate) use slots::{Assignment, Ticket};

use core::net::SocketAddr;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::balance::Balancer;
use crate::config::{self, Config, Host, Proxy};
use crate::server::{CheckReport, Health, Status};
use crate::time::Now;

/// A place in `Config::frontends`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs, reason = "an index, complete")]
pub struct FrontendId(pub usize);

/// A place in `Config::backends`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs, reason = "an index, complete")]
pub struct BackendId(pub usize);

/// One server: its backend and its place in `Backend::servers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs, reason = "two indices, complete")]
pub struct ServerId {
    /// The backend it belongs to.
    pub backend: BackendId,
    /// Its place in that backend.
    pub index: usize,
}

/// The daemon's name for a living stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs, reason = "the daemon's own number")]
pub struct StreamId(pub u64);

/// A server as `show stat` tells it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ServerView<'a> {
    /// Its counters.
    pub counters: &'a Counters,
    /// Up, down, ...
    pub status: Status,
    /// Where requests go.
    pub address: SocketAddr,
    /// The last check that has ended; `None` before, or without checks.
    pub check: Option<CheckReport>,
    /// Whether a check is under way.
    pub checking: bool,
    /// `check_rise`, `check_fall`, `check_health`; `None` without checks.
    pub health: Option<(u32, u32, u32)>,
    /// `lastchg`: when it last went up or down (at first: the start), milliseconds of Unix time.
    pub changed_unix_ms: u64,
    /// `downtime`: how long it was down altogether, until the last change.
    pub downtime_ms: u64,
}

/// Since when a backend has had a usable server, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Availability {
    /// `lastchg`: when its first server came or its last one went (at first: the start), milliseconds of Unix time.
    pub changed_unix_ms: u64,
    /// `downtime`: how long it had none altogether, until the last change.
    pub downtime_ms: u64,
}

/// Counters of the whole process, for `show info`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessCounters {
    /// `CurrConns`: client connections now.
    pub connections: u32,
    /// `Maxconn`: the limit.
    pub connections_max: u32,
    /// `CumConns`: client connections altogether.
    pub connections_total: u64,
    /// `CumReq`: requests altogether.
    pub requests_total: u64,
    /// `ConnRate` and `MaxConnRate`.
    pub rate: Rate,
    /// `MaxconnReached`: how often a listener found the limit reached.
    pub limit_reached: u64,
    /// `TotalBytesOut`: bytes sent to clients.
    pub bytes_out: u64,
    /// When the process started, milliseconds of Unix time.
    pub started_unix_ms: u64,
}

/// Load, health, queues and counters, now.
///
/// Invariants: a server's `current` is the number of slots handed out and not given back, and never exceeds its
/// `maxconn`; a stream waits in at most one queue or holds at most one unclaimed grant.
#[derive(Debug)]
pub struct State {
    config: Arc<Config>,
    process: ProcessCounters,
    frontends: Vec<Counters>,
    backends: Vec<Backend>,
    granted: HashMap<StreamId, ServerId>,
    wakeups: VecDeque<StreamId>,
    notices: VecDeque<Notice>,
}

/// What is true of one backend.
#[derive(Debug)]
struct Backend {
    counters: Counters,
    balancer: Balancer,
    servers: Vec<Server>,
    queue: slots::Queue,
    /// `proxy` for a `listen` section, `backend` for a section of that name.
    noun: &'static str,
    availability: Availability,
}

/// What is true of one server.
#[derive(Debug)]
struct Server {
    counters: Counters,
    address: SocketAddr,
    check_address: SocketAddr,
    health: Option<Health>,
    changed_unix_ms: u64,
    downtime_ms: u64,
}

impl State {
    /// The state at the start: every server is up, and its first check comes within one interval.
    ///
    /// `addresses` tells where a host and port of the configuration are (names were resolved by the daemon);
    /// `connections_max` is the limit of the whole process; `seed`, any random number, spreads the first checks.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        addresses: &dyn Fn(&Host, u16) -> SocketAddr,
        connections_max: u32,
        seed: u64,
        now: Now,
    ) -> Self {
        let mut seed = seed;
        let mut backends: Vec<_> = config
            .backends
            .iter()
            .map(|backend| Backend::new(backend, addresses, &mut seed, now))
            .collect();
        for proxy in &config.proxies {
            if let Proxy::Listen { backend, .. } = proxy {
                backends[*backend].noun = "proxy";
            }
        }
        Self {
            process: ProcessCounters {
                connections_max,
                started_unix_ms: now.unix_ms,
                ..ProcessCounters::default()
            },
            frontends: vec![Counters::default(); config.frontends.len()],
            backends,
            granted: HashMap::new(),
            wakeups: VecDeque::new(),
            notices: VecDeque::new(),
            config,
        }
    }

    /// What the operator meant.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The counters of a frontend.
    ///
    /// # Panics
    ///
    /// If `id` is not one of [`State::config`]; so do the other look-ups.
    #[must_use]
    pub fn frontend(&self, id: FrontendId) -> &Counters {
        &self.frontends[id.0]
    }

    /// The counters of a backend.
    ///
    /// # Panics
    ///
    /// If `id` is not one of [`State::config`].
    #[must_use]
    pub fn backend(&self, id: BackendId) -> &Counters {
        &self.backends[id.0].counters
    }

    /// Since when a backend has had a usable server, or none.
    ///
    /// # Panics
    ///
    /// If `id` is not one of [`State::config`].
    #[must_use]
    pub fn availability(&self, id: BackendId) -> Availability {
        self.backends[id.0].availability
    }

    /// A server as it is now.
    ///
    /// # Panics
    ///
    /// If `id` is not one of [`State::config`].
    #[must_use]
    pub fn server(&self, id: ServerId) -> ServerView<'_> {
        let server = &self.backends[id.backend.0].servers[id.index];
        let health = server.health.as_ref();
        ServerView {
            counters: &server.counters,
            status: match health {
                _ if self.configured(id).disabled => Status::Maintenance,
                None => Status::Unchecked,
                Some(health) => health.status(),
            },
            address: server.address,
            check: health.and_then(Health::report).copied(),
            checking: health.is_some_and(Health::is_checking),
            health: health.map(|health| {
                let settings = health.settings();
                (settings.rise, settings.fall, health.counter())
            }),
            changed_unix_ms: server.changed_unix_ms,
            downtime_ms: server.downtime_ms,
        }
    }

    /// How many servers of `id` may take requests now: those proper, and the backups.
    ///
    /// # Panics
    ///
    /// If `id` is not one of [`State::config`].
    #[must_use]
    pub fn usable(&self, id: BackendId) -> (usize, usize) {
        let servers = self.config.backends[id.0].servers.iter().enumerate();
        let mut counts = (0, 0);
        for (index, server) in servers {
            if self.is_usable(ServerId { backend: id, index }) {
                let count = if server.backup {
                    &mut counts.1
                } else {
                    &mut counts.0
                };
                *count += 1;
            }
        }
        counts
    }

    /// What concerns the whole process.
    #[must_use]
    pub const fn process(&self) -> &ProcessCounters {
        &self.process
    }

    /// When the next check is due; call [`poll_check`](Self::poll_check) then.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let servers = self.backends.iter().flat_map(|backend| &backend.servers);
        servers.filter_map(|server| server.health?.due()).min()
    }

    /// The next line for the logs.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Whether `frontend` may accept one more connection (its `maxconn`, and the process's).
    ///
    /// When false, leave connections in the kernel's backlog and ask again after a stream has finished.
    ///
    /// # Panics
    ///
    /// If `frontend` is not one of [`State::config`].
    #[must_use]
    pub fn may_accept(&self, frontend: FrontendId) -> bool {
        let limit = self.config.frontends[frontend.0].maxconn;
        let limit = limit.filter(|limit| *limit > 0).unwrap_or(u32::MAX);
        self.process.connections < self.process.connections_max
            && self.frontends[frontend.0].current < limit
    }

    /// A client connection was accepted.
    pub(crate) fn enter(&mut self, frontend: FrontendId, now: Now) {
        self.process.connections += 1;
        self.process.connections_total += 1;
        self.process.rate.count(now.unix_ms);
        if self.process.connections >= self.process.connections_max {
            self.process.limit_reached += 1;
        }
        self.frontends[frontend.0].enter(now.unix_ms);
    }

    /// A client connection is over.
    pub(crate) fn leave(&mut self, frontend: FrontendId) {
        self.process.connections = self.process.connections.saturating_sub(1);
        self.frontends[frontend.0].leave();
    }

    pub(crate) const fn process_mut(&mut self) -> &mut ProcessCounters {
        &mut self.process
    }

    pub(crate) fn frontend_mut(&mut self, id: FrontendId) -> &mut Counters {
        &mut self.frontends[id.0]
    }

    pub(crate) fn backend_mut(&mut self, id: BackendId) -> &mut Counters {
        &mut self.backends[id.0].counters
    }

    pub(crate) fn server_mut(&mut self, id: ServerId) -> &mut Counters {
        &mut self.backends[id.backend.0].servers[id.index].counters
    }

    /// Whether requests may go to a server: it is not disabled, and not down.
    pub(crate) fn is_usable(&self, id: ServerId) -> bool {
        let configured = self.configured(id);
        let health = &self.backends[id.backend.0].servers[id.index].health;
        !configured.disabled && configured.weight > 0 && health.as_ref().is_none_or(Health::is_up)
    }

    pub(crate) fn address(&self, id: ServerId) -> SocketAddr {
        self.backends[id.backend.0].servers[id.index].address
    }

    pub(crate) fn configured(&self, id: ServerId) -> &config::Server {
        &self.config.backends[id.backend.0].servers[id.index]
    }
}
