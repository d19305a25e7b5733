//! Where each item is: a hash table whose places do not move.

use crate::segments::{SEGMENT_LEN, Segments};

/// A hash table of slots with stable numbers, growing by one bucket at a time (linear hashing).
///
/// Growth costs O(1) for each insertion and needs no second table beside the first, so that the
/// memory it takes next is always known. Callers bring hashes and compare keys.
#[derive(Debug)]
pub(crate) struct Index<T> {
    /// The first slot of each bucket's chain.
    heads: Segments<u32>,
    buckets: u32,
    /// The buckets rounded up to a power of two, less one.
    mask: u32,
    slots: Segments<Slot<T>>,
    /// The first of the chain of vacant slots.
    vacant: u32,
    len: u32,
}

#[derive(Debug)]
struct Slot<T> {
    hash: u32,
    next: u32,
    value: Option<T>,
}

impl<T> Index<T> {
    /// The memory of an empty index.
    pub(crate) const START_BYTES: usize = Segments::<u32>::GROWTH_BYTES;
    /// The most memory that one insertion may add.
    pub(crate) const GROWTH_BYTES_MAX: usize =
        Segments::<u32>::GROWTH_BYTES + Segments::<Slot<T>>::GROWTH_BYTES;

    pub(crate) fn new() -> Self {
        let mut heads = Segments::new();
        heads.grow(|_| NONE);
        let buckets = SEGMENT_LEN as u32;
        Self {
            heads,
            buckets,
            mask: buckets - 1,
            slots: Segments::new(),
            vacant: NONE,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn buckets(&self) -> usize {
        self.buckets as usize
    }

    /// The number of slots, vacant ones included; slots are numbered from 0.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.heads.memory_bytes() + self.slots.memory_bytes()
    }

    /// The memory that the next insertion adds.
    pub(crate) fn growth_bytes(&self) -> usize {
        let heads = if self.needs_heads() {
            Segments::<u32>::GROWTH_BYTES
        } else {
            0
        };
        let slots = if self.vacant == NONE {
            Segments::<Slot<T>>::GROWTH_BYTES
        } else {
            0
        };
        heads + slots
    }

    /// Returns the slot with that hash whose value `is_it`, and that value.
    #[inline]
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(&T) -> bool) -> Option<(u32, &T)> {
        let mut at = *self.heads.at(self.bucket(hash));
        while at != NONE {
            let slot = self.slots.at(at);
            if slot.hash == hash {
                if let Some(value) = slot.value.as_ref().filter(|value| is_it(value)) {
                    return Some((at, value));
                }
            }
            at = slot.next;
        }
        None
    }

    /// Returns the value in a slot, or `None` if the slot is vacant.
    pub(crate) fn at(&self, slot: u32) -> Option<&T> {
        self.slots.at(slot).value.as_ref()
    }

    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.slots.at_mut(slot).value.as_mut()
    }

    /// Adds a value that is not there yet, and returns its slot.
    pub(crate) fn insert(&mut self, hash: u32, value: T) -> u32 {
        self.grow();
        let at = self.vacant;
        let bucket = self.bucket(hash);
        let head = self.heads.at_mut(bucket);
        let slot = self.slots.at_mut(at);
        self.vacant = slot.next;
        *slot = Slot {
            hash,
            next: *head,
            value: Some(value),
        };
        *head = at;
        self.len += 1;
        at
    }

    /// Takes the value out of a slot.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<T> {
        let taken = self.slots.at_mut(slot);
        let value = taken.value.take()?;
        let (hash, next) = (taken.hash, taken.next);
        taken.next = self.vacant;
        self.vacant = slot;
        self.len -= 1;
        let bucket = self.bucket(hash);
        let head = self.heads.at_mut(bucket);
        if *head == slot {
            *head = next;
            return Some(value);
        }
        let mut before = *head;
        while self.slots.at(before).next != slot {
            before = self.slots.at(before).next;
        }
        self.slots.at_mut(before).next = next;
        Some(value)
    }

    fn bucket(&self, hash: u32) -> u32 {
        let bucket = hash & self.mask;
        if bucket < self.buckets {
            bucket
        } else {
            bucket & (self.mask >> 1)
        }
    }

    fn needs_heads(&self) -> bool {
        self.len >= self.buckets && self.buckets as usize == self.heads.len()
    }

    fn grow(&mut self) {
        if self.vacant == NONE {
            let end = u32::try_from(self.slots.len() + SEGMENT_LEN).expect("fewer than 2^32 slots");
            self.vacant = end - SEGMENT_LEN as u32;
            self.slots.grow(|slot| {
                let next = if slot + 1 == end { NONE } else { slot + 1 };
                Slot {
                    hash: 0,
                    next,
                    value: None,
                }
            });
        }
        if self.needs_heads() {
            self.heads.grow(|_| NONE);
        }
        if self.len >= self.buckets {
            self.split();
        }
    }

    /// Adds a bucket and gives it its part of the one that stood for it.
    fn split(&mut self) {
        let added = self.buckets;
        let old = self.bucket(added);
        let mut at = *self.heads.at(old);
        self.buckets += 1;
        self.mask |= added;
        let (mut stay, mut go) = (NONE, NONE);
        while at != NONE {
            let bucket = self.bucket(self.slots.at(at).hash);
            let slot = self.slots.at_mut(at);
            let list = if bucket == added { &mut go } else { &mut stay };
            let next = core::mem::replace(&mut slot.next, *list);
            *list = at;
            at = next;
        }
        *self.heads.at_mut(old) = stay;
        *self.heads.at_mut(added) = go;
    }
}

const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn index_matches_a_plain_map(
            steps in prop::collection::vec((any::<bool>(), 0_u32..3000), 1..6000),
            spread in prop::sample::select(vec![1_u32, 256, 2_654_435_761]),
        ) {
            let mut index = Index::new();
            let mut plain = HashMap::new();
            for (is_insert, number) in steps {
                let hash = number.wrapping_mul(spread);
                let found = index.find(hash, |&value| value == number).map(|(slot, _)| slot);
                prop_assert_eq!(found, plain.get(&number).copied());
                match found {
                    None if is_insert => {
                        let before = index.memory_bytes();
                        let growth = index.growth_bytes();
                        plain.insert(number, index.insert(hash, number));
                        prop_assert_eq!(index.memory_bytes(), before + growth);
                    }
                    Some(slot) if !is_insert => {
                        prop_assert_eq!(index.remove(slot), Some(number));
                        plain.remove(&number);
                    }
                    _ => {}
                }
                prop_assert_eq!(index.len(), plain.len());
            }
        }
    }

    #[test]
    fn chains_stay_short_as_the_table_grows() {
        let mut index = Index::new();
        for number in 0..10_000_u32 {
            index.insert(number.wrapping_mul(2_654_435_761), number);
        }
        assert_eq!(index.buckets(), 10_000);
        assert!(index.memory_bytes() < 10_000 * 30);
    }
}
