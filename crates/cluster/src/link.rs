use std::collections::VecDeque;

use bytes::Bytes;
use steadfast_protocol::{DataBlock, DataPart, Limits, Parsed, Response, ResponseParser};

use crate::NodeId;
use crate::batch::{Batch, Expected};

/// An operation's exchange with one node: at most one batch under way.
#[derive(Debug)]
pub(crate) struct Link {
    node: NodeId,
    parser: ResponseParser,
    waiting: Option<Waiting>,
    /// Whether anything was heard on the present connection.
    is_proven: bool,
    value_bytes_max: usize,
}

/// A batch that was sent, and what has come back so far.
#[derive(Debug)]
struct Waiting {
    request: Bytes,
    expected: VecDeque<Expected>,
    replies: Vec<Reply>,
    items: Vec<Item>,
    /// The item whose value is being received.
    open: Option<(Item, DataBlock)>,
    may_repeat: bool,
}

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Stored,
    /// The condition did not hold: there, not there, or changed.
    NotStored,
    Touched,
    NotFound,
    Version,
    Items(Vec<Item>),
    /// An error line; its text.
    Refused(Box<str>),
}

/// An item as a node returned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) key: Vec<u8>,
    pub(crate) flags: u32,
    pub(crate) cas: u64,
    pub(crate) value: Vec<u8>,
}

/// What came is no answer to what was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadReply;

impl Link {
    pub(crate) fn new(node: NodeId, value_bytes_max: usize) -> Self {
        let parser = ResponseParser::new(Limits::default());
        Self {
            node,
            parser,
            waiting: None,
            is_proven: false,
            value_bytes_max,
        }
    }

    pub(crate) fn node(&self) -> NodeId {
        self.node
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Starts a batch; the bytes to send.
    pub(crate) fn start(&mut self, batch: Batch) -> Bytes {
        let (request, expected) = batch.into_parts();
        self.waiting = Some(Waiting {
            request: request.clone(),
            expected: expected.into(),
            replies: Vec::new(),
            items: Vec::new(),
            open: None,
            may_repeat: !self.is_proven,
        });
        request
    }

    /// The connection has ended. The bytes to send once more on a new one, if it may only have been
    /// an idle connection that its node had closed long ago: nothing was ever heard on it.
    pub(crate) fn repeat(&mut self) -> Option<Bytes> {
        self.parser = ResponseParser::new(Limits::default());
        let waiting = self.waiting.as_mut()?;
        let may_repeat = waiting.may_repeat && !self.is_proven;
        waiting.may_repeat = false;
        may_repeat.then(|| waiting.request.clone())
    }

    /// Gives the batch up, and with it the connection.
    pub(crate) fn abandon(&mut self) {
        *self = Self::new(self.node, self.value_bytes_max);
    }

    /// Takes as much of `input` as is complete: the bytes taken and, after the last answer of the
    /// batch, all of them.
    pub(crate) fn parse(&mut self, input: &[u8]) -> Result<(usize, Option<Vec<Reply>>), BadReply> {
        let waiting = self.waiting.as_mut().ok_or(BadReply)?;
        let mut taken = 0;
        while !waiting.expected.is_empty() {
            let rest = &input[taken..];
            let step = if let Some((item, block)) = &mut waiting.open {
                match block.parse(rest) {
                    Parsed::Incomplete { .. } => break,
                    Parsed::Complete { message, consumed } => {
                        let is_end = receive(item, message)?;
                        if is_end {
                            waiting
                                .items
                                .extend(waiting.open.take().map(|(item, _)| item));
                        }
                        consumed
                    }
                }
            } else {
                match self.parser.parse(rest).map_err(|_| BadReply)? {
                    Parsed::Incomplete { .. } => break,
                    Parsed::Complete { message, consumed } => {
                        waiting.handle_line(message, self.value_bytes_max)?;
                        consumed
                    }
                }
            };
            self.is_proven = true;
            taken += step;
        }
        if waiting.expected.is_empty() {
            let replies = self.waiting.take().map(|waiting| waiting.replies);
            return Ok((taken, replies));
        }
        Ok((taken, None))
    }
}

impl Waiting {
    fn handle_line(&mut self, line: Response<'_>, value_bytes_max: usize) -> Result<(), BadReply> {
        let expected = *self
            .expected
            .front()
            .expect("the caller waits for an answer");
        let reply = match (expected, line) {
            (Expected::Items(items_max), Response::Value(header)) => {
                if self.items.len() >= items_max || header.value_bytes > value_bytes_max {
                    return Err(BadReply);
                }
                let item = Item {
                    key: header.key.as_bytes().to_vec(),
                    flags: header.flags,
                    cas: header.cas.ok_or(BadReply)?,
                    // It may promise more than it sends.
                    value: Vec::with_capacity(header.value_bytes.min(VALUE_BYTES_FIRST)),
                };
                self.open = Some((item, DataBlock::new(header.value_bytes)));
                return Ok(());
            }
            (Expected::Items(_), Response::End) => Reply::Items(core::mem::take(&mut self.items)),
            (Expected::Line, Response::Stored) => Reply::Stored,
            (Expected::Line, Response::NotStored | Response::Exists) => Reply::NotStored,
            (Expected::Line, Response::Touched) => Reply::Touched,
            (Expected::Line, Response::NotFound) => Reply::NotFound,
            (Expected::Line, Response::Version(_)) => Reply::Version,
            (
                _,
                Response::Error(text) | Response::ClientError(text) | Response::ServerError(text),
            ) => Reply::Refused(printable(text)),
            _ => return Err(BadReply),
        };
        self.items.clear();
        self.replies.push(reply);
        self.expected.pop_front();
        Ok(())
    }
}

/// Puts a part of a data block where it belongs; whether it was the last.
fn receive(item: &mut Item, part: DataPart<'_>) -> Result<bool, BadReply> {
    match part {
        DataPart::Value(bytes) => item.value.extend_from_slice(bytes),
        DataPart::End => return Ok(true),
        DataPart::BadEnd => return Err(BadReply),
    }
    Ok(false)
}

fn printable(text: &[u8]) -> Box<str> {
    text.escape_ascii().to_string().into()
}

/// Room made for a value before any of it has come.
const VALUE_BYTES_FIRST: usize = 16 << 10;

#[cfg(test)]
mod tests;
