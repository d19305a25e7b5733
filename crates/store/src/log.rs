//! Where the items of a stripe are: segments that are appended to, and extents for large values.

use core::fmt;

use crate::counted::Linked;
use crate::index::ItemRef;
use crate::item::Timestamp;
use crate::order::Queue;
use crate::pool::Piece;

mod extents;
mod layout;
mod segment;

pub(crate) use extents::Extents;
pub(crate) use layout::{Bits, Content, Head, Layout, STUB_VALUE_BYTES};
pub(crate) use segment::Segment;

/// The segments of a stripe by number, and its extents.
///
/// Each queue has at most one open segment, whose end new items go to. An item too large for that
/// has its value in an extent and a stub in a segment, so that order, expiry and walks know one
/// kind of item.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) layout: Layout,
    segments: Vec<Option<Segment>>,
    /// Numbers without a segment.
    vacant: Vec<u32>,
    /// The open segment of each queue.
    open: [Option<u32>; QUEUES],
    /// The memory of each queue: its segments, and the extents that its items stand for.
    queue_bytes: [usize; QUEUES],
    pub(crate) extents: Extents,
    births: u64,
}

/// An item as it stands in the log.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) head: Head,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) extent: Option<&'a Linked>,
}

impl Log {
    /// The most memory that one more segment adds to the tables here and in the order; three times
    /// its places, which is what vectors that double take while they move.
    pub(crate) const GROWTH_BYTES_MAX: usize =
        3 * (size_of::<Option<Segment>>() + 2 * size_of::<u32>());

    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            segments: Vec::new(),
            vacant: Vec::new(),
            open: [None; QUEUES],
            queue_bytes: [0; QUEUES],
            extents: Extents::new(),
            births: 0,
        }
    }

    /// The memory of the tables; that of segments and extents is on the pool's books.
    pub(crate) fn tables_bytes(&self) -> usize {
        self.segments.len() * Self::GROWTH_BYTES_MAX + self.extents.memory_bytes()
    }

    /// What [`Self::grow`] adds to the tables if it is called for: before a segment is added, unless
    /// another number is left for a segment that survivors move to when memory is short.
    pub(crate) fn growth_bytes(&self) -> usize {
        if self.vacant.len() < 2 && self.segments.len() < ItemRef::SEGMENTS_MAX as usize {
            Self::GROWTH_BYTES_MAX
        } else {
            0
        }
    }

    /// Tells whether there are as many segments as can be told apart: 2^20, a TiB of the largest.
    pub(crate) fn is_full(&self) -> bool {
        self.vacant.is_empty() && self.segments.len() >= ItemRef::SEGMENTS_MAX as usize
    }

    /// Adds a number for one more segment, if there may be one.
    pub(crate) fn grow(&mut self) {
        if self.segments.len() >= ItemRef::SEGMENTS_MAX as usize {
            return;
        }
        self.vacant.push(self.segments.len() as u32);
        self.segments.push(None);
    }

    pub(crate) fn has_vacant_number(&self) -> bool {
        !self.vacant.is_empty()
    }

    pub(crate) fn queue_bytes(&self, queue: Queue) -> usize {
        self.queue_bytes[queue as usize]
    }

    /// The memory of all segments and of the extents that items stand for.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.queue_bytes.iter().sum()
    }

    #[inline]
    pub(crate) fn segment(&self, number: u32) -> &Segment {
        self.segments[number as usize].as_ref().expect(IN_USE)
    }

    #[inline]
    fn segment_mut(&mut self, number: u32) -> &mut Segment {
        self.segments[number as usize].as_mut().expect(IN_USE)
    }

    /// Returns the segments in use and their numbers.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (u32, &Segment)> {
        let numbered = self.segments.iter().enumerate();
        numbered.filter_map(|(number, segment)| Some((number as u32, segment.as_ref()?)))
    }

    /// Returns the first segment in use from `number` on.
    pub(crate) fn segment_from(&self, number: u32) -> Option<(u32, &Segment)> {
        let rest = self.segments.get(number as usize..)?;
        let found = rest.iter().position(Option::is_some)?;
        let number = number + found as u32;
        Some((number, self.segment(number)))
    }

    /// Returns the open segment of a queue if it has room for a slot of `bytes`.
    #[inline]
    pub(crate) fn open_with_room(&self, queue: Queue, bytes: usize) -> Option<u32> {
        self.open[queue as usize].filter(|&number| self.segment(number).room() >= bytes)
    }

    pub(crate) fn is_open(&self, number: u32) -> bool {
        self.open.contains(&Some(number))
    }

    /// Makes a segment of `piece`; returns its number, which must have been vacant.
    pub(crate) fn add(&mut self, piece: Piece, queue: Queue) -> u32 {
        self.births += 1;
        let segment = Segment::new(piece, queue, self.births);
        self.queue_bytes[queue as usize] += segment.memory_bytes();
        let number = self.vacant.pop().expect("the table has grown before");
        self.segments[number as usize] = Some(segment);
        number
    }

    /// Makes a segment the open one of its queue; returns the one that was.
    pub(crate) fn open(&mut self, number: u32) -> Option<u32> {
        let queue = self.segment(number).queue;
        self.open[queue as usize].replace(number)
    }

    /// Has nothing more appended to a segment.
    pub(crate) fn seal(&mut self, number: u32) {
        for open in &mut self.open {
            open.take_if(|open| *open == number);
        }
    }

    /// Has nothing more appended to the open segment of a queue, which is returned if there is one.
    pub(crate) fn seal_queue(&mut self, queue: Queue) -> Option<u32> {
        self.open[queue as usize].take()
    }

    /// The birth of the youngest segment, 0 before the first.
    pub(crate) fn births(&self) -> u64 {
        self.births
    }

    /// Gives a segment without items back to the pool; returns its memory.
    pub(crate) fn drop_segment(&mut self, number: u32) -> usize {
        self.seal(number);
        let segment = self.segments[number as usize].take();
        let segment = segment.expect(IN_USE);
        debug_assert_eq!((segment.live_bytes, segment.extent_bytes), (0, 0));
        self.queue_bytes[segment.queue as usize] -= segment.memory_bytes();
        self.vacant.push(number);
        segment.memory_bytes()
    }

    /// Allocates a slot in a segment, whose room was asked for.
    #[inline]
    pub(crate) fn allocate_in(&mut self, number: u32, bytes: usize) -> ItemRef {
        let segment = self.segment_mut(number);
        segment.live_bytes += bytes;
        let offset = segment.allocate(bytes);
        // A gap until it is written: what is allocated can be walked at any time.
        layout::set_gap(segment.slot_mut(offset), bytes);
        ItemRef::new(number, offset)
    }

    #[inline]
    pub(crate) fn slot(&self, at: ItemRef) -> &[u8] {
        self.segment(at.segment()).slot(at.offset())
    }

    #[inline]
    pub(crate) fn slot_mut(&mut self, at: ItemRef) -> &mut [u8] {
        self.segment_mut(at.segment()).slot_mut(at.offset())
    }

    #[inline]
    pub(crate) fn head(&self, at: ItemRef) -> Head {
        Head::read(self.slot(at))
    }

    pub(crate) fn queue_of(&self, at: ItemRef) -> Queue {
        self.segment(at.segment()).queue
    }

    /// Returns the slot of an item if that is its key.
    #[inline(always)]
    pub(crate) fn slot_of_key(&self, at: ItemRef, key: &[u8]) -> Option<&[u8]> {
        let slot = self.slot(at);
        self.layout.is_key(key, slot).then_some(slot)
    }

    #[inline]
    pub(crate) fn stored(&self, at: ItemRef) -> Stored<'_> {
        let slot = self.slot(at);
        self.stored_as(Head::read(slot), slot)
    }

    /// Counts a use of an item with that head, and a read if it is one; returns it as it was before.
    #[inline(always)]
    pub(crate) fn used(
        &mut self,
        at: ItemRef,
        head: Head,
        is_read: bool,
        now: Timestamp,
    ) -> Stored<'_> {
        let bits = if is_read { head.bits.read() } else { head.bits }.used();
        let segment = self.segments[at.segment() as usize].as_mut();
        let slot = segment.expect(IN_USE).slot_mut(at.offset());
        // What is only read stays clean in every core's cache.
        if bits != head.bits || now != head.used_at {
            Layout::write_use(slot, bits, now);
        }
        Stored::of(head, slot, self.layout, &self.extents)
    }

    #[inline(always)]
    fn stored_as<'a>(&'a self, head: Head, slot: &'a [u8]) -> Stored<'a> {
        Stored::of(head, slot, self.layout, &self.extents)
    }

    /// Writes a whole item into a new slot.
    #[inline]
    pub(crate) fn write(&mut self, at: ItemRef, head: &Head, key: &[u8], value: [&[u8]; 2]) {
        let layout = self.layout;
        let slot = self.slot_mut(at);
        head.write(slot);
        let key_place = &mut slot[layout.head_bytes..][..key.len()];
        key_place.copy_from_slice(key);
        layout.write_value(head, slot, value);
    }

    /// Writes a new version over an item whose slot has `stride` bytes.
    #[inline]
    pub(crate) fn write_value(
        &mut self,
        at: ItemRef,
        head: &Head,
        stride: usize,
        value: [&[u8]; 2],
    ) {
        let layout = self.layout;
        let slot = self.slot_mut(at);
        head.write(slot);
        layout.write_value(head, slot, value);
        layout.set_slack(head, stride, slot);
    }

    /// Makes an item's slot a gap.
    pub(crate) fn clear(&mut self, at: ItemRef) {
        let layout = self.layout;
        let slot = self.slot_mut(at);
        let stride = layout.stride_of(&Head::read(slot), slot);
        layout::set_gap(slot, stride);
        self.segment_mut(at.segment()).live_bytes -= stride;
    }

    /// Moves an item of `footprint` bytes to another slot, and leaves a gap.
    pub(crate) fn move_item(&mut self, from: ItemRef, to: ItemRef, footprint: usize, bits: Bits) {
        if from.segment() == to.segment() {
            let segment = self.segment_mut(to.segment());
            segment.copy_within(from.offset(), to.offset(), footprint);
        } else {
            let [source, target] = pair_mut(&mut self.segments, from.segment(), to.segment());
            let target = &mut target.slot_mut(to.offset())[..footprint];
            target.copy_from_slice(&source.slot(from.offset())[..footprint]);
        }
        let slot = self.slot_mut(to);
        let head = Head::read(slot);
        Layout::write_use(slot, bits, head.used_at);
        if bits.is_large() {
            let number = extent_number(self.layout.value(&head, self.slot(to)));
            let memory_bytes = self.extents.at(number).memory_bytes();
            self.count_extent(from, memory_bytes, false);
            self.count_extent(to, memory_bytes, true);
        }
        self.clear(from);
    }

    /// Returns what stands at a place in a segment and how far it reaches; `None` at the end.
    pub(crate) fn content(&self, number: u32, offset: u32) -> Option<(Content, usize)> {
        let segment = self.segment(number);
        if offset as usize >= segment.end() {
            return None;
        }
        let slot = segment.slot(offset);
        let content = Content::read(slot);
        let stride = match &content {
            Content::Item(head) => self.layout.stride_of(head, slot),
            Content::Gap { bytes } => *bytes,
        };
        Some((content, stride))
    }

    /// Puts an extent behind a stub.
    pub(crate) fn put_extent(&mut self, at: ItemRef, head: &Head, block: Linked) {
        self.count_extent(at, block.memory_bytes(), true);
        let number = self.extents.insert(block);
        let layout = self.layout;
        layout.write_value(head, self.slot_mut(at), [&number.to_le_bytes(), b""]);
    }

    /// Writes a new head over a stub's and puts another extent behind it; returns the one that was.
    pub(crate) fn swap_extent(&mut self, at: ItemRef, head: &Head, block: Linked) -> Linked {
        let old = self.remove_extent(at);
        head.write(self.slot_mut(at));
        self.put_extent(at, head, block);
        old
    }

    /// Takes the extent of a stub away; the stub must be cleared or written again.
    pub(crate) fn remove_extent(&mut self, at: ItemRef) -> Linked {
        let slot = self.slot(at);
        let number = extent_number(self.layout.value(&Head::read(slot), slot));
        let block = self.extents.remove(number);
        self.count_extent(at, block.memory_bytes(), false);
        block
    }

    /// Counts an extent to the segment and the queue of its stub, or no longer.
    pub(crate) fn count_extent(&mut self, at: ItemRef, memory_bytes: usize, is_there: bool) {
        let segment = self.segment_mut(at.segment());
        let queue = segment.queue as usize;
        if is_there {
            segment.extent_bytes += memory_bytes;
            self.queue_bytes[queue] += memory_bytes;
        } else {
            segment.extent_bytes -= memory_bytes;
            self.queue_bytes[queue] -= memory_bytes;
        }
    }
}

