//! Where each item is: a hash table of cache lines.

use core::fmt;
use std::sync::Arc;

mod hints;
mod item_ref;
mod probe;
mod reach;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use self::hints::Hints;
pub(crate) use self::item_ref::ItemRef;
pub(crate) use self::probe::Probe;
pub(crate) use self::reach::Reach;
pub(crate) use self::walk::BucketCursor;
use crate::buckets::Buckets;
use crate::chunks::{Chunks, chunk_cost};
use crate::memory::Memory;

/// A hash table of [`ItemRef`]s in buckets of one cache line each, growing by one bucket at a time
/// (linear hashing).
///
/// ```text
/// bucket:   | entry | entry | entry | entry | entry | entry | entry | link |   8 words of 64 bits
/// overflow: | entry | entry | entry | link |                                 further ones of a bucket
/// entry:    | tag, 22 bits | 1 | reach, 4 bits | item, 37 bits |              0 if vacant
/// ```
///
/// The bucket number is made of a hash's lowest bits, at least six of them; the tag is all others of
/// the 28 that count. So a bucket is split without a look at its items, and a look-up reads 1.2 lines
/// and, but for one in thousands, no item other than the one it wants. With 2^28 buckets, for 1.6
/// billion items, growth ends, and only chains get longer. Beyond seven entries a bucket has
/// overflows of half a line each. Its entries fill it and them from the front, without gaps.
///
/// Growth costs O(1) for each insertion and needs no second table beside the first, so that the
/// memory it takes next is always known. Callers bring hashes and compare keys.
pub(crate) struct Index {
    heads: Chunks<Bucket>,
    /// The overflows of all buckets, and spare ones.
    overflows: Chunks<Overflow>,
    /// The first of the chain of spare overflows.
    spare: u32,
    buckets: Buckets,
    len: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket([u64; 8]);

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
struct Overflow([u64; 4]);

/// A place in the index, until the next insertion or removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    bucket: u32,
    /// The bucket itself or one of its overflows.
    part: u32,
    lane: u32,
}

/// What a look-up found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<T> {
    pub(crate) slot: Slot,
    pub(crate) item: ItemRef,
    /// What was seen of the item.
    pub(crate) seen: T,
}

impl Index {
    /// Makes an empty index that grows by `chunk_bytes` of `memory` at a time: a power of two, at
    /// least [`Index::CHUNK_BYTES_MIN`].
    pub(crate) fn new(chunk_bytes: usize, memory: Arc<dyn Memory>) -> Self {
        let mut heads = Chunks::new(chunk_bytes, Arc::clone(&memory));
        heads.grow();
        Self {
            heads,
            overflows: Chunks::new(chunk_bytes, memory),
            spare: NONE,
            buckets: Buckets::new(BUCKET_BITS_MIN),
            len: 0,
        }
    }

    pub(crate) const CHUNK_BYTES_MIN: usize = BUCKETS_MIN as usize * size_of::<Bucket>();

    /// A chunk that is small beside `stripe_bytes`, the memory of a stripe: half of one stays
    /// unused on average.
    pub(crate) const fn chunk_bytes_for(stripe_bytes: usize) -> usize {
        let part = stripe_bytes / CHUNK_SHARE;
        if part < Self::CHUNK_BYTES_MIN {
            Self::CHUNK_BYTES_MIN
        } else if part > CHUNK_BYTES_MAX {
            CHUNK_BYTES_MAX
        } else {
            1 << part.ilog2()
        }
    }

    /// The memory of an empty index.
    pub(crate) fn start_bytes(chunk_bytes: usize, memory: &dyn Memory) -> usize {
        chunk_cost(chunk_bytes, memory)
    }

