use std::time::Instant;

use steadfast_cluster::{
    Action, Created, Failure, Fleet, Loaded, NodeId, Opened, Operation, Procedure, Renewed, Saved,
    SessionError,
};

/// An operation of any kind.
pub(crate) trait Machine {
    fn poll_action(&mut self, fleet: &mut Fleet<()>, now: Instant) -> Option<Action<Outcome>>;
    fn handle_bytes(
        &mut self,
        node: NodeId,
        input: &[u8],
        fleet: &mut Fleet<()>,
        now: Instant,
    ) -> usize;
    fn handle_failure(
        &mut self,
        node: NodeId,
        failure: Failure,
        fleet: &mut Fleet<()>,
        now: Instant,
    );
    fn handle_timeout(&mut self, fleet: &mut Fleet<()>, now: Instant);
    fn poll_timeout(&self) -> Option<Instant>;
}

/// What an operation of any kind brings.
#[derive(Debug)]
pub(crate) enum Outcome {
    Opened(Result<Opened, SessionError>),
    Loaded(Result<Loaded, SessionError>),
    Renewed(Result<Renewed, SessionError>),
    Saved(Result<Saved, SessionError>),
    Created(Result<Created, SessionError>),
    Counted(Result<usize, SessionError>),
    Probed,
}

macro_rules! outcomes {
    ($($from:ty => $variant:ident),*) => {
        $(impl From<$from> for Outcome {
            fn from(outcome: $from) -> Self {
                Self::$variant(outcome)
            }
        })*
    };
}

outcomes! {
    Result<Opened, SessionError> => Opened,
    Result<Loaded, SessionError> => Loaded,
    Result<Renewed, SessionError> => Renewed,
    Result<Saved, SessionError> => Saved,
    Result<Created, SessionError> => Created,
    Result<usize, SessionError> => Counted
}

impl From<bool> for Outcome {
    fn from(_: bool) -> Self {
        Self::Probed
    }
}

impl<P: Procedure> Machine for Operation<P>
where
    P::Outcome: Into<Outcome>,
{
    fn poll_action(&mut self, fleet: &mut Fleet<()>, now: Instant) -> Option<Action<Outcome>> {
        Some(match Self::poll_action(self, fleet, now)? {
            Action::Send { node, bytes } => Action::Send { node, bytes },
            Action::Close { node } => Action::Close { node },
            Action::Done(outcome) => Action::Done(outcome.into()),
        })
    }

    fn handle_bytes(
        &mut self,
        node: NodeId,
        input: &[u8],
        fleet: &mut Fleet<()>,
        now: Instant,
    ) -> usize {
        Self::handle_bytes(self, node, input, fleet, now)
    }

    fn handle_failure(
        &mut self,
        node: NodeId,
        failure: Failure,
        fleet: &mut Fleet<()>,
        now: Instant,
    ) {
        Self::handle_failure(self, node, failure, fleet, now);
    }

    fn handle_timeout(&mut self, fleet: &mut Fleet<()>, now: Instant) {
        Self::handle_timeout(self, fleet, now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Self::poll_timeout(self)
    }
}
