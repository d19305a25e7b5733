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
