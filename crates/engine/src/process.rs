//! What only the daemon knows, and what only it can do.

use core::fmt;
use core::time::Duration;
use std::string::String;

/// The process around an engine: facts, asked for only when a report needs them, and the few
/// things that a client's command asks of the process.
///
/// Calls come from the thread that serves the client; none may block or call the engine.
pub trait Process: fmt::Debug + Send + Sync {
    /// The facts of this moment.
    fn facts(&self) -> ProcessFacts;

    /// Shows every open connection and listener to `visit`, for `stats conns`.
    fn visit_connections(&self, visit: &mut dyn FnMut(&ConnectionFacts<'_>));

    /// `stats reset`: forget the counts of connections that were opened and refused.
    fn handle_reset(&self);

    /// `shutdown`, which only comes where [`Settings::shutdown_enabled`](crate::Settings) is on:
    /// begin to end the process and return. The default does nothing.
    fn handle_shutdown(&self, how: Shutdown) {
        let _ = how;
    }

    /// `refresh_certs`: read the certificates anew. Connections that are open keep theirs.
    ///
    /// # Errors
    ///
    /// The line to answer, without its end; the old certificates stay. The default is that of a
    /// process without TLS.
    fn refresh_certificates(&self) -> Result<(), String> {
        Err(String::from("Error TLS not enabled"))
    }

    /// Gives the sessions that watch, among those served by that worker, another call soon: see
    /// [`Session::is_watching`](crate::Session::is_watching). Called from any thread, at most once
    /// for each time that such a session ran out of lines. Must not block, nor call the engine.
    fn wake(&self, _worker: usize) {}

    /// The time since 1970-01-01, for lines of the log. Asked for only while somebody watches;
    /// without an answer, lines have whole seconds.
    fn unix_time(&self) -> Option<Duration> {
        None
    }
}

/// How a client wants the process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the two forms of the command")]
pub enum Shutdown {
    /// `shutdown`: as on the signal INT.
    Now,
    /// `shutdown graceful`: as on the signal USR1, which keeps the items where a memory file is
    /// set.
    Graceful,
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
    /// Requests refused because there was no memory to gather them.
    pub read_buffers_refused: u64,
    /// Connections closed for idleness.
    pub idle_kicks: u64,
    /// What TLS counts; none where nothing is encrypted, and such lines are left out.
    pub tls: Option<TlsFacts>,
}

/// What TLS counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsFacts {
    /// Sessions begun anew, not resumed (`ssl_new_sessions`); none without a session cache.
    pub sessions_new: Option<u64>,
    /// Handshakes that failed (`ssl_handshake_errors`).
    pub handshake_errors: u64,
    /// Connections lost to what is no TLS, plain text say (`ssl_proto_errors`).
    pub protocol_errors: u64,
    /// Seconds since the certificates were read (`time_since_server_cert_refresh`).
    pub certificates_age_secs: u64,
}

/// One line group of `stats conns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the lines of a connection")]
pub struct ConnectionFacts<'a> {
    /// The number that names the connection, such as its descriptor.
    pub id: u64,
    /// The peer's address, or that of a listener, such as `tcp:127.0.0.1:40000`; one that begins
    /// with `udp` is marked as UDP.
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
