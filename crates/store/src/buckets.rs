//! Linear hashing: which of a growing number of buckets a hash belongs to.

/// A number of buckets that grows by one at a time, and the rule by which hashes find theirs.
///
/// Invariant: `least <= count <= mask + 1`, and `mask + 1` is the least power of two for which that
/// holds. Only the lowest bits of a hash count, [`Buckets::new`]'s `bits_min` always.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets {
    count: u32,
    mask: u32,
}

impl Buckets {
    pub(crate) fn new(bits_min: u32) -> Self {
        let count = 1 << bits_min;
        Self {
            count,
            mask: count - 1,
        }
    }

    /// A number of buckets that has grown so far; 0 is taken for 1.
    #[inline]
    pub(crate) fn with_count(count: u32) -> Self {
        let count = count.max(1);
        Self {
            count,
            mask: count.next_power_of_two() - 1,
        }
    }

    pub(crate) fn count(self) -> u32 {
        self.count
    }

    #[inline]
    pub(crate) fn of(self, hash: u32) -> u32 {
        let bucket = hash & self.mask;
        if bucket < self.count {
            bucket
        } else {
            bucket & (self.mask >> 1)
        }
    }

    /// Returns how many of the lowest bits the hashes have in common that belong where `hash` does.
    pub(crate) fn bits_of(self, hash: u32) -> u32 {
        let bits = self.mask.count_ones();
        let highest = self.mask ^ (self.mask >> 1);
        if hash & self.mask | highest < self.count {
            bits
        } else {
            bits - 1
        }
    }

    /// Adds a bucket, the last one now, and returns the one whose hashes it shares from now on.
    pub(crate) fn add(&mut self) -> u32 {
        let old = self.of(self.count);
        self.mask |= self.count;
        self.count += 1;
        old
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hashes_of_one_bucket_move_and_only_to_the_added_one() {
        let mut buckets = Buckets::new(2);
        let hashes = (0..1000_u32).map(|number| number.wrapping_mul(0x9e37_79b9) >> 7);
        for _ in 0..100 {
            let before = buckets;
            let old = buckets.add();
            for hash in hashes.clone() {
                let (was, is) = (before.of(hash), buckets.of(hash));
                assert!(is == was || was == old && is == buckets.count() - 1);
            }
        }
        assert_eq!(buckets.count(), 104);
    }

    #[test]
    fn hashes_belong_together_if_and_only_if_their_lowest_bits_agree() {
        let mut buckets = Buckets::new(2);
        for _ in 0..30 {
            for (a, b) in (0..64_u32).flat_map(|a| (0..64).map(move |b| (a, b))) {
                let mask = (1 << buckets.bits_of(a)) - 1;
                assert_eq!(buckets.of(a) == buckets.of(b), a & mask == b & mask);
            }
            buckets.add();
        }
    }
}
