//! Where each item is: a hash table of cache lines.

use core::fmt;

mod chunks;
#[cfg(test)]
mod tests;

use self::chunks::{Chunks, LINE_BYTES, Line};

/// A hash table of [`ItemRef`]s in buckets of one cache line each, growing by one bucket at a time
/// (linear hashing).
///
/// ```text
/// bucket:  | entry | entry | entry | entry | entry | entry | entry | link |   8 words of 64 bits
/// entry:   | tag, 26 bits | 1 | item, 37 bits |                              0 if vacant
/// ```
///
/// The bucket number is made of a hash's lowest bits, at least six of them; the tag is all the
/// others. So a bucket is split without a look at its items, and a look-up reads one line and, but
/// for one in thousands, no item other than the one it wants. Seven entries and more: the link
/// names a further line. A bucket's entries fill its lines from the front, without gaps.
///
/// Growth costs O(1) for each insertion and needs no second table beside the first, so that the
/// memory it takes next is always known. Callers bring hashes and compare keys.
pub(crate) struct Index {
    /// The first line of each bucket.
    heads: Chunks,
    /// Further lines of those that hold more than seven entries, and spare ones.
    overflow: Chunks,
    /// The first of the chain of spare lines.
    spare: u32,
    buckets: u32,
    /// The buckets rounded up to a power of two, less one.
    mask: u32,
    len: u32,
}

/// Where an item begins: a segment, and how far into it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ItemRef(u64);

/// A place in the index, until the next insertion or removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    bucket: u32,
    line: u32,
    lane: u32,
}

impl Index {
    /// Makes an empty index that grows by `chunk_bytes` of lines at a time: a power of two, at least
    /// [`Index::CHUNK_BYTES_MIN`].
    pub(crate) fn new(chunk_bytes: usize) -> Self {
        let mut heads = Chunks::new(chunk_bytes.max(Self::CHUNK_BYTES_MIN));
        heads.grow();
        Self {
            heads,
            overflow: Chunks::new(chunk_bytes.max(Self::CHUNK_BYTES_MIN)),
            spare: NONE,
            buckets: BUCKETS_MIN,
            mask: BUCKETS_MIN - 1,
            len: 0,
        }
    }

    pub(crate) const CHUNK_BYTES_MIN: usize = BUCKETS_MIN as usize * LINE_BYTES;

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
    pub(crate) const fn start_bytes(chunk_bytes: usize) -> usize {
        Chunks::growth_bytes(chunk_bytes)
    }

    /// The most memory that one insertion may add.
    pub(crate) const fn growth_bytes_max(chunk_bytes: usize) -> usize {
        2 * Chunks::growth_bytes(chunk_bytes)
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn buckets(&self) -> usize {
        self.buckets as usize
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.heads.memory_bytes() + self.overflow.memory_bytes()
    }

    /// The memory that the next insertion adds.
    #[inline]
    pub(crate) fn growth_bytes(&self) -> usize {
        let chunks = usize::from(self.needs_heads()) + usize::from(self.spare == NONE);
        match chunks {
            0 => 0,
            chunks => chunks * Chunks::growth_bytes(self.heads.chunk_bytes()),
        }
    }

    /// Returns the place of the item with that hash which `is_it`.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut is_it: impl FnMut(ItemRef) -> bool) -> Option<Slot> {
        let bucket = self.bucket(hash);
        let wanted = head_of(hash);
        let mut number = bucket;
        loop {
            let line = self.line(number);
            for (lane, &entry) in line.entries().iter().enumerate() {
                if entry >> ItemRef::BITS == wanted && is_it(ItemRef::of(entry)) {
                    return Some(Slot {
                        bucket,
                        line: number,
                        lane: lane as u32,
                    });
                }
            }
            number = line.next()?;
        }
    }

    /// Returns the place that holds `item` itself.
    pub(crate) fn find_ref(&self, hash: u32, item: ItemRef) -> Option<Slot> {
        self.find(hash, |other| other == item)
    }

    /// Returns the item at a place.
    #[inline]
    pub(crate) fn at(&self, slot: Slot) -> ItemRef {
        ItemRef::of(self.line(slot.line).0[slot.lane as usize])
    }

    /// Adds an item that is not there yet. Takes [`Index::growth_bytes`] of memory.
    pub(crate) fn insert(&mut self, hash: u32, item: ItemRef) {
        if self.spare == NONE {
            self.grow_overflow();
        }
        if self.is_full() {
            if self.needs_heads() {
                self.heads.grow();
            }
            self.split();
        }
        self.push(self.bucket(hash), entry(hash, item));
        self.len += 1;
    }

