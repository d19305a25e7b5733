//! Where an item probably is, for who wants it fetched.

use super::{Bucket, Index, ItemRef, OVERFLOW, Overflow, Reach, TAG_SHIFT, head_of, next};

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
        if let Some(entry) = first(words, head_of(hash)) {
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
            if let Some(entry) = first(words, head_of(hash)) {
                return Some((ItemRef::of(entry), Reach::of_entry(entry)));
            }
            part = next(words)?;
        }
    }
}

/// The first of the entries with `wanted` above them.
#[inline(always)]
fn first<const N: usize>(words: &[u64; N], wanted: u64) -> Option<u64> {
    let entries = words[..N - 1].iter();
    // Without a way out of the loop: a branch for each could not be predicted.
    let found = entries.rev().fold(0, |found, &entry| {
        if entry >> TAG_SHIFT == wanted {
            entry
        } else {
            found
        }
    });
    (found != 0).then_some(found)
}
