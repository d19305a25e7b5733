//! One client's conversation.

mod admin;
mod ahead;
mod auth;
mod binary;
mod dump;
mod execute;
mod meta;
mod retrieve;
mod settings;
mod store;
mod watch;

pub use self::settings::{Protocol, SessionSettings};

use core::ops::ControlFlow;

use steadfast_protocol::{
    Limits, Meta, ParseError, Recovery, Request, RequestParser, Response, Storage,
};
use steadfast_store::Located;

use self::ahead::Planned;
use self::auth::Door;
use self::binary::Binary;
use self::dump::Dump;
use self::execute::Turn;
use self::retrieve::Retrieval;
use self::store::{Arrival, Incoming, PLACED_BYTES_MIN};
use crate::counters::Counter;
use crate::report::{Sizes, put_line};
use crate::watch::Watching;
use crate::{Engine, Now, Output};

/// One client's conversation: what was asked in part, and what comes next.
///
/// The daemon's loop: read; [`handle_input`](Self::handle_input) with all unconsumed bytes; drop
/// what was consumed; write the output; do what [`Progress::next`] says. The answers are the
/// same whatever the split of the input into calls, with one exception that is memcached's: dumps
/// and `watch` are refused behind answers that are still in the output.
///
/// A caller never has to hold more than a command line (see [`Limits`]) or
/// [`Session::HELD_BYTES_MAX`] of unconsumed input.
#[derive(Debug)]
pub struct Session {
    parser: RequestParser,
    state: State,
    worker: usize,
    settings: SessionSettings,
}

#[derive(Debug)]
enum State {
    /// Nothing was received yet: the first byte chooses the protocol.
    Start,
    /// The client has to say who it is.
    Locked(Door),
    /// A command line comes next.
    Line,
    /// The rest of a retrieval's line comes next, its keys being checked: it was interrupted
    /// because the output was full, or to give others their turn.
    Retrieval(Retrieval),
    /// The data block of an accepted storage command comes next.
    Value(Box<Incoming>),
    /// So many bytes are to be dropped.
    Skip(usize),
    /// All keys are being shown.
    Dump(Box<Dump>),
    /// All items are being counted by size, some at a time; nothing is read meanwhile.
    Sizes(Box<Sizes>),
    /// Nothing is heard any more; what happens is told.
    Watch(Box<Watching>),
    /// The binary protocol is spoken, for good.
    Binary(Box<Binary>),
    /// Nothing is read any more.
    Closed,
    /// The same, because what was read is beyond repair.
    Broken,
}

/// What one call did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "how far it came and what comes next"
)]
#[must_use = "consumed bytes must not be presented again"]
pub struct Progress {
    /// The bytes of the input that are dealt with. The caller drops them and presents the rest
    /// again, with more behind it.
    pub consumed: usize,
    /// What the caller does next.
    pub next: Next,
}

/// What the caller of a session does next. Replies are written in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "complete: read, read elsewhere, come back, write, end"
)]
pub enum Next {
    /// Read more behind the unconsumed bytes, and call again when there is some.
    Read,
    /// All input is consumed and a big value is coming: read straight into
    /// [`Session::value_buffer`] and report it with [`Session::handle_value_received`], until
    /// the buffer is empty; then read as usual. Reading as usual at once is right as well, only
    /// slower.
    ReadValue,
    /// The bound of work per call was reached: call again with the unconsumed bytes, after
    /// other clients had their turn. No new input is needed.
    Again,
    /// The output is full: call again with the unconsumed bytes when it is written. No new input
    /// is needed.
    Write,
    /// Write what is in the output, then close.
    Close,
}

impl Session {
    /// The most unconsumed bytes besides a command line that a caller has to hold: a value just
    /// too small to be received in its place, or a user and password, without the last byte of the
    /// end.
    pub const HELD_BYTES_MAX: usize = PLACED_BYTES_MIN + 1;

    /// A session at its start, whose protocol is guessed. `worker` chooses the row of counters:
    /// the number of the thread that serves the session.
    #[must_use]
    pub fn new(worker: usize, limits: Limits) -> Self {
        let settings = SessionSettings {
            limits,
            ..SessionSettings::default()
        };
        Self::with_settings(worker, settings)
    }

    /// A session at its start, as its listener wants it.
    #[must_use]
    pub fn with_settings(worker: usize, settings: SessionSettings) -> Self {
        Self {
            parser: RequestParser::new(settings.limits),
            state: State::Start,
            worker,
            settings,
        }
    }

    /// Executes the complete commands in `input` and appends the replies to `out`, until the
    /// input is used up, [`requests_per_call_max`](crate::Settings::requests_per_call_max) are
    /// done, or the output is full.
    ///
    /// `input` is everything received and not yet consumed; the more requests are in it, the less
    /// each costs. Takes a stripe's lock of the store for each key. Allocates nothing but what
    /// grows `out`, and the room of a value that has arrived in part.
    pub fn handle_input(
        &mut self,
        input: &[u8],
        out: &mut Output,
        engine: &Engine,
        now: Now,
    ) -> Progress {
        let mut turn = Turn::new(engine, out, (self.worker, self.settings.connection), now);
        let progress = self.run(input, &mut turn);
        turn.finish(progress.consumed);
        progress
    }