    /// Puts another item in the place of one with the same hash, or the same one that has moved.
    #[inline]
    pub(crate) fn replace(&mut self, slot: Slot, item: ItemRef) {
        let entry = &mut self.line_mut(slot.line).0[slot.lane as usize];
        *entry = *entry >> ItemRef::BITS << ItemRef::BITS | item.0;
    }

    /// Takes the item at a place out.
    pub(crate) fn remove(&mut self, slot: Slot) -> ItemRef {
        let item = self.at(slot);
        // The last entry of the bucket fills the gap.
        let (mut before, mut last) = (NONE, slot.bucket);
        while let Some(next) = self.line(last).next() {
            (before, last) = (last, next);
        }
        let line = self.line_mut(last);
        let lane = line.used() - 1;
        let moved = core::mem::take(&mut line.0[lane]);
        if (slot.line, slot.lane) != (last, lane as u32) {
            self.line_mut(slot.line).0[slot.lane as usize] = moved;
        }
        if lane == 0 && before != NONE {
            self.line_mut(before).0[LINK] = 0;
            self.give_spare(last);
        }
        self.len -= 1;
        item
    }

    /// Asks for the line in which `hash` is looked up first.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32) {
        crate::prefetch::line(self.heads.at(self.bucket(hash)));
    }

    /// Returns up to two items that may have that hash, without a look at them: hints for fetching
    /// them early, from the bucket's first line.
    #[inline]
    pub(crate) fn probe(&self, hash: u32) -> [Option<ItemRef>; 2] {
        let wanted = head_of(hash);
        let mut found = [None; 2];
        let mut count = 0;
        for &entry in self.line(self.bucket(hash)).entries() {
            if entry >> ItemRef::BITS == wanted && count < found.len() {
                found[count] = Some(ItemRef::of(entry));
                count += 1;
            }
        }
        found
    }

    /// Counts everything again and returns the number of items.
    ///
    /// # Panics
    ///
    /// If what is found is not what is on the books.
    pub(crate) fn check_invariants(&self) -> usize {
        let (mut items, mut lines) = (0, 0);
        for bucket in 0..self.buckets {
            let mut number = bucket;
            loop {
                let line = self.line(number);
                let used = line.used();
                assert!(number == bucket || used > 0, "no line is kept empty");
                assert!(line.entries()[used..].iter().all(|&entry| entry == 0));
                for &entry in &line.entries()[..used] {
                    assert_eq!(self.bucket(hash_of(entry, bucket)), bucket);
                }
                items += used;
                let Some(next) = line.next() else { break };
                assert_eq!(used, LANES, "lines fill up from the front");
                (number, lines) = (next, lines + 1);
            }
        }
        let mut spare = self.spare;
        while spare != NONE {
            lines += 1;
            spare = self.line(spare).next().unwrap_or(NONE);
        }
        assert_eq!(items, self.len(), "items in the index");
        assert_eq!(
            lines,
            self.overflow.len(),
            "every further line is used or spare"
        );
        items
    }

    #[inline]
    fn bucket(&self, hash: u32) -> u32 {
        let bucket = hash & self.mask;
        if bucket < self.buckets {
            bucket
        } else {
            bucket & (self.mask >> 1)
        }
    }

    #[inline]
    fn line(&self, number: u32) -> &Line {
        if number & OVERFLOW == 0 {
            self.heads.at(number)
        } else {
            self.overflow.at(number & !OVERFLOW)
        }
    }

    #[inline]
    fn line_mut(&mut self, number: u32) -> &mut Line {
        if number & OVERFLOW == 0 {
            self.heads.at_mut(number)
        } else {
            self.overflow.at_mut(number & !OVERFLOW)
        }
    }

    fn is_full(&self) -> bool {
        u64::from(self.len) * LOAD_PART >= u64::from(self.buckets) * LOAD_ENTRIES
    }

    fn needs_heads(&self) -> bool {
        self.buckets == self.heads.len() && self.is_full()
    }

    fn grow_overflow(&mut self) {
        let start = self.overflow.len();
        self.overflow.grow();
        for number in (start..self.overflow.len()).rev() {
            self.give_spare(number | OVERFLOW);
        }
    }

    fn give_spare(&mut self, number: u32) {
        let next = core::mem::replace(&mut self.spare, number);
        let line = self.line_mut(number);
        *line = Line::default();
        if next != NONE {
            line.0[LINK] = u64::from(next);
        }
    }

    fn take_spare(&mut self) -> u32 {
        assert_ne!(self.spare, NONE, "a line is made spare before it is needed");
        let number = self.spare;
        let link = core::mem::take(&mut self.line_mut(number).0[LINK]);
        self.spare = if link == 0 { NONE } else { link as u32 };
        number
    }

    /// Adds an entry at the end of a bucket.
    fn push(&mut self, bucket: u32, entry: u64) {
        let mut number = bucket;
        while let Some(next) = self.line(number).next() {
            number = next;
        }
        if self.line(number).used() == LANES {
            let further = self.take_spare();
            self.line_mut(number).0[LINK] = u64::from(further);
            number = further;
        }
        let line = self.line_mut(number);
        line.0[line.used()] = entry;
    }

    /// Adds a bucket and gives it its part of the one that stood for it.
    ///
    /// The lines that come free while a bucket is taken apart are enough for its two parts.
    fn split(&mut self) {
        let added = self.buckets;
        let old = self.bucket(added);
        self.buckets += 1;
        self.mask |= added;
        let mut taken = core::mem::take(self.line_mut(old));
        loop {
            let next = taken.next();
            let further = next.map(|next| *self.line(next));
            if let Some(next) = next {
                self.give_spare(next);
            }
            for &entry in &taken.entries()[..taken.used()] {
                self.push(self.bucket(hash_of(entry, old)), entry);
            }
            match further {
                Some(further) => taken = further,
                None => break,
            }
        }
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

impl ItemRef {
    const BITS: u32 = 37;
    const SEGMENT_BITS: u32 = 20;
    const UNIT_BITS: u32 = Self::BITS - Self::SEGMENT_BITS;
    /// Items begin at multiples of this.
    pub(crate) const UNIT_BYTES: u32 = 8;
    /// Segments are numbered below this.
    pub(crate) const SEGMENTS_MAX: u32 = 1 << Self::SEGMENT_BITS;
    /// Segments are no larger than this.
    pub(crate) const SEGMENT_BYTES_MAX: usize = (Self::UNIT_BYTES as usize) << Self::UNIT_BITS;

    /// The item that begins `offset` bytes into a segment.
    #[inline]
    pub(crate) fn new(segment: u32, offset: u32) -> Self {
        debug_assert!(segment < Self::SEGMENTS_MAX && offset % Self::UNIT_BYTES == 0);
        debug_assert!((offset as usize) < Self::SEGMENT_BYTES_MAX);
        Self(u64::from(segment) << Self::UNIT_BITS | u64::from(offset / Self::UNIT_BYTES))
    }

    #[inline]
    pub(crate) fn segment(self) -> u32 {
        (self.0 >> Self::UNIT_BITS) as u32
    }

    #[inline]
    pub(crate) fn offset(self) -> u32 {
        (self.0 & ((1 << Self::UNIT_BITS) - 1)) as u32 * Self::UNIT_BYTES
    }

    #[inline]
    fn of(entry: u64) -> Self {
        Self(entry & ((1 << Self::BITS) - 1))
    }
}

impl fmt::Debug for ItemRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemRef({}+{})", self.segment(), self.offset())
    }
}

