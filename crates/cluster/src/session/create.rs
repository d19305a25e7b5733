use std::time::Instant;

use bytes::Bytes;

use crate::batch::Batch;
use crate::copy::{Copy, Version, View, newest, views};
use crate::procedure::{Answer, Rounds, Step};
use crate::session::save::{stored, why_not_stored};
use crate::session::{Names, exptime};
use crate::{SessionError, Settings};

/// Stores a session that does not exist yet: [`Session::create`](crate::Session::create).
///
/// The first copy in order whose node answers decides who was first; the others follow it. Costs
/// three round trips, two with a single copy.
#[derive(Debug)]
pub struct Create {
    names: Names,
    copy: Copy,
    settings: Settings,
    views: Vec<Option<View>>,
    stage: Stage,
}

/// What was created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created {
    /// How many nodes have stored it: at least 1.
    pub copies: usize,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Start,
    Looking,
    First(usize),
    Others,
}

impl Create {
    pub(crate) fn new(names: Names, data: Bytes, settings: Settings) -> Self {
        let copy = Copy {
            version: Version::default(),
            is_destroyed: false,
            data,
        };
        Self {
            names,
            copy,
            settings,
            views: Vec::new(),
            stage: Stage::Start,
        }
    }

    fn look(&mut self, copies: usize) -> Step<<Self as Rounds>::Result> {
        if let Err(error) = self.copy.check(&self.settings) {
            return Step::Done(Err(error));
        }
        self.stage = Stage::Looking;
        let request = || Batch::default().gets(&[&self.names.data]);
        Step::Ask((0..copies).map(|copy| (copy, request())).collect())
    }

    fn handle_look(&mut self, answers: &[Answer]) -> Step<<Self as Rounds>::Result> {
        self.views = views(answers, &self.names);
        let newest = newest(&self.views);
        if newest.is_some_and(|copy| !copy.is_destroyed) {
            return Step::Done(Err(SessionError::Exists));
        }
        self.copy.version = newest
            .map_or_else(Version::default, |copy| copy.version)
            .next();
        self.store_first(0, SessionError::Unreachable)
    }

    /// Tries the next node that answered; `why` is the outcome if there is none.
    fn store_first(&mut self, from: usize, why: SessionError) -> Step<<Self as Rounds>::Result> {
        match (from..self.views.len()).find_map(|at| self.request(at)) {
            Some((at, batch)) => {
                self.stage = Stage::First(at);
                Step::Ask(vec![(at, batch)])
            }
            None => Step::Done(Err(why)),
        }
    }

    fn handle_first(&mut self, at: usize, answers: &[Answer]) -> Step<<Self as Rounds>::Result> {
        if stored(answers) == 0 {
            return match why_not_stored(answers, SessionError::Exists) {
                SessionError::Exists => Step::Done(Err(SessionError::Exists)),
                why => self.store_first(at + 1, why),
            };
        }
        self.stage = Stage::Others;
        Step::Ask(
            (at + 1..self.views.len())
                .filter_map(|other| self.request(other))
                .collect(),
        )
    }

    /// The request for a copy whose node has answered.
    fn request(&self, at: usize) -> Option<(usize, Batch)> {
        let view = self.views[at].as_ref()?;
        let lifetime = exptime(self.settings.lifetime_seconds);
        Some((
            at,
            self.copy.put(Batch::default(), &self.names, view, lifetime),
        ))
    }
}

impl Rounds for Create {
    type Result = Result<Created, SessionError>;

    fn next(&mut self, answers: &[Answer], _now: Instant) -> Step<Self::Result> {
        match self.stage {
            Stage::Start => self.look(answers.len()),
            Stage::Looking => self.handle_look(answers),
            Stage::First(at) => self.handle_first(at, answers),
            Stage::Others => Step::Done(Ok(Created {
                copies: 1 + stored(answers),
            })),
        }
    }
}
