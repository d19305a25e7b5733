//! The binary protocol: the conversation. What each command does is in the rooms below.

mod change;
mod incoming;
mod report;
mod retrieve;
mod sasl;
mod store;

use std::boxed::Box;

use steadfast_protocol::Parsed;
use steadfast_protocol::binary::{Command, Key, Opcode, Request, Response, Status};
use steadfast_store::Located;

use self::incoming::Incoming;
use self::sasl::Mechanism;
use super::ahead::prefetch;
use super::execute::Turn;
use super::{Next, SessionSettings, Step};
use crate::report::Sizes;

/// A conversation in the binary protocol.
#[derive(Debug)]
pub(super) struct Binary {
    state: State,
    /// Whether the client may do everything; not asked before the first step.
    is_known: Option<bool>,
    /// How far the client has come in saying who it is.
    mechanism: Mechanism,
    /// Whether the input holds a part of a small value, which waits there until it is whole.
    waits_for_value: bool,
}

#[derive(Debug)]
enum State {
    /// A request comes next.
    Request,
    /// The rest of a big value comes next.
    Value(Box<Incoming>),
    /// So many bytes are to be dropped.
    Skip(usize),
    /// The sizes of all items are being counted.
    Sizes(Asked, Box<Sizes>),
}

/// What an answer has to repeat of its request.
#[derive(Debug, Clone, Copy)]
struct Asked {
    opcode: Opcode,
    opaque: u32,
    quiet: bool,
    cas: u64,
}

impl Asked {
    const fn new(request: &Request<'_>) -> Self {
        Self {
            opcode: request.opcode(),
            opaque: request.opaque,
            quiet: request.quiet,
            cas: request.cas,
        }
    }
}

impl Binary {
    /// A conversation at its start.
    pub(super) const fn new(_settings: SessionSettings) -> Self {
        Self {
            state: State::Request,
            is_known: None,
            mechanism: Mechanism::Unchosen,
            waits_for_value: false,
        }
    }

