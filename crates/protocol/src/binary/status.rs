//! How a request ended.

use core::fmt;

/// How a request ended (protocol-binary.txt, "Response status").
///
/// Any number is one, since a client has to live with those it does not know.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(u16);

impl Status {
    /// It was done.
    pub const SUCCESS: Self = Self(0x00);
    /// There is no such item, or no such report.
    pub const KEY_NOT_FOUND: Self = Self(0x01);
    /// There is an item where none should be, or another version of it.
    pub const KEY_EXISTS: Self = Self(0x02);
    /// The value exceeds the item limit.
    pub const TOO_LARGE: Self = Self(0x03);
    /// Lengths or extras that do not belong to the opcode. The server closes.
    pub const INVALID_ARGUMENTS: Self = Self(0x04);
    /// There is nothing to append or prepend to, or no room for the whole.
    pub const NOT_STORED: Self = Self(0x05);
    /// The stored value is no number.
    pub const NOT_A_NUMBER: Self = Self(0x06);
    /// Not authenticated, or not allowed.
    pub const AUTH_ERROR: Self = Self(0x20);
    /// A further step of authentication is needed.
    pub const AUTH_CONTINUE: Self = Self(0x21);
    /// The opcode is not known.
    pub const UNKNOWN_COMMAND: Self = Self(0x81);
    /// There is no room and nothing may be evicted.
    pub const OUT_OF_MEMORY: Self = Self(0x82);

    /// The status of this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// What memcached writes as the value of an error; empty for the others. Clients log it, some
    /// compare it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::KEY_NOT_FOUND => "Not found",
            Self::KEY_EXISTS => "Data exists for key.",
            Self::TOO_LARGE => "Too large.",
            Self::INVALID_ARGUMENTS => "Invalid arguments",
            Self::NOT_STORED => "Not stored.",
            Self::NOT_A_NUMBER => "Non-numeric server-side value for incr or decr",
            Self::AUTH_ERROR => "Auth failure.",
            Self::UNKNOWN_COMMAND => "Unknown command",
            Self::OUT_OF_MEMORY => "Out of memory",
            _ => "",
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.text()) {
            (Self::SUCCESS, _) => f.write_str("Success"),
            (Self::AUTH_CONTINUE, _) => f.write_str("Auth continue"),
            (_, "") => write!(f, "Status({:#06x})", self.0),
            (_, text) => f.write_str(text.trim_end_matches('.')),
        }
    }
}
