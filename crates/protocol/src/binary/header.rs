//! The 24 bytes that begin every message.

use core::num::NonZeroUsize;

use bytes::BufMut;

use super::BODY_BYTES_MAX;
use crate::Parsed;

/// The 24 bytes that begin every message (protocol-binary.txt, "Packet structure").
///
/// The data type and, in requests, the two bytes of the status have no meaning: they are written as 0
/// and not looked at, as in memcached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) magic: u8,
    pub(super) opcode: u8,
    pub(super) key_bytes: usize,
    pub(super) extras_bytes: usize,
    pub(super) status: u16,
    pub(super) body_bytes: usize,
    pub(super) opaque: u32,
    pub(super) cas: u64,
}

impl Header {
    pub(super) const BYTES: usize = 24;

    /// Reads the header at the start of `input`, if all of it is there.
    pub(super) fn parse(input: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = input.first_chunk()?;
        let pair = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let four = |at: usize| u32::from(pair(at)) << 16 | u32::from(pair(at + 2));
        Some(Self {
            magic: bytes[0],
            opcode: bytes[1],
            key_bytes: usize::from(pair(2)),
            extras_bytes: usize::from(bytes[4]),
            status: pair(6),
            body_bytes: four(8) as usize,
            opaque: four(12),
            cas: u64::from(four(16)) << 32 | u64::from(four(20)),
        })
    }

    /// Writes the header. A body beyond what is believed cannot be said, and is cut.
    #[inline]
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        debug_assert!(self.body_bytes <= BODY_BYTES_MAX, "a body that is believed");
        let mut bytes = [0; Self::BYTES];
        bytes[0] = self.magic;
        bytes[1] = self.opcode;
        let key_bytes = u16::try_from(self.key_bytes).expect("a key has at most 250 bytes");
        bytes[2..4].copy_from_slice(&key_bytes.to_be_bytes());
        bytes[4] = u8::try_from(self.extras_bytes).expect("extras have at most 20 bytes");
        bytes[6..8].copy_from_slice(&self.status.to_be_bytes());
        let body_bytes = u32::try_from(self.body_bytes).unwrap_or(u32::MAX);
        bytes[8..12].copy_from_slice(&body_bytes.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.opaque.to_be_bytes());
        bytes[16..].copy_from_slice(&self.cas.to_be_bytes());
        out.put_slice(&bytes);
    }

    /// The length of all that precedes the value.
    pub(super) const fn head_bytes(&self) -> usize {
        Self::BYTES + self.extras_bytes + self.key_bytes
    }

    /// The length of the value; none if the body is shorter than what is said to be in it.
    pub(super) const fn value_bytes(&self) -> Option<usize> {
        self.body_bytes
            .checked_sub(self.extras_bytes + self.key_bytes)
    }

    /// The extras and the key behind the header, if both are in `input` as a whole.
    pub(super) fn split<'a>(&self, input: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let head = input.get(Self::BYTES..self.head_bytes())?;
        Some(head.split_at(self.extras_bytes))
    }
}

/// What is needed until there are `bytes` bytes of a message.
pub(super) fn incomplete<T>(input: &[u8], bytes: usize) -> Parsed<T> {
    let missing = bytes.saturating_sub(input.len());
    Parsed::Incomplete {
        needed: NonZeroUsize::new(missing).unwrap_or(NonZeroUsize::MIN),
    }
}
