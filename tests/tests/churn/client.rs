//! Clients: those that check what they read, and one that does not read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;

use steadfast_tests::check::Outcome;
use steadfast_tests::{ensure, wait};

use crate::load::{LARGEST, Load, Operation, Phase};

#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    requests: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        Ok(Self {
            stream: BufReader::new(stream),
            requests: Vec::new(),
        })
    }

    /// Performs the next few operations, pipelined; tells whether there may be more.
    pub(crate) fn perform(&mut self, load: &mut Load<'_>) -> Outcome<bool> {
        self.requests.clear();
        let mut sent = Vec::new();
        while sent.len() < BATCH && self.requests.len() < BATCH_BYTES {
            let Some(operation) = load.next() else { break };
            self.encode(operation)?;
            sent.push(operation);
        }
        self.stream.get_mut().write_all(&self.requests)?;
        for operation in &sent {
            self.receive(*operation)?;
        }
        Ok(!sent.is_empty())
    }

    fn encode(&mut self, operation: Operation) -> Outcome {
        let requests = &mut self.requests;
        match operation {
            Operation::Set {
                key,
                bytes,
                exptime,
            } => {
                write!(requests, "set key-{key:08} 0 {exptime} {bytes}\r\n")?;
                requests.extend_from_slice(value(key, bytes));
                requests.extend_from_slice(b"\r\n");
            }
            Operation::Get { key } => write!(requests, "get key-{key:08}\r\n")?,
            Operation::Delete { key } => write!(requests, "delete key-{key:08}\r\n")?,
        }
        Ok(())
    }

    fn receive(&mut self, operation: Operation) -> Outcome {
        let line = self.line()?;
        let key = match operation {
            Operation::Set { bytes, .. } => {
                ensure!(line == "STORED", "a set of {bytes} bytes got {line:?}");
                return Ok(());
            }
            Operation::Delete { .. } => {
                let is_known = line == "DELETED" || line == "NOT_FOUND";
                ensure!(is_known, "a delete got {line:?}");
                return Ok(());
            }
            Operation::Get { .. } if line == "END" => return Ok(()),
            Operation::Get { key } => key,
        };
        let bytes = line.rsplit(' ').next().unwrap_or_default().parse()?;
        let mut found = vec![0; bytes];
        self.stream.read_exact(&mut found)?;
        ensure!(
            found == value(key, bytes),
            "key {key} has a value of {bytes} bytes that was never stored"
        );
        ensure!(self.line()?.is_empty(), "no line ends the value of {key}");
        let end = self.line()?;
        ensure!(end == "END", "a get ended with {end:?}");
        Ok(())
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        ensure!(line.ends_with("\r\n"), "a reply ended early: {line:?}");
        line.truncate(line.len() - 2);
        Ok(line)
    }
}

/// A client that has asked for values and does not read them, so that they cannot be freed.
#[derive(Debug)]
pub(crate) struct Idler {
    _stream: TcpStream,
}

impl Idler {
    /// Stores one value, and asks for it a few times.
    pub(crate) fn ask(address: SocketAddr, phase: &Phase) -> Outcome<Self> {
        let bytes = if phase.has_large_values() {
            LARGEST
        } else {
            20_000
        };
        let key = u64::MAX / 2;
        let mut client = Client::connect(address)?;
        let set = Operation::Set {
            key,
            bytes,
            exptime: 0,
        };
        client.encode(set)?;
        client.stream.get_mut().write_all(&client.requests)?;
        client.receive(set)?;
        let mut stream = client.stream.into_inner();
        for _ in 0..ASKED {
            write!(stream, "get key-{key:08}\r\n")?;
        }
        Ok(Self { _stream: stream })
    }
}

/// The value of `bytes` bytes that belongs to `key`.
fn value(key: u64, bytes: usize) -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    let noise = NOISE.get_or_init(|| {
        let numbers =
            (0..LARGEST as u64 + STARTS).map(|number| number.wrapping_mul(0x2545_F491_4F6C_DD1D));
        numbers.map(|number| (number >> 40) as u8).collect()
    });
    let start = ((key ^ bytes as u64) % STARTS) as usize;
    &noise[start..start + bytes]
}

/// Operations in flight.
const BATCH: usize = 50;
const BATCH_BYTES: usize = 200_000;
/// Values asked for by a client that does not read.
const ASKED: usize = 8;
const STARTS: u64 = 4093;
