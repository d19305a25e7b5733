use std::time::Instant;

use bytes::Bytes;

use crate::batch::{Batch, Value};
use crate::copy::{Version, View, newest, repairs};
use crate::lease::end_of_lease;
use crate::link::Reply;
use crate::procedure::{Answer, Rounds, Step};
use crate::session::save::why_not_stored;
use crate::session::{Loaded, Names, exptime};
use crate::{Lease, SessionError, Settings, Token};

/// Takes the lock of a session and reads it: [`Session::open`](crate::Session::open).
///
/// Costs two round trips when the lock is free, one with a single copy; one more if a copy was
/// repaired.
#[derive(Debug)]
pub struct Open {
    names: Names,
    token: Token,
    settings: Settings,
    stage: Stage,
    /// What the nodes hold that granted the lock in this attempt.
    views: Vec<Option<View>>,
    /// When the first attempt began, and the one under way; from then on leases count.
    began: Option<(Instant, Instant)>,
    attempts: u32,
    /// What is to be said if no node grants the lock and none refuses it.
    why_useless: SessionError,
}

/// A session with its lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The newest copy; none if no node that answered has the session.
    pub data: Option<Bytes>,
    /// How many nodes answered, and granted the lock. When fewer than hold copies, a node that is
    /// down may have a newer copy.
    pub answered: usize,
    /// The right to save.
    pub lease: Lease,
}

#[derive(Debug)]
enum Stage {
    Start,
    /// The copy that decides: the first in order whose node answers.
    First(usize),
    Others,
    /// What was granted is given back.
    GivingBack,
    Repairing(Opened),
}

/// What a node said to a request for the lock.
enum Grant {
    Held(View),
    Busy,
    /// Neither: it does not answer, or stores nothing.
    Useless,
}

impl Open {
    pub(crate) fn new(names: Names, token: Token, settings: Settings) -> Self {
        let (views, began) = (Vec::new(), None);
        Self {
            names,
            token,
            settings,
            stage: Stage::Start,
            views,
            began,
            attempts: 0,
            why_useless: SessionError::Unreachable,
        }
    }

    /// The lock if it is free, then who holds it and the session itself: one round trip.
    fn request(&self) -> Batch {
        let exptime = exptime(self.settings.lease_seconds);
        let value = Value {
            bytes: self.token.as_bytes(),
            flags: 0,
            exptime,
        };
        Batch::default()
            .add(&self.names.lock, value)
            .gets(&[&self.names.lock, &self.names.data])
    }

    fn grant(&self, answer: &Answer) -> Grant {
        let Answer::Replies(replies) = answer else {
            return Grant::Useless;
        };
        let [added, Reply::Items(items)] = &replies[..] else {
            return Grant::Useless;
        };
        let view = View::of(items, &self.names);
        // Not the answer to `add` counts but whose the lock is: it is sent again when a connection
        // turns out to be dead, and may have been granted before.
        match (added, view.lock_of(self.token.as_bytes())) {
            (_, Some(_)) => Grant::Held(view),
            (Reply::NotStored, None) => Grant::Busy,
            _ => Grant::Useless,
        }
    }

    fn start(&mut self, copies: usize, now: Instant) -> Step<<Self as Rounds>::Result> {
        let first_began = self.began.map_or(now, |(first, _)| first);
        self.began = Some((first_began, now));
        self.views = vec![None; copies];
        self.why_useless = SessionError::Unreachable;
        self.ask_first(0)
    }

    fn ask_first(&mut self, copy: usize) -> Step<<Self as Rounds>::Result> {
        if copy == self.views.len() {
            return Step::Done(Err(self.why_useless.clone()));
        }
        self.stage = Stage::First(copy);
        Step::Ask(vec![(copy, self.request())])
    }

    fn handle_first(
        &mut self,
        copy: usize,
        answers: &[Answer],
        now: Instant,
    ) -> Step<<Self as Rounds>::Result> {
        match self.grant(&answers[copy]) {
            Grant::Useless => {
                if self.why_useless == SessionError::Unreachable {
                    self.why_useless = why_not_stored(answers, SessionError::Unreachable);
                }
                self.ask_first(copy + 1)
            }
            Grant::Busy => self.pause(now),
            Grant::Held(view) => {
                self.views[copy] = Some(view);
                self.stage = Stage::Others;
                Step::Ask(
                    (copy + 1..answers.len())
                        .map(|other| (other, self.request()))
                        .collect(),
                )
            }
        }
    }

    fn handle_others(
        &mut self,
        answers: &[Answer],
        now: Instant,
    ) -> Step<<Self as Rounds>::Result> {
        let mut is_busy = false;
        for (copy, answer) in answers.iter().enumerate() {
            match self.grant(answer) {
                Grant::Held(view) => self.views[copy] = Some(view),
                Grant::Busy => is_busy = true,
                Grant::Useless => {}
            }
        }
        if is_busy {
            self.stage = Stage::GivingBack;
            return Step::Ask(self.give_back());
        }
        let opened = self.opened(now);
        let lifetime = exptime(self.settings.lifetime_seconds);
        let repairs = repairs(&self.views, &self.names, lifetime);
        if repairs.is_empty() {
            return Step::Done(Ok(opened));
        }
        self.stage = Stage::Repairing(opened);
        Step::Ask(repairs)
    }

    fn give_back(&self) -> Vec<(usize, Batch)> {
        let held = self.views.iter().enumerate().filter_map(|(copy, view)| {
            let cas = view.as_ref()?.lock_of(self.token.as_bytes())?;
            Some((copy, Batch::default().cas_remove(&self.names.lock, cas)))
        });
        held.collect()
    }

    fn opened(&self, now: Instant) -> Opened {
        let loaded = Loaded::of(&self.views);
        let began = self.began.map_or(now, |(_, latest)| latest);
        let lease = Lease {
            token: self.token,
            version: newest(&self.views).map_or_else(Version::default, |copy| copy.version),
            until: end_of_lease(began, self.settings.lease_seconds),
        };
        Opened {
            data: loaded.data,
            answered: loaded.answered,
            lease,
        }
    }

    /// Doubling pauses, of which a random part up to a half is left out.
    fn pause(&mut self, now: Instant) -> Step<<Self as Rounds>::Result> {
        self.stage = Stage::Start;
        let longest = self
            .settings
            .lock_pause_max
            .max(self.settings.lock_pause_min);
        let doubled = self
            .settings
            .lock_pause_min
            .saturating_mul(1 << self.attempts.min(16));
        let pause = doubled.min(longest);
        let until = now + pause - pause * self.token.jitter(self.attempts) / 512;
        self.attempts += 1;
        let first_began = self.began.map_or(now, |(first, _)| first);
        if until > first_began + self.settings.lock_wait_max {
            return Step::Done(Err(SessionError::Busy));
        }
        Step::Pause(until)
    }
}

impl Rounds for Open {
    type Result = Result<Opened, SessionError>;

    fn next(&mut self, answers: &[Answer], now: Instant) -> Step<Self::Result> {
        match core::mem::replace(&mut self.stage, Stage::Start) {
            Stage::Start => self.start(answers.len(), now),
            Stage::First(copy) => self.handle_first(copy, answers, now),
            Stage::Others => self.handle_others(answers, now),
            Stage::GivingBack => self.pause(now),
            Stage::Repairing(opened) => Step::Done(Ok(opened)),
        }
    }
}
