//! What stands where: the head, the front of a block, the front of an item.

use crc32fast::Hasher;

use super::PAYLOAD_BYTES_MAX;
use super::error::SnapshotErrorKind;
use crate::item::CasId;
use crate::marks::Marks;

/// What a snapshot says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// When it was written: seconds since 1970.
    pub written_unix_secs: u64,
    /// An id larger than all that the store ever gave out.
    pub ids_end: CasId,
    /// Who wrote it: a program and its version, say.
    pub creator: String,
}

impl Head {
    /// Puts them together; a creator of more than 60 bytes is cut.
    #[must_use]
    pub fn new(written_unix_secs: u64, ids_end: CasId, creator: &str) -> Self {
        let mut cut = creator.len().min(CREATOR_BYTES);
        while !creator.is_char_boundary(cut) {
            cut -= 1;
        }
        Self {
            written_unix_secs,
            ids_end,
            creator: creator[..cut].into(),
        }
    }

    pub(super) fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&Version::NEWEST.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.written_unix_secs.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.ids_end.get().to_le_bytes());
        bytes[32..32 + self.creator.len()].copy_from_slice(self.creator.as_bytes());
        let check = crc32fast::hash(&bytes[..HEAD_CHECKED_BYTES]);
        bytes[HEAD_CHECKED_BYTES..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    /// Tells whether a head may begin so.
    pub(super) fn may_begin(bytes: &[u8]) -> bool {
        bytes.iter().zip(MAGIC).all(|(byte, magic)| byte == magic)
    }

    /// Reads the head, and returns the form of what follows and the check that all blocks start from.
    pub(super) fn decode(
        bytes: &[u8; HEAD_BYTES],
    ) -> Result<(Self, Version, u32), SnapshotErrorKind> {
        let mut fields = Fields(bytes);
        if fields.take::<8>() != Some(*MAGIC) {
            return Err(SnapshotErrorKind::Foreign);
        }
        let version = match fields.u32().unwrap_or_default() {
            1 => Version::One,
            2 => Version::Two,
            found => return Err(SnapshotErrorKind::Version { found }),
        };
        let checked = &bytes[..HEAD_CHECKED_BYTES];
        let check = crc32fast::hash(checked);
        if bytes[HEAD_CHECKED_BYTES..] != check.to_le_bytes() {
            return Err(SnapshotErrorKind::Damaged);
        }
        let malformed = SnapshotErrorKind::Malformed;
        let zero = fields.u32();
        let (Some(0), Some(written), Some(ids_end)) = (zero, fields.u64(), fields.u64()) else {
            return Err(malformed("the head"));
        };
        let creator = checked[HEAD_CHECKED_BYTES - CREATOR_BYTES..]
            .split(|&byte| byte == 0)
            .next();
        let creator = core::str::from_utf8(creator.unwrap_or_default())
            .map_err(|_| malformed("the creator's name"))?;
        let head = Self::new(written, CasId::new(ids_end), creator);
        Ok((head, version, check))
    }
}

/// An item as it stands in a snapshot, but for its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The key, up to 255 bytes.
    pub key: &'a [u8],
    /// The caller's marks.
    pub marks: Marks,
    /// The client's flags.
    pub flags: u32,
    /// The version's id.
    pub cas: CasId,
    /// From when on the item is gone: seconds since 1970, 0 is never.
    pub expiry_unix_secs: u64,
}

impl<'a> Record<'a> {
    /// Puts them together, without marks.
    ///
    /// # Panics
    ///
    /// If the key has more than 255 bytes: no item has such a key.
    #[must_use]
    pub fn new(key: &'a [u8], flags: u32, cas: CasId, expiry_unix_secs: u64) -> Self {
        assert!(key.len() <= KEY_BYTES_MAX, "a key has at most 255 bytes");
        Self {
            key,
            marks: Marks::NONE,
            flags,
            cas,
            expiry_unix_secs,
        }
    }

    /// Adds the caller's marks.
    #[must_use]
    pub const fn with_marks(self, marks: Marks) -> Self {
        Self { marks, ..self }
    }

    /// The bytes of the record and its key.
    pub(super) fn front_bytes(&self) -> usize {
        RECORD_BYTES + self.key.len()
    }

