//! What the operator meant: the configuration after defaults, validation and resolution of names.
//!
//! Every value is final: what a `defaults` section says has been merged in, `log global` has been
//! replaced by the global targets, `default_backend` is an index. Put a [`Config`] in an `Arc` and
//! never change it; what is true at the moment (load, health, queues) lives elsewhere.

mod global;

use core::time::Duration;
use std::sync::Arc;

use super::address::Host;
use super::diagnostic::Position;
use super::logging::Logging;
use super::network::Network;
pub use global::{Account, Global, Level, LogHostname, StatsSocket};

/// A whole configuration: the `global` sections and every proxy, in the order of the files.
///
/// Invariants: names are unique among the frontends and among the backends, names of servers
/// within their backend; ids are unique among all sections (a `listen` section is a frontend and
/// a backend of one name and one id); every index that a field holds is in range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The settings of the whole process.
    pub global: Global,
    /// `frontend` and `listen` sections, in the order of the files.
    pub frontends: Vec<Frontend>,
    /// `backend` and `listen` sections, in the order of the files.
    pub backends: Vec<Backend>,
    /// All proxies, in the order of the files: the order of `show stat`.
    pub proxies: Vec<Proxy>,
}

/// One section among [`Config::proxies`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a proxy has one side, the other, or both"
)]
pub enum Proxy {
    /// A `frontend` section: the index in [`Config::frontends`].
    Frontend(usize),
    /// A `backend` section: the index in [`Config::backends`].
    Backend(usize),
    /// A `listen` section, which is both.
    Listen {
        /// The index in [`Config::frontends`].
        frontend: usize,
        /// The index in [`Config::backends`].
        backend: usize,
    },
}

/// A `frontend` section, or the client side of a `listen` section.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frontend {
    /// The section's name.
    pub name: Arc<str>,
    /// `id`. Default: counted from 2 over all sections of the files.
    pub id: u32,
    /// `bind`: one entry per address and port, ranges expanded.
    pub binds: Vec<Bind>,
    /// `maxconn`: concurrent client connections; beyond it the daemon stops to accept.
    /// Default (and 0): [`Global::maxconn`].
    pub maxconn: Option<u32>,
    /// Time limits; the client's side matters here.
    pub timeouts: Timeouts,
    /// Whether the client's connection is kept.
    pub connection_mode: ConnectionMode,
    /// `option forwardfor`.
    pub forward_for: Option<ForwardFor>,
    /// Where requests are logged, and how.
    pub logging: Logging,
    /// The index in [`Config::backends`] of `default_backend`, or of the `listen` section itself.
    /// `None`: every request is answered with 503.
    pub default_backend: Option<usize>,
    /// `http-request` statements, in order. In a `listen` section the backend's list is empty and
    /// this one holds the rules: they run once.
    pub http_request: Vec<HttpRequestRule>,
    /// `disabled`: parsed, and not started.
    pub disabled: bool,
    /// The section's first line.
    pub position: Position,
}

/// One address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bind {
    /// The host; [`Host::Any4`] for `*` or nothing.
    pub host: Host,
    /// 1 to 65535.
    pub port: u16,
    /// The statement's place, for messages about a failed bind.
    pub position: Position,
}

/// A `backend` section, or the server side of a `listen` section.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backend {
    /// The section's name.
    pub name: Arc<str>,
    /// `id`. Default: counted from 2 over all sections of the files.
    pub id: u32,
    /// `balance`. Default: round robin.
    pub balance: Balance,
    /// `server`, in order.
    pub servers: Vec<Server>,
    /// `retries`: attempts to connect after the first one. Default: 3.
    pub retries: u32,
    /// `option redispatch`: which retry may go to another server. Default: none.
    pub redispatch: Redispatch,
    /// Time limits; the server's side matters here.
    pub timeouts: Timeouts,
    /// Whether the server's connection is kept.
    pub connection_mode: ConnectionMode,
    /// `option forwardfor`.
    pub forward_for: Option<ForwardFor>,
    /// Where changes of health are logged.
    pub logging: Logging,
    /// `http-request` statements of a `backend` section, in order; they run after the frontend's.
    pub http_request: Vec<HttpRequestRule>,
    /// `disabled`: parsed, and not started.
    pub disabled: bool,
    /// The section's first line.
    pub position: Position,
}

/// How a backend chooses among its servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Balance {
    /// `balance roundrobin`: in turn, by weight.
    #[default]
    RoundRobin,
}

impl Balance {
    /// The word of the `balance` statement and of the `algo` column of `show stat`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "roundrobin",
        }
    }
}

/// A `server` statement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// The server's name, unique in its backend.
    pub name: Arc<str>,
    /// `id`. Default: counted from 1 within the backend.
    pub id: u32,
    /// Where requests go: a numeric address, or a name that the daemon resolves at start.
    pub host: Host,
    /// 1 to 65535.
    pub port: u16,
    /// `weight`: 0 to 256; 0 takes no new traffic. Default: 1.
    pub weight: u16,
    /// `check`: how the server is probed. `None`: it is taken to be up for ever.
    pub check: Option<Check>,
    /// `maxconn`: concurrent requests on this server; beyond it they queue. Default (and 0): no
    /// limit.
    pub maxconn: Option<u32>,
    /// `maxqueue`: requests that may wait for this very server. Default (and 0): no limit. Without
    /// persistence requests wait for their backend, so this is only told, as `qlimit`.
    pub maxqueue: Option<u32>,
    /// `backup`: used only when no other server is usable.
    pub backup: bool,
    /// `disabled`: starts in maintenance.
    pub disabled: bool,
    /// The statement's place.
    pub position: Position,
}

