//! A blocking client for memory runs: many keys in one exchange, replies looked at one by one.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::closed_loop::STALL_MAX;
use crate::keys::{KEY_BYTES, key};
use crate::trace::Request;

/// One connection to a cache.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    out: Vec<u8>,
    // consumed <= filled <= input.len()
    input: Vec<u8>,
    consumed: usize,
    filled: usize,
    filler: Vec<u8>,
}

/// A value to be stored.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "workloads build it")]
pub struct Item {
    /// Index of its key.
    pub key: u64,
    /// Bytes of its value, up to [`VALUE_BYTES_MAX`].
    pub value_bytes: usize,
    /// Seconds to live; 0 is for ever.
    pub seconds: u32,
}

/// Bytes of the largest value.
pub const VALUE_BYTES_MAX: usize = 512 * 1024;

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// The server refuses.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(STALL_MAX))?;
        Ok(Self {
            stream,
            out: Vec::new(),
            input: vec![0; READ_BYTES],
            consumed: 0,
            filled: 0,
            filler: vec![b'v'; VALUE_BYTES_MAX],
        })
    }

    /// Asks for all `keys` at once; the answer has the bytes of each value, `None` for a miss.
    ///
    /// # Errors
    /// The connection broke, or the server answered something else.
    pub fn fetch(&mut self, keys: &[u64]) -> io::Result<Vec<Option<usize>>> {
        self.out.clear();
        self.out.extend_from_slice(b"get");
        let names: Vec<[u8; KEY_BYTES]> = keys.iter().map(|&index| key(index)).collect();
        for name in &names {
            self.out.push(b' ');
            self.out.extend_from_slice(name);
        }
        self.out.extend_from_slice(b"\r\n");
        self.stream.write_all(&self.out)?;
        let mut found = Vec::with_capacity(keys.len());
        loop {
            let line = self.line()?;
            if line == b"END" {
                found.resize(keys.len(), None);
                return Ok(found);
            }
            let (name, value_bytes) = parse_value_line(line)?;
            // Hits come in the order of the request: the keys passed over are misses.
            while names.get(found.len()).is_some_and(|asked| *asked != name) {
                found.push(None);
            }
            if found.len() == keys.len() {
                return Err(io::Error::other("a value came that was not asked for"));
            }
            found.push(Some(value_bytes));
            self.skip(value_bytes + 2)?;
        }
    }

    /// Stores all `items`; returns how many the server took.
    ///
    /// # Errors
    /// The connection broke.
    pub fn store(&mut self, items: &[Item]) -> io::Result<usize> {
        self.out.clear();
        for item in items {
            self.out.extend_from_slice(b"set ");
            self.out.extend_from_slice(&key(item.key));
            write!(self.out, " 0 {} {}\r\n", item.seconds, item.value_bytes)?;
            self.out.extend_from_slice(&self.filler[..item.value_bytes]);
            self.out.extend_from_slice(b"\r\n");
        }
        self.count_replies(items.len(), b"STORED")
    }

    /// Deletes all `keys`; returns how many were there.
    ///
    /// # Errors
    /// The connection broke.
    pub fn delete(&mut self, keys: &[u64]) -> io::Result<usize> {
        self.out.clear();
        for &index in keys {
            self.out.extend_from_slice(b"delete ");
            self.out.extend_from_slice(&key(index));
            self.out.extend_from_slice(b"\r\n");
        }
        self.count_replies(keys.len(), b"DELETED")
    }

    /// Reads through: gets every request's key, stores what was missing and what is saved anyway;
    /// returns the hits.
    ///
    /// # Errors
    /// The connection broke, or a value came with a length that was never stored under its key.
    pub fn read_through(&mut self, requests: &[Request]) -> io::Result<u64> {
        let keys: Vec<u64> = requests.iter().map(|request| request.key).collect();
        let found = self.fetch(&keys)?;
        let mut missing = Vec::new();
        for (request, found) in requests.iter().zip(&found) {
            if found.is_some_and(|bytes| bytes != request.value_bytes) {
                return Err(io::Error::other("a value of another key came"));
            }
            if found.is_none() || request.saves {
                missing.push(Item {
                    key: request.key,
                    value_bytes: request.value_bytes,
                    seconds: 0,
                });
            }
        }
        self.store(&missing)?;
        Ok(found.iter().flatten().count() as u64)
    }

    fn count_replies(&mut self, count: usize, wanted: &[u8]) -> io::Result<usize> {
        self.stream.write_all(&self.out)?;
        let mut met = 0;
        for _ in 0..count {
            met += usize::from(self.line()? == wanted);
        }
        Ok(met)
    }

    /// The next line, without its end.
    fn line(&mut self) -> io::Result<&[u8]> {
        let mut scanned = self.consumed;
        loop {
            let rest = &self.input[scanned..self.filled];
            if let Some(offset) = rest.iter().position(|&byte| byte == b'\n') {
                let start = self.consumed;
                let end = scanned + offset;
                self.consumed = end + 1;
                let line = &self.input[start..end];
                return Ok(line.strip_suffix(b"\r").unwrap_or(line));
            }
            let scanned_bytes = self.filled - self.consumed;
            self.read_more()?;
            scanned = self.consumed + scanned_bytes;
        }
    }

    fn skip(&mut self, bytes: usize) -> io::Result<()> {
        let mut left = bytes;
        loop {
            let taken = left.min(self.filled - self.consumed);
            self.consumed += taken;
            left -= taken;
            if left == 0 {
                return Ok(());
            }
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        self.input.copy_within(self.consumed..self.filled, 0);
        self.filled -= self.consumed;
        self.consumed = 0;
        if self.filled == self.input.len() {
            return Err(io::Error::other("a line without end"));
        }
        let count = self.stream.read(&mut self.input[self.filled..])?;
        self.filled += count;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

const READ_BYTES: usize = 256 * 1024;

/// The key and the length in `VALUE <key> <flags> <bytes>`.
fn parse_value_line(line: &[u8]) -> io::Result<([u8; KEY_BYTES], usize)> {
    let text = str::from_utf8(line).unwrap_or_default();
    let mut words = text.split(' ');
    let name = (words.next() == Some("VALUE"))
        .then(|| words.next()?.as_bytes().try_into().ok())
        .flatten();
    let bytes = words.nth(1).and_then(|word| word.parse().ok());
    name.zip(bytes)
        .ok_or_else(|| io::Error::other(format!("unexpected reply: {}", line.escape_ascii())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    /// A client, and a server that answers each line of a request with the next reply.
    fn client_of(replies: Vec<Vec<u8>>) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for reply in replies {
                lines.next();
                (&stream).write_all(&reply).unwrap();
            }
        });
        Client::connect(address).unwrap()
    }

    fn value(index: u64, bytes: usize) -> Vec<u8> {
        let key = String::from_utf8_lossy(&key(index)).into_owned();
        format!("VALUE {key} 0 {bytes}\r\n{}\r\n", "x".repeat(bytes)).into_bytes()
    }

    #[test]
    fn keys_passed_over_are_misses() {
        let reply = [value(2, 10), value(4, 600_000), b"END\r\n".to_vec()].concat();
        let found = client_of(vec![reply]).fetch(&[1, 2, 3, 4, 5]).unwrap();
        assert_eq!(found, [None, Some(10), None, Some(600_000), None]);
    }

    #[test]
    fn refused_items_are_not_counted() {
        let reply = b"STORED\r\nSERVER_ERROR out of memory storing object\r\n".to_vec();
        let item = Item {
            key: 1,
            value_bytes: 3,
            seconds: 0,
        };
        assert_eq!(client_of(vec![reply]).store(&[item, item]).unwrap(), 1);
    }

    #[test]
    fn a_value_of_another_length_is_an_error() {
        let reply = [value(1, 10), b"END\r\n".to_vec()].concat();
        let request = Request {
            key: 1,
            value_bytes: 11,
            saves: false,
        };
        assert!(client_of(vec![reply]).read_through(&[request]).is_err());
    }
}
