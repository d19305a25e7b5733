use core::fmt;
use std::collections::VecDeque;
use std::time::Instant;

use crate::batch::Batch;
use crate::link::Link;
use crate::procedure::{Answer, Procedure, Step};
use crate::{Action, Failure, Fleet, Health, NodeId, Settings};

/// An operation on the copies of a session, or a probe, as a state machine without sockets.
///
/// The caller performs what [`poll_action`](Self::poll_action) says until it is `None`, feeds what
/// happens, calls [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout),
/// and goes round until [`Action::Done`]. Calls may come in any order and number; what does not fit
/// is ignored. An operation that is dropped half-way leaves at most a lock, whose lease ends by
/// itself; its connections must then be closed.
///
/// All of a round's nodes are asked at once and share one time limit, so that a node that does not
/// answer costs [`Settings::reply_timeout`] once. It is ejected from the fleet by that, and neither
/// the further rounds nor other operations ask it before a probe was answered. Only when nobody else
/// is left, nodes are asked that merely refused: that costs no time.
pub struct Operation<P: Procedure> {
    procedure: P,
    links: Vec<Link>,
    answers: Vec<Answer>,
    /// What was not sent in this round, because a node is ejected.
    held_back: Vec<(usize, Batch)>,
    actions: VecDeque<Action<P::Outcome>>,
    phase: Phase,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The answers are complete: the procedure has the word.
    Deciding,
    /// Some links are waiting, until then.
    Asking {
        deadline: Instant,
        is_extended: bool,
    },
    Pausing {
        until: Instant,
    },
    Finished,
}

impl<P: Procedure> Operation<P> {
    /// An operation on `nodes`, the copies in order.
    pub(crate) fn new(procedure: P, nodes: Vec<NodeId>, settings: Settings) -> Self {
        let link = |node| Link::new(node, settings.value_bytes_max);
        let links: Vec<Link> = nodes.into_iter().map(link).collect();
        Self {
            procedure,
            answers: vec![Answer::NotAsked; links.len()],
            links,
            held_back: Vec::new(),
            actions: VecDeque::new(),
            phase: Phase::Deciding,
            settings,
        }
    }

    /// What to do now; `None` until something else happens. After [`Action::Done`] always `None`.
    pub fn poll_action<N>(
        &mut self,
        fleet: &mut Fleet<N>,
        now: Instant,
    ) -> Option<Action<P::Outcome>> {
        loop {
            if let Some(action) = self.actions.pop_front() {
                return Some(action);
            }
            match self.phase {
                Phase::Finished => return None,
                Phase::Pausing { until } if now < until => return None,
                Phase::Asking { .. } if self.links.iter().any(Link::is_waiting) => return None,
                Phase::Pausing { .. } | Phase::Asking { .. } | Phase::Deciding => {}
            }
            if self.ask_last_resorts(fleet, now) {
                continue;
            }
            self.held_back.clear();
            let answers = core::mem::take(&mut self.answers);
            self.answers = vec![Answer::NotAsked; self.links.len()];
            match self.procedure.next(&answers, now) {
                Step::Ask(batches) => self.ask(batches, fleet, now),
                Step::Pause(until) => self.phase = Phase::Pausing { until },
                Step::Done(outcome) => {
                    self.phase = Phase::Finished;
                    return Some(Action::Done(outcome));
                }
            }
        }
    }

    /// Takes what `node` sent. Returns how many bytes were used; the rest is to be given again with
    /// more behind it.
    pub fn handle_bytes<N>(
        &mut self,
        node: NodeId,
        input: &[u8],
        fleet: &mut Fleet<N>,
        now: Instant,
    ) -> usize {
        let Some(copy) = self.copy_of(node) else {
            return input.len();
        };
        if !self.links[copy].is_waiting() {
            return input.len();
        }
        match self.links[copy].parse(input) {
            Ok((taken, Some(_))) if taken < input.len() => {
                // More than was asked for: the connection is out of step.
                self.fail(copy, Failure::BadReply, fleet, now);
                input.len()
            }
            Ok((taken, Some(replies))) => {
                self.answers[copy] = Answer::Replies(replies);
                fleet.handle_answer(node, P::IS_PROBE);
                taken
            }
            Ok((taken, None)) => taken,
            Err(_) => {
                self.fail(copy, Failure::BadReply, fleet, now);
                input.len()
            }
        }
    }

