//! What stands in a segment: items and gaps, byte for byte.
//!
//! ```text
//! item: | expiry 4 | value length 2 | key length 1 | bits 1 | used at 4 | flags 4 | id 8 |
//!       | node 4, pad 4 (exact LRU only) | key | value | up to a multiple of 8 |
//! gap:  | its bytes 4 | - | bits 1: GAP, or GAP and SLACK |
//! ```
//!
//! All numbers are little-endian. The first word tells what stands there, so that a segment can be
//! walked by its bytes alone. A slot, once allocated, begins where it began until its whole segment is
//! reclaimed: an item that is gone becomes a gap of its slot's size, and one that was written over by
//! a shorter one is followed by slack that stays its own.

use crate::item::{CasId, Expiry, Timestamp};
use crate::marks::Marks;

/// All about an item but its key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) expiry: Expiry,
    /// The length of the value, or of the number of the extent that holds it.
    pub(crate) value_bytes: u16,
    pub(crate) key_bytes: u8,
    pub(crate) bits: Bits,
    pub(crate) used_at: Timestamp,
    pub(crate) flags: u32,
    pub(crate) cas: CasId,
}

/// How an item was used, and what it is.
///
/// ```text
/// item: | 0 | marks 3 | large 1 | read 1 | uses 2 |
/// gap:  | 1 | slack 1 | -                         |
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits(u8);

/// What stands at some place in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Item(Head),
    Gap { bytes: usize },
}

/// How items are laid out in one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Where the key begins.
    pub(crate) head_bytes: usize,
}

impl Layout {
    pub(crate) const fn new(has_nodes: bool) -> Self {
        let head_bytes = if has_nodes {
            HEAD_BYTES + 8
        } else {
            HEAD_BYTES
        };
        Self { head_bytes }
    }

    /// Returns the bytes that an item takes in a segment, slack aside.
    #[inline]
    pub(crate) const fn footprint(self, key_bytes: usize, value_bytes: usize) -> usize {
        (self.head_bytes + key_bytes + value_bytes).next_multiple_of(STEP_BYTES)
    }

    /// Returns the bytes that the item at the start of `slot` takes.
    #[inline]
    pub(crate) fn footprint_of(self, head: &Head) -> usize {
        self.footprint(usize::from(head.key_bytes), usize::from(head.value_bytes))
    }

    /// Returns the bytes of the whole slot of an item: its own and its slack.
    pub(crate) fn stride_of(self, head: &Head, slot: &[u8]) -> usize {
        let footprint = self.footprint_of(head);
        match slot.get(footprint..) {
            Some(rest) if kind(rest) == Some(SLACK | GAP) => footprint + gap_bytes(rest),
            _ => footprint,
        }
    }

    #[inline]
    pub(crate) fn key<'a>(self, head: &Head, slot: &'a [u8]) -> &'a [u8] {
        &slot[self.head_bytes..][..usize::from(head.key_bytes)]
    }

    /// Tells whether the item at the start of `slot` has that key.
    #[inline(always)]
    pub(crate) fn is_key(self, key: &[u8], slot: &[u8]) -> bool {
        let [first, ..] = words(slot);
        let key_bytes = usize::from((first >> 48) as u8);
        key_bytes == key.len() && slot[self.head_bytes..][..key_bytes] == *key
    }

    #[inline]
    pub(crate) fn value<'a>(self, head: &Head, slot: &'a [u8]) -> &'a [u8] {
        let start = self.head_bytes + usize::from(head.key_bytes);
        &slot[start..][..usize::from(head.value_bytes)]
    }

    /// Writes the value of an item whose head is written, given in two parts.
    #[inline]
    pub(crate) fn write_value(self, head: &Head, slot: &mut [u8], value: [&[u8]; 2]) {
        let start = self.head_bytes + usize::from(head.key_bytes);
        let place = &mut slot[start..][..usize::from(head.value_bytes)];
        let (first, second) = place.split_at_mut(value[0].len());
        first.copy_from_slice(value[0]);
        second.copy_from_slice(value[1]);
    }

    /// Returns the number that an order by side table has put into an item.
    #[inline]
    pub(crate) fn node(slot: &[u8]) -> u32 {
        let node = &slot[HEAD_BYTES..HEAD_BYTES + 4];
        u32::from_le_bytes([node[0], node[1], node[2], node[3]])
    }

    pub(crate) fn set_node(slot: &mut [u8], node: u32) {
        slot[HEAD_BYTES..HEAD_BYTES + 4].copy_from_slice(&node.to_le_bytes());
    }

    /// Writes what a use changes.
    #[inline]
    pub(crate) fn write_use(slot: &mut [u8], bits: Bits, used_at: Timestamp) {
        let head: &mut [u8; HEAD_BYTES] = slot.first_chunk_mut().expect(WHOLE);
        head[7] = bits.0;
        head[8..12].copy_from_slice(&used_at.as_secs().to_le_bytes());
    }

    /// Marks what is left of a slot of `stride` bytes behind its item.
    pub(crate) fn set_slack(self, head: &Head, stride: usize, slot: &mut [u8]) {
        let footprint = self.footprint_of(head);
        if footprint < stride {
            write_gap(&mut slot[footprint..], stride - footprint, SLACK | GAP);
        }
    }
}