    pub(super) fn encode(&self, value_bytes: u32, out: &mut Vec<u8>) {
        out.push(self.key.len() as u8);
        out.push(self.marks.bits());
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&self.cas.get().to_le_bytes());
        out.extend_from_slice(&self.expiry_unix_secs.to_le_bytes());
        out.extend_from_slice(&value_bytes.to_le_bytes());
        out.extend_from_slice(self.key);
    }

    /// Reads a record and its key from the front of `bytes`; returns the length of its value and what
    /// follows, too.
    pub(super) fn decode(bytes: &'a [u8], version: Version) -> Option<(Self, u32, &'a [u8])> {
        let mut fields = Fields(bytes);
        let [key_bytes] = fields.take::<1>()?;
        let marks = match version {
            Version::One => Marks::NONE,
            Version::Two => Marks::from_bits(fields.take::<1>()?[0]),
        };
        let (flags, cas) = (fields.u32()?, fields.u64()?);
        let (expiry_unix_secs, value_bytes) = (fields.u64()?, fields.u32()?);
        let (key, rest) = fields.0.split_at_checked(key_bytes.into())?;
        let record = Self {
            key,
            marks,
            flags,
            cas: CasId::new(cas),
            expiry_unix_secs,
        };
        Some((record, value_bytes, rest))
    }
}

/// The form of a snapshot: which fields its records have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Version {
    /// Without marks.
    One,
    #[default]
    Two,
}

impl Version {
    /// The one that is written.
    pub(super) const NEWEST: u32 = 2;
    /// The oldest that is read.
    pub(super) const OLDEST: u32 = 1;
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Items = 1,
    Large = 2,
    Piece = 3,
    End = 4,
}

/// The front of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Front {
    pub(super) kind: Kind,
    pub(super) payload_bytes: usize,
    check: u32,
}

impl Front {
    pub(super) fn decode(bytes: &[u8; FRONT_BYTES]) -> Result<Self, SnapshotErrorKind> {
        let mut fields = Fields(bytes);
        let (kind, length) = (fields.u32(), fields.u32().unwrap_or(u32::MAX));
        let kind = match kind {
            Some(1) => Kind::Items,
            Some(2) => Kind::Large,
            Some(3) => Kind::Piece,
            Some(4) => Kind::End,
            _ => return Err(SnapshotErrorKind::Malformed("the kind of a block")),
        };
        let payload_bytes = usize::try_from(length)
            .ok()
            .filter(|&bytes| bytes <= PAYLOAD_BYTES_MAX)
            .ok_or(SnapshotErrorKind::Malformed("the length of a block"))?;
        Ok(Self {
            kind,
            payload_bytes,
            check: fields.u32().unwrap_or_default(),
        })
    }

    /// Tells whether this is the front of that payload, in this place of this file.
    pub(super) fn fits(&self, payload: &[u8], place: Place) -> bool {
        self.check == place.check(self.kind, payload)
    }
}

/// Where a block stands: in which file, and behind how many others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) number: u64,
}

impl Place {
    /// Appends a block and goes on to the next place.
    pub(super) fn encode(&mut self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&(kind as u32).to_le_bytes());
        out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.check(kind, payload).to_le_bytes());
        out.extend_from_slice(payload);
        self.number += 1;
    }

    fn check(self, kind: Kind, payload: &[u8]) -> u32 {
        let mut hasher = Hasher::new();
        hasher.update(&self.file.to_le_bytes());
        hasher.update(&self.number.to_le_bytes());
        hasher.update(&(kind as u32).to_le_bytes());
        hasher.update(&(payload.len() as u32).to_le_bytes());
        hasher.update(payload);
        hasher.finalize()
    }
}

/// Numbers taken off the front of some bytes.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

pub(super) const HEAD_BYTES: usize = 96;
pub(super) const FRONT_BYTES: usize = 12;
pub(super) const RECORD_BYTES: usize = 26;
/// No text begins so, and a conversion of line ends would break it.
const MAGIC: &[u8; 8] = b"\x8aSFSNAP\n";
const HEAD_CHECKED_BYTES: usize = HEAD_BYTES - 4;
const CREATOR_BYTES: usize = 60;
const KEY_BYTES_MAX: usize = crate::error::KEY_BYTES_MAX;
