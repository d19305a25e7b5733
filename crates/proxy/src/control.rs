//! The commands of the stats socket: bytes in, answers out.

use crate::config::Level;
use crate::state::State;
use crate::stats::Process;
use crate::time::Now;

/// One connection to a stats socket.
///
/// Reads one line, answers it and ends; after `prompt`, every line until `quit`.
#[derive(Debug, Clone)]
pub struct Control {
    level: Level,
    line: Vec<u8>,
    interactive: bool,
}

/// Whether a connection to a stats socket goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "it goes on or it ends")]
pub enum Next {
    /// Read on.
    Read,
    /// Write what is left of the answers, then close.
    Close,
}

impl Control {
    /// A new connection, which may do what `level` allows.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self {
            level,
            line: Vec::new(),
            interactive: false,
        }
    }

    /// Takes bytes from the client and appends answers to `out`.
    ///
    /// Lines may arrive in pieces. After [`Next::Close`] further bytes are ignored. When the
    /// client ends its side without a line feed, there is nothing to answer.
    pub fn handle_input(
        &mut self,
        bytes: &[u8],
        state: &State,
        process: &Process,
        now: Now,
        out: &mut Vec<u8>,
    ) -> Next {
        let _ = (
            bytes,
            state,
            process,
            now,
            out,
            self.level,
            &mut self.line,
            self.interactive,
        );
        Next::Close
    }
}
