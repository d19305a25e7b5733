//! Workloads for caches: 32-byte keys, zipf-distributed over the key space.

use std::io;
use std::sync::Arc;

use crate::closed_loop::{Batch, Progress, Received, Script};
use crate::keys::{KEY_BYTES, KeySpace};

/// A workload by name, as the tables print it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Workload {
    /// Name, for example `get512-d16`.
    pub name: &'static str,
    /// Of 100 requests, how many are sets.
    pub sets_percent: u8,
    /// Whether the requests that are no sets are `incr` instead of `get`.
    pub increments: bool,
    /// Bytes of a value.
    pub value_bytes: usize,
    /// Requests sent before the first reply is awaited.
    pub depth: usize,
    /// Keys of one get.
    pub keys_per_get: usize,
    /// Upper bound of the key space.
    pub keys_max: usize,
    /// Open connections.
    pub connections: usize,
}

/// All cache workloads; those with the same content follow each other, so that a run fills once.
pub const WORKLOADS: &[Workload] = &[
    Workload::get("get32-d1", 32, 1),
    Workload::set("set32-d100", 32, 100),
    Workload::get("get512-d1", 512, 1),
    Workload::get("get512-d16", 512, 16),
    Workload::get("get512-d100", 512, 100),
    Workload::get("get512-c1", 512, 1).over(1),
    Workload::get("get512-c1000", 512, 1).over(1000),
    Workload::multiget("mget10", 10),
    Workload::multiget("mget100", 100),
    Workload::get("mix95-d1", 512, 1).with_sets(5),
    Workload::get("mix95-d16", 512, 16).with_sets(5),
    Workload::get("mix95-d100", 512, 100).with_sets(5),
    Workload::set("set512-d1", 512, 1),
    Workload::set("set512-d16", 512, 16),
    Workload::set("set512-d100", 512, 100),
    Workload::sessions("sess-d1", 1),
    Workload::sessions("sess-d16", 16),
    Workload {
        increments: true,
        keys_max: 200_000,
        ..Workload::get("incr-d16", 8, 16)
    },
    Workload::get("get4k-d1", 4096, 1),
    Workload::set("set4k-d1", 4096, 1),
    Workload::get("get64k-d1", 64 * 1024, 1),
    Workload::set("set64k-d1", 64 * 1024, 1),
    Workload::get("get1m-d1", 1024 * 1024, 1),
    Workload::set("set1m-d1", 1024 * 1024, 1),
];

impl Workload {
    const fn get(name: &'static str, value_bytes: usize, depth: usize) -> Self {
        let keys_max = match value_bytes {
            0..=1024 => 1_000_000,
            1025..=4096 => 200_000,
            4097..=65_536 => 20_000,
            _ => 1000,
        };
        Self {
            name,
            sets_percent: 0,
            increments: false,
            value_bytes,
            depth,
            keys_per_get: 1,
            keys_max,
            connections: 50,
        }
    }

    const fn set(name: &'static str, value_bytes: usize, depth: usize) -> Self {
        Self::get(name, value_bytes, depth).with_sets(100)
    }

    /// What PHP's session handler does, mostly saving.
    const fn sessions(name: &'static str, depth: usize) -> Self {
        Self {
            keys_max: 200_000,
            ..Self::get(name, 1024, depth).with_sets(75)
        }
    }

    const fn multiget(name: &'static str, keys_per_get: usize) -> Self {
        Self {
            keys_per_get,
            ..Self::get(name, 512, 1)
        }
    }

    const fn with_sets(self, sets_percent: u8) -> Self {
        Self {
            sets_percent,
            ..self
        }
    }

    const fn over(self, connections: usize) -> Self {
        Self {
            connections,
            ..self
        }
    }
}

/// Stores every key once, in order: how a server is filled before a run.
#[derive(Debug)]
pub struct Fill {
    keys: Arc<KeySpace>,
    value: Vec<u8>,
    next: usize,
}

impl Fill {
    /// Fills with the values that `workload` expects.
    #[must_use]
    pub fn new(keys: Arc<KeySpace>, workload: &Workload) -> Self {
        // A number where it is to be incremented, far from one digit more.
        let byte = if workload.increments { b'1' } else { b'v' };
        Self {
            keys,
            value: vec![byte; workload.value_bytes],
            next: 0,
        }
    }
}

impl Script for Fill {
    fn next_batch(&mut self, out: &mut Vec<u8>) -> Batch {
        for _ in 0..FILL_DEPTH {
            let key = self.keys.key(self.next % self.keys.len());
            self.next += 1;
            encode_set(out, &key, &self.value);
        }
        Batch {
            operations: FILL_DEPTH,
            reply_bytes: FILL_DEPTH * STORED.len() as u64,
        }
    }

    fn progress(&self, batch: Batch, received: &Received) -> io::Result<Progress> {
        expect_length(received, batch.reply_bytes)
    }
}

const FILL_DEPTH: u64 = 32;

/// The reply to a set.
pub(crate) const STORED: &str = "STORED\r\n";

/// Requests of one workload.
#[derive(Debug)]
pub struct Requests {
    keys: Arc<KeySpace>,
    workload: Workload,
    value: Vec<u8>,
    draw: usize,
    // Bytes of one reply to a get of this workload; all keys are present.
    get_reply_bytes: u64,
}

