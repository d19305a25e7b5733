//! Where to listen, and what is spoken there.

use std::net::SocketAddr;
use std::path::PathBuf;

pub use steadfast_engine::Protocol;

/// A place to listen, and what is spoken there.
///
/// `Endpoint::from(place)` negotiates the protocol, in plain text, as memcached does without
/// `-B`, `-Z` and prefixes; change the fields for more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Where.
    pub place: Listen,
    /// Which protocol (`-B`, `proto[...]:`).
    pub protocol: Protocol,
    /// Whether in TLS (`-Z`, `notls:`, `btls:`, `mtls:`). Unix sockets are always plain.
    pub security: Security,
    /// A name for the clients that come in here (`tag[...]:`), of 1 to [`TAG_BYTES_MAX`] bytes: it
    /// stands beside their addresses in the daemon's messages. Commands do not ask for it.
    pub tag: Option<String>,
}

impl From<Listen> for Endpoint {
    fn from(place: Listen) -> Self {
        Self {
            place,
            protocol: Protocol::default(),
            security: Security::default(),
            tag: None,
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

/// Whether an endpoint is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_enums, reason = "encrypted or not")]
pub enum Security {
    /// As it is.
    #[default]
    Plain,
    /// In TLS, as [`Settings::tls`](super::Settings) says, which must be there then.
    Tls(ClientCertificate),
}

/// What a TLS endpoint wants to know of its clients (`ssl_verify_mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_enums, reason = "ask, insist or leave it")]
pub enum ClientCertificate {
    /// Nothing (0, and `btls:`).
    #[default]
    Ignored,
    /// A certificate is asked for. One that is given must be good; none is good as well (1).
    Wanted,
    /// A good certificate (2 and 3, and `mtls:`).
    Required,
}

/// The longest tag, as in memcached.
pub const TAG_BYTES_MAX: usize = 8;
