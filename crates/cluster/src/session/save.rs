use std::time::Instant;

use bytes::Bytes;

use crate::batch::Batch;
use crate::copy::{Copy, View, newest, views};
use crate::link::Reply;
use crate::procedure::{Answer, Rounds, Step};
use crate::session::{Names, exptime};
use crate::{Lease, NodeId, SessionError, Settings};

/// Stores or destroys a session: [`Session::save`](crate::Session::save),
/// [`Session::destroy`](crate::Session::destroy).
///
/// Costs two round trips, with the lock given back in the second; two more where a node's copy has
/// changed between them. On an error nothing newer was overwritten; the lock, if it is still ours, is
/// held on and to be given back.
#[derive(Debug)]
pub struct Save {
    names: Names,
    nodes: Vec<NodeId>,
    lease: Lease,
    copy: Copy,
    after: After,
    settings: Settings,
    stage: Stage,
    is_stored: Vec<bool>,
    /// How often it was stored, or tried to be.
    attempts: u32,
}

/// What is to become of the lock after a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a lock is held or not")]
pub enum After {
    /// It is held on: more is to be saved, under the new lease.
    Keep,
    /// It is given back.
    Unlock,
}

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// The nodes that have stored it, in the session's order: at least one.
    pub nodes: Vec<NodeId>,
    /// The lease for the next save, if the lock was kept.
    pub lease: Lease,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Start,
    Looking,
    Storing,
    /// Some copies have changed since they were looked at: how is asked.
    Settling,
}

impl Save {
    /// Without `data` the session is destroyed.
    pub(crate) fn new(
        names: Names,
        nodes: Vec<NodeId>,
        lease: Lease,
        data: Option<Bytes>,
        after: After,
        settings: Settings,
    ) -> Self {
        let (version, is_destroyed) = (lease.version.next(), data.is_none());
        let copy = Copy {
            version,
            is_destroyed,
            data: data.unwrap_or_default(),
        };
        Self {
            names,
            is_stored: vec![false; nodes.len()],
            nodes,
            lease,
            copy,
            after,
            settings,
            stage: Stage::Start,
            attempts: 0,
        }
    }

    fn look(&mut self, copies: usize) -> Step<<Self as Rounds>::Result> {
        if let Err(error) = self.copy.check(&self.settings) {
            return Step::Done(Err(error));
        }
        self.stage = Stage::Looking;
        let request = || Batch::default().gets(&[&self.names.lock, &self.names.data]);
        Step::Ask((0..copies).map(|copy| (copy, request())).collect())
    }

    fn store(&mut self, answers: &[Answer]) -> Step<<Self as Rounds>::Result> {
        let views = views(answers, &self.names);
        if views.iter().all(Option::is_none) {
            return Step::Done(Err(SessionError::Unreachable));
        }
        let token = self.lease.token.as_bytes();
        // One node is enough: another may have come back without it, or be in the hands of somebody
        // who is about to find that the lock is taken here.
        if !views
            .iter()
            .flatten()
            .any(|view| view.lock_of(token).is_some())
        {
            return Step::Done(Err(SessionError::LockLost));
        }
        if newest(&views).is_some_and(|copy| copy.version > self.lease.version) {
            return Step::Done(Err(SessionError::Conflict));
        }
        self.put(&views)
    }

    fn put(&mut self, views: &[Option<View>]) -> Step<<Self as Rounds>::Result> {
        self.stage = Stage::Storing;
        self.attempts += 1;
        let views = views
            .iter()
            .enumerate()
            .filter_map(|(at, view)| Some((at, view.as_ref()?)));
        Step::Ask(views.map(|(at, view)| (at, self.request(view))).collect())
    }

    fn request(&self, view: &View) -> Batch {
        let lifetime = exptime(self.settings.lifetime_seconds);
        let batch = self.copy.put(Batch::default(), &self.names, view, lifetime);
        match (self.after, view.lock_of(self.lease.token.as_bytes())) {
            (After::Unlock, Some(cas)) => batch.cas_remove(&self.names.lock, cas),
            _ => batch,
        }
    }