    /// The most memory that one insertion may add.
    pub(crate) fn growth_bytes_max(chunk_bytes: usize, memory: &dyn Memory) -> usize {
        2 * Self::start_bytes(chunk_bytes, memory)
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn buckets(&self) -> usize {
        self.buckets.count() as usize
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.heads.memory_bytes() + self.overflows.memory_bytes()
    }

    /// The memory that the next insertion adds.
    #[inline]
    pub(crate) fn growth_bytes(&self) -> usize {
        let heads = if self.needs_heads() {
            self.heads.growth_bytes()
        } else {
            0
        };
        let overflows = if self.spare == NONE {
            self.overflows.growth_bytes()
        } else {
            0
        };
        heads + overflows
    }

    /// Looks for an item among those with that hash: the first for which `see` returns something.
    #[inline(always)]
    pub(crate) fn find<T>(
        &self,
        hash: u32,
        mut see: impl FnMut(ItemRef) -> Option<T>,
    ) -> Option<Found<T>> {
        self.candidates(hash).find_map(|(slot, item)| {
            let seen = see(item)?;
            Some(Found { slot, item, seen })
        })
    }

    /// All items that may have that hash: most likely one, the one.
    #[inline(always)]
    pub(crate) fn candidates(&self, hash: u32) -> Candidates<'_> {
        let (bucket, wanted) = (self.buckets.of(hash), head_of(hash));
        let Bucket(words) = self.heads.at(bucket);
        Candidates {
            index: self,
            wanted,
            bucket,
            part: bucket,
            matches: matches(words, wanted),
            words,
        }
    }

    /// The overflow behind a bucket or an overflow, its words, and which of them have `wanted` above
    /// them. Apart, so that what most look-ups do stays small.
    #[inline(never)]
    fn further(&self, words: &[u64], wanted: u64) -> Option<(u32, &[u64], u32)> {
        let part = next(words)?;
        let Overflow(words) = self.overflows.at(part & !OVERFLOW);
        Some((part, words, matches(words, wanted)))
    }

    /// Returns the place that holds `item` itself.
    pub(crate) fn find_ref(&self, hash: u32, item: ItemRef) -> Option<Slot> {
        let found = self.find(hash, |other| (other == item).then_some(()));
        found.map(|found| found.slot)
    }

    /// Returns the item at a place.
    #[inline]
    pub(crate) fn at(&self, slot: Slot) -> ItemRef {
        ItemRef::of(self.part(slot.part)[slot.lane as usize])
    }

    /// Adds an item that is not there yet. Takes [`Index::growth_bytes`] of memory.
    pub(crate) fn insert(&mut self, hash: u32, item: ItemRef, reach: Reach) {
        if self.spare == NONE {
            self.grow_overflow();
        }
        if self.is_full() {
            if self.needs_heads() {
                self.heads.grow();
            }
            self.split();
        }
        self.push(self.buckets.of(hash), entry(hash, item, reach));
        self.len += 1;
    }

    /// Puts another item in the place of one with the same hash, or the same one that has moved.
    #[inline]
    pub(crate) fn replace(&mut self, slot: Slot, item: ItemRef, reach: Reach) {
        let entry = &mut self.part_mut(slot.part)[slot.lane as usize];
        *entry = *entry >> TAG_SHIFT << TAG_SHIFT | reach.to_bits() << ItemRef::BITS | item.0;
    }

    /// Takes the item at a place out.
    pub(crate) fn remove(&mut self, slot: Slot) -> ItemRef {
        // The last entry of the bucket fills the gap.
        let (mut before, mut last) = (slot.bucket, slot.bucket);
        while let Some(further) = next(self.part(last)) {
            (before, last) = (last, further);
        }
        let words = self.part_mut(last);
        let lane = used(words) - 1;
        let moved = core::mem::take(&mut words[lane]);
        if lane == 0 && last != slot.bucket {
            link(self.part_mut(before), NONE);
            self.give_spare(last);
        }
        self.len -= 1;
        if (slot.part, slot.lane) == (last, lane as u32) {
            return ItemRef::of(moved);
        }
        let place = &mut self.part_mut(slot.part)[slot.lane as usize];
        ItemRef::of(core::mem::replace(place, moved))
    }

