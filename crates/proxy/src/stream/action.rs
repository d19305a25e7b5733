//! What a stream tells the daemon.

use core::net::SocketAddr;

use bytes::Bytes;

use super::Side;
use crate::log::{ConnectRecord, HttpRecord};
use crate::state::ServerId;

/// What to do next, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the daemon must know how to do each of them"
)]
pub enum Action {
    /// Get a connection to `server`. Answer with `Connected` or `ConnectFailed`.
    ///
    /// There is no time-out to keep: when it has passed, the stream says `Close(Server)`.
    Connect {
        /// Which server; the key of parked connections.
        server: ServerId,
        /// Where it is.
        address: SocketAddr,
        /// Whether a connection that this stream parked may be taken, if one is there and still open.
        reuse: bool,
    },
    /// Write `bytes`, after everything written before. Report with `Sent`; in pieces is fine.
    Send {
        /// Where to.
        to: Side,
        /// What.
        bytes: Bytes,
    },
    /// Relay the next `len` bytes that come from the other side, after everything written before.
    ///
    /// Report what is read with `Forwarded`, what is written with `Sent`, the end of input with `Closed`.
    /// [`u64::MAX`] stands for "until the other side closes". A new `Forward` to the same side replaces the old one.
    Forward {
        /// Where to.
        to: Side,
        /// How many bytes.
        len: u64,
    },
    /// Shut the writing half down, once everything is written.
    ShutdownWrite(Side),
    /// The server connection is idle and in order: keep it for a later `Connect` with `reuse`.
    ///
    /// This rule: within this stream only (what `http-reuse never` and `safe` have in common), one per
    /// server, dropped with the stream or when the server closes it.
    Park(ServerId),
    /// Drop that side's connection (or attempt to connect) and whatever was to be written to it.
    Close(Side),
    /// A request has ended: log it for this stream's frontend.
    Log(Box<HttpRecord>),
    /// A frontend without `option httplog` has received a request: log it.
    LogConnect(Box<ConnectRecord>),
}
