//! Random requests of the binary protocol, packet by packet.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::{ensure, wait};

use crate::answer::{Pairs, Token};
use crate::dice::Dice;
use crate::shown;

/// Asks both, and compares the answers to each request.
pub(crate) fn compare(addresses: [SocketAddr; 2], checks: &mut Checks) {
    let name = format!("{REQUESTS} random binary requests are answered as by memcached");
    checks.run(&name, || {
        let [left, right] = addresses;
        let mut peers = [Peer::connect(left)?, Peer::connect(right)?];
        let (mut dice, mut pairs) = (Dice::new(BATCH as u64), Pairs::default());
        for _ in 0..REQUESTS / BATCH {
            let batch: Vec<_> = (0..BATCH).map(|_| Request::random(&mut dice)).collect();
            let answers = [peers[0].ask(&batch)?, peers[1].ask(&batch)?];
            compare_batch(&batch, &answers, &mut peers, &mut pairs)?;
        }
        Ok(())
    });
    checks.run("wrong binary requests end the connection in both", || {
        for packet in wrong_packets() {
            let [expected, found] = addresses.map(|address| ask_to_the_end(address, &packet));
            let [expected, found] = [expected?, found?];
            ensure!(
                expected == found,
                "{}: memcached says {}, the cache {}",
                shown(&packet),
                shown(&expected),
                shown(&found)
            );
        }
        Ok(())
    });
}