    /// Executes one request, or as many as are worth looking at together; see `Session::step`.
    /// `Next::Close` ends the session.
    pub(super) fn step(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Step {
        if turn.is_full() {
            return Step::stop(0, Next::Write);
        }
        match &mut self.state {
            State::Request => self.execute_requests(input, turn),
            State::Value(incoming) => {
                let step = incoming.handle_input(input, turn);
                if step.next.is_none() {
                    self.state = State::Request;
                }
                step
            }
            State::Skip(left) => {
                let left = *left;
                let consumed = self.skip(left, input);
                if consumed < left {
                    return Step::stop(consumed, Next::Read);
                }
                Step::go_on(consumed)
            }
            State::Sizes(asked, sizes) => {
                if !sizes.step(turn.engine, turn.now) {
                    return Step::stop(0, Next::Again);
                }
                turn.report_sizes(*asked, sizes);
                self.state = State::Request;
                Step::go_on(0)
            }
        }
    }

    /// The room for the rest of a big value; empty if none is expected.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        match &mut self.state {
            State::Value(incoming) => incoming.buffer(),
            _ => &mut [],
        }
    }

    /// Counts bytes that were read into the buffer.
    pub(super) fn handle_received(&mut self, bytes: usize) {
        match &mut self.state {
            State::Value(incoming) => incoming.handle_received(bytes),
            _ => assert_eq!(bytes, 0, "no value is expected"),
        }
    }

    /// Whether it is in the middle of a request's body.
    pub(super) const fn is_receiving(&self) -> bool {
        matches!(self.state, State::Value(_) | State::Skip(_)) || self.waits_for_value
    }

    /// Executes the request at the start of `input`, and some of those that follow in one go.
    fn execute_requests(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Step {
        let first = match Request::parse(input) {
            Ok(Parsed::Complete { message, consumed }) => Planned::new(message, consumed, input),
            Ok(Parsed::Incomplete { .. }) => return Step::stop(0, Next::Read),
            Err(error) => {
                if let Some(response) = error.response() {
                    turn.put_error(&response, response.status.text());
                }
                return Step::stop(0, Next::Close);
            }
        };
        match first.rest() {
            Some(rest) if turn.requests_left > 0 => self.execute_ahead(first, rest, turn),
            _ => self.execute(first, turn),
        }
    }

    /// Executes `first` and those that follow in `rest`, having looked up the keys of all: see
    /// `ahead`.
    fn execute_ahead<'a>(
        &mut self,
        mut first: Planned<'a>,
        rest: &'a [u8],
        turn: &mut Turn<'_>,
    ) -> Step {
        let requests_max = REQUESTS_AHEAD_MAX.min(1 + turn.requests_left);
        first.locate(turn);
        let mut ahead = [const { None }; REQUESTS_AHEAD_MAX];
        ahead[0] = Some(first);
        let mut rest = Some(rest);
        for slot in &mut ahead[1..requests_max] {
            let Some(input) = rest else { break };
            // What is not there as a whole, or is wrong, is parsed again when it is next.
            let Ok(Parsed::Complete { message, consumed }) = Request::parse(input) else {
                break;
            };
            let planned = slot.insert(Planned::new(message, consumed, input));
            planned.locate(turn);
            rest = planned.rest();
        }
        let planned = ahead.iter().map_while(Option::as_ref);
        let places = planned.filter_map(|planned| planned.place.as_ref());
        prefetch(turn.engine.store(), places);
        // The first was counted by the caller.
        turn.requests_left += 1;
        let mut consumed = 0;
        for planned in ahead.iter_mut().map_while(Option::take) {
            if turn.is_full() {
                return Step::stop(consumed, Next::Write);
            }
            turn.requests_left -= 1;
            let step = self.execute(planned, turn);
            consumed += step.consumed;
            if step.next.is_some() || !matches!(self.state, State::Request) {
                return Step {
                    consumed,
                    next: step.next,
                };
            }
        }
        Step::go_on(consumed)
    }

    fn execute(&mut self, planned: Planned<'_>, turn: &mut Turn<'_>) -> Step {
        let Planned {
            request,
            place,
            head_bytes,
            behind,
        } = planned;
        let asked = Asked::new(&request);
        self.waits_for_value = false;
        let is_known = self.is_known;
        let is_known = is_known.unwrap_or_else(|| turn.engine.credentials().is_none());
        self.is_known = Some(is_known);
        if !is_known && !is_for_all(&request.command) {
            turn.fail(asked, Status::AUTH_ERROR);
            return Step::stop(head_bytes, Next::Close);
        }
        let step = match request.command {
            Command::Store(storage) => {
                let place = turn.binary_place(place, storage.key);
                self.store(asked, &storage, place, behind, turn)
            }
            Command::SaslStart {
                mechanism,
                data_bytes,
            } => self.begin_sasl(asked, mechanism, behind, data_bytes, turn),
            Command::SaslStep { data_bytes, .. } => {
                self.go_on_with_sasl(asked, behind, data_bytes, turn)
            }
            Command::Unknown { body_bytes, .. } => {
                turn.fail(asked, Status::UNKNOWN_COMMAND);
                Step::go_on(self.skip(body_bytes, behind))
            }
            Command::Stat { topic } => {
                self.report(asked, topic, turn);
                Step::go_on(0)
            }
            Command::Quit => {
                turn.succeed(asked, 0);
                Step::stop(0, Next::Close)
            }
            other => {
                turn.execute_binary(asked, &other, place);
                Step::go_on(0)
            }
        };
        // A request that waits for its value stays where it is.
        let head_bytes = if self.waits_for_value { 0 } else { head_bytes };
        Step {
            consumed: head_bytes + step.consumed,
            next: step.next,
        }
    }

    /// Leaves a request in the input until its value is there.
    fn wait_for_value(&mut self) -> Step {
        self.waits_for_value = true;
        Step::stop(0, Next::Read)
    }

    /// Drops `bytes` bytes: those in `input` now, whose number it returns, the others when they
    /// come.
    fn skip(&mut self, bytes: usize, input: &[u8]) -> usize {
        let consumed = bytes.min(input.len());
        self.state = match bytes - consumed {
            0 => State::Request,
            left => State::Skip(left),
        };
        consumed
    }
}

/// A request and what it is made of.
#[derive(Debug)]
struct Planned<'a> {
    request: Request<'a>,
    /// Where its item is, if that was looked up ahead.
    place: Option<Located<'a>>,
    head_bytes: usize,
    /// The input behind all but its value.
    behind: &'a [u8],
}

