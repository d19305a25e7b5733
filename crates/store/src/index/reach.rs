//! How far an item reaches, roughly.

use super::ItemRef;

/// How many of the processor's cache lines an item touches: exact up to 8, then a few too many, at most
/// 32. Fits in four bits, and into the entry of the index beside the item, so that all lines can be
/// asked for before the first has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach(u8);

impl Reach {
    pub(super) const BITS: u32 = 4;

    /// That of an item of `bytes`, in a segment that begins with a line.
    #[inline]
    pub(crate) fn of(item: ItemRef, bytes: usize) -> Self {
        let lines = (item.offset() as usize % LINE_BYTES + bytes).div_ceil(LINE_BYTES);
        let level = match lines {
            0..=8 => lines.saturating_sub(1),
            9..=16 => (lines - 1) / 2 + 4,
            17..=32 => (lines - 1) / 4 + 8,
            _ => LEVEL_MAX,
        };
        Self(level as u8)
    }

    #[inline]
    pub(crate) fn lines(self) -> usize {
        LINES[usize::from(self.0) & LEVEL_MAX]
    }

    /// That in an entry of the index.
    #[inline]
    pub(super) fn of_entry(entry: u64) -> Self {
        Self((entry >> ItemRef::BITS) as u8 & LEVEL_MAX as u8)
    }

    #[inline]
    pub(super) fn to_bits(self) -> u64 {
        self.0.into()
    }
}

const LINE_BYTES: usize = 64;
const LEVEL_MAX: usize = (1 << Reach::BITS) - 1;
/// The rest of a longer item is fetched by the processor on its own, which sees where reads go.
const LINES: [usize; LEVEL_MAX + 1] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_left_out_up_to_32_and_few_are_too_many() {
        for start in [0, 8, 56, 64, 1000] {
            for bytes in 32..3000 {
                let lines = (start as usize + bytes - 1) / 64 - start as usize / 64 + 1;
                let reach = Reach::of(ItemRef::new(0, start), bytes);
                assert_eq!(
                    Reach::of_entry((reach.to_bits() | 16) << ItemRef::BITS),
                    reach
                );
                assert!(reach.lines() >= lines.min(32), "{bytes} bytes at {start}");
                assert!(
                    reach.lines() <= lines + lines / 4,
                    "{bytes} bytes at {start}"
                );
            }
        }
    }
}
