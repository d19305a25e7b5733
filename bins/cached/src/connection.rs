//! One client: its socket, its session, and what is under way between them.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::sync::Arc;

use bytes::Buf;
use steadfast_engine::{Engine, Next, Now, Output, Session};

use crate::budget::Share;
use crate::census::{Doing, Resident, Seat};
use crate::kept::Kept;
use crate::stream::Stream;

/// What a worker lends to the connection whose turn it is.
#[derive(Debug)]
pub(crate) struct Desk {
    /// What all sessions share.
    pub(crate) engine: Arc<Engine>,
    /// The time of this round of events.
    pub(crate) now: Now,
    /// Whether nobody else waits for a turn.
    pub(crate) alone: bool,
    /// Where input is read to; nothing of it is kept between turns. Made for the first turn: a worker
    /// that never had a client holds no memory for them.
    buffer: Box<[u8]>,
    /// Where replies are put; empty between turns.
    output: Output,
}

impl Desk {
    /// Sets up a desk for one worker.
    pub(crate) fn new(engine: Arc<Engine>, now: Now) -> Self {
        Self {
            engine,
            now,
            alone: true,
            buffer: Box::default(),
            output: Output::new(),
        }
    }

    /// Makes the desk fit for the next client after a turn that a panic cut short: replies of the
    /// one must not go to the other.
    pub(crate) fn clear(&mut self) {
        self.output = Output::new();
        self.buffer = Box::default();
    }
}

/// What a connection needs after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// An event of its socket.
    Wait,
    /// Another turn; there is work without an event.
    Again,
    /// An event of its socket, or a call to all who watch.
    Watch,
    /// To be dropped, which closes it.
    Close,
    /// The same; its socket has failed.
    Fail,
}

/// One client's connection.
///
/// Owns a buffer only while it has an incomplete request (`kept`) or unsent replies (`unsent`), so
/// that thousands of idle clients cost little. While replies are unsent nothing more is read: a
/// client that does not take its replies holds one batch of them, and its own requests back.
#[derive(Debug)]
pub(crate) struct Connection {
    // Before the stream: the seat is given back before the descriptor can be taken by another, and
    // the share before the client knows of the end.
    _seat: Seat,
    /// What `kept` may hold beyond the size of a worker's buffer.
    share: Share,
    resident: Arc<Resident>,
    stream: Stream,
    session: Session,
    next: Next,
    kept: Kept,
    unsent: Option<Box<Output>>,
    readable: bool,
    /// The last request had a big value, so the next may: read little before it is known, because
    /// what comes with the header has to be copied to its place.
    expects_value: bool,
    /// The client has closed its half: read until the end, though a read comes back short.
    ending: bool,
    /// Its turn comes in the next round, whether there is an event or not.
    queued: bool,
}

impl Connection {
    /// Begins a conversation.
    pub(crate) fn new(
        mut seat: Seat,
        stream: Stream,
        resident: Resident,
        session: Session,
        share: Share,
    ) -> Self {
        Self {
            resident: seat.settle(resident),
            _seat: seat,
            stream,
            session,
            next: Next::Read,
            kept: Kept::default(),
            share,
            unsent: None,
            readable: false,
            expects_value: false,
            ending: false,
            queued: false,
        }
    }

    /// Returns who is connected.
    pub(crate) fn resident(&self) -> &Resident {
        &self.resident
    }

    /// Tells whether the client is on a Unix socket, where silence is never punished.
    pub(crate) fn is_unix(&self) -> bool {
        self.stream.is_unix()
    }

    /// Tells whether there are replies that the client has not taken yet, or its part of a handshake.
    pub(crate) fn has_unsent(&self) -> bool {
        self.unsent.is_some() || self.stream.holds_unsent()
    }

