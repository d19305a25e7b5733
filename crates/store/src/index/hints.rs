//! Where the buckets of an index are, for those who have no lock on it.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::{Bucket, Index};
use crate::buckets::Buckets;
use crate::prefetch;

/// The addresses of an index's first chunks of buckets.
///
/// They are asked for and never followed, so that nothing depends on their being up to date: a
/// stale one costs a cache line. Kept beside the lock and renewed under it.
#[derive(Debug)]
pub(crate) struct Hints {
    buckets: AtomicU32,
    chunk_len_log: u32,
    chunks: [AtomicUsize; CHUNKS_MAX],
}

impl Hints {
    pub(crate) fn new(index: &Index) -> Self {
        let hints = Self {
            buckets: AtomicU32::new(0),
            chunk_len_log: index.heads.chunk_len().ilog2(),
            chunks: [const { AtomicUsize::new(0) }; CHUNKS_MAX],
        };
        hints.renew(index);
        hints
    }

    /// Takes note of an index that may have grown.
    #[inline]
    pub(crate) fn renew(&self, index: &Index) {
        let buckets = index.buckets.count();
        let known = self.buckets.load(Ordering::Relaxed);
        if known == buckets {
            return;
        }
        // Chunks never move: only those that are new are of interest.
        let first = known.div_ceil(index.heads.chunk_len()) as usize;
        let addresses = index.heads.addresses().skip(first);
        for (place, address) in self.chunks.iter().skip(first).zip(addresses) {
            place.store(address, Ordering::Relaxed);
        }
        self.buckets.store(buckets, Ordering::Relaxed);
    }

    /// Asks for the line in which `hash` is looked up first.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32) {
        prefetch::address(self.address(hash));
    }

    #[inline]
    fn address(&self, hash: u32) -> usize {
        let bucket = Buckets::with_count(self.buckets.load(Ordering::Relaxed)).of(hash);
        let chunk = self.chunks.get((bucket >> self.chunk_len_log) as usize);
        let start = chunk.map_or(0, |chunk| chunk.load(Ordering::Relaxed));
        let within = bucket & ((1 << self.chunk_len_log) - 1);
        start + within as usize * size_of::<Bucket>()
    }
}

/// Enough for an index of usual size; beyond that, buckets are not fetched early.
const CHUNKS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::index::{ItemRef, Reach};
    use crate::memory::Heap;

    #[test]
    fn the_address_is_that_of_the_bucket_while_the_index_grows() {
        let mut index = Index::new(Index::CHUNK_BYTES_MIN, Arc::new(Heap));
        let hints = Hints::new(&index);
        for number in 0..5000_u32 {
            let hash = number.wrapping_mul(0x9e37_79b9);
            index.insert(hash, ItemRef::new(0, 0), Reach::of(ItemRef::new(0, 0), 1));
            hints.renew(&index);
            let bucket = index.heads.at(index.buckets.of(hash));
            assert_eq!(hints.address(hash), core::ptr::from_ref(bucket).addr());
        }
    }
}
