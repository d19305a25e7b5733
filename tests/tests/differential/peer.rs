//! A client of one of the two.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use steadfast_tests::check::Outcome;
use steadfast_tests::{ensure, wait};

use crate::dice::Dice;
use crate::shown;

pub(crate) struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        Ok(Self {
            stream,
            buffer: vec![0; 64 << 10],
        })
    }

    /// Sends a request and returns what is answered, which may be nothing.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Outcome<Vec<u8>> {
        let mut answers = self.ask_all(&[request.to_vec()], &mut Dice::new(0))?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Sends requests in one go, or in some, and returns what is answered to each. A miss behind
    /// each tells where its answer ends.
    pub(crate) fn ask_all(
        &mut self,
        requests: &[Vec<u8>],
        dice: &mut Dice,
    ) -> Outcome<Vec<Vec<u8>>> {
        let mut input = Vec::new();
        for request in requests {
            input.extend_from_slice(request);
            input.extend_from_slice(MARK_REQUEST);
        }
        let mut answers = Answers::default();
        let mut left = &input[..];
        while !left.is_empty() {
            let piece = match dice.below(4) {
                0 => 1 + dice.below(left.len()),
                _ => left.len(),
            };
            // Answers to much of it must not be in the way of the rest.
            let piece = piece.min(PIECE_BYTES_MAX);
            self.stream.write_all(&left[..piece])?;
            left = &left[piece..];
        }
        while answers.ends.len() < requests.len() {
            let bytes = self.stream.read(&mut self.buffer).map_err(|error| {
                let unanswered = &requests[answers.ends.len()];
                steadfast_tests::check::Failure::from(error).while_doing(&format!(
                    "waiting for the answer to {}; before that {}; so far {}",
                    shown(unanswered),
                    requests[..answers.ends.len()]
                        .iter()
                        .rev()
                        .take(8)
                        .map(|r| shown(r))
                        .collect::<Vec<_>>()
                        .join(", "),
                    shown(&answers.bytes[answers.ends.last().copied().unwrap_or(0)..])
                ))
            })?;
            let unanswered = &requests[answers.ends.len()];
            ensure!(bytes > 0, "closed after {}", shown(unanswered));
            answers.take(&self.buffer[..bytes]);
        }
        Ok(answers.split())
    }

    /// Sends the last that is said, and returns all that is answered until the peer closes.
    pub(crate) fn ask_to_the_end(mut self, request: &[u8]) -> Outcome<Vec<u8>> {
        let mut answer = Vec::new();
        self.stream.write_all(request)?;
        // A peer that closes with unread input resets the connection: what was said counts.
        match self.stream.read_to_end(&mut answer) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => Err(error.into()),
            _ => Ok(answer),
        }
    }

    pub(crate) fn counters(&mut self) -> Outcome<BTreeMap<String, String>> {
        let answer = String::from_utf8_lossy(&self.ask(b"stats\r\n")?).into_owned();
        let counted = answer.lines().filter_map(|line| {
            let (name, value) = line.strip_prefix("STAT ")?.split_once(' ')?;
            COUNTERS
                .contains(&name)
                .then(|| (name.to_owned(), value.to_owned()))
        });
        Ok(counted.collect())
    }
}

/// Answers as they come in.
#[derive(Default)]
struct Answers {
    bytes: Vec<u8>,
    /// Where each answer ends, before its mark.
    ends: Vec<usize>,
    scanned: usize,
}

impl Answers {
    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let unseen = &self.bytes[self.scanned..];
        let mut line = 0;
        while let Some(length) = unseen[line..].iter().position(|&byte| byte == b'\n') {
            let end = line + length + 1;
            if &unseen[line..end] == MARK {
                self.ends.push(self.scanned + line);
            }
            line = end;
        }
        self.scanned += line;
    }

    fn split(&self) -> Vec<Vec<u8>> {
        let mut start = 0;
        let answers = self.ends.iter().map(|&end| {
            let answer = self.bytes[start..end].to_vec();
            start = end + MARK.len();
            answer
        });
        answers.collect()
    }
}

/// Nothing is ever stored there.
const MARK_REQUEST: &[u8] = b"mg mark Omark\r\n";
const MARK: &[u8] = b"EN Omark\r\n";
const PIECE_BYTES_MAX: usize = 2 << 20;
/// Counters of requests. Those of items depend on when expired ones are met or swept.
const COUNTERS: &[&str] = &[
    "cmd_get",
    "cmd_set",
    "cmd_flush",
    "cmd_touch",
    "cmd_meta",
    "get_hits",
    "get_misses",
    "delete_misses",
    "delete_hits",
    "incr_misses",
    "incr_hits",
    "decr_misses",
    "decr_hits",
    "cas_misses",
    "cas_hits",
    "cas_badval",
    "touch_hits",
    "touch_misses",
    "store_too_large",
    "store_no_memory",
];