impl Head {
    #[inline]
    pub(crate) fn read(slot: &[u8]) -> Self {
        let [first, second, cas] = words(slot);
        Self {
            expiry: Expiry::from_bits(first as u32),
            value_bytes: (first >> 32) as u16,
            key_bytes: (first >> 48) as u8,
            bits: Bits((first >> 56) as u8),
            used_at: Timestamp::from_secs(second as u32),
            flags: (second >> 32) as u32,
            cas: CasId::new(cas),
        }
    }

    #[inline]
    pub(crate) fn write(&self, slot: &mut [u8]) {
        let first = u64::from(self.expiry.to_bits())
            | u64::from(self.value_bytes) << 32
            | u64::from(self.key_bytes) << 48
            | u64::from(self.bits.0) << 56;
        let second = u64::from(self.used_at.as_secs()) | u64::from(self.flags) << 32;
        let head: &mut [u8; HEAD_BYTES] = slot.first_chunk_mut().expect(WHOLE);
        head[..8].copy_from_slice(&first.to_le_bytes());
        head[8..16].copy_from_slice(&second.to_le_bytes());
        head[16..].copy_from_slice(&self.cas.get().to_le_bytes());
    }
}

impl Bits {
    pub(crate) const NONE: Self = Self(0);
    const USES: u8 = 3;

    /// Returns how often the item was used lately, up to 3.
    #[inline]
    pub(crate) fn uses(self) -> u8 {
        self.0 & Self::USES
    }

    #[must_use]
    pub(crate) fn with_uses(self, uses: u8) -> Self {
        Self(self.0 & !Self::USES | uses.min(Self::USES))
    }

    /// One more use.
    #[inline]
    #[must_use]
    pub(crate) fn used(self) -> Self {
        Self(self.0 + u8::from(self.uses() < Self::USES))
    }

    /// Tells whether the item was ever read.
    #[inline]
    pub(crate) fn was_read(self) -> bool {
        self.0 & READ != 0
    }

    #[inline]
    #[must_use]
    pub(crate) fn read(self) -> Self {
        Self(self.0 | READ)
    }

    /// Marks that the item stands for one in an extent.
    #[must_use]
    pub(crate) const fn large(self) -> Self {
        Self(self.0 | LARGE)
    }

    #[inline]
    pub(crate) fn is_large(self) -> bool {
        self.0 & LARGE != 0
    }

    #[inline]
    pub(crate) fn marks(self) -> Marks {
        Marks::from_bits(self.0 >> MARKS_AT)
    }

    #[inline]
    #[must_use]
    pub(crate) fn with_marks(self, marks: Marks) -> Self {
        Self(self.0 & !(Marks::ALL.bits() << MARKS_AT) | marks.bits() << MARKS_AT)
    }
}

impl Content {
    /// Reads what stands at the start of `slot`.
    pub(crate) fn read(slot: &[u8]) -> Self {
        match kind(slot) {
            Some(kind) if kind & GAP != 0 => Self::Gap {
                bytes: gap_bytes(slot),
            },
            _ => Self::Item(Head::read(slot)),
        }
    }
}

