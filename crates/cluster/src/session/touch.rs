use std::time::Instant;

use crate::batch::Batch;
use crate::link::Reply;
use crate::procedure::{Answer, Rounds, Step};
use crate::session::{Names, exptime};
use crate::{SessionError, Settings};

/// Lets a session live on: [`Session::touch`](crate::Session::touch). Costs one round trip.
#[derive(Debug)]
pub struct Touch {
    names: Names,
    settings: Settings,
    is_asked: bool,
}

impl Touch {
    pub(crate) fn new(names: Names, settings: Settings) -> Self {
        Self {
            names,
            settings,
            is_asked: false,
        }
    }
}

impl Rounds for Touch {
    type Result = Result<usize, SessionError>;

    fn next(&mut self, answers: &[Answer], _now: Instant) -> Step<Self::Result> {
        if !self.is_asked {
            self.is_asked = true;
            let lifetime = exptime(self.settings.lifetime_seconds);
            let request = || Batch::default().touch(&self.names.data, lifetime);
            return Step::Ask((0..answers.len()).map(|copy| (copy, request())).collect());
        }
        let mut touched = 0;
        let mut outcome = Err(SessionError::Unreachable);
        for answer in answers {
            let Answer::Replies(replies) = answer else {
                continue;
            };
            match &replies[..] {
                [Reply::Touched] => touched += 1,
                [Reply::Refused(text)] if outcome.is_err() => {
                    outcome = Err(SessionError::Refused(text.clone()));
                    continue;
                }
                _ => {}
            }
            outcome = Ok(touched);
        }
        Step::Done(outcome)
    }
}
