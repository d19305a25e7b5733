//! What a server takes when it does nothing, and what clients cost that do little.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::{Program, start};
use crate::cpu;
use crate::keys::key;
use crate::memcached::encode_set;
use crate::report::{Better, Finding};
use crate::server::Server;

/// Resident memory at rest, with ten thousand connections, and after each of them has stored and
/// fetched 4 KB under one key.
pub(super) fn measure(programs: &[Program], findings: &mut Vec<Finding>) -> io::Result<()> {
    let mut rows = vec![Vec::new(); MEASURES.len()];
    for program in programs {
        for (row, bytes) in rows.iter_mut().zip(visit(&start(program, MEGABYTES)?)?) {
            row.push(bytes / 1024.0);
        }
    }
    for (name, row) in MEASURES.iter().zip(rows) {
        findings.push(Finding::new((*name).to_owned(), Better::Less, 2, row));
    }
    Ok(())
}

const MEASURES: [&str; 4] = [
    "conns: idle, KiB resident",
    "conns: KiB more an idle connection",
    "conns: KiB more a connection after a set and a get of 4 KB",
    "conns: KiB resident with all of them, used",
];

fn visit(server: &Server) -> io::Result<[f64; 4]> {
    let resident = || cpu::resident_bytes(server.pid()).map(|bytes| bytes as f64);
    let idle = resident()?;
    let mut streams = (0..CONNECTIONS)
        .map(|_| TcpStream::connect(server.address()))
        .collect::<io::Result<Vec<_>>>()?;
    // The last has been answered: so have all before it been accepted.
    for stream in streams.iter_mut().rev().take(1) {
        exchange(stream, b"version\r\n")?;
    }
    let open = resident()?;
    let mut request = Vec::new();
    encode_set(&mut request, &key(0), &vec![b'v'; VALUE_BYTES]);
    let get = [b"get ".as_slice(), &key(0), b"\r\n"].concat();
    for stream in &mut streams {
        exchange(stream, &request)?;
        exchange(stream, &get)?;
    }
    let used = resident()?;
    let count = f64::from(CONNECTIONS);
    Ok([idle, (open - idle) / count, (used - idle) / count, used])
}

/// Sends a request and reads its reply to the end: a line, or a value and `END`.
fn exchange(stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
    stream.write_all(request)?;
    let mut reply = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        reply.extend_from_slice(&buffer[..count]);
        if reply.ends_with(b"END\r\n") || !reply.starts_with(b"VALUE") && reply.ends_with(b"\r\n") {
            return Ok(());
        }
    }
}

const MEGABYTES: u64 = 64;
const CONNECTIONS: u32 = 10_000;
const VALUE_BYTES: usize = 4096;
