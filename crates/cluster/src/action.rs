use core::fmt;

use bytes::Bytes;

use crate::NodeId;

/// What the caller is to do for an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a caller must perform every action"
)]
pub enum Action<T> {
    /// Send all of `bytes` to `node` on the operation's own connection to it, and feed what comes
    /// back. If the operation has none, take an idle one or open one; to connect, to send and to be
    /// answered share the one time limit of [`Operation::poll_timeout`](crate::Operation::poll_timeout).
    Send {
        /// The node.
        node: NodeId,
        /// One or more requests.
        bytes: Bytes,
    },
    /// Close the operation's connection to `node`: an answer may still come on it, and nobody may
    /// take it for the answer to something else.
    Close {
        /// The node.
        node: NodeId,
    },
    /// The operation is over. Its connections that are still open are clean: others may use them.
    Done(T),
}

/// Why there will be no answer from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// There is no connection: refused, unreachable, or not made.
    Refused,
    /// The connection ended before the answer was complete.
    Closed,
    /// The answer did not come in time.
    Timeout,
    /// What came is no answer to what was asked.
    BadReply,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "no connection",
            Self::Closed => "connection closed before the answer",
            Self::Timeout => "no answer in time",
            Self::BadReply => "answer does not fit the request",
        })
    }
}