impl<'a> Stored<'a> {
    /// The item at the start of `slot`, whose head has been read.
    #[inline(always)]
    fn of(head: Head, slot: &'a [u8], layout: Layout, extents: &'a Extents) -> Self {
        let value = layout.value(&head, slot);
        let is_large = head.bits.is_large();
        let extent = is_large.then(|| extents.at(extent_number(value)));
        Self {
            head,
            key: layout.key(&head, slot),
            value: extent.map_or(value, Linked::value),
            extent,
        }
    }
}

/// Keys and values are peers' secrets: lengths only.
impl fmt::Debug for Stored<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("key_bytes", &self.key.len())
            .field("value_bytes", &self.value.len())
            .finish_non_exhaustive()
    }
}

fn extent_number(value: &[u8]) -> u32 {
    let bytes = value
        .first_chunk()
        .expect("a stub has a number for a value");
    u32::from_le_bytes(*bytes)
}

/// Borrows two segments at once, of which the second is to be changed.
fn pair_mut(segments: &mut [Option<Segment>], from: u32, to: u32) -> [&mut Segment; 2] {
    let (low, high) = (from.min(to) as usize, from.max(to) as usize);
    let (start, rest) = segments.split_at_mut(high);
    let (low, high) = (&mut start[low], &mut rest[0]);
    let [from, to] = if from < to { [low, high] } else { [high, low] };
    [from.as_mut().expect(IN_USE), to.as_mut().expect(IN_USE)]
}

const QUEUES: usize = 2;
const IN_USE: &str = "a number in use has a segment";