impl Requests {
    /// Requests of `workload` over `keys`, starting at a place of its own in the sequence of draws.
    #[must_use]
    pub fn new(keys: Arc<KeySpace>, workload: Workload, start: usize) -> Self {
        let line = format!(
            "VALUE {} 0 {}\r\n",
            "k".repeat(KEY_BYTES),
            workload.value_bytes
        );
        let one = line.len() + workload.value_bytes + 2;
        let get_reply_bytes = (workload.keys_per_get * one + "END\r\n".len()) as u64;
        let value = vec![b'v'; workload.value_bytes];
        Self {
            keys,
            workload,
            value,
            draw: start,
            get_reply_bytes,
        }
    }

    fn draw(&mut self) -> [u8; KEY_BYTES] {
        self.draw += 1;
        self.keys.draw(self.draw)
    }

    fn is_set(&self, position: usize) -> bool {
        // Evenly spread and the same in every batch, so that reply lengths are known.
        let percent = usize::from(self.workload.sets_percent);
        (position * percent) % 100 + percent >= 100
    }
}

impl Script for Requests {
    fn next_batch(&mut self, out: &mut Vec<u8>) -> Batch {
        let mut batch = Batch {
            operations: self.workload.depth as u64,
            reply_bytes: 0,
        };
        for _ in 0..self.workload.depth {
            if self.is_set(self.draw) {
                let key = self.draw();
                encode_set(out, &key, &self.value);
                batch.reply_bytes += STORED.len() as u64;
            } else if self.workload.increments {
                out.extend_from_slice(b"incr ");
                let key = self.draw();
                out.extend_from_slice(&key);
                out.extend_from_slice(b" 1\r\n");
                batch.reply_bytes += (self.workload.value_bytes + 2) as u64;
            } else {
                out.extend_from_slice(b"get");
                for _ in 0..self.workload.keys_per_get {
                    out.push(b' ');
                    let key = self.draw();
                    out.extend_from_slice(&key);
                }
                out.extend_from_slice(b"\r\n");
                batch.reply_bytes += self.get_reply_bytes;
            }
        }
        batch
    }

    fn progress(&self, batch: Batch, received: &Received) -> io::Result<Progress> {
        expect_length(received, batch.reply_bytes)
    }
}

/// Complete at exactly `bytes`; a reply that begins with a word of failure, or a miss, ends the run:
/// it would be compared with something else.
fn expect_length(received: &Received, bytes: u64) -> io::Result<Progress> {
    for word in ["ERROR", "CLIENT_ERROR", "SERVER_ERROR", "END", "NOT_STORED"] {
        if received.head.starts_with(word.as_bytes()) {
            let text = String::from_utf8_lossy(&received.head[..received.head.len().min(60)]);
            return Err(io::Error::other(format!(
                "unexpected reply: {}",
                text.escape_debug()
            )));
        }
    }
    match received.bytes.cmp(&bytes) {
        std::cmp::Ordering::Less => Ok(Progress::Incomplete),
        std::cmp::Ordering::Equal => Ok(Progress::Complete),
        std::cmp::Ordering::Greater => Err(io::Error::other(format!(
            "{} bytes came where {bytes} were due",
            received.bytes
        ))),
    }
}

/// Appends a classic `set` without flags or lifetime.
pub(crate) fn encode_set(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    out.extend_from_slice(b"set ");
    out.extend_from_slice(key);
    out.extend_from_slice(format!(" 0 0 {}\r\n", value.len()).as_bytes());
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_get_batch_is_complete_at_its_exact_length() {
        let keys = Arc::new(KeySpace::new(100));
        let mut requests = Requests::new(keys, Workload::get("t", 10, 2), 0);
        let mut out = Vec::new();
        let batch = requests.next_batch(&mut out);
        assert_eq!(batch.operations, 2);
        assert_eq!(out.len(), 2 * (4 + KEY_BYTES + 2));
        let reply = format!(
            "VALUE {} 0 10\r\n0123456789\r\nEND\r\n",
            "k".repeat(KEY_BYTES)
        );
        let received = |bytes| Received {
            head: b"VALUE".to_vec(),
            bytes,
        };
        let whole = 2 * reply.len() as u64;
        assert_eq!(batch.reply_bytes, whole);
        assert_eq!(
            requests.progress(batch, &received(whole)).unwrap(),
            Progress::Complete
        );
        assert_eq!(
            requests.progress(batch, &received(whole - 1)).unwrap(),
            Progress::Incomplete
        );
        assert!(requests.progress(batch, &received(whole + 1)).is_err());
    }

    #[test]
    fn a_miss_ends_the_run() {
        let keys = Arc::new(KeySpace::new(100));
        let requests = Requests::new(keys, Workload::get("t", 10, 1), 0);
        let received = Received {
            head: b"END\r\n".to_vec(),
            bytes: 5,
        };
        assert!(
            requests
                .progress(
                    Batch {
                        operations: 1,
                        reply_bytes: 62
                    },
                    &received
                )
                .is_err()
        );
    }

    #[test]
    fn the_share_of_sets_is_as_asked() {
        let keys = Arc::new(KeySpace::new(100));
        let workload = Workload {
            sets_percent: 75,
            ..Workload::get("t", 10, 1)
        };
        let requests = Requests::new(keys, workload, 0);
        assert_eq!(
            (0..1000)
                .filter(|&position| requests.is_set(position))
                .count(),
            750
        );
    }
}
