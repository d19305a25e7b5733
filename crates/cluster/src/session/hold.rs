use std::time::Instant;

use crate::batch::{Batch, Value};
use crate::copy::{View, views};
use crate::procedure::{Answer, Rounds, Step};
use crate::session::save::{stored, why_not_stored};
use crate::session::{Names, exptime};
use crate::{Lease, SessionError, Settings};

/// Gives a lock back or holds it on: [`Session::unlock`](crate::Session::unlock),
/// [`Session::renew`](crate::Session::renew).
///
/// The first round trip finds the nodes where the lock is ours, the second changes it there unless
/// it has changed since.
#[derive(Debug)]
pub struct Hold {
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

impl Hold {
    pub(crate) fn release(names: Names, lease: Lease) -> Self {
        Self {
            names,
            lease,
            seconds: None,
            stage: Stage::Start,
        }
    }

    pub(crate) fn renew(names: Names, lease: Lease, settings: Settings) -> Self {
        let seconds = Some(settings.lease_seconds);
        Self {
            names,
            lease,
            seconds,
            stage: Stage::Start,
        }
    }

    fn look(&mut self, copies: usize) -> Step<<Self as Rounds>::Result> {
        self.stage = Stage::Looking;
        let request = || Batch::default().gets(&[&self.names.lock]);
        Step::Ask((0..copies).map(|copy| (copy, request())).collect())
    }

    fn change(&mut self, answers: &[Answer]) -> Step<<Self as Rounds>::Result> {
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

impl Rounds for Hold {
    type Result = Result<usize, SessionError>;

    fn next(&mut self, answers: &[Answer], _now: Instant) -> Step<Self::Result> {
        match self.stage {
            Stage::Start => self.look(answers.len()),
            Stage::Looking => self.change(answers),
            Stage::Changing => Step::Done(match stored(answers) {
                0 => Err(why_not_stored(answers, SessionError::LockLost)),
                nodes => Ok(nodes),
            }),
        }
    }
}
