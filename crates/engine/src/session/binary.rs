//! The binary protocol.

use super::execute::Turn;
use super::{Next, SessionSettings, Step};

/// A conversation in the binary protocol.
#[derive(Debug)]
pub(super) struct Binary {}

impl Binary {
    /// A conversation at its start.
    pub(super) const fn new(_settings: SessionSettings) -> Self {
        Self {}
    }

    /// Executes one request, or as many as are worth looking at together; see `Session::step`.
    /// `Next::Close` ends the session.
    pub(super) fn step(&mut self, input: &[u8], _turn: &mut Turn<'_>) -> Step {
        Step::stop(input.len(), Next::Close)
    }

    /// The room for the rest of a big value; empty if none is expected.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        &mut []
    }

    /// Counts bytes that were read into the buffer.
    pub(super) fn handle_received(&mut self, bytes: usize) {
        assert_eq!(bytes, 0, "no value is expected");
    }

    /// Whether it is in the middle of a request's body.
    pub(super) const fn is_receiving(&self) -> bool {
        false
    }
}
