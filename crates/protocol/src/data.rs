//! The data block behind a header.

use core::num::NonZeroUsize;

use crate::Parsed;

/// What is left of a data block: some value bytes, then CRLF.
///
/// Follows the header of a storage command and a `VALUE` line. Exactly `value_bytes + 2` bytes
/// are consumed in the end, whether the last two are CRLF or not (protocol.txt, "Storage
/// commands"). Value bytes that were received elsewhere are counted by
/// [`handle_value_received`](Self::handle_value_received).
///
/// ```
/// # use steadfast_protocol::{DataBlock, DataPart, Parsed};
/// let mut block = DataBlock::new(2);
/// let Parsed::Complete { message: DataPart::Value(value), consumed } = block.parse(b"hi\r\n")
/// else { panic!() };
/// assert_eq!((value, consumed), (&b"hi"[..], 2));
/// assert_eq!(block.parse(b"\r\n"), Parsed::Complete { message: DataPart::End, consumed: 2 });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataBlock {
    value_left: usize,
}

/// A piece of a data block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a block is a value and its end")]
pub enum DataPart<'a> {
    /// The next bytes of the value, at least one.
    Value(&'a [u8]),
    /// The CRLF in its place: the block is complete.
    End,
    /// Two other bytes where the CRLF belongs: the block is over and void. A server answers
    /// [`Response::BAD_DATA_CHUNK`](crate::Response::BAD_DATA_CHUNK) and parses on; a client
    /// has lost its place and closes.
    BadEnd,
}

impl DataBlock {
    /// Expects `value_bytes` bytes and CRLF.
    #[must_use]
    pub const fn new(value_bytes: usize) -> Self {
        Self {
            value_left: value_bytes,
        }
    }

    /// The number of value bytes still to come.
    #[must_use]
    pub const fn value_left(&self) -> usize {
        self.value_left
    }

    /// Counts `bytes` value bytes that were received without passing through `parse`.
    ///
    /// # Panics
    ///
    /// If that is more than [`value_left`](Self::value_left).
    pub const fn handle_value_received(&mut self, bytes: usize) {
        assert!(
            bytes <= self.value_left,
            "no more than the value was received"
        );
        self.value_left -= bytes;
    }

    /// Takes the next part from the start of `input`.
    ///
    /// The end is reported once; call no more after it.
    pub fn parse<'a>(&mut self, input: &'a [u8]) -> Parsed<DataPart<'a>> {
        if self.value_left > 0 {
            let consumed = input.len().min(self.value_left);
            if consumed == 0 {
                return Parsed::Incomplete {
                    needed: missing(self.value_left),
                };
            }
            self.value_left -= consumed;
            return Parsed::Complete {
                message: DataPart::Value(&input[..consumed]),
                consumed,
            };
        }
        match input {
            [b'\r', b'\n', ..] => Parsed::Complete {
                message: DataPart::End,
                consumed: 2,
            },
            [_, _, ..] => Parsed::Complete {
                message: DataPart::BadEnd,
                consumed: 2,
            },
            _ => Parsed::Incomplete {
                needed: missing(2 - input.len()),
            },
        }
    }
}

fn missing(bytes: usize) -> NonZeroUsize {
    NonZeroUsize::new(bytes).expect("something is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_end_still_consumes_two_bytes() {
        let mut block = DataBlock::new(0);
        assert_eq!(
            block.parse(b"x\nget"),
            Parsed::Complete {
                message: DataPart::BadEnd,
                consumed: 2
            }
        );
    }

    #[test]
    fn half_an_end_is_incomplete() {
        let mut block = DataBlock::new(1);
        block.handle_value_received(1);
        assert_eq!(
            block.parse(b"\r"),
            Parsed::Incomplete { needed: missing(1) }
        );
        assert_eq!(block.parse(b""), Parsed::Incomplete { needed: missing(2) });
    }
}