/// Makes a gap of a whole slot.
pub(crate) fn set_gap(slot: &mut [u8], bytes: usize) {
    write_gap(slot, bytes, GAP);
}

fn write_gap(slot: &mut [u8], bytes: usize, kind: u8) {
    let bytes = u32::try_from(bytes).expect("a segment has at most 1 MiB");
    slot[..4].copy_from_slice(&bytes.to_le_bytes());
    slot[7] = kind;
}

fn gap_bytes(slot: &[u8]) -> usize {
    u32::from_le_bytes([slot[0], slot[1], slot[2], slot[3]]) as usize
}

fn kind(slot: &[u8]) -> Option<u8> {
    slot.get(7).map(|bits| bits & (GAP | SLACK))
}

/// The three words that every item begins with.
#[inline]
fn words(slot: &[u8]) -> [u64; 3] {
    let head: &[u8; HEAD_BYTES] = slot.first_chunk().expect(WHOLE);
    let word = |start: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&head[start..start + 8]);
        u64::from_le_bytes(bytes)
    };
    [word(0), word(8), word(16)]
}

/// Slots begin at multiples of this.
pub(crate) const STEP_BYTES: usize = 8;
/// What stands in a segment for a large value: the number of its extent.
pub(crate) const STUB_VALUE_BYTES: usize = 4;
const HEAD_BYTES: usize = 24;
const WHOLE: &str = "an item has a whole head";
const READ: u8 = 1 << 2;
const LARGE: u8 = 1 << 3;
/// Where the lowest of the caller's marks is.
const MARKS_AT: u32 = 4;
/// Of a gap; in an item that bit is one of the marks.
const SLACK: u8 = 1 << 6;
const GAP: u8 = 1 << 7;

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head {
        expiry: Expiry::at(Timestamp::from_secs(u32::MAX)),
        value_bytes: u16::MAX,
        key_bytes: u8::MAX,
        bits: Bits::NONE.large(),
        used_at: Timestamp::from_secs(7),
        flags: 0xdead_beef,
        cas: CasId::new(u64::MAX),
    };

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for head in [
            HEAD,
            Head {
                expiry: Expiry::NEVER,
                value_bytes: 0,
                bits: Bits::NONE.read().with_uses(3),
                ..HEAD
            },
            Head {
                bits: Bits::NONE.with_marks(Marks::ALL),
                ..HEAD
            },
        ] {
            let mut slot = [0; 24];
            head.write(&mut slot);
            assert_eq!(Content::read(&slot), Content::Item(head));
        }
    }

    #[test]
    fn uses_are_counted_to_three_beside_the_other_bits() {
        let mut bits = Bits::NONE.large().read();
        for uses in [1, 2, 3, 3] {
            bits = bits.used();
            assert_eq!(bits.uses(), uses);
        }
        assert!(bits.is_large() && bits.was_read());
        assert_eq!(bits.with_uses(0), Bits::NONE.large().read());
        for number in 0..Marks::COUNT {
            let mark = Marks::number(number);
            assert_eq!(bits.with_marks(mark).marks(), mark);
            assert_eq!(bits.with_marks(mark).used().uses(), 3);
            assert_eq!(bits.with_marks(mark).with_marks(Marks::NONE), bits);
        }
    }

    #[test]
    fn a_shorter_item_keeps_its_slot() {
        let layout = Layout::new(false);
        let mut slot = [0; 64];
        let mut head = Head {
            value_bytes: 20,
            key_bytes: 3,
            ..HEAD
        };
        head.write(&mut slot);
        assert_eq!(layout.stride_of(&head, &slot[..48]), 48);
        head.value_bytes = 2;
        head.write(&mut slot);
        layout.set_slack(&head, 48, &mut slot);
        assert_eq!(layout.footprint_of(&head), 32);
        assert_eq!(layout.stride_of(&head, &slot), 48);
        set_gap(&mut slot, 48);
        assert_eq!(Content::read(&slot), Content::Gap { bytes: 48 });
    }
}
