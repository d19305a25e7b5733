//! What a listener decides about its sessions.

use steadfast_protocol::Limits;

/// What a listener decides about its sessions.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SessionSettings {
    /// Bounds on command lines.
    pub limits: Limits,
    /// Which protocol is spoken.
    pub protocol: Protocol,
    /// The number that names the connection in reports and log lines, such as its descriptor.
    pub connection: u64,
}

/// Which protocol a session speaks (`-B`, and the `proto[...]:` prefix of `-l`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(
    clippy::exhaustive_enums,
    reason = "memcached's two protocols, and the guess between them"
)]
pub enum Protocol {
    /// A first byte of 0x80 chooses the binary protocol, any other one text, for good.
    #[default]
    Negotiate,
    /// Text, classic and meta. A byte of 0x80 is as wrong there as any.
    Text,
    /// Binary. Whatever begins otherwise ends the session.
    Binary,
}