impl<'a> Planned<'a> {
    fn new(request: Request<'a>, head_bytes: usize, input: &'a [u8]) -> Self {
        Self {
            request,
            place: None,
            head_bytes,
            behind: &input[head_bytes..],
        }
    }

    /// Looks up the request's key, if it has one.
    fn locate(&mut self, turn: &Turn<'_>) {
        let key = self.request.command.key();
        self.place = key.map(|key| turn.binary_place(None, key));
    }

    /// The input behind the whole request, if there is any that will be heard.
    fn rest(&self) -> Option<&'a [u8]> {
        if matches!(self.request.command, Command::Quit) {
            return None;
        }
        let rest = self.behind.get(self.request.command.value_bytes()..)?;
        (!rest.is_empty()).then_some(rest)
    }
}

/// Whether a client may ask for it before it has said who it is.
const fn is_for_all(command: &Command<'_>) -> bool {
    matches!(
        command,
        Command::SaslListMechanisms
            | Command::SaslStart { .. }
            | Command::SaslStep { .. }
            | Command::Version
            | Command::Quit
    )
}

impl Turn<'_> {
    /// Where a key is, which may be known already.
    fn binary_place<'k>(&self, known: Option<Located<'k>>, key: Key<'k>) -> Located<'k> {
        known.unwrap_or_else(|| self.engine.store().locate(key.as_bytes()))
    }

    /// Executes a command that has no value and leaves the session as it is.
    fn execute_binary<'k>(
        &mut self,
        asked: Asked,
        command: &Command<'k>,
        place: Option<Located<'k>>,
    ) {
        let located = |turn: &Self, key| turn.binary_place(place, key);
        match *command {
            Command::Get { key, with_key } => {
                let place = located(self, key);
                self.get_binary(asked, with_key.then_some(key), place);
            }
            Command::GetAndTouch {
                key,
                exptime,
                with_key,
            } => {
                let place = located(self, key);
                self.get_and_touch_binary(asked, with_key.then_some(key), place, exptime);
            }
            Command::Touch { key, exptime } => {
                let place = located(self, key);
                self.touch_binary(asked, place, exptime);
            }
            Command::Delete { key } => {
                let place = located(self, key);
                self.delete_binary(asked, place);
            }
            Command::Arithmetic { key, .. } => {
                let place = located(self, key);
                self.arithmetic_binary(asked, command, place);
            }
            Command::Flush { exptime } => self.flush_binary(asked, exptime),
            Command::Noop => self.succeed(asked, 0),
            Command::Version => {
                let engine = self.engine;
                self.put_value_binary(asked, 0, engine.settings().version.as_bytes());
            }
            Command::Verbosity { level } => {
                self.engine.set_verbosity(level);
                self.succeed(asked, 0);
            }
            Command::SaslListMechanisms => self.list_mechanisms(asked),
            // The session takes care of the others; a command to come is unknown till then.
            _ => self.fail(asked, Status::UNKNOWN_COMMAND),
        }
    }

    /// Answers that it was done, unless the client wants to hear of errors only.
    fn succeed(&mut self, asked: Asked, cas: u64) {
        if !asked.quiet {
            self.put_value_binary(asked, cas, b"");
        }
    }

    /// Answers with a value. For commands that have no quiet form, or have checked.
    fn put_value_binary(&mut self, asked: Asked, cas: u64, value: &[u8]) {
        let response = Response {
            cas,
            value_bytes: value.len(),
            ..Response::new(asked.opcode, asked.opaque)
        };
        let out = self.out.text();
        response.encode(out);
        out.extend_from_slice(value);
    }

    /// Answers an error in its usual words, however quiet the client is.
    fn fail(&mut self, asked: Asked, status: Status) {
        let response = Response::error(asked.opcode, status, asked.opaque);
        self.put_error(&response, status.text());
    }

    fn put_error(&mut self, response: &Response<'_>, text: &str) {
        let out = self.out.text();
        response.encode(out);
        out.extend_from_slice(text.as_bytes());
    }
}

/// So many requests are parsed before the first is executed: see `ahead`.
const REQUESTS_AHEAD_MAX: usize = 24;
