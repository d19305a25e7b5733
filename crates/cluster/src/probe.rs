use std::time::Instant;

use crate::batch::Batch;
use crate::link::Reply;
use crate::procedure::{Answer, Rounds, Step};

/// Asks one stopped node for its version; its outcome says whether it answered.
#[derive(Debug)]
pub struct Probe {
    is_asked: bool,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Self { is_asked: false }
    }
}

impl Rounds for Probe {
    type Result = bool;

    const IS_PROBE: bool = true;

    fn next(&mut self, answers: &[Answer], _now: Instant) -> Step<bool> {
        if !self.is_asked {
            self.is_asked = true;
            return Step::Ask(vec![(0, Batch::default().version())]);
        }
        Step::Done(
            matches!(&answers[0], Answer::Replies(replies) if replies[..] == [Reply::Version]),
        )
    }
}