    /// Tells whether it is not yet agreed how to encrypt.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.stream.is_handshaking()
    }

    /// Tells whether that has been so for too long.
    pub(crate) fn is_overdue(&self) -> bool {
        self.stream.is_overdue()
    }

    /// Tells whether its turn comes without an event.
    pub(crate) fn is_queued(&self) -> bool {
        self.queued
    }

    /// Notes whether its turn comes without an event.
    pub(crate) fn set_queued(&mut self, queued: bool) {
        self.queued = queued;
    }

    /// Notes that the socket has something to read, the end included if `ending`.
    pub(crate) fn handle_readable(&mut self, ending: bool) {
        self.readable = true;
        self.ending |= ending;
    }

    /// Notes that its session, which watches, has something to say without having heard anything.
    pub(crate) fn handle_wake(&mut self) {
        if self.next == Next::Read {
            self.next = Next::Again;
        }
    }

    /// Does what can be done now, within bounds, so that others get their turn.
    pub(crate) fn take_turn(&mut self, desk: &mut Desk) -> Turn {
        if desk.buffer.is_empty() {
            desk.buffer = vec![0; READ_BYTES].into_boxed_slice();
        }
        let mut turn = self.work(desk).unwrap_or(Turn::Fail);
        let doing = match turn {
            _ if self.session.is_watching() => {
                if turn == Turn::Wait {
                    turn = Turn::Watch;
                }
                Doing::Watching
            }
            _ if self.unsent.is_some() => Doing::Sending,
            _ if self.session.is_receiving() => Doing::Receiving,
            _ => Doing::Waiting,
        };
        self.resident.note(doing, desk.now.timestamp.as_secs());
        turn
    }

    fn work(&mut self, desk: &mut Desk) -> io::Result<Turn> {
        for _ in 0..STEPS_PER_TURN {
            if !self.send_unsent()? {
                return Ok(Turn::Wait);
            }
            let goes_on = match self.next {
                Next::Close if self.session.is_broken() => return Ok(Turn::Fail),
                Next::Close => return Ok(Turn::Close),
                Next::Read => self.read_input(desk)?,
                Next::ReadValue => self.read_value(desk)?,
                Next::Again | Next::Write => self.resume(desk)?,
            };
            match goes_on {
                Step::Done if self.next == Next::Again && !desk.alone => return Ok(Turn::Again),
                Step::Done => {}
                Step::Drained => return Ok(Turn::Wait),
                Step::Ended => return Ok(Turn::Close),
            }
        }
        Ok(Turn::Again)
    }

    /// Reads behind what is kept, and executes it.
    fn read_input(&mut self, desk: &mut Desk) -> io::Result<Step> {
        let kept = self.kept.len();
        if kept > desk.buffer.len() / 2 {
            // A long multiget, or a value that is not placed yet: it needs a buffer of its own.
            return self.read_behind(desk);
        }
        let end = match std::mem::take(&mut self.expects_value) {
            true => kept + HEADER_READ_BYTES,
            false => desk.buffer.len(),
        };
        desk.buffer[..kept].copy_from_slice(self.kept.bytes());
        let bytes = match self.receive(|stream| stream.read(&mut desk.buffer[kept..end]))? {
            Received::Bytes(bytes) => bytes,
            Received::Nothing => return Ok(Step::Drained),
            Received::End => return Ok(Step::Ended),
        };
        self.expect_more(kept + bytes == end);
        self.execute_buffer(kept + bytes, desk)
    }

    /// Executes the first `bytes` bytes of the desk's buffer, and keeps what is left of them.
    fn execute_buffer(&mut self, bytes: usize, desk: &mut Desk) -> io::Result<Step> {
        // The buffer is lent out for the call, because the desk's output is in use beside it.
        let buffer = std::mem::take(&mut desk.buffer);
        let consumed = self.execute(&buffer[..bytes], desk);
        self.kept.replace(&buffer[consumed..bytes]);
        desk.buffer = buffer;
        self.send(desk)
    }

    fn read_behind(&mut self, desk: &mut Desk) -> io::Result<Step> {
        if !self.share.grow_to(self.kept.len() + READ_BYTES) {
            // All replies so far are sent, so there is room for this one in the socket.
            let _ = self.stream.write(OUT_OF_MEMORY);
            return Ok(Step::Ended);
        }
        let mut kept = std::mem::take(&mut self.kept);
        let room = kept.room(READ_BYTES);
        let wanted = room.len();
        let received = self.receive(|stream| stream.read(room));
        let bytes = if let Ok(Received::Bytes(bytes)) = received {
            bytes
        } else {
            0
        };
        kept.give_back(wanted - bytes);
        self.kept = kept;
        match received? {
            Received::Bytes(_) => self.expect_more(bytes == wanted),
            Received::Nothing => return Ok(Step::Drained),
            Received::End => return Ok(Step::Ended),
        }
        self.resume(desk)
    }

    /// Executes what is kept.
    fn resume(&mut self, desk: &mut Desk) -> io::Result<Step> {
        let mut kept = std::mem::take(&mut self.kept);
        let consumed = self.execute(kept.bytes(), desk);
        kept.consume(consumed);
        self.kept = kept;
        if self.kept.len() <= READ_BYTES {
            self.share.clear();
        }
        self.send(desk)
    }

    /// Reads a big value straight into its place, and its end and what may follow behind that.
    fn read_value(&mut self, desk: &mut Desk) -> io::Result<Step> {
        let room = self.session.value_buffer();
        if room.is_empty() {
            self.next = Next::Read;
            return Ok(Step::Done);
        }
        if !self.readable {
            return Ok(Step::Drained);
        }
        let value_bytes = room.len();
        let mut buffers = [
            IoSliceMut::new(room),
            IoSliceMut::new(&mut desk.buffer[..HEADER_READ_BYTES]),
        ];
        match receive_from(&mut self.stream, |stream| {
            stream.read_vectored(&mut buffers)
        })? {
            Received::Bytes(bytes) => {
                let placed = bytes.min(value_bytes);
                self.session.handle_value_received(placed, &desk.engine);
                self.expects_value = true;
                self.expect_more(bytes == value_bytes + HEADER_READ_BYTES);
                match bytes - placed {
                    0 => Ok(Step::Done),
                    behind => self.execute_buffer(behind, desk),
                }
            }
            Received::Nothing => {
                self.readable = false;
                Ok(Step::Drained)
            }
            Received::End => Ok(Step::Ended),
        }
    }

    /// Executes `input` as far as it goes, and returns how much of it was consumed.
    fn execute(&mut self, input: &[u8], desk: &mut Desk) -> usize {
        let mut consumed = 0;
        let calls_max = match desk.alone {
            // With nobody waiting, the whole batch is answered in one write.
            true => CALLS_ALONE_MAX,
            false => CALLS_MAX,
        };
        for _ in 0..calls_max {
            let progress = self.session.handle_input(
                &input[consumed..],
                &mut desk.output,
                &desk.engine,
                desk.now,
            );
            consumed += progress.consumed;
            self.next = progress.next;
            if self.next != Next::Again {
                break;
            }
        }
        consumed
    }

    /// Sends the replies of a batch; what the client does not take stays with the connection.
    fn send(&mut self, desk: &mut Desk) -> io::Result<Step> {
        if !desk.output.is_empty() && !send(&mut self.stream, &mut desk.output)? {
            self.unsent = Some(Box::new(std::mem::take(&mut desk.output)));
        }
        Ok(Step::Done)
    }

    /// Tells whether nothing remains unsent.
    fn send_unsent(&mut self) -> io::Result<bool> {
        if let Some(unsent) = &mut self.unsent {
            if !send(&mut self.stream, unsent)? {
                return Ok(false);
            }
            self.unsent = None;
        } else if self.stream.holds_unsent() {
            return flush(&mut self.stream);
        }
        Ok(true)
    }

    fn receive(
        &mut self,
        read: impl FnMut(&mut Stream) -> io::Result<usize>,
    ) -> io::Result<Received> {
        if !self.readable {
            return Ok(Received::Nothing);
        }
        let received = receive_from(&mut self.stream, read)?;
        if received == Received::Nothing {
            self.readable = false;
        }
        Ok(received)
    }

    /// A read that did not fill its buffer has drained the socket: asking again would only cost a
    /// call. Except at the end, for which there may be no further event.
    fn expect_more(&mut self, filled: bool) {
        self.readable = filled || self.ending || self.stream.reads_short();
    }
}

