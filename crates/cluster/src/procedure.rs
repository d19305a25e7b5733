//! What an operation does, round by round.

#![allow(
    unnameable_types,
    private_interfaces,
    reason = "sealed: only this crate implements procedures or calls them"
)]

use std::time::Instant;

use crate::batch::Batch;
use crate::link::Reply;

/// What an operation does: the rounds of [`Load`](crate::Load), [`Open`](crate::Open) and the others.
///
/// Sealed: the types of this crate are all there are.
pub trait Procedure: Rounds<Result = Self::Outcome> {
    /// What the operation brings.
    type Outcome;
}

impl<P: Rounds> Procedure for P {
    type Outcome = P::Result;
}

/// A procedure is a function from the answers of a round to the next round.
pub trait Rounds {
    type Result;

    /// Whether nodes are asked that are ejected.
    const IS_PROBE: bool = false;

    /// The next step. `answers` has an entry for each copy; the first call, and one after a pause,
    /// has [`Answer::NotAsked`] in all.
    fn next(&mut self, answers: &[Answer], now: Instant) -> Step<Self::Result>;
}

/// What came back from a copy's node in this round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    NotAsked,
    /// The node is ejected, or failed now.
    Failed,
    /// A reply for each request of the batch.
    Replies(Vec<Reply>),
}

/// What to do next.
#[derive(Debug)]
pub enum Step<T> {
    /// Ask these copies, by their index; call again when all have answered or failed.
    Ask(Vec<(usize, Batch)>),
    /// Call again at this time.
    Pause(Instant),
    Done(T),
}
