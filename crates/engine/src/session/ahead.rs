//! Looking ahead: what is asked next is fetched while the processor is still busy with this.
//!
//! A store of any size is not in the processor's caches, and a request spends most of its time
//! waiting for memory. Where several requests or keys are at hand, the store is told all their keys
//! before the first is executed, so that the waits overlap. These are only hints: the requests are
//! executed one by one and in order, with the same results.

use steadfast_protocol::{Key, Parsed, Request, WatchStreams};
use steadfast_store::{Located, Store};

use super::execute::Turn;
use super::{Next, Session, State, Step};
use crate::watch::is_watched;

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
    fn locate(&mut self, store: &Store) {
        self.place = key_of(&self.request).map(|key| store.locate(key.as_bytes()));
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
        let first = match self.parser.parse(input) {
            Ok(Parsed::Complete { message, consumed }) => Planned::new(message, input, consumed),
            Ok(Parsed::Incomplete { .. }) => return Step::stop(0, Next::Read),
            Err(error) => return self.handle_error(error, input, turn),
        };
        if is_watched(turn.attention, WatchStreams::RAW_COMMANDS) {
            // One by one, so that each is told before what comes of it.
            turn.tell_command(first.line());
            return self.execute(&first, turn);
        }
        match first.rest() {
            Some(rest) if turn.requests_left > 0 => self.execute_ahead(first, rest, turn),
            _ => self.execute(&first, turn),
        }
    }

    /// Executes `first` and those that follow in `rest`, having looked up the keys of all.
    fn execute_ahead<'a>(
        &mut self,
        mut first: Planned<'a>,
        rest: &'a [u8],
        turn: &mut Turn<'_>,
    ) -> Step {
        let store = turn.engine.store();
        let requests_max = REQUESTS_AHEAD_MAX.min(1 + turn.requests_left);
        first.locate(store);
        let mut ahead = [const { None }; REQUESTS_AHEAD_MAX];
        ahead[0] = Some(first);
        let mut rest = Some(rest);
        for slot in &mut ahead[1..requests_max] {
            let Some(input) = rest else { break };
            // What is not there as a whole, or is wrong, is parsed again when it is next.
            let Ok(Parsed::Complete { message, consumed }) = self.parser.parse(input) else {
                break;
            };
            let planned = slot.insert(Planned::new(message, input, consumed));
            planned.locate(store);
            rest = planned.rest();
        }
        let places = ahead
            .iter()
            .map_while(Option::as_ref)
            .filter_map(|p| p.place.as_ref());
        prefetch(store, places);
        // The first was counted by the caller.
        turn.requests_left += 1;
        let mut consumed = 0;
        for planned in ahead.iter().map_while(Option::as_ref) {
            if turn.is_full() {
                return self.break_off(consumed, Some(Next::Write));
            }
            turn.requests_left -= 1;
            let step = self.execute(planned, turn);
            consumed += step.consumed;
            if step.next.is_some() || !matches!(self.state, State::Line) {
                return self.break_off(consumed, step.next);
            }
        }
        Step::go_on(consumed)
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
    let mut further = [None; KEYS_AHEAD_MAX];
    let mut free = further.iter_mut();
    for place in places {
        if store.prefetch(place) {
            if let Some(slot) = free.next() {
                *slot = Some(place);
            }
        }
    }
    for place in further.into_iter().map_while(|slot| slot) {
        store.prefetch_further(place);
    }
}

/// So many requests are parsed before the first is executed: about what a processor can wait for at
/// once, and no more than stays in its nearest cache.
const REQUESTS_AHEAD_MAX: usize = 24;
/// So many keys of a retrieval are looked up before the first is answered.
pub(super) const KEYS_AHEAD_MAX: usize = 24;
