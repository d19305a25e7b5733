//! The memcached protocol's parsers.

use steadfast_protocol::{
    DataBlock, DataPart, Limits, ParseError, Parsed, Recovery, Request, RequestParser, Response,
    ResponseParser,
};

use crate::input::cut;

/// Requests are the same whatever the split of the input.
pub fn request_split(data: &[u8]) {
    let (pieces, stream) = cut(data);
    assert_eq!(requests(&pieces), requests(&[stream]));
}

/// A request that was understood is understood again from its encoding, as the same and written
/// the same. The blanks between the words of a report's arguments are not part of their meaning.
pub fn request_roundtrip(data: &[u8]) {
    let Some(message) = request(data) else {
        return;
    };
    let encoded = encode(&message);
    let again = request(&encoded).expect("our own request is right");
    assert_eq!(encode(&again), encoded);
    if !matches!(message, Request::Stats { .. }) {
        assert_eq!(again, message);
    }
}

fn request(data: &[u8]) -> Option<Request<'_>> {
    match RequestParser::new(Limits::default()).parse(data) {
        Ok(Parsed::Complete { message, consumed }) => {
            assert!(consumed <= data.len());
            Some(message)
        }
        _ => None,
    }
}

fn encode(message: &Request<'_>) -> Vec<u8> {
    let mut encoded = Vec::new();
    message.encode(&mut encoded);
    encoded
}

/// Responses are the same whatever the split of the input.
pub fn response_split(data: &[u8]) {
    let (pieces, stream) = cut(data);
    assert_eq!(responses(&pieces), responses(&[stream]));
}

/// What a server makes of a stream that arrives in pieces, as a list of events.
fn requests(pieces: &[&[u8]]) -> Vec<String> {
    let mut parser = RequestParser::new(Limits::default());
    let mut buffer = Vec::new();
    let mut events = Vec::new();
    let (mut block, mut skip): (Option<DataBlock>, usize) = (None, 0);
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let dropped = skip.min(buffer.len());
            buffer.drain(..dropped);
            skip -= dropped;
            if skip > 0 {
                break;
            }
            if block.is_some() {
                if take_data(&mut block, &mut buffer, &mut events) {
                    continue;
                }
                break;
            }
            match parser.parse(&buffer) {
                Ok(Parsed::Complete { message, consumed }) => {
                    events.push(format!("{message:?}"));
                    if let Request::Store(storage) = message {
                        block = Some(DataBlock::new(storage.value_bytes));
                    }
                    buffer.drain(..consumed);
                }
                Ok(Parsed::Incomplete { .. }) => break,
                Err(error) => {
                    events.push(describe(&error));
                    match error.recovery() {
                        Recovery::Discard(bytes) => skip = bytes,
                        _ => return events,
                    }
                }
            }
        }
    }
    events
}

fn describe(error: &ParseError) -> String {
    format!("{error:?} {:?}", error.response())
}

/// What a client makes of a stream that arrives in pieces.
fn responses(pieces: &[&[u8]]) -> Vec<String> {
    let mut parser = ResponseParser::new(Limits::default());
    let mut buffer = Vec::new();
    let mut events = Vec::new();
    let mut block = None;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            if block.is_some() {
                if take_data(&mut block, &mut buffer, &mut events) {
                    continue;
                }
                break;
            }
            match parser.parse(&buffer) {
                Ok(Parsed::Complete { message, consumed }) => {
                    events.push(format!("{message:?}"));
                    if let Response::Value(header) = message {
                        block = Some(DataBlock::new(header.value_bytes));
                    }
                    buffer.drain(..consumed);
                }
                Ok(Parsed::Incomplete { .. }) => break,
                Err(error) => {
                    events.push(format!("{error:?}"));
                    return events;
                }
            }
        }
    }
    events
}

/// Takes the next part of a data block off the buffer, and the block away at its end; false if more
/// input is needed. A value's bytes are glued together over its parts, since how many there are does
/// depend on the split.
fn take_data(
    block: &mut Option<DataBlock>,
    buffer: &mut Vec<u8>,
    events: &mut Vec<String>,
) -> bool {
    let Some(Parsed::Complete { message, consumed }) =
        block.as_mut().map(|data| data.parse(buffer))
    else {
        return false;
    };
    if let DataPart::Value(bytes) = message {
        let text = bytes.escape_ascii().to_string();
        match events.last_mut() {
            Some(last) if last.starts_with("value ") => last.push_str(&text),
            _ => events.push(format!("value {text}")),
        }
    } else {
        events.push(format!("{message:?}"));
        *block = None;
    }
    buffer.drain(..consumed);
    true
}
