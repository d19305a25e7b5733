use std::time::Instant;

use crate::batch::{Batch, Value};
use crate::copy::{View, views};
use crate::lease::end_of_lease;
use crate::procedure::{Answer, Rounds, Step};
use crate::session::save::{stored, why_not_stored};
use crate::session::{Names, exptime};
use crate::{Lease, SessionError, Settings};

/// Gives a lock back: [`Session::unlock`](crate::Session::unlock). Costs two round trips.
#[derive(Debug)]
pub struct Unlock(Hold);

/// Holds a lock on: [`Session::renew`](crate::Session::renew). Costs two round trips.
#[derive(Debug)]
pub struct Renew(Hold);

/// What was held on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Renewed {
    /// How many nodes hold the lock on: at least 1.
    pub nodes: usize,
    /// The lease from now on.
    pub lease: Lease,
}

/// The first round trip finds the nodes where the lock is ours, the second changes it there unless
/// it has changed since.
#[derive(Debug)]
struct Hold {
    names: Names,
    lease: Lease,
    /// The seconds to hold on; none to give back.
    seconds: Option<u32>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Start,
    Looking,
    Changing,
}

impl Unlock {
    pub(crate) fn new(names: Names, lease: Lease) -> Self {
        Self(Hold::new(names, lease, None))
    }
}

impl Renew {
    pub(crate) fn new(names: Names, lease: Lease, settings: Settings) -> Self {
        Self(Hold::new(names, lease, Some(settings.lease_seconds)))
    }
}

impl Hold {
    fn new(names: Names, lease: Lease, seconds: Option<u32>) -> Self {
        Self {
            names,
            lease,
            seconds,
            stage: Stage::Start,
        }
    }

    fn next(&mut self, answers: &[Answer], now: Instant) -> Step<Result<usize, SessionError>> {
        match self.stage {
            Stage::Start => {
                if let Some(seconds) = self.seconds {
                    self.lease.until = end_of_lease(now, seconds);
                }
                self.look(answers.len())
            }
            Stage::Looking => self.change(answers),
            Stage::Changing => Step::Done(match stored(answers) {
                0 => Err(why_not_stored(answers, SessionError::LockLost)),
                nodes => Ok(nodes),
            }),
        }
    }

    fn look(&mut self, copies: usize) -> Step<Result<usize, SessionError>> {
        self.stage = Stage::Looking;
        let request = || Batch::default().gets(&[&self.names.lock]);
        Step::Ask((0..copies).map(|copy| (copy, request())).collect())
    }

    fn change(&mut self, answers: &[Answer]) -> Step<Result<usize, SessionError>> {
        let views = views(answers, &self.names);
        if views.iter().all(Option::is_none) {
            return Step::Done(Err(SessionError::Unreachable));
        }
        let requests: Vec<_> = views
            .iter()
            .enumerate()
            .filter_map(|(at, view)| Some((at, self.request(view.as_ref()?)?)))
            .collect();
        if requests.is_empty() {
            return Step::Done(Err(SessionError::LockLost));
        }
        self.stage = Stage::Changing;
        Step::Ask(requests)
    }

    /// The change where the lock is ours.
    fn request(&self, view: &View) -> Option<Batch> {
        let token = self.lease.token.as_bytes();
        let cas = view.lock_of(token)?;
        let batch = Batch::default();
        Some(match self.seconds {
            None => batch.cas_remove(&self.names.lock, cas),
            Some(seconds) => {
                let value = Value {
                    bytes: token,
                    flags: 0,
                    exptime: exptime(seconds),
                };
                batch.cas(&self.names.lock, cas, value)
            }
        })
    }
}

impl Rounds for Unlock {
    type Result = Result<usize, SessionError>;

    fn next(&mut self, answers: &[Answer], now: Instant) -> Step<Self::Result> {
        self.0.next(answers, now)
    }
}

impl Rounds for Renew {
    type Result = Result<Renewed, SessionError>;

    fn next(&mut self, answers: &[Answer], now: Instant) -> Step<Self::Result> {
        let step = self.0.next(answers, now);
        let renewed = |nodes| Renewed {
            nodes,
            lease: self.0.lease.clone(),
        };
        match step {
            Step::Ask(batches) => Step::Ask(batches),
            Step::Pause(until) => Step::Pause(until),
            Step::Done(outcome) => Step::Done(outcome.map(renewed)),
        }
    }
}
