//! Looking ahead: what is asked next is fetched while the processor is still busy with this.
//!
//! A store of any size is not in the processor's caches, and a request spends most of its time
//! waiting for memory. Where several requests or keys are at hand, the store is told all their keys
//! before the first is executed, so that the waits overlap. These are only hints: the requests are
//! executed one by one and in order, with the same results.

use arrayvec::ArrayVec;
use steadfast_protocol::{Key, OneGet, Parsed, Request, Response, WatchStreams};
use steadfast_store::{Located, Store};

use super::execute::Turn;
use super::{Next, Session, State, Step};
use crate::watch::is_watched;

/// What is executed next.
#[derive(Debug)]
enum Plan<'a> {
    /// A plain retrieval of one key, with its place and the bytes of its line. A shape of its own, since
    /// most requests have it and it is a fraction of the other.
    Get(OneGet<'a>, Located<'a>, usize),
    Any(Planned<'a>),
}

impl<'a> Plan<'a> {
    #[inline(always)]
    const fn place(&self) -> Option<&Located<'a>> {
        match self {
            Self::Get(_, place, _) => Some(place),
            Self::Any(planned) => planned.place.as_ref(),
        }
    }
}

/// A request and what it is made of.
#[derive(Debug)]
pub(super) struct Planned<'a> {
    pub(super) request: Request<'a>,
    /// Where its key is, if that was looked up ahead.
    pub(super) place: Option<Located<'a>>,
    /// The input from the request on.
    input: &'a [u8],
    line_bytes: usize,
}

impl<'a> Planned<'a> {
    #[inline]
    const fn new(request: Request<'a>, input: &'a [u8], line_bytes: usize) -> Self {
        Self {
            request,
            place: None,
            input,
            line_bytes,
        }
    }

    /// The request's line with its end.
    pub(super) fn line(&self) -> &'a [u8] {
        &self.input[..self.line_bytes]
    }

    /// The input behind the line.
    pub(super) fn behind(&self) -> &'a [u8] {
        &self.input[self.line_bytes..]
    }

    /// The input behind the whole request, if there is any that will be heard.
    #[inline]
    fn rest(&self) -> Option<&'a [u8]> {
        let rest = match &self.request {
            Request::Store(header) => self.behind().get(header.value_bytes + 2..)?,
            Request::MetaSet { value_bytes, .. } => self.behind().get(value_bytes + 2..)?,
            Request::Quit => return None,
            _ => self.behind(),
        };
        (!rest.is_empty()).then_some(rest)
    }

    /// Looks up the request's key, if it has just one.
    #[inline]
    fn located(self, store: &Store) -> Self {
        let place = key_of(&self.request).map(|key| store.locate(key.as_bytes()));
        Self { place, ..self }
    }
}

/// The one key that a request is about.
#[inline]
fn key_of<'a>(request: &Request<'a>) -> Option<Key<'a>> {
    match *request {
        Request::Get { keys, .. } | Request::GetAndTouch { keys, .. } => keys.only(),
        Request::Store(ref header) => Some(header.key),
        Request::Delete { key, .. }
        | Request::Arithmetic { key, .. }
        | Request::Touch { key, .. } => Some(key),
        Request::MetaGet(ref meta)
        | Request::MetaSet { ref meta, .. }
        | Request::MetaDelete(ref meta)
        | Request::MetaArithmetic(ref meta) => {
            let key = meta.key();
            // A key in base64 would have to be decoded into room that stays.
            (!key.is_base64()).then(|| key.text())
        }
        _ => None,
    }
}

impl Session {
    /// Executes the request at the start of `input`, and some of those that follow in one go.
    pub(super) fn execute_lines(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Step {
        if turn.is_full() {
            return Step::stop(0, Next::Write);
        }
        if input.is_empty() {
            return Step::stop(0, Next::Read);
        }
        if is_watched(turn.attention, WatchStreams::RAW_COMMANDS) {
            return self.execute_told(input, turn);
        }
        let store = turn.engine.store();
        // The caller has counted the first.
        let requests_max = REQUESTS_AHEAD_MAX.min(1 + turn.requests_left);
        let mut ahead = ArrayVec::<Plan<'_>, REQUESTS_AHEAD_MAX>::new();
        let mut rest = Some(input);
        while ahead.len() < requests_max {
            let Some(input) = rest else { break };
            if let Some((get, line_bytes)) = self.parser.parse_one_get(input) {
                let behind = &input[line_bytes..];
                rest = (!behind.is_empty()).then_some(behind);
                let place = store.locate(get.key.as_bytes());
                ahead.push(Plan::Get(get, place, line_bytes));
                continue;
            }
            match self.parser.parse(input) {
                Ok(Parsed::Complete { message, consumed }) => {
                    let planned = Planned::new(message, input, consumed);
                    rest = planned.rest();
                    ahead.push(Plan::Any(planned.located(store)));
                }
                // What is not there as a whole, or is wrong, is parsed again when it is next.
                _ if !ahead.is_empty() => break,
                Ok(Parsed::Incomplete { .. }) => return Step::stop(0, Next::Read),
                Err(error) => return self.handle_error(error, input, turn),
            }
        }
        if ahead.len() > 1 {
            prefetch(store, ahead.iter().filter_map(Plan::place));
        }
        self.execute_plans(&ahead, turn)
    }

    fn execute_plans(&mut self, ahead: &[Plan<'_>], turn: &mut Turn<'_>) -> Step {
        // The first was counted by the caller.
        turn.requests_left += 1;
        let mut consumed = 0;
        for plan in ahead {
            if turn.is_full() {
                return self.break_off(consumed, Some(Next::Write));
            }
            turn.requests_left -= 1;
            match plan {
                &Plan::Get(OneGet { key, cas }, place, line_bytes) => {
                    turn.get(key, place, cas);
                    turn.respond(&Response::End);
                    consumed += line_bytes;
                }
                Plan::Any(planned) => {
                    let step = self.execute(planned, turn);
                    consumed += step.consumed;
                    if step.next.is_some() || !matches!(self.state, State::Line) {
                        return self.break_off(consumed, step.next);
                    }
                }
            }
        }
        Step::go_on(consumed)
    }

    /// Executes the request at the start of `input` alone, so that it is told before what comes of it.
    #[cold]
    fn execute_told(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Step {
        match self.parser.parse(input) {
            Ok(Parsed::Complete { message, consumed }) => {
                let planned = Planned::new(message, input, consumed);
                turn.tell_command(planned.line());
                self.execute(&planned, turn)
            }
            Ok(Parsed::Incomplete { .. }) => Step::stop(0, Next::Read),
            Err(error) => self.handle_error(error, input, turn),
        }
    }

    /// Ends a step before all that was planned is done.
    fn break_off(&mut self, consumed: usize, next: Option<Next>) -> Step {
        self.parser.restart();
        Step { consumed, next }
    }
}

/// Tells the store what is wanted next. Of a single one there is nothing to win.
#[inline]
pub(super) fn prefetch<'a>(store: &Store, places: impl Iterator<Item = &'a Located<'a>>) {
    store.prefetch(places);
}

/// So many requests are parsed before the first is executed: about what a processor can wait for at
/// once, and no more than stays in its nearest cache.
const REQUESTS_AHEAD_MAX: usize = 24;
/// So many keys of a retrieval are looked up before the first is answered.
pub(super) const KEYS_AHEAD_MAX: usize = 24;