/// How a server is probed: by a TCP connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// `addr`: the host to connect to. Default: the server's.
    pub host: Option<Host>,
    /// `port`: the port to connect to. Default: the server's.
    pub port: Option<u16>,
    /// `inter`: from the end of a probe to the start of the next. Default: 2 s.
    pub inter: Duration,
    /// `fastinter`: the same while health is changing. Default: `inter`.
    pub fast_inter: Duration,
    /// `downinter`: the same while the server is down. Default: `inter`.
    pub down_inter: Duration,
    /// `rise`: successes that bring a server up; at least 1. Default: 2.
    pub rise: u32,
    /// `fall`: failures that take a server down; at least 1. Default: 3.
    pub fall: u32,
}

/// `option redispatch [N]`: which retries may go to another server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the number is positive, negative or absent"
)]
pub enum Redispatch {
    /// No retry leaves its server.
    #[default]
    Never,
    /// `N > 0`: every Nth retry.
    Every(u32),
    /// `N < 0`: the retry that is the Nth from the end; 1, the last one, without a number.
    FromLast(u32),
}

/// Time limits of a proxy. `None` is no limit (0 in the file means the same).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From a request's first byte to the end of its head.
    pub http_request: Option<Duration>,
    /// Idle time before the next request's first byte.
    pub http_keep_alive: Option<Duration>,
    /// Wait for a free server; see [`Timeouts::queue_or_connect`].
    pub queue: Option<Duration>,
    /// One attempt to connect to a server.
    pub connect: Option<Duration>,
    /// Inactivity of the client.
    pub client: Option<Duration>,
    /// Inactivity of the server.
    pub server: Option<Duration>,
    /// A probe's answer after it has connected; a TCP probe has no such phase.
    pub check: Option<Duration>,
    /// Inactivity of both sides of a tunnel.
    pub tunnel: Option<Duration>,
    /// Inactivity of the client once one side has closed.
    pub client_fin: Option<Duration>,
    /// Inactivity of the server once one side has closed.
    pub server_fin: Option<Duration>,
}

impl Timeouts {
    /// The limit of waiting for a free server: `queue`, else `connect`.
    #[must_use]
    pub fn queue_or_connect(&self) -> Option<Duration> {
        self.queue.or(self.connect)
    }

    /// The limit of waiting for the next request: `http-keep-alive`, else `http-request`, else
    /// `client`.
    #[must_use]
    pub fn keep_alive_or_request(&self) -> Option<Duration> {
        self.http_keep_alive.or(self.http_request).or(self.client)
    }

    /// The limit of receiving a request's head: `http-request`, else `client`.
    #[must_use]
    pub fn request_or_client(&self) -> Option<Duration> {
        self.http_request.or(self.client)
    }
}

/// What happens to connections after an exchange: the last of three options in a section.
///
/// A frontend's `Close` closes the client's side; a backend's `Close` closes the server's side;
/// `ServerClose` in either closes the server's side and keeps the client's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the language has these three")]
pub enum ConnectionMode {
    /// `option http-keep-alive`: both sides are kept.
    #[default]
    KeepAlive,
    /// `option http-server-close`.
    ServerClose,
    /// `option httpclose`.
    Close,
}

/// `option forwardfor`: tell servers the client's address in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForwardFor {
    /// `except`: clients of this network get no header.
    pub except: Option<Network>,
    /// `header`: the name as it is sent. Default: `x-forwarded-for`.
    pub header: String,
    /// `if-none`: a request that has the header is left alone.
    pub if_none: bool,
}

/// An `http-request` statement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpRequestRule {
    /// `del-header`: removes every header whose name matches.
    DelHeader(HeaderMatch),
    /// `set-header`: removes every header of the name and appends one.
    SetHeader {
        /// The name as it is sent.
        name: String,
        /// The value, a literal.
        value: String,
    },
    /// `add-header`: appends a header.
    AddHeader {
        /// The name as it is sent.
        name: String,
        /// The value, a literal.
        value: String,
    },
}

/// Which header names a rule means. All of them ignore case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderMatch {
    /// This name.
    Name(String),
    /// `-m beg`: names that begin so.
    Prefix(String),
    /// `-m end`: names that end so.
    Suffix(String),
    /// `-m sub`: names that contain it.
    Contains(String),
}

impl HeaderMatch {
    /// Tells whether the header name `name` is meant. Takes time in the product of both lengths.
    #[must_use]
    pub fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Name(text) => name.eq_ignore_ascii_case(text.as_bytes()),
            Self::Prefix(text) => name
                .get(..text.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(text.as_bytes())),
            Self::Suffix(text) => name
                .len()
                .checked_sub(text.len())
                .is_some_and(|start| name[start..].eq_ignore_ascii_case(text.as_bytes())),
            Self::Contains(text) => {
                text.is_empty()
                    || name
                        .windows(text.len())
                        .any(|part| part.eq_ignore_ascii_case(text.as_bytes()))
            }
        }
    }
}