enum Step {
    /// Something was done; look at `next`.
    Done,
    /// The socket has nothing more for now.
    Drained,
    /// The client has closed its half, and everything complete is answered.
    Ended,
}

#[derive(Clone, Copy, PartialEq)]
enum Received {
    Bytes(usize),
    Nothing,
    End,
}

fn receive_from(
    stream: &mut Stream,
    mut read: impl FnMut(&mut Stream) -> io::Result<usize>,
) -> io::Result<Received> {
    loop {
        return match read(stream) {
            Ok(0) => Ok(Received::End),
            Ok(bytes) => Ok(Received::Bytes(bytes)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Received::Nothing),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
    }
}

/// Sends as much as the socket takes, and tells whether that was all.
fn send(stream: &mut Stream, output: &mut Output) -> io::Result<bool> {
    while output.has_remaining() {
        let written = if output.chunk().len() == output.remaining() {
            stream.write(output.chunk())
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES_PER_WRITE];
            let count = output.chunks_vectored(&mut slices);
            stream.write_vectored(&slices[..count])
        };
        match written {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(bytes) => output.advance(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    flush(stream)
}

/// Passes on what the stream holds, and tells whether that was all.
fn flush(stream: &mut Stream) -> io::Result<bool> {
    match stream.flush() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// The thread's read buffer: what fits is executed at once and answered in one write.
const READ_BYTES: usize = 64 << 10;
/// Reads, values or batches of one client before others get their turn.
const STEPS_PER_TURN: usize = 8;
/// What a client hears whose long request does not fit any more (memcached's words).
const OUT_OF_MEMORY: &[u8] = b"SERVER_ERROR out of memory reading request\r\n";
/// The same where a big value is expected: room for a header, so that little of the value comes with
/// it.
const HEADER_READ_BYTES: usize = 2 << 10;
/// Batches of `-R` requests that are answered in one write while others wait: a write and two turns
/// cost as much as some dozens of requests.
const CALLS_MAX: usize = 8;
/// And while nobody else waits.
const CALLS_ALONE_MAX: usize = 256;
/// Pieces per vectored write; a big value needs three.
const SLICES_PER_WRITE: usize = 64;
