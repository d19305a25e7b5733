//! What a finished request leaves behind, as plain data.

use core::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

/// Everything that the `httplog` line says about one request.
///
/// Constructed by the state machine of an exchange when the exchange is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the fields are those of the httplog line"
)]
pub struct HttpRecord {
    /// The client's address.
    pub client: SocketAddr,
    /// The first byte of the request, or the accept if none came: milliseconds of Unix time.
    pub accept_unix_ms: u64,
    /// The frontend's name.
    pub frontend: Arc<str>,
    /// The backend's name; the frontend's where no backend was chosen.
    pub backend: Arc<str>,
    /// Who answered.
    pub server: ServerField,
    /// How long each phase took.
    pub timers: Timers,
    /// The status sent to the client; `None` if nothing was sent, written as -1.
    pub status: Option<u16>,
    /// Bytes from the server, heads included. 0 for an answer of our own.
    pub bytes: u64,
    /// How it ended.
    pub termination: Termination,
    /// How busy the process was, after this exchange left.
    pub connections: Connections,
    /// Connection attempts after the first one.
    pub retries: u32,
    /// Whether a retry went to another server: written as `+` before the retries.
    pub redispatched: bool,
    /// How many waited before this request when it was queued.
    pub queue: QueuePositions,
    /// The request line, `METHOD SP URI SP VERSION`, as received but for blanks; `None` if it
    /// could not be parsed, written as `<BADREQ>`.
    pub request: Option<Bytes>,
}

/// The second half of the `backend/server` field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerField {
    /// No server was reached: `<NOSRV>`.
    None,
    /// The server's name.
    Name(Arc<str>),
}

/// `TR/Tw/Tc/Tr/Ta` in milliseconds. `None` is a phase that was not reached, written as -1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the httplog line has these five")]
pub struct Timers {
    /// `TR`: from the first byte to the end of the request's head.
    pub request_ms: Option<u32>,
    /// `Tw`: waiting for a server, attempts before a redispatch included.
    pub wait_ms: Option<u32>,
    /// `Tc`: connecting, all attempts.
    pub connect_ms: Option<u32>,
    /// `Tr`: from the connection to the end of the response's head.
    pub response_ms: Option<u32>,
    /// `Ta`: from the first byte to the last.
    pub total_ms: u32,
}

/// How an exchange ended: the first two letters of the termination state. The other two, about
/// persistence cookies, are always `--`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "a termination has a cause and a phase"
)]
pub struct Termination {
    /// Who or what ended it.
    pub cause: Cause,
    /// What was going on.
    pub phase: Phase,
}

impl Termination {
    /// The state of these two letters.
    #[must_use]
    pub const fn new(cause: Cause, phase: Phase) -> Self {
        Self { cause, phase }
    }

    /// The four letters of the log line.
    #[must_use]
    pub fn letters(self) -> [u8; 4] {
        [self.cause.letter(), self.phase.letter(), b'-', b'-']
    }
}

/// What ended an exchange: the first letter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// `-`: it was complete.
    #[default]
    Normal,
    /// `C`: the client closed.
    Client,
    /// `S`: the server closed or refused.
    Server,
    /// `P`: we refused, a rule or an invalid message.
    Proxy,
    /// `L`: we answered.
    Local,
    /// `R`: a resource ran out.
    Resource,
    /// `I`: an internal error.
    Internal,
    /// `c`: the client was too slow.
    ClientTimeout,
    /// `s`: the server, or the queue, was too slow.
    ServerTimeout,
}

impl Cause {
    fn letter(self) -> u8 {
        match self {
            Self::Normal => b'-',
            Self::Client => b'C',
            Self::Server => b'S',
            Self::Proxy => b'P',
            Self::Local => b'L',
            Self::Resource => b'R',
            Self::Internal => b'I',
            Self::ClientTimeout => b'c',
            Self::ServerTimeout => b's',
        }
    }
}

/// What was going on when an exchange ended: the second letter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// `-`: nothing, it was complete.
    #[default]
    Done,
    /// `R`: receiving the request.
    Request,
    /// `Q`: waiting in a queue.
    Queue,
    /// `C`: connecting to the server.
    Connect,
    /// `H`: waiting for the response's head.
    Headers,
    /// `D`: moving data.
    Data,
}

impl Phase {
    fn letter(self) -> u8 {
        match self {
            Self::Done => b'-',
            Self::Request => b'R',
            Self::Queue => b'Q',
            Self::Connect => b'C',
            Self::Headers => b'H',
            Self::Data => b'D',
        }
    }
}

/// `ac/fc/bc/sc`: concurrent connections when the line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the httplog line has these four")]
pub struct Connections {
    /// Of the process; this client's own included.
    pub process: u32,
    /// Of the frontend; this client's own included.
    pub frontend: u32,
    /// Of the backend, without this exchange.
    pub backend: u32,
    /// Of the server, without this exchange.
    pub server: u32,
}

/// `sq/bq`: requests that were ahead in the queues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "there are two queues")]
pub struct QueuePositions {
    /// In the server's queue.
    pub server: u32,
    /// In the backend's queue.
    pub backend: u32,
}

/// What is logged of a connection where `option httplog` is not set, when it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the fields are those of the line"
)]
pub struct ConnectRecord {
    /// The client's address.
    pub client: SocketAddr,
    /// The address that it connected to.
    pub local: SocketAddr,
    /// The frontend's name.
    pub frontend: Arc<str>,
}
