//! What a server answers.

use bytes::BufMut;

use super::header::{Header, incomplete};
use super::{BODY_BYTES_MAX, Key, Opcode, RESPONSE_MAGIC, ResponseError, Status};
use crate::Parsed;

/// An answer up to its value, borrowing from the buffer that it was parsed from.
///
/// The value is a stored value after a retrieval, eight bytes of a big-endian number after
/// increment and decrement, a text after `VERSION`, `SASL_LIST_MECHS` and any error. A report is
/// one response for each line, the name as the key, and one without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the fields of a response, built by servers"
)]
pub struct Response<'a> {
    /// What is answered.
    pub opcode: Opcode,
    /// How it ended.
    pub status: Status,
    /// The number that came with the request.
    pub opaque: u32,
    /// The item's cas id, 0 where there is none to tell.
    pub cas: u64,
    /// The client's own number, with retrievals and touch.
    pub flags: Option<u32>,
    /// The item's name, where it was asked for, or that of a line of a report.
    pub key: Option<Key<'a>>,
    /// The length of the value, which follows in the stream. At most [`BODY_BYTES_MAX`] less
    /// flags and key.
    pub value_bytes: usize,
}

impl<'a> Response<'a> {
    /// Success with nothing to tell, to be filled.
    #[must_use]
    pub const fn new(opcode: Opcode, opaque: u32) -> Self {
        Self {
            opcode,
            status: Status::SUCCESS,
            opaque,
            cas: 0,
            flags: None,
            key: None,
            value_bytes: 0,
        }
    }

    /// An error, whose value is to be the status's [`text`](Status::text).
    #[must_use]
    pub const fn error(opcode: Opcode, status: Status, opaque: u32) -> Self {
        Self {
            status,
            value_bytes: status.text().len(),
            ..Self::new(opcode, opaque)
        }
    }

    /// Reads the response at the start of `input`; its value follows behind what is consumed.
    ///
    /// # Errors
    ///
    /// [`ResponseError`] if that is no response, as soon as the header tells.
    pub fn parse(input: &'a [u8]) -> Result<Parsed<Self>, ResponseError> {
        if let Some(&found) = input.first().filter(|&&byte| byte != RESPONSE_MAGIC) {
            return Err(ResponseError::BadMagic { found });
        }
        let Some(header) = Header::parse(input) else {
            return Ok(incomplete(input, Header::BYTES));
        };
        let bytes = header.body_bytes;
        let Some(value_bytes) = header.value_bytes() else {
            return Err(ResponseError::BodyTooShort { bytes });
        };
        if bytes > BODY_BYTES_MAX {
            return Err(ResponseError::BodyTooLong { bytes });
        }
        if header.key_bytes > Key::BYTES_MAX {
            let bytes = header.key_bytes;
            return Err(ResponseError::KeyTooLong { bytes });
        }
        if !matches!(header.extras_bytes, 0 | FLAGS_BYTES) {
            let bytes = header.extras_bytes;
            return Err(ResponseError::BadExtras { bytes });
        }
        let Some((extras, key)) = header.split(input) else {
            return Ok(incomplete(input, header.head_bytes()));
        };
        let message = Self {
            opcode: Opcode::new(header.opcode),
            status: Status::new(header.status),
            opaque: header.opaque,
            cas: header.cas,
            flags: extras.first_chunk().copied().map(u32::from_be_bytes),
            key: Key::new(key).ok(),
            value_bytes,
        };
        Ok(Parsed::Complete {
            message,
            consumed: header.head_bytes(),
        })
    }

    /// Writes all but the value, which the caller writes behind it.
    ///
    /// # Panics
    ///
    /// If `out` cannot grow and is too small, as every write to a `BufMut`.
    #[inline]
    pub fn encode(&self, out: &mut impl BufMut) {
        let key = self.key.as_ref().map_or(&b""[..], Key::as_bytes);
        let extras_bytes = if self.flags.is_some() { FLAGS_BYTES } else { 0 };
        let header = Header {
            magic: RESPONSE_MAGIC,
            opcode: self.opcode.get(),
            key_bytes: key.len(),
            extras_bytes,
            status: self.status.get(),
            body_bytes: extras_bytes + key.len() + self.value_bytes,
            opaque: self.opaque,
            cas: self.cas,
        };
        header.encode(out);
        if let Some(flags) = self.flags {
            out.put_u32(flags);
        }
        out.put_slice(key);
    }
}

const FLAGS_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    fn key(bytes: &[u8]) -> Key<'_> {
        Key::new(bytes).unwrap()
    }

    #[test]
    fn every_response_is_read_as_it_was_written_at_whatever_split() {
        let plain = Response::new(Opcode::NOOP, 7);
        let hit = Response {
            cas: u64::MAX - 1,
            flags: Some(0xdead_beef),
            key: Some(key(b"a key")),
            value_bytes: 100_000,
            ..Response::new(Opcode::GETKQ, u32::MAX)
        };
        let error = Response::error(Opcode::new(0xff), Status::UNKNOWN_COMMAND, 1);
        for message in [plain, hit, error] {
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            let consumed = bytes.len();
            for split in 0..consumed {
                let part = Response::parse(&bytes[..split]);
                let Ok(Parsed::Incomplete { needed }) = part else {
                    panic!("{message:?} at {split}: {part:?}");
                };
                assert!(split + needed.get() <= consumed);
            }
            bytes.extend(b"value");
            let complete = Parsed::Complete { message, consumed };
            assert_eq!(Response::parse(&bytes), Ok(complete));
        }
    }

    #[test]
    fn an_error_announces_its_text() {
        let error = Response::error(Opcode::GET, Status::KEY_NOT_FOUND, 3);
        let mut bytes = Vec::new();
        error.encode(&mut bytes);
        let header = b"\x81\0\0\0\0\0\0\x01\0\0\0\x09\0\0\0\x03\0\0\0\0\0\0\0\0";
        assert_eq!(bytes, header);
        assert_eq!(Status::KEY_NOT_FOUND.text().len(), error.value_bytes);
    }

    #[test]
    fn what_is_no_response_is_refused_with_a_reason() {
        let mut header = [0; 24];
        header[0] = b'E';
        let mut refused = |at: usize, byte: u8, reason: &str| {
            header[at] = byte;
            assert_eq!(Response::parse(&header).unwrap_err().to_string(), reason);
        };
        refused(1, 0, "first byte is 0x45, a response begins with 0x81");
        refused(0, 0x80, "first byte is 0x80, a response begins with 0x81");
        header[0] = 0x81;
        let mut refused = |at: usize, byte: u8, reason: &str| {
            header[at] = byte;
            assert_eq!(Response::parse(&header).unwrap_err().to_string(), reason);
        };
        refused(4, 1, "body of 0 bytes is shorter than its extras and key");
        refused(11, 1, "extras of 1 bytes, not 0 or 4");
        refused(8, 0x41, "body of 1090519041 bytes exceeds 1073741824");
        refused(8, 1, "extras of 1 bytes, not 0 or 4");
        refused(2, 1, "key of 256 bytes exceeds 250");
    }
}
