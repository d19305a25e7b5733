//! What a server is to do, as a value: for the command line and for programs that embed one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What a server is to do. The defaults are memcached's.
///
/// Build one with [`Settings::default`] and change its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Where to listen, at least one place.
    pub listen: Vec<Listen>,
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
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![Listen::Everywhere(PORT)],
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
        }
    }
}

/// A place to listen. Port 0 is any free port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "these are all the places that Settings can mean"
)]
pub enum Listen {
    /// Every interface, IPv4 and, where the machine has it, IPv6.
    Everywhere(u16),
    /// One address.
    Address(SocketAddr),
    /// Every address of a host name, looked up when the server binds.
    Host(String, u16),
    /// A Unix socket with these permission bits; a stale socket file is replaced.
    Unix {
        /// The socket file.
        path: PathBuf,
        /// Permission bits, `0o700` say.
        mode: u32,
    },
}

/// memcached's port.
pub const PORT: u16 = 11211;

/// More workers than this only cost memory.
pub const THREADS_MAX: usize = 1024;