    /// Takes that there is no connection to `node`, or no longer.
    ///
    /// If it is closed before anything was heard on it, what was asked is asked once more on a new
    /// one: an idle connection may have died with its node's last life. The caller forgets its other
    /// idle connections to the node with it.
    pub fn handle_failure<N>(
        &mut self,
        node: NodeId,
        failure: Failure,
        fleet: &mut Fleet<N>,
        now: Instant,
    ) {
        let Some(copy) = self.copy_of(node) else {
            return;
        };
        if failure == Failure::Closed {
            if let Some(bytes) = self.links[copy].repeat() {
                self.actions.push_back(Action::Send { node, bytes });
                return;
            }
        }
        if self.links[copy].is_waiting() {
            self.fail(copy, failure, fleet, now);
        } else {
            self.links[copy].abandon();
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, if nothing else happens first.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Asking { deadline, .. } if self.links.iter().any(Link::is_waiting) => {
                Some(deadline)
            }
            Phase::Pausing { until } => Some(until),
            Phase::Asking { .. } | Phase::Deciding | Phase::Finished => None,
        }
    }

    /// Gives up the nodes that have not answered in time.
    ///
    /// A caller that comes late was itself held up, and may have their answers unread: they get the
    /// time once more, and the caller the occasion to feed what is there.
    pub fn handle_timeout<N>(&mut self, fleet: &mut Fleet<N>, now: Instant) {
        let Phase::Asking {
            deadline,
            is_extended,
        } = self.phase
        else {
            return;
        };
        if now < deadline {
            return;
        }
        if !is_extended && now - deadline > self.settings.reply_timeout / 10 {
            let deadline = now + self.settings.reply_timeout;
            self.phase = Phase::Asking {
                deadline,
                is_extended: true,
            };
            return;
        }
        for copy in 0..self.links.len() {
            if self.links[copy].is_waiting() {
                self.fail(copy, Failure::Timeout, fleet, now);
            }
        }
    }

    fn ask<N>(&mut self, batches: Vec<(usize, Batch)>, fleet: &Fleet<N>, now: Instant) {
        self.begin_round(now);
        for (copy, batch) in batches {
            if P::IS_PROBE || fleet.health(self.links[copy].node()) == Health::Up {
                self.send(copy, batch);
            } else {
                self.answers[copy] = Answer::Failed;
                self.held_back.push((copy, batch));
            }
        }
    }

    /// Asks what was held back after all, if no node of the session is thought to be up and none of
    /// this round has answered; whether there was something to ask.
    fn ask_last_resorts<N>(&mut self, fleet: &Fleet<N>, now: Instant) -> bool {
        let is_up = |link: &Link| fleet.health(link.node()) == Health::Up;
        let is_answered = |answer: &Answer| matches!(answer, Answer::Replies(_));
        if self.links.iter().any(is_up) || self.answers.iter().any(is_answered) {
            return false;
        }
        self.begin_round(now);
        for (copy, batch) in core::mem::take(&mut self.held_back) {
            if fleet.is_last_resort(self.links[copy].node()) {
                self.send(copy, batch);
            }
        }
        self.links.iter().any(Link::is_waiting)
    }

    fn begin_round(&mut self, now: Instant) {
        let deadline = now + self.settings.reply_timeout;
        self.phase = Phase::Asking {
            deadline,
            is_extended: false,
        };
    }

    fn send(&mut self, copy: usize, batch: Batch) {
        let node = self.links[copy].node();
        let bytes = self.links[copy].start(batch);
        self.actions.push_back(Action::Send { node, bytes });
    }

    fn fail<N>(&mut self, copy: usize, failure: Failure, fleet: &mut Fleet<N>, now: Instant) {
        let node = self.links[copy].node();
        self.links[copy].abandon();
        self.answers[copy] = Answer::Failed;
        fleet.handle_failure(node, failure, now);
        if matches!(failure, Failure::Timeout | Failure::BadReply) {
            self.actions.push_back(Action::Close { node });
        }
    }

    fn copy_of(&self, node: NodeId) -> Option<usize> {
        self.links.iter().position(|link| link.node() == node)
    }
}

impl<P: Procedure> fmt::Debug for Operation<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("phase", &self.phase)
            .field("links", &self.links)
            .finish_non_exhaustive()
    }
}
