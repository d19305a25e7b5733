//! What only the daemon knows.

use core::fmt;
use core::time::Duration;

/// Facts about the process around an engine, asked for only when a report needs them.
pub trait Process: fmt::Debug + Send + Sync {
    /// The facts of this moment.
    fn facts(&self) -> ProcessFacts;

    /// Shows every open connection and listener to `visit`, for `stats conns`.
    fn visit_connections(&self, visit: &mut dyn FnMut(&ConnectionFacts<'_>));

    /// `stats reset`: forget the counts of connections that were opened and refused.
    fn handle_reset(&self);
}

/// What the general report says about the process. `Default` is a process without sockets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProcessFacts {
    /// The process id.
    pub pid: u32,
    /// CPU time in user mode.
    pub user_time: Duration,
    /// CPU time in the kernel.
    pub system_time: Duration,
    /// What waits for events, with its version: the value of `libevent`, say `mio-1.0`.
    pub event_library: &'static str,
    /// Open connections and listening sockets, minus one.
    pub connections_now: u64,
    /// Connections and listening sockets ever opened.
    pub connections_total: u64,
    /// Connections refused at the limit.
    pub connections_rejected: u64,
    /// The most connection records that were ever needed at once.
    pub connections_peak: u64,
    /// Descriptors for internal use.
    pub descriptors_reserved: u64,
    /// Whether new connections are accepted.
    pub accepting: bool,
    /// How often accepting was suspended.
    pub accept_pauses: u64,
    /// For how long accepting was suspended.
    pub accept_paused: Duration,
    /// Buffers held by connections with an unfinished request: how many.
    pub read_buffers: u64,
    /// Buffers held by connections with an unfinished request: their size in bytes.
    pub read_buffer_bytes: u64,
    /// Connections closed for idleness.
    pub idle_kicks: u64,
}

/// One line group of `stats conns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the four lines of a connection")]
pub struct ConnectionFacts<'a> {
    /// The number that names the connection, such as its descriptor.
    pub id: u64,
    /// The peer's address, or that of a listener, such as `tcp:127.0.0.1:40000`.
    pub address: &'a str,
    /// The address that the client connected to; none for a listener.
    pub listen_address: Option<&'a str>,
    /// The state in memcached's words, such as `conn_read` or `conn_listening`.
    pub state: &'a str,
    /// Seconds since the last request.
    pub idle_secs: u64,
}

/// An engine without a process: for tests, and for programs that embed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(
    clippy::exhaustive_structs,
    reason = "there is nothing to know about nothing"
)]
pub struct NoProcess;

impl Process for NoProcess {
    fn facts(&self) -> ProcessFacts {
        ProcessFacts {
            accepting: true,
            event_library: "none",
            ..ProcessFacts::default()
        }
    }

    fn visit_connections(&self, _visit: &mut dyn FnMut(&ConnectionFacts<'_>)) {}

    fn handle_reset(&self) {}
}
