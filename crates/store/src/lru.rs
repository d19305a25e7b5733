//! The order of eviction: exact recency.

use crate::segments::Segments;

/// All occupied slots from the most to the least recently used, linked in a side table.
///
/// Every operation is O(1). The table grows along with the index's slots.
#[derive(Debug)]
pub(crate) struct Lru {
    links: Segments<Link>,
    newest: u32,
    oldest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    newer: u32,
    older: u32,
}

impl Lru {
    /// The most memory that one insertion may add.
    pub(crate) const GROWTH_BYTES_MAX: usize = Segments::<Link>::GROWTH_BYTES;

    pub(crate) fn new() -> Self {
        Self {
            links: Segments::new(),
            newest: NONE,
            oldest: NONE,
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.links.memory_bytes()
    }

    /// Returns the least recently used slot.
    pub(crate) fn oldest(&self) -> Option<u32> {
        Self::some(self.oldest)
    }

    /// Returns the slot that was used next after this one.
    pub(crate) fn newer(&self, slot: u32) -> Option<u32> {
        Self::some(self.links.at(slot).newer)
    }

    /// Adds a slot as the most recently used.
    pub(crate) fn insert(&mut self, slot: u32) {
        while slot as usize >= self.links.len() {
            self.links.grow(|_| Link {
                newer: NONE,
                older: NONE,
            });
        }
        self.link_newest(slot);
    }

    /// Takes a slot out that is in.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Link { newer, older } = *self.links.at(slot);
        match newer {
            NONE => self.newest = older,
            newer => self.links.at_mut(newer).older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.links.at_mut(older).newer = newer,
        }
    }

    /// Makes a slot that is in the most recently used.
    pub(crate) fn touch(&mut self, slot: u32) {
        if slot != self.newest {
            self.remove(slot);
            self.link_newest(slot);
        }
    }

    fn link_newest(&mut self, slot: u32) {
        let older = self.newest;
        *self.links.at_mut(slot) = Link { newer: NONE, older };
        match older {
            NONE => self.oldest = slot,
            older => self.links.at_mut(older).newer = slot,
        }
        self.newest = slot;
    }

    fn some(slot: u32) -> Option<u32> {
        (slot != NONE).then_some(slot)
    }
}

const NONE: u32 = u32::MAX;

#[cfg(test)]
mod naive;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::naive::NaiveLru;
    use super::*;

    fn order(lru: &Lru) -> Vec<u32> {
        core::iter::successors(lru.oldest(), |&slot| lru.newer(slot)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lru_matches_naive(steps in prop::collection::vec((0..3_u8, 0_u32..600), 1..400)) {
            let (mut lru, mut naive) = (Lru::new(), NaiveLru::default());
            for (step, slot) in steps {
                match (step, naive.contains(slot)) {
                    (0, true) => { lru.remove(slot); naive.remove(slot); }
                    (_, true) => { lru.touch(slot); naive.touch(slot); }
                    (_, false) => { lru.insert(slot); naive.insert(slot); }
                }
                prop_assert_eq!(lru.oldest(), naive.oldest());
            }
            prop_assert_eq!(order(&lru), naive.order());
        }
    }
}
