//! Servers without logic, with the same system calls and bytes as the real ones: what is left for
//! a server to win.

use std::io::{self, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::closed_loop::{receive, wait};
use crate::keys::KEY_BYTES;
use crate::memcached::STORED;

/// Answers every get with a canned value, every set with `STORED` and every incr with a number,
/// telling requests apart by their first byte and known length only: a cache without a parser or a
/// store.
///
/// All values have `value_bytes`, all keys [`KEY_BYTES`], gets have `keys_per_get` keys.
///
/// # Errors
/// The listener or the poll breaks.
pub fn serve_cache(
    listener: std::net::TcpListener,
    value_bytes: usize,
    keys_per_get: usize,
) -> io::Result<()> {
    let canned = Canned::new(value_bytes, keys_per_get);
    let mut out = Vec::new();
    run(listener, |connection, input| {
        out.clear();
        let mut rest = input;
        loop {
            if connection.skip > 0 {
                let count = connection.skip.min(rest.len());
                connection.skip -= count;
                rest = &rest[count..];
                if connection.skip > 0 {
                    break;
                }
                out.extend_from_slice(&canned.of(connection.first).reply);
            }
            let Some(&first) = rest.first() else { break };
            connection.first = first;
            connection.skip = canned.of(first).request_bytes;
        }
        connection.send(&out)
    })
}

/// What the requests of a workload look like, as far as the floor cares.
struct Canned {
    get: Exchange,
    set: Exchange,
    increment: Exchange,
}

struct Exchange {
    request_bytes: usize,
    reply: Vec<u8>,
}

impl Canned {
    fn new(value_bytes: usize, keys_per_get: usize) -> Self {
        let key = "k".repeat(KEY_BYTES);
        let mut value = format!("VALUE {key} 0 {value_bytes}\r\n").into_bytes();
        value.resize(value.len() + value_bytes, b'v');
        value.extend_from_slice(b"\r\n");
        let mut values = value.repeat(keys_per_get);
        values.extend_from_slice(b"END\r\n");
        let set = format!("set {key} 0 0 {value_bytes}\r\n");
        Self {
            get: Exchange {
                request_bytes: "get".len() + keys_per_get * (1 + KEY_BYTES) + 2,
                reply: values,
            },
            set: Exchange {
                request_bytes: set.len() + value_bytes + 2,
                reply: STORED.into(),
            },
            increment: Exchange {
                request_bytes: "incr  1\r\n".len() + KEY_BYTES,
                reply: format!("{}\r\n", "1".repeat(value_bytes)).into(),
            },
        }
    }

    fn of(&self, first: u8) -> &Exchange {
        match first {
            b'g' => &self.get,
            b'i' => &self.increment,
            _ => &self.set,
        }
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    // Bytes left of the request under way.
    skip: usize,
    // Its first byte.
    first: u8,
    unsent: Vec<u8>,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            skip: 0,
            first: 0,
            unsent: Vec::new(),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.unsent.extend_from_slice(&bytes[sent..]);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn run(
    listener: std::net::TcpListener,
    mut answer: impl FnMut(&mut Connection, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let (mut poll, listener) = listen(listener)?;
    let mut events = Events::with_capacity(1024);
    let mut connections: Slab<Connection> = Slab::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        wait(&mut poll, &mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                accept(&poll, &listener, &mut connections)?;
                continue;
            }
            let index = event.token().0;
            let Some(connection) = connections.get_mut(index) else {
                continue;
            };
            if serve_ready(connection, &mut buffer, &mut answer).is_err() {
                connections.remove(index);
            }
        }
    }
}

fn listen(listener: std::net::TcpListener) -> io::Result<(Poll, TcpListener)> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    Ok((poll, listener))
}

const LISTENER: Token = Token(usize::MAX);

fn accept(
    poll: &Poll,
    listener: &TcpListener,
    connections: &mut Slab<Connection>,
) -> io::Result<()> {
    while let Ok((mut stream, _)) = listener.accept() {
        stream.set_nodelay(true)?;
        let entry = connections.vacant_entry();
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(&mut stream, Token(entry.key()), interest)?;
        entry.insert(Connection::new(stream));
    }
    Ok(())
}

fn serve_ready(
    connection: &mut Connection,
    buffer: &mut [u8],
    answer: &mut impl FnMut(&mut Connection, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let unsent = std::mem::take(&mut connection.unsent);
    connection.send(&unsent)?;
    loop {
        let Some(count) = receive(&mut connection.stream, buffer)? else {
            return Ok(());
        };
        answer(connection, &buffer[..count])?;
        if count < buffer.len() {
            return Ok(());
        }
    }
}

/// Copies bytes between clients and `back` without looking at them: a balancer without HTTP.
/// Each client connection has a server connection of its own.
///
/// # Errors
/// The listener or the poll breaks.
pub fn serve_pump(listener: std::net::TcpListener, back: SocketAddr) -> io::Result<()> {
    let (mut poll, listener) = listen(listener)?;
    let mut events = Events::with_capacity(1024);
    // A pair sits in two slots that follow each other: client at 2n, server at 2n + 1.
    let mut pairs: Slab<[Connection; 2]> = Slab::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        wait(&mut poll, &mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    let server = std::net::TcpStream::connect(back)?;
                    server.set_nonblocking(true)?;
                    open_pair(&poll, &mut pairs, stream, TcpStream::from_std(server))?;
                }
                continue;
            }
            let (pair, from) = (event.token().0 / 2, event.token().0 % 2);
            let Some(sides) = pairs.get_mut(pair) else {
                continue;
            };
            if pump(sides, from, &mut buffer).is_err() {
                pairs.remove(pair);
            }
        }
    }
}

fn open_pair(
    poll: &Poll,
    pairs: &mut Slab<[Connection; 2]>,
    client: TcpStream,
    server: TcpStream,
) -> io::Result<()> {
    let entry = pairs.vacant_entry();
    let base = entry.key() * 2;
    let mut sides = [client, server];
    for (offset, stream) in sides.iter_mut().enumerate() {
        stream.set_nodelay(true)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(stream, Token(base + offset), interest)?;
    }
    entry.insert(sides.map(Connection::new));
    Ok(())
}

fn pump(sides: &mut [Connection; 2], from: usize, buffer: &mut [u8]) -> io::Result<()> {
    let unsent = std::mem::take(&mut sides[from].unsent);
    sides[from].send(&unsent)?;
    loop {
        let Some(count) = receive(&mut sides[from].stream, buffer)? else {
            return Ok(());
        };
        sides[1 - from].send(&buffer[..count])?;
        if count < buffer.len() {
            return Ok(());
        }
    }
}
