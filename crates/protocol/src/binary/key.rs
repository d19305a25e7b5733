//! The name of an item, as the binary protocol can say it.

use core::fmt;

use crate::KeyError;

/// The name of an item: 1 to 250 bytes of any kind, spaces and line feeds included, checked once,
/// borrowed.
///
/// Every key of the text protocol is one, which `From` says. The reverse is not true: what has a
/// separator in it can be reached in text by the meta commands' base64 form only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a>(&'a [u8]);

impl<'a> Key<'a> {
    /// The longest key in bytes: memcached's limit, where the header could say 65535.
    pub const BYTES_MAX: usize = crate::Key::BYTES_MAX;

    /// Checks the length of `bytes` and makes a key of them.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if `bytes` is empty or longer than [`Key::BYTES_MAX`].
    pub const fn new(bytes: &'a [u8]) -> Result<Self, KeyError> {
        match bytes.len() {
            0 => Err(KeyError::Empty),
            1..=Self::BYTES_MAX => Ok(Self(bytes)),
            bytes => Err(KeyError::TooLong { bytes }),
        }
    }

    /// The bytes of the key, 1 to 250 of them.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl AsRef<[u8]> for Key<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

impl<'a> From<crate::Key<'a>> for Key<'a> {
    fn from(key: crate::Key<'a>) -> Self {
        Self(key.as_bytes())
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(\"{}\")", self.0.escape_ascii())
    }
}