    fn handle_stored(&mut self, answers: &[Answer]) -> Step<<Self as Rounds>::Result> {
        let first = |answer: &Answer| match answer {
            Answer::Replies(replies) => replies.first().cloned(),
            Answer::NotAsked | Answer::Failed => None,
        };
        let mut changed = Vec::new();
        for (at, answer) in answers.iter().enumerate() {
            match first(answer) {
                Some(Reply::Stored) => self.is_stored[at] = true,
                Some(Reply::NotStored | Reply::NotFound) => changed.push(at),
                _ => {}
            }
        }
        if changed.is_empty() || self.attempts == ATTEMPTS_MAX {
            return Step::Done(self.finish(answers));
        }
        self.stage = Stage::Settling;
        let request = || Batch::default().gets(&[&self.names.lock, &self.names.data]);
        Step::Ask(changed.into_iter().map(|at| (at, request())).collect())
    }

    /// Whoever reads a session may repair a copy meanwhile, and a node may drop one: then it is
    /// stored once more. But if somebody else has saved here, one of the two saves is lost wherever
    /// the other is taken for the newest, though both were stored somewhere.
    fn settle(&mut self, answers: &[Answer]) -> Step<<Self as Rounds>::Result> {
        let mut views = views(answers, &self.names);
        for (at, view) in views.iter_mut().enumerate() {
            let Some((copy, _)) = view.as_ref().and_then(|view| view.copy.as_ref()) else {
                continue;
            };
            if *copy == self.copy {
                self.is_stored[at] = true;
                *view = None;
            } else if copy.version > self.lease.version {
                return Step::Done(Err(SessionError::Conflict));
            }
        }
        self.put(&views)
    }

    fn finish(&mut self, answers: &[Answer]) -> <Self as Rounds>::Result {
        let nodes = self.nodes.iter().zip(&self.is_stored);
        let nodes: Vec<NodeId> = nodes
            .filter_map(|(&node, &is_stored)| is_stored.then_some(node))
            .collect();
        if nodes.is_empty() {
            return Err(why_not_stored(answers, SessionError::Conflict));
        }
        self.lease.version = self.copy.version;
        Ok(Saved {
            nodes,
            lease: self.lease.clone(),
        })
    }
}

impl Rounds for Save {
    type Result = Result<Saved, SessionError>;

    fn next(&mut self, answers: &[Answer], _now: Instant) -> Step<Self::Result> {
        match self.stage {
            Stage::Start => self.look(answers.len()),
            Stage::Looking => self.store(answers),
            Stage::Storing => self.handle_stored(answers),
            Stage::Settling => self.settle(answers),
        }
    }
}

/// How often a save is tried where copies change under it.
const ATTEMPTS_MAX: u32 = 3;

/// How many nodes have stored what the first request of the round was to store.
pub(crate) fn stored(answers: &[Answer]) -> usize {
    let is_stored = |answer: &&Answer| matches!(answer, Answer::Replies(replies) if replies.first() == Some(&Reply::Stored));
    answers.iter().filter(is_stored).count()
}

/// Why no node has stored it: `changed` if one found its condition broken, else what one that
/// answered said.
pub(crate) fn why_not_stored(answers: &[Answer], changed: SessionError) -> SessionError {
    let mut why = SessionError::Unreachable;
    for answer in answers {
        let Answer::Replies(replies) = answer else {
            continue;
        };
        match replies.first() {
            Some(Reply::NotStored | Reply::NotFound) => return changed,
            Some(Reply::Refused(text)) if why == SessionError::Unreachable => {
                why = SessionError::Refused(text.clone());
            }
            _ => {}
        }
    }
    why
}

#[cfg(test)]
mod tests;