fn compare_batch(
    batch: &[Request],
    answers: &[Vec<Vec<u8>>; 2],
    peers: &mut [Peer; 2],
    pairs: &mut Pairs,
) -> Outcome {
    for (at, request) in batch.iter().enumerate() {
        let [expected, found] = [&answers[0][at], &answers[1][at]];
        let sides = [tokens(expected), tokens(found)];
        ensure!(
            pairs.agree(&sides[0], &sides[1]),
            "{request:?}: memcached says {}, the cache {}",
            shown(expected),
            shown(found)
        );
        for (peer, tokens) in peers.iter_mut().zip(&sides) {
            if let Some(id) = crate::answer::last_id(tokens) {
                peer.ids.insert(request.key, id);
            }
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Request {
    opcode: u8,
    key: &'static [u8],
    extras: Vec<u8>,
    value: Vec<u8>,
    /// The id to compare with: that which the item had last, or this one.
    id: Option<u64>,
}

impl Request {
    fn random(dice: &mut Dice) -> Self {
        let key = dice.choose(KEYS);
        let quiet = dice.once_in(3);
        let id = match dice.below(8) {
            0 => None,
            1 => Some(u64::MAX - 1),
            _ => Some(0),
        };
        let base = Self {
            opcode: 0,
            key,
            extras: Vec::new(),
            value: Vec::new(),
            id: Some(0),
        };
        match dice.below(20) {
            0..5 => base.store(dice, quiet, id),
            5..9 => Self {
                opcode: dice.choose(&[0x00, 0x00, 0x09, 0x0c, 0x0d]),
                ..base
            },
            9 => Self {
                opcode: if quiet { 0x14 } else { 0x04 },
                id,
                ..base
            },
            10..13 => base.calculate(dice, quiet, id),
            13 | 14 => Self {
                opcode: dice.choose(&[0x0e, 0x0f, 0x19, 0x1a]),
                value: vec![b'e'; dice.below(20)],
                id,
                ..base
            },
            15 => Self {
                opcode: dice.choose(&[0x1c, 0x1d, 0x1e, 0x23, 0x24]),
                extras: dice.choose(TIMES).to_be_bytes().to_vec(),
                ..base
            },
            16 => Self {
                opcode: dice.choose(&[0x0a, 0x0a, 0x08, 0x18]),
                key: b"",
                ..base
            },
            17 => Self {
                // With a key memcached loses its place, and ours does not.
                opcode: dice.choose(&[0x30, 0x31, 0x3c, 0x55, 0xff]),
                key: b"",
                value: b"what".to_vec(),
                ..base
            },
            _ => Self {
                opcode: 0x01,
                extras: [0; 8].to_vec(),
                value: dice.choose(&[&b"7"[..], b"99", b"x", b""]).to_vec(),
                ..base
            },
        }
    }

    fn store(self, dice: &mut Dice, quiet: bool, id: Option<u64>) -> Self {
        let verb = dice.choose(&[0x01, 0x01, 0x02, 0x03]);
        let time = dice.choose(TIMES);
        let bytes = match dice.below(40) {
            0 => 20_000,
            1 => 1_048_600,
            _ => dice.below(60),
        };
        Self {
            opcode: if quiet { verb | 0x10 } else { verb },
            extras: [7u32.to_be_bytes(), time.to_be_bytes()].concat(),
            value: vec![b'v'; bytes],
            id,
            ..self
        }
    }

    /// No number gets shorter: see the stream of the text protocol.
    fn calculate(self, dice: &mut Dice, quiet: bool, id: Option<u64>) -> Self {
        let (verb, delta) = dice.choose(&[(0x05, 0u64), (0x05, 1), (0x05, 90), (0x06, 0)]);
        let initial = dice.choose(&[0u64, 5, 10]);
        let time = dice.choose(&[0, 1000, u32::MAX, u32::MAX]);
        Self {
            opcode: if quiet { verb | 0x10 } else { verb },
            extras: [
                &delta.to_be_bytes()[..],
                &initial.to_be_bytes(),
                &time.to_be_bytes(),
            ]
            .concat(),
            id,
            ..self
        }
    }

    fn encode(&self, opaque: u32, ids: &HashMap<&'static [u8], u64>, out: &mut Vec<u8>) {
        let id = self
            .id
            .unwrap_or_else(|| ids.get(self.key).copied().unwrap_or(0));
        let body = self.extras.len() + self.key.len() + self.value.len();
        out.extend_from_slice(&[0x80, self.opcode, 0]);
        out.push(u8::try_from(self.key.len()).unwrap_or(0));
        out.push(u8::try_from(self.extras.len()).unwrap_or(0));
        out.extend_from_slice(&[0; 3]);
        out.extend_from_slice(&u32::try_from(body).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(&opaque.to_be_bytes());
        out.extend_from_slice(&id.to_be_bytes());
        for part in [&self.extras[..], self.key, &self.value] {
            out.extend_from_slice(part);
        }
    }
}

struct Peer {
    stream: TcpStream,
    ids: HashMap<&'static [u8], u64>,
}

impl Peer {
    fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        Ok(Self {
            stream,
            ids: HashMap::new(),
        })
    }

    /// Sends requests in one go; returns what is answered to each, by their opaques. A noop behind
    /// them tells where the answers end.
    fn ask(&mut self, batch: &[Request]) -> Outcome<Vec<Vec<u8>>> {
        let mut input = Vec::new();
        for (opaque, request) in (0..).zip(batch) {
            request.encode(opaque, &self.ids, &mut input);
        }
        let end = Request {
            opcode: 0x0a,
            key: b"",
            extras: Vec::new(),
            value: Vec::new(),
            id: Some(0),
        };
        let last = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        end.encode(last, &self.ids, &mut input);
        self.stream.write_all(&input)?;
        let mut answers = vec![Vec::new(); batch.len() + 1];
        while answers[batch.len()].is_empty() {
            let packet = self.packet().map_err(|failure| {
                let last = answers.iter().rposition(|answer| !answer.is_empty());
                let next = last.map_or(0, |last| last + 1);
                failure.while_doing(&format!("{:?}", &batch[next..batch.len().min(next + 4)]))
            })?;
            let opaque = u32::from_be_bytes([packet[12], packet[13], packet[14], packet[15]]);
            let place = answers.get_mut(opaque as usize);
            ensure!(place.is_some(), "an answer to nothing: {}", shown(&packet));
            place
                .into_iter()
                .for_each(|it| it.extend_from_slice(&packet));
        }
        answers.pop();
        Ok(answers)
    }

    fn packet(&mut self) -> Outcome<Vec<u8>> {
        let mut packet = vec![0; HEADER_BYTES];
        self.stream.read_exact(&mut packet)?;
        let body = body_bytes(&packet);
        packet.resize(HEADER_BYTES + body, 0);
        self.stream.read_exact(&mut packet[HEADER_BYTES..])?;
        Ok(packet)
    }
}

/// The packets of an answer, without what each peer counts in its own way.
fn tokens(mut answer: &[u8]) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    while answer.len() >= HEADER_BYTES {
        let (packet, rest) = answer.split_at(HEADER_BYTES + body_bytes(answer));
        answer = rest;
        tokens.push(Token::Exact(&packet[..16]));
        let id = packet[16..HEADER_BYTES]
            .iter()
            .fold(0, |id, &byte| id << 8 | u64::from(byte));
        tokens.push(match id {
            0 => Token::Exact(b""),
            id => Token::Id { letter: b"", id },
        });
        tokens.push(Token::Exact(&packet[HEADER_BYTES..]));
    }
    tokens
}

fn body_bytes(header: &[u8]) -> usize {
    u32::from_be_bytes([header[8], header[9], header[10], header[11]]) as usize
}

fn ask_to_the_end(address: SocketAddr, packet: &[u8]) -> Outcome<Vec<u8>> {
    crate::peer::Peer::connect(address)?.ask_to_the_end(packet)
}

/// Headers that announce what their commands cannot have, whole with their bodies.
fn wrong_packets() -> Vec<Vec<u8>> {
    let packet = |opcode: u8, key: u16, extras: u8, body: u32| {
        let mut packet = vec![0x80, opcode];
        packet.extend_from_slice(&key.to_be_bytes());
        packet.extend_from_slice(&[extras, 0, 0, 0]);
        packet.extend_from_slice(&body.to_be_bytes());
        packet.extend_from_slice(&[0; 12]);
        packet.extend_from_slice(&vec![b'k'; body as usize]);
        packet
    };
    vec![
        packet(0x00, 0, 0, 0),
        packet(0x00, 1, 4, 5),
        packet(0x00, 1, 0, 2),
        packet(0x01, 1, 0, 1),
        packet(0x01, 0, 8, 8),
        packet(0x04, 0, 0, 0),
        packet(0x05, 1, 4, 5),
        packet(0x0e, 1, 8, 9),
        packet(0x1c, 1, 0, 1),
        packet(0x0a, 1, 0, 1),
        packet(0x07, 0, 0, 0),
        packet(0x17, 0, 0, 0),
    ]
}

const REQUESTS: usize = 40_000;
const BATCH: usize = 40;
const HEADER_BYTES: usize = 24;
/// Spaces and line ends are bytes of a key like any others here.
const KEYS: &[&[u8]] = &[b"a", b"b", b"SID", b"two words", b"line\n", b"\0"];
/// Never, for the whole test, and over already.
const TIMES: &[u32] = &[0, 0, 1000, 2_592_001];
