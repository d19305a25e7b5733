//! The memcached protocol's parsers.

use steadfast_protocol::{
    DataBlock, DataPart, Key, Limits, MetaKey, ParseError, Parsed, Recovery, Request,
    RequestParser, Response, ResponseParser,
};

use crate::input::cut;

/// Requests are the same whatever the split of the input.
pub fn request_split(data: &[u8]) {
    let (pieces, stream) = cut(data);
    assert_eq!(requests(&pieces), requests(&[stream]));
}

/// A request that was understood is understood again from its encoding, as the same and written
/// the same. The blanks between words that are handed on as they are, such as the arguments of a
/// report, are not part of their meaning.
pub fn request_roundtrip(data: &[u8]) {
    let Some(message) = request(data) else {
        return;
    };
    let encoded = encode(&message);
    let again = request(&encoded).expect("our own request is right");
    assert_eq!(encode(&again), encoded);
    if !matches!(
        message,
        Request::Stats { .. } | Request::Watch { .. } | Request::Shutdown { .. }
    ) {
        assert_eq!(again, message);
    }
    check_meta(&message);
}

/// What a meta command says is there whenever it is asked for.
fn check_meta(message: &Request<'_>) {
    let meta = match message {
        Request::MetaGet(meta)
        | Request::MetaSet { meta, .. }
        | Request::MetaDelete(meta)
        | Request::MetaArithmetic(meta) => meta,
        _ => return,
    };
    let key = meta
        .key()
        .decode(&mut [0; MetaKey::DECODED_BYTES_MAX])
        .len();
    assert!((1..=Key::BYTES_MAX).contains(&key));
    let flags = meta.flags();
    let seen: Vec<u8> = flags.into_iter().map(|flag| flag.letter).collect();
    assert!(seen.iter().all(|&letter| flags.has(letter)) && seen.len() <= 18);
    for (letter, is_there) in [
        (b'T', meta.ttl().is_some()),
        (b'N', meta.vivify_ttl().is_some()),
        (b'R', meta.recache_ttl().is_some()),
        (b'C', meta.compared_id().is_some()),
        (b'E', meta.given_id().is_some()),
        (b'F', meta.client_flags().is_some()),
        (b'D', meta.delta().is_some()),
        (b'J', meta.initial().is_some()),
        (b'O', meta.opaque().is_some()),
    ] {
        assert_eq!(seen.contains(&letter), is_there, "{}", char::from(letter));
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

/// A response that was understood is understood again from its encoding, as the same.
pub fn response_roundtrip(data: &[u8]) {
    let Some(message) = response(data) else {
        return;
    };
    let mut encoded = Vec::new();
    message.encode(&mut encoded);
    let again = response(&encoded).expect("our own response is right");
    // A log line ends with a bare line feed, so that a carriage return at its end is of the line's.
    if !matches!(message, Response::Log(line) if line.ends_with(b"\r")) {
        assert_eq!(again, message);
    }
}

fn response(data: &[u8]) -> Option<Response<'_>> {
    match ResponseParser::new(Limits::default()).parse(data) {
        Ok(Parsed::Complete { message, consumed }) => {
            assert!(consumed <= data.len());
            Some(message)
        }
        _ => None,
    }
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
                    block = message.value_bytes().map(DataBlock::new);
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
                    block = message.value_bytes().map(DataBlock::new);
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
