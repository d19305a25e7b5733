//! A whole memcached, without a socket.

use bytes::Buf;
use steadfast_engine::{Engine, Next, NoProcess, Now, Output, Session, Settings};
use steadfast_protocol::binary::{Opcode, RESPONSE_MAGIC, Response};
use steadfast_protocol::{Limits, Parsed};
use steadfast_store::Store;

use crate::input::cut;

#[path = "../../crates/engine/tests/model/mod.rs"]
mod model;

/// Answers are the same whatever the split of the input, and no input makes the engine panic.
pub fn split(data: &[u8]) {
    let (pieces, stream) = cut(data);
    assert_eq!(answers(&pieces), answers(&[stream]));
}

/// Random commands, classic and meta, are answered as a plain map with the same rules answers them.
pub fn model(data: &[u8]) {
    let mut settings = steadfast_store::Settings::default();
    settings.memory_bytes_max = 4 << 20;
    let store = Store::new(settings).expect("the settings are valid");
    let engine = Engine::new(store, Settings::default(), Box::new(NoProcess));
    let mut session = Session::new(0, Limits::default());
    let mut output = Output::new();
    let (mut uptime_secs, start) = (10, 1_700_000_000);
    let mut model = model::Model::new(start);
    let mut choices = model::Choices::new(data);
    while !choices.is_empty() {
        let (request, expected) = match model.step(&mut choices) {
            model::Step::Ask { request, answer } => (request, answer),
            model::Step::Wait { secs } => {
                uptime_secs += secs;
                continue;
            }
        };
        let now = Now::since_start(uptime_secs, start + u64::from(uptime_secs) - 10);
        let progress = session.handle_input(request.as_bytes(), &mut output, &engine, now);
        assert_eq!(
            (progress.consumed, progress.next),
            (request.len(), Next::Read)
        );
        let answer = output.copy_to_bytes(output.remaining());
        assert_eq!(answer, expected, "{request}");
    }
}

/// What a fresh cache answers to a stream that arrives in pieces.
fn answers(pieces: &[&[u8]]) -> Vec<u8> {
    let mut settings = steadfast_store::Settings::default();
    settings.memory_bytes_max = 4 << 20;
    let store = Store::new(settings).expect("the settings are valid");
    let engine = Engine::new(store, Settings::default(), Box::new(NoProcess));
    let mut session = Session::new(0, Limits::default());
    let (mut output, mut answers) = (Output::new(), Vec::new());
    let mut buffer = Vec::new();
    let now = Now::since_start(10, 1_700_000_000);
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let progress = session.handle_input(&buffer, &mut output, &engine, now);
            buffer.drain(..progress.consumed);
            while output.has_remaining() {
                let chunk = output.chunk();
                answers.extend_from_slice(chunk);
                let length = chunk.len();
                output.advance(length);
            }
            match progress.next {
                Next::Again | Next::Write => {}
                Next::Close => return without_counts(answers),
                Next::Read | Next::ReadValue => break,
            }
        }
    }
    without_counts(answers)
}

/// Drops the statistics of an answer: how many bytes were read so far depends on the split.
fn without_counts(answers: Vec<u8>) -> Vec<u8> {
    if answers.first() == Some(&RESPONSE_MAGIC) {
        return without_binary_counts(&answers);
    }
    answers
        .split_inclusive(|&byte| byte == b'\n')
        .filter(|line| !line.starts_with(b"STAT "))
        .flatten()
        .copied()
        .collect()
}

/// The same in the binary protocol, all of whose answers must be whole.
fn without_binary_counts(answers: &[u8]) -> Vec<u8> {
    let (mut rest, mut kept) = (answers, Vec::new());
    while !rest.is_empty() {
        let Ok(Parsed::Complete { message, consumed }) = Response::parse(rest) else {
            panic!("no whole answer: {}", rest.escape_ascii());
        };
        let (answer, behind) = rest.split_at(consumed + message.value_bytes);
        if message.opcode != Opcode::STAT {
            kept.extend_from_slice(answer);
        }
        rest = behind;
    }
    kept
}
