//! The binary protocol's parsers.

use steadfast_protocol::Parsed;
use steadfast_protocol::binary::{Command, HEAD_BYTES_MAX, Request, Response};

use crate::input::cut;

/// Requests are the same whatever the split of the input.
pub fn request_split(data: &[u8]) {
    let (pieces, stream) = cut(data);
    assert_eq!(events(&pieces, request), events(&[stream], request));
}

/// Responses are the same whatever the split of the input.
pub fn response_split(data: &[u8]) {
    let (pieces, stream) = cut(data);
    assert_eq!(events(&pieces, response), events(&[stream], response));
}

/// What was understood is understood again from its encoding, as the same.
pub fn roundtrip(data: &[u8]) {
    if let Ok(Parsed::Complete { message, consumed }) = Request::parse(data) {
        let mut encoded = Vec::new();
        message.encode(&mut encoded);
        // The body of an unknown opcode, whatever is in it, is all value.
        if !matches!(message.command, Command::Unknown { .. }) {
            assert_eq!(encoded.len(), consumed);
        }
        let again = Parsed::Complete { message, consumed };
        assert_eq!(Request::parse(&encoded), Ok(again));
    }
    if let Ok(Parsed::Complete { message, consumed }) = Response::parse(data) {
        let mut encoded = Vec::new();
        message.encode(&mut encoded);
        let again = Parsed::Complete { message, consumed };
        assert_eq!(Response::parse(&encoded), Ok(again));
    }
}

/// What a parser makes of the start of its input.
enum Step {
    /// A message, its length and that of its value.
    Message(String, usize, usize),
    /// So many bytes are missing.
    Incomplete(usize),
    /// The place is lost.
    Lost(String),
}

fn request(input: &[u8]) -> Step {
    match Request::parse(input) {
        Ok(Parsed::Complete { message, consumed }) => {
            let value_bytes = message.command.value_bytes();
            Step::Message(format!("{message:?}"), consumed, value_bytes)
        }
        Ok(Parsed::Incomplete { needed }) => Step::Incomplete(needed.get()),
        Err(error) => Step::Lost(format!("{error:?} {:?}", error.response())),
    }
}

fn response(input: &[u8]) -> Step {
    match Response::parse(input) {
        Ok(Parsed::Complete { message, consumed }) => {
            Step::Message(format!("{message:?}"), consumed, message.value_bytes)
        }
        Ok(Parsed::Incomplete { needed }) => Step::Incomplete(needed.get()),
        Err(error) => Step::Lost(format!("{error:?}")),
    }
}

/// What a peer makes of a stream that arrives in pieces, as a list of events; values as their length.
fn events(pieces: &[&[u8]], parse: fn(&[u8]) -> Step) -> Vec<String> {
    let mut buffer = Vec::new();
    let mut events = Vec::new();
    let mut value_left = 0usize;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let dropped = value_left.min(buffer.len());
            buffer.drain(..dropped);
            value_left -= dropped;
            if value_left > 0 {
                break;
            }
            match parse(&buffer) {
                Step::Message(message, consumed, value_bytes) => {
                    assert!(consumed <= HEAD_BYTES_MAX);
                    events.push(message);
                    buffer.drain(..consumed);
                    value_left = value_bytes;
                }
                Step::Incomplete(needed) => {
                    assert!(buffer.len() + needed <= HEAD_BYTES_MAX);
                    break;
                }
                Step::Lost(error) => {
                    events.push(error);
                    return events;
                }
            }
        }
    }
    events
}