impl Line {
    #[inline]
    fn entries(&self) -> &[u64; LANES] {
        self.0
            .first_chunk()
            .expect("a line is longer than its entries")
    }

    #[inline]
    fn next(&self) -> Option<u32> {
        match self.0[LINK] {
            0 => None,
            next => Some(next as u32),
        }
    }

    #[inline]
    fn used(&self) -> usize {
        self.entries().iter().filter(|&&entry| entry != 0).count()
    }
}

/// What an entry of that hash has above its item.
#[inline]
fn head_of(hash: u32) -> u64 {
    u64::from(hash >> BUCKET_BITS_MIN) << 1 | 1
}

#[inline]
fn entry(hash: u32, item: ItemRef) -> u64 {
    head_of(hash) << ItemRef::BITS | item.0
}

/// The whole hash again, of an entry in that bucket.
#[inline]
fn hash_of(entry: u64, bucket: u32) -> u32 {
    let tag = (entry >> (ItemRef::BITS + 1)) as u32;
    tag << BUCKET_BITS_MIN | bucket & (BUCKETS_MIN - 1)
}

/// Entries in a line; the last word is the link to the next line.
const LANES: usize = 7;
const LINK: usize = LANES;
/// Tells numbers of further lines from those of first ones.
const OVERFLOW: u32 = 1 << 31;
const NONE: u32 = 0;
const BUCKET_BITS_MIN: u32 = 6;
const BUCKETS_MIN: u32 = 1 << BUCKET_BITS_MIN;
/// A bucket is added when there are more than `LOAD_ENTRIES / LOAD_PART` items for each.
const LOAD_ENTRIES: u64 = 11;
const LOAD_PART: u64 = 2;
/// A chunk is at most this part of a stripe's memory.
const CHUNK_SHARE: usize = 1024;
const CHUNK_BYTES_MAX: usize = 256 << 10;
