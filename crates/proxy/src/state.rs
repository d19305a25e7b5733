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

mod counters;

pub use counters::{Counters, Rate, SlidingAverage, Statuses};

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use crate::config::{Config, Host};
use crate::log::Level;
use crate::server::{CheckOutcome, CheckReport, Status};
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

/// A health check to make: connect, then close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// Whom it is about.
    pub server: ServerId,
    /// Where to connect.
    pub address: SocketAddr,
    /// How long it may take; report [`CheckOutcome::TimedOut`] after that.
    pub timeout: Duration,
}

/// A line for the logs of a proxy about itself or its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// Whose log targets get it.
    pub backend: BackendId,
    /// How important it is.
    pub level: Level,
    /// The text, without line end.
    pub text: String,
}

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
#[derive(Debug)]
pub struct State {
    config: Arc<Config>,
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
        let _ = (addresses, connections_max, seed, now);
        Self { config }
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
        let _ = id;
        unreachable!()
    }

    /// The counters of a backend.
    ///
    /// # Panics
    ///
    /// If `id` is not one of [`State::config`].
    #[must_use]
    pub fn backend(&self, id: BackendId) -> &Counters {
        let _ = id;
        unreachable!()
    }

    /// A server as it is now.
    ///
    /// # Panics
    ///
    /// If `id` is not one of [`State::config`].
    #[must_use]
    pub fn server(&self, id: ServerId) -> ServerView<'_> {
        let _ = id;
        unreachable!()
    }

    /// How many servers of `id` may take requests now: those proper, and the backups.
    #[must_use]
    pub fn usable(&self, id: BackendId) -> (usize, usize) {
        let _ = id;
        (0, 0)
    }

    /// What concerns the whole process.
    #[must_use]
    pub fn process(&self) -> &ProcessCounters {
        unreachable!()
    }

    /// The next health check that is due.
    pub fn poll_check(&mut self, now: Now) -> Option<Check> {
        let _ = now;
        None
    }

    /// Takes note of how a check ended; may change the server's state, wake streams and make notices.
    pub fn handle_check(&mut self, server: ServerId, outcome: CheckOutcome, now: Now) {
        let _ = (server, outcome, now);
    }

    /// When the next check is due; call [`poll_check`](Self::poll_check) then.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next stream that got a slot: deliver `Event::Granted` to it, without delay.
    pub fn poll_wakeup(&mut self) -> Option<StreamId> {
        None
    }

    /// The next line for the logs.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        None
    }

    /// Whether `frontend` may accept one more connection (its `maxconn`, and the process's).
    ///
    /// When false, leave connections in the kernel's backlog and ask again after a stream has finished.
    #[must_use]
    pub fn may_accept(&self, frontend: FrontendId) -> bool {
        let _ = frontend;
        true
    }
}
