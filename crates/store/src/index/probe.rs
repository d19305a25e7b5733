//! Where an item probably is, for who wants it fetched.

use super::{Bucket, Index, ItemRef, OVERFLOW, Overflow, Reach, head_of, matches, next};

/// What the first line of a look-up tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// An item with that hash, most likely the one.
    Item(ItemRef, Reach),
    /// The look-up goes on at this address; see [`Index::probe_further`].
    Further { address: usize },
    /// There is none.
    Nothing,
}

impl Index {
    /// Looks into the first line, and into no item.
    #[inline]
    pub(crate) fn probe(&self, hash: u32) -> Probe {
        let Bucket(words) = self.heads.at(self.buckets.of(hash));
        if let Some(entry) = first(words, matches(words, head_of(hash))) {
            return Probe::Item(ItemRef::of(entry), Reach::of_entry(entry));
        }
        match next(words) {
            Some(part) => {
                let overflow = self.overflows.at(part & !OVERFLOW);
                let address = core::ptr::from_ref(overflow).addr();
                Probe::Further { address }
            }
            None => Probe::Nothing,
        }
    }

    /// Looks into all lines behind the first, and into no item.
    pub(crate) fn probe_further(&self, hash: u32) -> Option<(ItemRef, Reach)> {
        let Bucket(words) = self.heads.at(self.buckets.of(hash));
        let mut part = next(words)?;
        loop {
            let Overflow(words) = self.overflows.at(part & !OVERFLOW);
            if let Some(entry) = first(words, matches(words, head_of(hash))) {
                return Some((ItemRef::of(entry), Reach::of_entry(entry)));
            }
            part = next(words)?;
        }
    }
}

/// The first entry with a bit in `matches`.
#[inline(always)]
fn first(words: &[u64], matches: u32) -> Option<u64> {
    words.get(matches.trailing_zeros() as usize).copied()
}
