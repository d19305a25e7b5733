//! Where an item is: a segment, and how far into it.

use core::fmt;

/// Where an item begins: a segment, and how far into it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct ItemRef(pub(super) u64);

impl ItemRef {
    pub(super) const BITS: u32 = 37;
    const SEGMENT_BITS: u32 = 20;
    const UNIT_BITS: u32 = Self::BITS - Self::SEGMENT_BITS;
    /// Items begin at multiples of this.
    pub(crate) const UNIT_BYTES: u32 = 8;
    /// Segments are numbered below this.
    pub(crate) const SEGMENTS_MAX: u32 = 1 << Self::SEGMENT_BITS;
    /// Segments are no larger than this.
    pub(crate) const SEGMENT_BYTES_MAX: usize = (Self::UNIT_BYTES as usize) << Self::UNIT_BITS;

    /// The item that begins `offset` bytes into a segment.
    #[inline]
    pub(crate) fn new(segment: u32, offset: u32) -> Self {
        debug_assert!(segment < Self::SEGMENTS_MAX && offset % Self::UNIT_BYTES == 0);
        debug_assert!((offset as usize) < Self::SEGMENT_BYTES_MAX);
        Self(u64::from(segment) << Self::UNIT_BITS | u64::from(offset / Self::UNIT_BYTES))
    }

    #[inline]
    pub(crate) fn segment(self) -> u32 {
        (self.0 >> Self::UNIT_BITS) as u32
    }

    #[inline]
    pub(crate) fn offset(self) -> u32 {
        (self.0 & ((1 << Self::UNIT_BITS) - 1)) as u32 * Self::UNIT_BYTES
    }

    /// The item in an entry of the index.
    #[inline]
    pub(super) fn of(entry: u64) -> Self {
        Self(entry & ((1 << Self::BITS) - 1))
    }
}

impl fmt::Debug for ItemRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemRef({}+{})", self.segment(), self.offset())
    }
}