    /// The room for the rest of a big value; empty if none is expected.
    ///
    /// Valid after [`Next::ReadValue`], when there is no unconsumed input.
    pub fn value_buffer(&mut self) -> &mut [u8] {
        match &mut self.state {
            State::Value(incoming) => incoming.buffer(),
            State::Binary(binary) => binary.buffer(),
            _ => &mut [],
        }
    }

    /// Counts `bytes` bytes that were read into the start of
    /// [`value_buffer`](Self::value_buffer).
    ///
    /// # Panics
    ///
    /// If that is more than the buffer's length.
    pub fn handle_value_received(&mut self, bytes: usize, engine: &Engine) {
        match &mut self.state {
            State::Value(incoming) => incoming.handle_received(bytes),
            State::Binary(binary) => binary.handle_received(bytes),
            _ => assert_eq!(bytes, 0, "no value is expected"),
        }
        engine.count_read(bytes, self.worker);
    }

    /// Whether the session is over: the client said `quit`, or its input is beyond repair.
    #[must_use]
    pub const fn wants_close(&self) -> bool {
        matches!(self.state, State::Closed | State::Broken)
    }

    /// Whether the session is over because its input is beyond repair: a line without an end, say,
    /// or HTTP.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self.state, State::Broken)
    }

    /// Whether the session is in the middle of a data block. Such a session is not idle.
    #[must_use]
    pub const fn is_receiving(&self) -> bool {
        match &self.state {
            State::Value(_) | State::Skip(_) => true,
            State::Binary(binary) => binary.is_receiving(),
            _ => false,
        }
    }

    /// Whether a storage command in text waits for its data.
    pub(crate) const fn is_receiving_text(&self) -> bool {
        matches!(self.state, State::Value(_))
    }

    fn run(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Progress {
        let mut consumed = 0;
        while turn.requests_left > 0 {
            turn.requests_left -= 1;
            let step = self.step(&input[consumed..], turn);
            consumed += step.consumed;
            if let Some(next) = step.next {
                return Progress { consumed, next };
            }
        }
        let next = match self.state {
            State::Closed | State::Broken => Next::Close,
            _ if consumed == input.len() => Next::Read,
            _ => Next::Again,
        };
        if next == Next::Again {
            turn.count(Counter::ConnYields);
        }
        Progress { consumed, next }
    }

    fn step(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Step {
        match &mut self.state {
            State::Line => self.execute_lines(input, turn),
            State::Retrieval(retrieval) => {
                let retrieval = *retrieval;
                self.resume(retrieval, input, turn)
            }
            State::Value(incoming) => match incoming.handle_input(input, turn) {
                Arrival::Complete { consumed } => {
                    self.state = State::Line;
                    Step::go_on(consumed)
                }
                Arrival::Incomplete { consumed, next } => Step::stop(consumed, next),
            },
            State::Skip(left) => {
                let left = *left;
                let consumed = self.skip(left, input);
                if consumed < left {
                    return Step::stop(consumed, Next::Read);
                }
                Step::go_on(consumed)
            }
            State::Start => self.start(input, turn),
            State::Locked(door) => {
                let door = *door;
                self.authenticate(door, input, turn)
            }
            State::Binary(binary) => {
                let step = binary.step(input, turn);
                if step.next == Some(Next::Close) {
                    self.state = State::Closed;
                }
                step
            }
            State::Dump(dump) => match dump.step(turn) {
                ControlFlow::Continue(next) => Step::stop(0, next),
                ControlFlow::Break(()) => {
                    self.state = State::Line;
                    Step::go_on(0)
                }
            },
            State::Sizes(sizes) => {
                if !sizes.step(turn.engine, turn.now) {
                    return Step::stop(0, Next::Again);
                }
                sizes.visit(&mut |name, value| put_line(name, value, turn.out.text()));
                turn.respond(&Response::End);
                self.state = State::Line;
                Step::go_on(0)
            }
            State::Watch(watching) => watch::step(watching, input, turn),
            State::Closed | State::Broken => Step::stop(input.len(), Next::Close),
        }
    }

    /// Chooses the protocol by the listener's rule and the first byte, which stays unread.
    #[inline(never)]
    fn start(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Step {
        let Some(&first) = input.first() else {
            return Step::stop(0, Next::Read);
        };
        let is_binary = match self.settings.protocol {
            Protocol::Negotiate => first == BINARY_FIRST_BYTE,
            Protocol::Text => false,
            Protocol::Binary => true,
        };
        self.state = if is_binary {
            State::Binary(Box::new(Binary::new(self.settings)))
        } else if turn.engine.credentials().is_some() {
            State::Locked(Door::Line)
        } else {
            State::Line
        };
        self.step(input, turn)
    }

    /// Executes a request.
    #[inline(always)]
    fn execute(&mut self, planned: &Planned<'_>, turn: &mut Turn<'_>) -> Step {
        let Planned { place, .. } = *planned;
        let line = planned.line();
        match planned.request {
            Request::Get { keys, cas } => {
                if let Some(key) = keys.only() {
                    turn.get(key, turn.place(place, key), cas);
                    turn.respond(&Response::End);
                    return Step::go_on(line.len());
                }
                let retrieval = Retrieval::new(line, None, cas);
                return self.retrieve(keys, place, retrieval, turn);
            }
            Request::GetAndTouch { exptime, keys, cas } => {
                let retrieval = Retrieval::new(line, Some(exptime), cas);
                return self.retrieve(keys, place, retrieval, turn);
            }
            Request::Store(ref header) => {
                let consumed = self.begin_storage(header, place, planned.behind(), turn);
                return Step::go_on(line.len() + consumed);
            }
            Request::MetaSet {
                ref meta,
                value_bytes,
            } => {
                let consumed =
                    self.begin_meta_set(meta, value_bytes, place, planned.behind(), turn);
                return Step::go_on(line.len() + consumed);
            }
            Request::Dump { form, classes } => self.begin_dump(form, classes, turn),
            Request::Stats {
                topic: b"cachedump",
                rest,
            } => self.begin_cachedump(rest, turn),
            Request::Stats {
                topic: b"sizes", ..
            } if turn.engine.settings().track_sizes => {
                self.state = State::Sizes(Box::default());
            }
            Request::Watch { words } => self.begin_watch(words, turn),
            Request::Quit => self.state = State::Closed,
            Request::Shutdown { mode } => {
                if turn.shut_down(mode) {
                    self.state = State::Closed;
                }
            }
            other => turn.execute(other, place),
        }
        Step::go_on(line.len())
    }

    /// Decides where the value of a storage command goes; returns how much of the input behind
    /// the header is dealt with.
    #[inline(never)]
    fn begin_storage(
        &mut self,
        header: &Storage<'_>,
        place: Option<Located<'_>>,
        behind: &[u8],
        turn: &mut Turn<'_>,
    ) -> usize {
        let block_bytes = header.value_bytes + 2;
        if turn.refuse_if_too_large(header) {
            return self.skip(block_bytes, behind);
        }
        if let Some(consumed) = turn.store_block(header, place, behind) {
            return consumed;
        }
        match Incoming::new(header, turn) {
            Some(incoming) => {
                self.state = State::Value(Box::new(incoming));
                0
            }
            None => self.skip(block_bytes, behind),
        }
    }

    /// The same for `ms`.
    #[inline(never)]
    fn begin_meta_set(
        &mut self,
        meta: &Meta<'_>,
        value_bytes: usize,
        place: Option<Located<'_>>,
        behind: &[u8],
        turn: &mut Turn<'_>,
    ) -> usize {
        let block_bytes = value_bytes + 2;
        if turn.refuse_meta_if_too_large(meta, value_bytes) {
            return self.skip(block_bytes, behind);
        }
        if let Some(consumed) = turn.store_meta_block(meta, value_bytes, place, behind) {
            return consumed;
        }
        match Incoming::of_meta(meta, value_bytes, turn) {
            Some(incoming) => {
                self.state = State::Value(Box::new(incoming));
                0
            }
            None => self.skip(block_bytes, behind),
        }
    }

    /// Drops `bytes` bytes: those in `input` now, whose number it returns, the others when they
    /// come.
    fn skip(&mut self, bytes: usize, input: &[u8]) -> usize {
        let consumed = bytes.min(input.len());
        self.state = match bytes - consumed {
            0 => State::Line,
            left => State::Skip(left),
        };
        consumed
    }

    fn handle_error(&mut self, error: ParseError, input: &[u8], turn: &mut Turn<'_>) -> Step {
        if let Some(response) = error.response() {
            turn.respond(&response);
        }
        match error.recovery() {
            Recovery::Discard(bytes) => Step::go_on(self.skip(bytes, input)),
            Recovery::Close => {
                self.state = State::Broken;
                Step::go_on(0)
            }
        }
    }
}

/// What one step of a session consumed, and whether it is the last of this call.
struct Step {
    consumed: usize,
    next: Option<Next>,
}

impl Step {
    const fn go_on(consumed: usize) -> Self {
        Self {
            consumed,
            next: None,
        }
    }

    const fn stop(consumed: usize, next: Next) -> Self {
        Self {
            consumed,
            next: Some(next),
        }
    }
}

/// How every binary request begins, and no text command (protocol_binary.txt, "Request header").
const BINARY_FIRST_BYTE: u8 = 0x80;
