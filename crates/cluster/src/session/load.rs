use std::time::Instant;

use bytes::Bytes;

use crate::batch::Batch;
use crate::copy::{View, newest, repairs, views};
use crate::procedure::{Answer, Rounds, Step};
use crate::session::{Names, exptime};
use crate::{SessionError, Settings};

/// Reads a session without its lock: [`Session::load`](crate::Session::load).
///
/// Every copy is asked at once and the newest counts: a node that came back empty, or that missed the
/// latest save, hides nothing. Costs one round trip; one more if a copy was repaired.
#[derive(Debug)]
pub struct Load {
    names: Names,
    settings: Settings,
    stage: Stage,
}

/// What the nodes hold of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The newest copy; none if no node that answered has the session.
    pub data: Option<Bytes>,
    /// How many nodes answered. When fewer than hold copies, a node that is down may know better.
    pub answered: usize,
}

#[derive(Debug)]
enum Stage {
    Start,
    Reading,
    Repairing(Loaded),
}

impl Load {
    pub(crate) fn new(names: Names, settings: Settings) -> Self {
        Self {
            names,
            settings,
            stage: Stage::Start,
        }
    }
}

impl Loaded {
    pub(crate) fn of(views: &[Option<View>]) -> Self {
        let live = newest(views).filter(|copy| !copy.is_destroyed);
        Self {
            data: live.map(|copy| copy.data.clone()),
            answered: views.iter().flatten().count(),
        }
    }
}

impl Rounds for Load {
    type Result = Result<Loaded, SessionError>;

    fn next(&mut self, answers: &[Answer], _now: Instant) -> Step<Self::Result> {
        match core::mem::replace(&mut self.stage, Stage::Reading) {
            Stage::Start => Step::Ask(
                (0..answers.len())
                    .map(|copy| (copy, Batch::default().gets(&[&self.names.data])))
                    .collect(),
            ),
            Stage::Reading => {
                let views = views(answers, &self.names);
                let loaded = Loaded::of(&views);
                if loaded.answered == 0 {
                    return Step::Done(Err(SessionError::Unreachable));
                }
                let lifetime = exptime(self.settings.lifetime_seconds);
                let repairs = repairs(&views, &self.names, lifetime);
                if repairs.is_empty() {
                    return Step::Done(Ok(loaded));
                }
                self.stage = Stage::Repairing(loaded);
                Step::Ask(repairs)
            }
            Stage::Repairing(loaded) => Step::Done(Ok(loaded)),
        }
    }
}
