//! What the daemon tells a stream.

/// One of the two connections of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a connection has two sides")]
pub enum Side {
    /// Whoever connected to us.
    Client,
    /// Whom we connect to.
    Server,
}

impl Side {
    /// The opposite side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What happened on the sockets of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the daemon must be able to say each of them"
)]
pub enum Event<'a> {
    /// Bytes were read for the core. The stream takes all of them, so read only while it `wants` them.
    Received {
        /// Whose bytes.
        from: Side,
        /// The bytes; never empty (the end of input is `Closed`).
        bytes: &'a [u8],
    },
    /// `len` bytes of an `Action::Forward` were read, and will be written to the other side.
    Forwarded {
        /// Where they came from.
        from: Side,
        /// How many.
        len: usize,
    },
    /// `len` bytes were written: of `Action::Send` or of a `Forward`, in order.
    Sent {
        /// Where they went.
        to: Side,
        /// How many.
        len: usize,
    },
    /// The orderly end of input: nothing more comes from that side, but it may still take bytes.
    Closed {
        /// Who closed.
        by: Side,
    },
    /// The connection is broken in both directions: a reset, or a write that failed.
    Reset {
        /// Whose connection.
        by: Side,
    },
    /// The connection asked for by `Action::Connect` is there.
    Connected {
        /// True when it is a parked one that has carried requests before.
        reused: bool,
    },
    /// The connection asked for by `Action::Connect` could not be made.
    ConnectFailed {
        /// Why.
        error: ConnectError,
    },
    /// `State::poll_wakeup` named this stream: a server has a slot for it.
    Granted,
    /// The daemon is leaving softly: finish the request, then close; close at once when waiting for a
    /// further one.
    Draining,
}

/// Why a connection could not be made. Time-outs are the stream's own business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The peer's system said no (`ECONNREFUSED`, `ECONNRESET`).
    Refused,
    /// No way there (`ENETUNREACH`, `EHOSTUNREACH`, ...).
    Unreachable,
    /// We ran out of something: file descriptors, local ports, memory.
    Resource,
    /// Anything else.
    Other,
}
