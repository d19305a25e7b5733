//! What a server is to do, as a value: for the command line and for programs that embed one.

mod authentication;
mod endpoint;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

pub use self::authentication::Authentication;
pub use self::endpoint::{ClientCertificate, Endpoint, Listen, Protocol, Security, TAG_BYTES_MAX};
pub use self::tls::{KeyFormat, Tls, TlsVersion};

/// What a server is to do. The defaults are memcached's.
///
/// Build one with [`Settings::default`] and change its fields.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// Where to listen, at least one place.
    pub listen: Vec<Endpoint>,
    /// Where to take datagrams, in text or binary; empty for nowhere. Not on Unix sockets.
    pub udp: Vec<Listen>,
    /// What each address on the other side of UDP may get beyond four times what it sends, in
    /// bytes per second: who sends may have forged the address, to flood its owner. 0 for no
    /// limit, where addresses can't be forged.
    pub udp_bytes_per_sec: u32,
    /// What TLS endpoints present; needed if there are any.
    pub tls: Option<Tls>,
    /// Who may use the cache, and how clients say who they are; `None` lets everybody.
    pub authentication: Option<Authentication>,
    /// Connections that the kernel may hold while we are busy.
    pub backlog: u32,
    /// Worker threads, 1 to [`THREADS_MAX`].
    pub threads: usize,
    /// Clients at the same time, 1 or more. Listeners and files of our own do not count.
    pub connections_max: usize,
    /// What happens to clients above that: an error and the door (memcached's `maxconns_fast`), or
    /// else they wait in the kernel until a place is free.
    pub refuse_when_full: bool,
    /// Requests of one connection that are answered before others get their turn, 1 or more.
    pub requests_per_event: usize,
    /// Memory for incomplete requests of more than some 32 KB, of all clients together, in bytes.
    /// Who needs more of it than there is gets an error and is closed.
    pub long_request_bytes_max: usize,
    /// How long a TCP client may be silent between commands; `None` for ever.
    pub idle_timeout: Option<Duration>,
    /// Budget for items and everything about them, in bytes.
    pub memory_bytes: u64,
    /// Where the items are between two lives of the server: written by `Running::save`, read and
    /// removed by `Server::run`. `None` forgets them.
    pub memory_file: Option<PathBuf>,
    /// Largest item, key and overhead included, in bytes; 1 KB to 1 GB.
    pub item_bytes_max: usize,
    /// Whether old items make room for new ones; otherwise storing fails when memory is full.
    pub evict: bool,
    /// Whether items carry ids for `gets` and `cas`.
    pub cas: bool,
    /// Whether clients may use `flush_all`.
    pub flush_all: bool,
    /// 0 is silent; 1 tells of errors and limits; 2 also of each connection. On standard error.
    pub verbosity: u8,
    /// What else steers the engine or is reported by it: which commands there are, log buffers, and
    /// memcached's knobs that turn nothing here. What the fields above say, and what only the sockets
    /// tell, goes before what is in here.
    pub engine: steadfast_engine::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![Listen::Everywhere(PORT).into()],
            udp: Vec::new(),
            udp_bytes_per_sec: 256 << 10,
            tls: None,
            authentication: None,
            backlog: 1024,
            threads: 4,
            connections_max: 1024,
            refuse_when_full: true,
            requests_per_event: 20,
            long_request_bytes_max: 64 << 20,
            idle_timeout: None,
            memory_bytes: 64 << 20,
            memory_file: None,
            item_bytes_max: 1 << 20,
            evict: true,
            cas: true,
            flush_all: true,
            verbosity: 0,
            engine: steadfast_engine::Settings::default(),
        }
    }
}

/// memcached's port.
pub const PORT: u16 = 11211;

/// More workers than this only cost memory.
pub const THREADS_MAX: usize = 1024;
