//! Requests to bytes.

use bytes::BufMut;

use super::{Command, Request, Storage, StorageVerb};
use crate::Arithmetic;
use crate::binary::header::Header;
use crate::binary::{EXTRAS_BYTES_MAX, Opcode, REQUEST_MAGIC};

impl Request<'_> {
    /// Writes all but the value, which the caller writes behind it.
    ///
    /// # Panics
    ///
    /// If `out` cannot grow and is too small, as every write to a `BufMut`.
    pub fn encode(&self, out: &mut impl BufMut) {
        let mut buffer = [0; EXTRAS_BYTES_MAX];
        let extras_bytes = self.command.put_extras(&mut buffer);
        let key = self.command.key_part();
        let header = Header {
            magic: REQUEST_MAGIC,
            opcode: self.opcode().get(),
            key_bytes: key.len(),
            extras_bytes,
            status: 0,
            body_bytes: extras_bytes + key.len() + self.command.value_bytes(),
            opaque: self.opaque,
            cas: self.cas,
        };
        header.encode(out);
        out.put_slice(&buffer[..extras_bytes]);
        out.put_slice(key);
    }
}

impl Command<'_> {
    /// The opcode of its loud form.
    pub(super) const fn opcode(&self) -> Opcode {
        match *self {
            Self::Get { with_key, .. } => match with_key {
                false => Opcode::GET,
                true => Opcode::GETK,
            },
            Self::GetAndTouch { with_key, .. } => match with_key {
                false => Opcode::GAT,
                true => Opcode::GATK,
            },
            Self::Touch { .. } => Opcode::TOUCH,
            Self::Store(Storage { verb, .. }) => match verb {
                StorageVerb::Set => Opcode::SET,
                StorageVerb::Add => Opcode::ADD,
                StorageVerb::Replace => Opcode::REPLACE,
                StorageVerb::Append => Opcode::APPEND,
                StorageVerb::Prepend => Opcode::PREPEND,
            },
            Self::Delete { .. } => Opcode::DELETE,
            Self::Arithmetic { operation, .. } => match operation {
                Arithmetic::Increment => Opcode::INCREMENT,
                Arithmetic::Decrement => Opcode::DECREMENT,
            },
            Self::Flush { .. } => Opcode::FLUSH,
            Self::Noop => Opcode::NOOP,
            Self::Version => Opcode::VERSION,
            Self::Quit => Opcode::QUIT,
            Self::Stat { .. } => Opcode::STAT,
            Self::Verbosity { .. } => Opcode::VERBOSITY,
            Self::SaslListMechanisms => Opcode::SASL_LIST_MECHS,
            Self::SaslStart { .. } => Opcode::SASL_AUTH,
            Self::SaslStep { .. } => Opcode::SASL_STEP,
            Self::Unknown { opcode, .. } => opcode,
        }
    }

    /// What stands in the place of the key; nothing if that is empty.
    fn key_part(&self) -> &[u8] {
        let key = match self {
            Self::Stat { topic } => topic.as_ref(),
            Self::SaslStart { mechanism, .. } | Self::SaslStep { mechanism, .. } => Some(mechanism),
            _ => return self.key().map_or(&b""[..], |key| key.as_bytes()),
        };
        key.map_or(&b""[..], |key| key.as_bytes())
    }

    /// Writes the extras into a buffer and returns their length.
    fn put_extras(&self, buffer: &mut [u8; EXTRAS_BYTES_MAX]) -> usize {
        let mut rest = &mut buffer[..];
        match *self {
            Self::Store(Storage {
                verb,
                flags,
                exptime,
                ..
            }) if verb.has_extras() => {
                rest.put_u32(flags);
                rest.put_u32(exptime);
            }
            Self::Arithmetic {
                delta,
                initial,
                exptime,
                ..
            } => {
                rest.put_u64(delta);
                rest.put_u64(initial);
                rest.put_u32(exptime);
            }
            Self::GetAndTouch { exptime, .. } | Self::Touch { exptime, .. } => {
                rest.put_u32(exptime);
            }
            Self::Flush {
                exptime: Some(exptime),
            } => rest.put_u32(exptime),
            Self::Verbosity { level } => rest.put_u32(level),
            _ => {}
        }
        EXTRAS_BYTES_MAX - rest.len()
    }
}
