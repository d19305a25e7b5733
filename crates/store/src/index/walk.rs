//! Going round all items while the index grows.

use super::{Index, next, used};
use crate::index::ItemRef;

/// A place between two buckets: the lowest hash, read with its bits reversed, of what comes next.
///
/// In that order a bucket's hashes are one range, and a bucket that is split becomes the two halves
/// of its range. So whatever grows between two steps, the place stays one between two buckets, and
/// all that is in the index from the first step to the last is met once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BucketCursor(u32);

impl Index {
    /// Shows the items of the bucket behind a place, and returns the place after it; `None` at the
    /// end.
    pub(crate) fn visit_bucket(
        &self,
        from: BucketCursor,
        mut visit: impl FnMut(ItemRef),
    ) -> Option<BucketCursor> {
        let hash = from.0.reverse_bits();
        let mut part = Some(self.buckets.of(hash));
        while let Some(number) = part {
            let words = self.part(number);
            for &entry in &words[..used(words)] {
                visit(ItemRef::of(entry));
            }
            part = next(words);
        }
        let span = 1_u32 << (u32::BITS - self.buckets.bits_of(hash));
        let start = from.0 & !(span - 1);
        start.checked_add(span).map(BucketCursor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;
    use crate::memory::Heap;

    fn insert(index: &mut Index, number: u32) {
        let hash = number.wrapping_mul(0x9e37_79b9);
        index.insert(hash, ItemRef::new(number, 0));
    }

    #[test]
    fn what_stays_is_met_once_while_the_index_grows() {
        for grows_by in [0, 1, 7] {
            let mut index = Index::new(Index::CHUNK_BYTES_MIN, Arc::new(Heap));
            (0..1000).for_each(|number| insert(&mut index, number));
            let mut met: HashMap<u32, u32> = HashMap::new();
            let (mut from, mut next_number) = (Some(BucketCursor::default()), 1000);
            while let Some(place) = from {
                from = index.visit_bucket(place, |at| *met.entry(at.segment()).or_default() += 1);
                (next_number..next_number + grows_by).for_each(|number| insert(&mut index, number));
                next_number += grows_by;
            }
            assert!((0..1000).all(|number| met.get(&number) == Some(&1)));
            assert!(met.values().all(|&times| times == 1));
        }
    }
}
