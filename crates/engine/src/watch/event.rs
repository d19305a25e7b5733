//! The lines of the log, as memcached 1.6.45 writes them.

use std::io::Write;
use std::vec::Vec;

use steadfast_protocol::{WatchStreams, encode_uri};
use steadfast_store::{Entry, Lookup, Timestamp};

use super::VEC;
use crate::Engine;

/// `item_get`: an item was looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fetch<'a> {
    pub(crate) key: &'a [u8],
    /// The size class and the value's length if there is one.
    pub(crate) found: Lookup<(usize, usize)>,
    pub(crate) connection: u64,
}

impl Fetch<'_> {
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        let (status, (class, bytes)) = match self.found {
            Lookup::Hit(shape) => ("found", shape),
            Lookup::Expired => ("expired", (0, 0)),
            Lookup::Flushed => ("flushed", (0, 0)),
            _ => ("not_found", (0, 0)),
        };
        let connection = self.connection;
        begin("item_get", self.key, text);
        write!(
            text,
            " status={status} clsid={class} cfd={connection} size={bytes}"
        )
        .expect(VEC);
    }
}

/// `item_store`: a client stored an item, or was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storing<'a> {
    pub(crate) key: &'a [u8],
    /// `stored`, `not_stored`, `exists`, `not_found`, `too_large`, `no_memory`.
    pub(crate) status: &'a str,
    /// The command, such as `set`.
    pub(crate) command: &'a str,
    /// Seconds to live; 0 for ever, -1 if it was over before it began.
    pub(crate) ttl: i64,
    /// The size class; 0 where no item was made.
    pub(crate) class: usize,
    pub(crate) value_bytes: usize,
    pub(crate) connection: u64,
}

impl Storing<'_> {
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        begin("item_store", self.key, text);
        let Self {
            status,
            command,
            ttl,
            class,
            value_bytes,
            connection,
            ..
        } = self;
        write!(
            text,
            " status={status} cmd={command} ttl={ttl} clsid={class} \
             cfd={connection} size={value_bytes}"
        )
        .expect(VEC);
    }
}

/// `deleted`: a client deleted an item that was there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deletion<'a> {
    pub(crate) key: &'a [u8],
    /// `delete` or `md`.
    pub(crate) command: &'a str,
    pub(crate) class: usize,
    pub(crate) value_bytes: usize,
}

impl Deletion<'_> {
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        begin("deleted", self.key, text);
        let Self {
            command,
            class,
            value_bytes,
            ..
        } = self;
        write!(text, " cmd={command} clsid={class} size={value_bytes}").expect(VEC);
    }
}

/// `eviction`: an item makes room for others.
pub(super) fn write_eviction(text: &mut Vec<u8>, entry: &Entry<'_>, now: Timestamp) {
    begin("eviction", entry.key(), text);
    let fetch = if entry.was_read() { "yes" } else { "no" };
    let secs = |time: Timestamp| i64::from(time.as_secs());
    let ttl = entry
        .expiry()
        .time()
        .map_or(-1, |time| secs(time) - secs(now));
    let idle = secs(now) - secs(entry.used_at());
    let (class, bytes) = (entry.size_class(), entry.value().len());
    write!(
        text,
        " fetch={fetch} ttl={ttl} la={idle} clsid={class} size={bytes}"
    )
    .expect(VEC);
}

fn begin(kind: &str, key: &[u8], text: &mut Vec<u8>) {
    write!(text, "{kind} key=").expect(VEC);
    encode_uri(key, text);
}

/// Why a connection was closed, as `watch connevents` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "memcached's four words")]
pub enum CloseReason {
    /// The socket failed, or the client broke the protocol.
    Error,
    /// The client left.
    Normal,
    /// It was silent for too long.
    IdleTimeout,
    /// A client ended the process.
    Shutdown,
}

impl CloseReason {
    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Normal => "normal",
            Self::IdleTimeout => "idle_timeout",
            Self::Shutdown => "shutdown",
        }
    }
}

impl Engine {
    /// Tells watchers that a client has come: its number and its address in the form of
    /// [`ConnectionFacts`](crate::ConnectionFacts). Costs one load unless somebody watches.
    pub fn handle_connection_opened(&self, id: u64, address: &str) {
        if self.watchers().are_told_of(WatchStreams::CONNECTIONS) {
            self.tell_connection(|text| {
                let Peer {
                    ip,
                    port,
                    transport,
                } = Peer::of(address);
                write!(
                    text,
                    "conn_new rip={ip} rport={port} transport={transport} cfd={id}"
                )
                .expect(VEC);
            });
        }
    }

    /// Tells watchers that a client has gone, and why.
    pub fn handle_connection_closed(&self, id: u64, address: &str, why: CloseReason) {
        if self.watchers().are_told_of(WatchStreams::CONNECTIONS) {
            self.tell_connection(|text| {
                let Peer { ip, port, transport } = Peer::of(address);
                let reason = why.word();
                write!(
                    text,
                    "conn_close rip={ip} rport={port} transport={transport} reason={reason} cfd={id}"
                )
                .expect(VEC);
            });
        }
    }

    #[cold]
    fn tell_connection(&self, write: impl FnOnce(&mut Vec<u8>)) {
        self.watchers().tell(None, WatchStreams::CONNECTIONS, write);
        self.watchers().publish_common();
    }
}

/// Where a client is, in memcached's words.
struct Peer<'a> {
    ip: &'a str,
    port: &'a str,
    transport: &'a str,
}

impl<'a> Peer<'a> {
    /// Takes `tcp:127.0.0.1:40000` or `tcp6:[::1]:40000` apart; a Unix socket has no address.
    fn of(address: &'a str) -> Self {
        let (kind, place) = address.split_once(':').unwrap_or((address, ""));
        let transport = match kind {
            "unix" => {
                return Self {
                    ip: "unix",
                    port: "0",
                    transport: "local",
                };
            }
            _ if kind.starts_with("udp") => "udp",
            _ => "tcp",
        };
        let (ip, port) = place.rsplit_once(':').unwrap_or((place, "0"));
        Self {
            ip: ip.trim_matches(['[', ']']),
            port,
            transport,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (address, expected) in [
            ("tcp:127.0.0.1:40000", ("127.0.0.1", "40000", "tcp")),
            ("tcp6:[::1]:40000", ("::1", "40000", "tcp")),
            ("udp:10.0.0.1:5", ("10.0.0.1", "5", "udp")),
            ("unix:/run/cache.sock", ("unix", "0", "local")),
        ] {
            let Peer {
                ip,
                port,
                transport,
            } = Peer::of(address);
            assert_eq!((ip, port, transport), expected, "{address}");
        }
    }

    #[test]
    fn lines_are_those_of_memcached() {
        let mut text = Vec::new();
        Fetch {
            key: b"a b",
            found: Lookup::Hit((1, 10)),
            connection: 27,
        }
        .write(&mut text);
        assert_eq!(
            text,
            b"item_get key=a%20b status=found clsid=1 cfd=27 size=10"
        );
        text.clear();
        Storing {
            key: b"b",
            status: "not_stored",
            command: "add",
            ttl: 100,
            class: 1,
            value_bytes: 10,
            connection: 27,
        }
        .write(&mut text);
        assert_eq!(
            text,
            b"item_store key=b status=not_stored cmd=add ttl=100 clsid=1 cfd=27 size=10"
        );
        text.clear();
        Deletion {
            key: b"b",
            command: "md",
            class: 1,
            value_bytes: 12,
        }
        .write(&mut text);
        assert_eq!(text, b"deleted key=b cmd=md clsid=1 size=12");
    }
}
