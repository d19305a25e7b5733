//! Requests that come in datagrams.

use core::net::IpAddr;
use std::sync::Arc;
use std::vec::Vec;

use bytes::Buf;
use steadfast_protocol::binary::{self, Opcode, REQUEST_MAGIC, Status};
use steadfast_protocol::udp::{DATAGRAM_BYTES_MAX, Header, datagram_count};

use crate::allowance::{Allowance, FREE_RATIO};
use crate::{Engine, Next, Now, Output, Protocol, Session, SessionSettings};

/// Answers requests that come in datagrams; each worker has one.
///
/// A datagram is a conversation of its own, in the protocol that its first byte tells. All its
/// replies are one message, which may need several datagrams (protocol.txt, "UDP protocol": "the
/// payloads of the datagrams for a given response ... will contain a complete response").
/// memcached 1.6 numbers each value of a multiget as a message of its own, all with the same
/// request id, so that a client cannot tell what is complete; we do not.
///
/// A request without a reply (noreply, a line without its end) gets none, and `quit` a header alone,
/// as in memcached. A storage command whose data is not in the same datagram is an error here;
/// memcached reads the next datagram's frame into the value.
///
/// Replies of more than four times the request are paid from the [`Allowance`] of the
/// address; where that is used up, or a reply exceeds [`REPLY_BYTES_MAX`](Self::REPLY_BYTES_MAX), a
/// short `SERVER_ERROR UDP limit` goes out instead: ask over TCP.
#[derive(Debug)]
pub struct Datagrams {
    worker: usize,
    allowance: Arc<Allowance>,
    header: Header,
    reply: Output,
    /// Datagrams of the reply that are still to be sent; for `quit` one without payload.
    left: u16,
}

impl Datagrams {
    /// The longest reply in bytes: a value of memcached's largest default size, and some more.
    pub const REPLY_BYTES_MAX: usize = 2 << 20;

    /// Answers for the worker of that number.
    #[must_use]
    pub fn new(worker: usize, allowance: Arc<Allowance>) -> Self {
        Self {
            worker,
            allowance,
            header: Header::request(0),
            reply: Output::new(),
            left: 0,
        }
    }

    /// Executes what a datagram asks; the reply is for [`poll_datagram`](Self::poll_datagram) then.
    /// What was not polled of the reply before is dropped.
    ///
    /// Costs what its requests cost; at most 1024 rounds of
    /// [`requests_per_call_max`](crate::Settings::requests_per_call_max) are executed.
    pub fn handle_datagram(&mut self, datagram: &[u8], from: IpAddr, engine: &Engine, now: Now) {
        self.left = 0;
        self.reply.clear();
        let Ok((header, payload)) = Header::parse_request(datagram) else {
            return;
        };
        self.header = Header {
            sequence: 0,
            ..header
        };
        let outcome = self.execute(payload, engine, now);
        if outcome == Outcome::Silence && self.reply.is_empty() {
            self.header.total = 0;
            self.left = 1;
            return;
        }
        let now_secs = now.timestamp.as_secs();
        if outcome == Outcome::TooLong || !self.is_affordable(datagram.len(), from, now_secs) {
            self.reply.clear();
            refuse(payload, self.reply.text());
        }
        self.left = datagram_count(self.reply.remaining()).unwrap_or(0);
        self.header.total = self.left;
    }

    /// Writes the next datagram of the reply to `datagram`, and returns its length; `None` when
    /// there are no more.
    pub fn poll_datagram(&mut self, datagram: &mut [u8; DATAGRAM_BYTES_MAX]) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let (head, payload) = datagram.split_at_mut(Header::BYTES);
        head.copy_from_slice(&self.header.encode());
        self.header.sequence = self.header.sequence.wrapping_add(1);
        let bytes = self.reply.remaining().min(payload.len());
        self.reply.copy_to_slice(&mut payload[..bytes]);
        Some(Header::BYTES + bytes)
    }

    fn execute(&mut self, payload: &[u8], engine: &Engine, now: Now) -> Outcome {
        let settings = SessionSettings {
            protocol: Protocol::Negotiate,
            ..SessionSettings::default()
        };
        let mut session = Session::with_settings(self.worker, settings);
        let mut input = payload;
        for _ in 0..CALLS_MAX {
            let progress = session.handle_input(input, &mut self.reply, engine, now);
            input = &input[progress.consumed..];
            match progress.next {
                Next::Again if self.reply.remaining() <= Self::REPLY_BYTES_MAX => {}
                Next::Again | Next::Write => return Outcome::TooLong,
                _ if self.reply.remaining() > Self::REPLY_BYTES_MAX => return Outcome::TooLong,
                Next::Close if session.is_broken() => return Outcome::Complete,
                Next::Close => return Outcome::Silence,
                Next::Read | Next::ReadValue => {
                    if session.is_receiving_text() {
                        self.reply.text().extend_from_slice(INCOMPLETE);
                    }
                    return Outcome::Complete;
                }
            }
        }
        Outcome::TooLong
    }

    /// Tells whether the reply may go out.
    fn is_affordable(&self, request_bytes: usize, from: IpAddr, now_secs: u32) -> bool {
        let payload_bytes = self.reply.remaining();
        let Some(datagrams) = datagram_count(payload_bytes) else {
            return false;
        };
        let reply_bytes = payload_bytes + Header::BYTES * usize::from(datagrams);
        let excess = reply_bytes.saturating_sub(FREE_RATIO * request_bytes);
        self.allowance.take(from, excess, now_secs)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The reply is whole, if there is any.
    Complete,
    /// The client took its leave.
    Silence,
    /// The reply or the work exceeds what UDP is for.
    TooLong,
}

/// Writes what is said instead of a reply, shorter than four times any request.
fn refuse(payload: &[u8], out: &mut Vec<u8>) {
    match payload {
        [REQUEST_MAGIC, rest @ ..] => {
            let opcode = Opcode::new(rest.first().copied().unwrap_or_default());
            let opaque = rest.get(11..15).and_then(|bytes| bytes.try_into().ok());
            let opaque = u32::from_be_bytes(opaque.unwrap_or_default());
            binary::Response::error(opcode, BUSY, opaque).encode(out);
        }
        _ => out.extend_from_slice(REFUSAL),
    }
}

/// With its frame 32 bytes: not more than four times the shortest request, of nine.
const REFUSAL: &[u8] = b"SERVER_ERROR UDP limit\r\n";
/// What a binary request gets instead of a reply (protocol-binary.txt: "Busy").
const BUSY: Status = Status::new(0x85);
/// What a storage command gets whose data is not in its datagram.
const INCOMPLETE: &[u8] = b"CLIENT_ERROR bad data chunk\r\n";
/// Rounds of `-R` requests for one datagram: more than any has that is full of the shortest, and an
/// end to those that go through the whole store.
const CALLS_MAX: usize = 1024;