    /// Counts everything again and returns the number of items.
    ///
    /// # Panics
    ///
    /// If what is found is not what is on the books.
    pub(crate) fn check_invariants(&self) -> usize {
        let (mut items, mut overflows) = (0, 0);
        for bucket in 0..self.buckets.count() {
            let mut part = bucket;
            loop {
                let words = self.part(part);
                let (used, lanes) = (used(words), words.len() - 1);
                assert!(part == bucket || used > 0, "no overflow is kept empty");
                assert!(words[used..lanes].iter().all(|&entry| entry == 0));
                for &entry in &words[..used] {
                    assert_eq!(self.buckets.of(hash_of(entry, bucket)), bucket);
                }
                items += used;
                let Some(further) = next(words) else { break };
                assert_eq!(used, lanes, "a bucket fills from the front");
                (part, overflows) = (further, overflows + 1);
            }
        }
        let mut spare = self.spare;
        while spare != NONE {
            overflows += 1;
            spare = next(self.part(spare)).unwrap_or(NONE);
        }
        assert_eq!(items, self.len(), "items in the index");
        assert_eq!(
            overflows,
            self.overflows.len(),
            "an overflow is used or spare"
        );
        items
    }

    /// The words of a bucket or an overflow.
    #[inline]
    fn part(&self, number: u32) -> &[u64] {
        if number & OVERFLOW == 0 {
            &self.heads.at(number).0
        } else {
            &self.overflows.at(number & !OVERFLOW).0
        }
    }

    #[inline]
    fn part_mut(&mut self, number: u32) -> &mut [u64] {
        if number & OVERFLOW == 0 {
            &mut self.heads.at_mut(number).0
        } else {
            &mut self.overflows.at_mut(number & !OVERFLOW).0
        }
    }

    fn is_full(&self) -> bool {
        u64::from(self.len) >= u64::from(self.buckets.count()) * LOAD
            && self.buckets.count() < BUCKETS_MAX
    }

    fn needs_heads(&self) -> bool {
        self.buckets.count() == self.heads.len() && self.is_full()
    }

    fn grow_overflow(&mut self) {
        let start = self.overflows.len();
        self.overflows.grow();
        for number in (start..self.overflows.len()).rev() {
            self.give_spare(number | OVERFLOW);
        }
    }

    fn give_spare(&mut self, number: u32) {
        let further = core::mem::replace(&mut self.spare, number);
        let words = self.part_mut(number);
        words.fill(0);
        link(words, further);
    }

    fn take_spare(&mut self) -> u32 {
        assert_ne!(self.spare, NONE, "an overflow is spare before it is needed");
        let number = self.spare;
        self.spare = next(self.part(number)).unwrap_or(NONE);
        link(self.part_mut(number), NONE);
        number
    }

    /// Adds an entry at the end of a bucket.
    fn push(&mut self, bucket: u32, entry: u64) {
        let mut part = bucket;
        while let Some(further) = next(self.part(part)) {
            part = further;
        }
        let words = self.part_mut(part);
        let lane = used(words);
        if lane < words.len() - 1 {
            words[lane] = entry;
        } else {
            let further = self.take_spare();
            link(self.part_mut(part), further);
            self.part_mut(further)[0] = entry;
        }
    }

    /// Adds a bucket and gives it its part of the one that stood for it.
    ///
    /// The overflows that come free while the bucket is taken apart are enough for both.
    fn split(&mut self) {
        let old = self.buckets.add();
        let Bucket(words) = core::mem::take(self.heads.at_mut(old));
        self.share(old, &words);
        let mut part = next(&words);
        while let Some(number) = part {
            let Overflow(words) = *self.overflows.at(number & !OVERFLOW);
            self.give_spare(number);
            self.share(old, &words);
            part = next(&words);
        }
    }

    /// Puts each entry, of what was a part of `old`, in its bucket.
    fn share(&mut self, old: u32, words: &[u64]) {
        for &entry in &words[..used(words)] {
            self.push(self.buckets.of(hash_of(entry, old)), entry);
        }
    }
}

