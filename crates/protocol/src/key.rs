//! The name of an item.

use core::fmt;

use bytes::BufMut;

/// The name of an item: 1 to 250 bytes without space and line feed, checked once, borrowed.
///
/// All other bytes are allowed, as in memcached 1.6.45: control characters, tab, DEL, NUL and
/// 0x80-0xff are part of a key (protocol.txt, "Keys"; only the length is checked there, and the
/// two separators cannot reach a key).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a>(&'a [u8]);

impl<'a> Key<'a> {
    /// The longest key in bytes.
    pub const BYTES_MAX: usize = 250;

    /// Checks `bytes` and makes a key of them. Linear in the length.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if `bytes` is empty, longer than [`Key::BYTES_MAX`], or holds a separator.
    ///
    /// ```
    /// # use steadfast_protocol::Key;
    /// assert_eq!(Key::new(b"visits").unwrap().as_bytes(), b"visits");
    /// assert!(Key::new(b"two words").is_err());
    /// ```
    pub fn new(bytes: &'a [u8]) -> Result<Self, KeyError> {
        if bytes.is_empty() {
            return Err(KeyError::Empty);
        }
        if bytes.len() > Self::BYTES_MAX {
            return Err(KeyError::TooLong { bytes: bytes.len() });
        }
        match memchr::memchr2(b' ', b'\n', bytes) {
            Some(at) => Err(KeyError::Separator { at }),
            None => Ok(Self(bytes)),
        }
    }

    /// Makes a key of one word of a command line: never empty and free of separators, so only
    /// the length is left to check.
    pub(crate) fn from_word(word: &'a [u8]) -> Result<Self, KeyError> {
        debug_assert!(!word.is_empty(), "a word is never empty");
        if word.len() > Self::BYTES_MAX {
            return Err(KeyError::TooLong { bytes: word.len() });
        }
        Ok(Self(word))
    }

    /// The bytes of the key, 1 to 250 of them.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(self.0);
    }
}

impl AsRef<[u8]> for Key<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(\"{}\")", self.0.escape_ascii())
    }
}

/// Why bytes are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// There are no bytes.
    Empty,
    /// There are more than [`Key::BYTES_MAX`] bytes.
    TooLong {
        /// The number of bytes found.
        bytes: usize,
    },
    /// A space or a line feed, which the text protocol cannot carry in a key.
    Separator {
        /// The index of the first separator.
        at: usize,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("key of 0 bytes, at least 1 is needed"),
            Self::TooLong { bytes } => {
                write!(f, "key of {bytes} bytes exceeds {}", Key::BYTES_MAX)
            }
            Self::Separator { at } => write!(f, "key has a space or line feed at byte {at}"),
        }
    }
}

impl core::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn length_is_limited_to_250_bytes() {
        let bytes = [b'k'; 251];
        assert!(Key::new(&bytes[..250]).is_ok());
        let error = Key::new(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "key of 251 bytes exceeds 250");
        assert_eq!(Key::new(b""), Err(KeyError::Empty));
    }

    #[test]
    fn only_separators_are_forbidden_bytes() {
        for byte in 0..=u8::MAX {
            let bytes = [byte];
            assert_eq!(
                Key::new(&bytes).is_ok(),
                byte != b' ' && byte != b'\n',
                "{byte}"
            );
        }
    }
}
