//! One request and its response: all that is known about them.

use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};

use crate::http::{Body, ChunkError, ChunkedRelay, RequestHead, ResponseParser};
use crate::log::{Cause, QueuePositions, Termination};
use crate::state::{BackendId, ServerId};
use crate::time::Now;

/// The exchange that is going on, or about to.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Whether it is the first of its connection.
    pub(super) is_first: bool,
    /// Whether a byte of the request has come.
    pub(super) has_begun: bool,
    /// The first byte; before it, the moment from which it is awaited.
    pub(super) began: Now,
    pub(super) head: Option<RequestHead>,
    pub(super) parsed_at: Option<Instant>,
    pub(super) assigned_at: Option<Instant>,
    pub(super) connected_at: Option<Instant>,
    pub(super) answered_at: Option<Instant>,
    pub(super) backend: Option<BackendId>,
    /// The server tried last.
    pub(super) server: Option<ServerId>,
    /// The server of which we hold a slot.
    pub(super) slot: Option<ServerId>,
    pub(super) retries: u32,
    pub(super) redispatched: bool,
    /// What the last failed attempt to connect died of.
    pub(super) connect_failure: Cause,
    pub(super) queue: QueuePositions,
    /// What is left of the request's body.
    pub(super) request: Flow,
    /// Body bytes that came with the head, ready to be sent behind it.
    pub(super) early: BytesMut,
    /// The body sent to a reused connection, while it may be sent again.
    pub(super) resend: Option<Bytes>,
    pub(super) parser: ResponseParser,
    /// What is left of the response's body; `None` before its head.
    pub(super) response: Option<Flow>,
    /// Interim responses so far.
    pub(super) interims: u32,
    pub(super) is_reused: bool,
    /// The status sent to the client.
    pub(super) status: Option<u16>,
    pub(super) bytes_in: u64,
    /// Bytes from the server.
    pub(super) bytes_out: u64,
    /// Bytes of an answer of our own.
    pub(super) local_bytes: u64,
    /// Whether the client's connection goes on afterwards.
    pub(super) keep_client: bool,
    /// Whether the server's connection goes on afterwards.
    pub(super) keep_server: bool,
    pub(super) termination: Termination,
    pub(super) is_logged: bool,
}

impl Exchange {
    pub(super) fn new(is_first: bool, now: Now) -> Self {
        Self {
            is_first,
            has_begun: false,
            began: now,
            head: None,
            parsed_at: None,
            assigned_at: None,
            connected_at: None,
            answered_at: None,
            backend: None,
            server: None,
            slot: None,
            retries: 0,
            redispatched: false,
            connect_failure: Cause::Server,
            queue: QueuePositions::default(),
            request: Flow::Done,
            early: BytesMut::new(),
            resend: None,
            parser: ResponseParser::new(crate::http::Limits::default()),
            response: None,
            interims: 0,
            is_reused: false,
            status: None,
            bytes_in: 0,
            bytes_out: 0,
            local_bytes: 0,
            keep_client: false,
            keep_server: false,
            termination: Termination::default(),
            is_logged: false,
        }
    }

    /// The method of the request; empty before it is known.
    pub(super) fn method(&self) -> &[u8] {
        self.head.as_ref().map_or(&[], |head| &head.method)
    }
}

/// What is left of a body.
#[derive(Debug, Clone)]
pub(super) enum Flow {
    /// Nothing.
    Done,
    /// That many bytes, at least one.
    Length(u64),
    /// Chunks.
    Chunked(ChunkedRelay),
    /// All until the peer closes.
    UntilClose,
}

impl Flow {
    pub(super) const fn new(body: Body) -> Self {
        match body {
            Body::None => Self::Done,
            Body::Length(len) => Self::Length(len),
            Body::Chunked => Self::Chunked(ChunkedRelay::new()),
            Body::UntilClose => Self::UntilClose,
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// How many bytes the daemon may relay by itself; `None` if they must pass through the core.
    pub(super) const fn forward_len(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::UntilClose => Some(u64::MAX),
            Self::Done | Self::Chunked(_) => None,
        }
    }

    /// How many bytes [`pass`](Self::pass) is likely to move out of `input`.
    pub(super) fn room_for(&self, input: &[u8]) -> usize {
        match self {
            Self::Done => 0,
            Self::Length(left) => {
                usize::try_from(*left).map_or(input.len(), |n| n.min(input.len()))
            }
            Self::Chunked(_) | Self::UntilClose => input.len(),
        }
    }

    /// Moves what belongs to the body from `input` to `out`. Returns how many bytes of `input` that were.
    pub(super) fn pass(
        &mut self,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<u64, ChunkError> {
        let taken = self.copy(input, out)?;
        input.advance(taken);
        Ok(taken as u64)
    }

    /// Appends what belongs to the body at the front of `input` to `out`. Returns how many bytes of `input` that were:
    /// all of them, unless the body ends before.
    pub(super) fn copy(&mut self, input: &[u8], out: &mut BytesMut) -> Result<usize, ChunkError> {
        Ok(match self {
            Self::Done => 0,
            Self::Length(_) => {
                let taken = self.room_for(input);
                out.extend_from_slice(&input[..taken]);
                self.forwarded(taken as u64);
                taken
            }
            Self::Chunked(relay) => {
                let taken = relay.relay(input, out)?;
                if relay.is_done() {
                    *self = Self::Done;
                }
                taken
            }
            Self::UntilClose => {
                out.extend_from_slice(input);
                input.len()
            }
        })
    }

    /// Notes that the daemon has relayed `len` bytes.
    pub(super) fn forwarded(&mut self, len: u64) {
        if let Self::Length(left) = self {
            *left = left.saturating_sub(len);
            if *left == 0 {
                *self = Self::Done;
            }
        }
    }
}