/// The places of items that may have a hash.
#[derive(Debug)]
pub(crate) struct Candidates<'a> {
    index: &'a Index,
    wanted: u64,
    bucket: u32,
    /// The bucket or its overflow that is being looked at.
    part: u32,
    words: &'a [u64],
    /// A bit for each entry of it that is yet to be shown.
    matches: u32,
}

impl Iterator for Candidates<'_> {
    type Item = (Slot, ItemRef);

    #[inline(always)]
    fn next(&mut self) -> Option<(Slot, ItemRef)> {
        while self.matches == 0 {
            (self.part, self.words, self.matches) = self.index.further(self.words, self.wanted)?;
        }
        let lane = self.matches.trailing_zeros();
        self.matches &= self.matches - 1;
        let slot = Slot {
            bucket: self.bucket,
            part: self.part,
            lane,
        };
        Some((slot, ItemRef::of(self.words[lane as usize])))
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("len", &self.len)
            .field("buckets", &self.buckets)
            .finish_non_exhaustive()
    }
}

/// A bit for each of the entries that have `wanted` above them.
///
/// All tags are compared before any is branched on: a branch for each could not be predicted.
#[inline(always)]
fn matches<const N: usize>(words: &[u64; N], wanted: u64) -> u32 {
    let lanes = words[..N - 1].iter().enumerate();
    lanes.fold(0, |matches, (lane, &entry)| {
        matches | u32::from(entry >> TAG_SHIFT == wanted) << lane
    })
}

/// The number of entries in a bucket or an overflow.
#[inline]
fn used(words: &[u64]) -> usize {
    let lanes = words.len() - 1;
    words[..lanes].iter().filter(|&&entry| entry != 0).count()
}

/// The overflow that a bucket or an overflow links to.
#[inline]
fn next(words: &[u64]) -> Option<u32> {
    match words[words.len() - 1] as u32 {
        NONE => None,
        further => Some(further),
    }
}

fn link(words: &mut [u64], further: u32) {
    words[words.len() - 1] = u64::from(further);
}

/// What an entry of that hash has above its item and its reach.
#[inline]
fn head_of(hash: u32) -> u64 {
    u64::from((hash & (BUCKETS_MAX - 1)) >> BUCKET_BITS_MIN) << 1 | 1
}

#[inline]
fn entry(hash: u32, item: ItemRef, reach: Reach) -> u64 {
    head_of(hash) << TAG_SHIFT | reach.to_bits() << ItemRef::BITS | item.0
}

/// All that counts of the hash again, of an entry in that bucket.
#[inline]
fn hash_of(entry: u64, bucket: u32) -> u32 {
    let tag = (entry >> (TAG_SHIFT + 1)) as u32;
    tag << BUCKET_BITS_MIN | bucket & (BUCKETS_MIN - 1)
}

/// Tells the numbers of overflows from those of buckets, so that none of them is `NONE`.
const OVERFLOW: u32 = 1 << 31;
const NONE: u32 = 0;
const BUCKET_BITS_MIN: u32 = 6;
const BUCKETS_MIN: u32 = 1 << BUCKET_BITS_MIN;
const BUCKET_BITS_MAX: u32 = BUCKET_BITS_MIN + u64::BITS - TAG_SHIFT - 1;
const BUCKETS_MAX: u32 = 1 << BUCKET_BITS_MAX;
/// Where an entry's tag begins, with the bit that tells it from a vacant one.
const TAG_SHIFT: u32 = ItemRef::BITS + Reach::BITS;
/// The items for each bucket from which on buckets are added. Those that wait longest to be split
/// hold twice as many. At 6, an item takes 12.7 bytes and a hit reads 1.17 lines; at 5, 14.1 and 1.1.
const LOAD: u64 = 6;
/// A chunk is at most this part of a stripe's memory.
const CHUNK_SHARE: usize = 1024;
const CHUNK_BYTES_MAX: usize = 256 << 10;
