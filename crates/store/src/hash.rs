//! From a key to where it belongs.

use core::hash::Hasher;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

/// All that a hash depends on beside the key, from the caller's seed.
#[derive(Clone)]
pub(crate) struct KeyHasher {
    seed: u64,
    shared: SharedSeed,
}

impl KeyHasher {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            shared: SharedSeed::from_u64(seed),
        }
    }

    /// Hashes a key: the upper half chooses the stripe, the lower the place in it.
    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        hasher.write(key);
        hasher.finish()
    }

    /// Hashes a key to its place within its stripe.
    #[inline]
    pub(crate) fn place(&self, key: &[u8]) -> u32 {
        in_stripe(self.hash(key))
    }
}

/// The part of a hash that chooses the place within a stripe.
pub(crate) fn in_stripe(hash: u64) -> u32 {
    hash as u32
}

/// Seeds are secret: strangers must not aim keys at one stripe or bucket.
impl core::fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyHasher").finish_non_exhaustive()
    }
}
