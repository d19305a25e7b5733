//! S3-FIFO over segments.

use std::collections::VecDeque;

use super::ghost::Ghost;

/// Two queues of segments, and the hashes of items that were evicted.
///
/// New items join the new queue, a small part of the memory, and have its length of time to be used
/// once; then they are moved to the main queue or evicted. The main queue is gone round: an item
/// stays once more for each use. An item that comes back soon after its eviction joins the main
/// queue at once. So a scan of items that are never used again passes through the small part only.
///
/// Two deviations from the paper, as measured on the traces of the benches: a use before the move
/// counts in the main queue too, and evictions from the main queue are remembered as well; both help
/// sessions, which come back after long pauses.
///
/// Segments are the caller's numbers. The last of each queue is usually still being filled.
#[derive(Debug)]
pub(crate) struct Fifo {
    new: VecDeque<u32>,
    main: VecDeque<u32>,
    ghost: Ghost,
    has_evicted: bool,
}

/// Where a segment, and all items in it, are queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    New,
    Main,
}

/// What becomes of a live item when its segment is reclaimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It moves to the end of the main queue, and its counter is set to `uses`.
    Keep { uses: u8 },
    /// It is evicted, and [`Fifo::remember`] is told its hash.
    Evict,
}

impl Fifo {
    pub(crate) fn new() -> Self {
        Self {
            new: VecDeque::new(),
            main: VecDeque::new(),
            ghost: Ghost::new(),
            has_evicted: false,
        }
    }

    /// Says where an item joins whose key is not there, given the bytes of the new queue and of both.
    ///
    /// While nothing has been evicted yet, what exceeds the new queue's share joins the main one.
    pub(crate) fn admit(&mut self, hash: u32, new_bytes: usize, total_bytes: usize) -> Queue {
        let is_warming = !self.has_evicted && exceeds_share(new_bytes, total_bytes);
        if is_warming || self.ghost.take(hash) {
            Queue::Main
        } else {
            Queue::New
        }
    }

    /// Makes a place in a queue's table if there is none. Takes [`Fifo::growth_bytes`] of memory.
    pub(crate) fn grow(&mut self, queue: Queue) {
        let segments = self.queue_mut(queue);
        if segments.len() == segments.capacity() {
            segments.reserve_exact(QUEUE_STEP);
        }
    }

    /// Adds a segment at the end of a queue, where [`Fifo::grow`] has made a place.
    pub(crate) fn push(&mut self, queue: Queue, segment: u32) {
        let segments = self.queue_mut(queue);
        debug_assert!(segments.len() < segments.capacity(), "a place is paid for");
        segments.push_back(segment);
    }

    /// Returns the segment that is to be reclaimed, and its queue: the oldest of the new queue if
    /// that holds more than its share, given the bytes of it and of both; else the oldest of the
    /// main queue. It may be the one that is being filled.
    pub(crate) fn victim(&self, new_bytes: usize, total_bytes: usize) -> Option<(Queue, u32)> {
        let first = if exceeds_share(new_bytes, total_bytes) {
            Queue::New
        } else {
            Queue::Main
        };
        [first, first.other()]
            .into_iter()
            .find_map(|queue| Some((queue, *self.queue(queue).front()?)))
    }

    /// Takes a segment out of its queue: O(1) at the front, O(segments) elsewhere.
    pub(crate) fn remove(&mut self, queue: Queue, segment: u32) {
        let segments = self.queue_mut(queue);
        if let Some(place) = segments.iter().position(|&other| other == segment) {
            segments.remove(place);
        }
    }

    /// Says what becomes of a live item of a reclaimed segment that has been used so many times, as
    /// far as its counter counts. The same in both queues.
    pub(crate) fn fate(uses: u8) -> Fate {
        match uses.checked_sub(1) {
            Some(uses) => Fate::Keep { uses },
            None => Fate::Evict,
        }
    }

    /// Notes that an item with that hash was evicted.
    pub(crate) fn remember(&mut self, hash: u32) {
        self.has_evicted = true;
        self.ghost.remember(hash);
    }

    /// Takes back an [`Fifo::admit`] to the main queue that came to nothing.
    pub(crate) fn readmit(&mut self, hash: u32) {
        self.ghost.remember(hash);
    }

    /// The memory that [`Fifo::fit_ghost`] would take now.
    #[inline]
    pub(crate) fn ghost_growth_bytes(&self, items: usize) -> usize {
        if self.has_evicted {
            self.ghost.growth_bytes(items)
        } else {
            0
        }
    }

    /// Lets the memory for evicted items grow by one step if it is small beside the `items` that are
    /// there.
    pub(crate) fn fit_ghost(&mut self, items: usize) {
        if self.has_evicted {
            self.ghost.fit(items);
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        (self.new.capacity() + self.main.capacity()) * SEGMENT_COST_BYTES
            + self.ghost.memory_bytes()
    }

    /// The memory that [`Fifo::grow`] would take now.
    pub(crate) fn growth_bytes(&self, queue: Queue) -> usize {
        let segments = self.queue(queue);
        if segments.len() == segments.capacity() {
            QUEUE_STEP * SEGMENT_COST_BYTES
        } else {
            0
        }
    }

    /// The segments of a queue, the oldest first.
    pub(crate) fn segments(&self, queue: Queue) -> impl Iterator<Item = u32> + '_ {
        self.queue(queue).iter().copied()
    }

    fn queue(&self, queue: Queue) -> &VecDeque<u32> {
        match queue {
            Queue::New => &self.new,
            Queue::Main => &self.main,
        }
    }

    fn queue_mut(&mut self, queue: Queue) -> &mut VecDeque<u32> {
        match queue {
            Queue::New => &mut self.new,
            Queue::Main => &mut self.main,
        }
    }
}

impl Queue {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::New => Self::Main,
            Self::Main => Self::New,
        }
    }
}

fn exceeds_share(new_bytes: usize, total_bytes: usize) -> bool {
    new_bytes > total_bytes / 100 * NEW_PERCENT
}

/// The new queue's share of the memory, as in the paper.
const NEW_PERCENT: usize = 10;
/// A queue's table grows by so many segments at a time.
const QUEUE_STEP: usize = 64;
/// A segment's place in a queue's table, twice: while the table moves, it is there twice.
const SEGMENT_COST_BYTES: usize = 2 * size_of::<u32>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_queue_gives_only_what_exceeds_its_share() {
        let mut fifo = Fifo::new();
        for (queue, segment) in [(Queue::New, 1), (Queue::Main, 2), (Queue::New, 3)] {
            fifo.grow(queue);
            fifo.push(queue, segment);
        }
        assert_eq!(fifo.victim(200, 1000), Some((Queue::New, 1)));
        assert_eq!(fifo.victim(100, 1000), Some((Queue::Main, 2)));
        fifo.remove(Queue::Main, 2);
        assert_eq!(fifo.victim(100, 1000), Some((Queue::New, 1)));
        fifo.remove(Queue::New, 1);
        fifo.remove(Queue::New, 3);
        assert_eq!(fifo.victim(100, 1000), None);
    }

    #[test]
    fn an_item_that_comes_back_soon_joins_the_main_queue() {
        let mut fifo = Fifo::new();
        fifo.remember(7);
        assert!(fifo.ghost_growth_bytes(1) > 0);
        fifo.fit_ghost(1);
        assert_eq!(fifo.ghost_growth_bytes(1), 0);
        fifo.remember(7);
        assert_eq!(fifo.admit(7, 200, 1000), Queue::Main);
        assert_eq!(fifo.admit(7, 200, 1000), Queue::New, "it is forgotten then");
    }

    #[test]
    fn before_the_first_eviction_the_new_queue_keeps_to_its_share() {
        let mut fifo = Fifo::new();
        assert_eq!(fifo.admit(1, 0, 1000), Queue::New);
        assert_eq!(fifo.admit(2, 200, 1000), Queue::Main);
        fifo.remember(3);
        assert_eq!(fifo.admit(4, 200, 1000), Queue::New);
    }

    #[test]
    fn an_admission_that_is_taken_back_is_no_eviction() {
        let mut fifo = Fifo::new();
        assert_eq!(fifo.admit(1, 200, 1000), Queue::Main);
        fifo.readmit(1);
        assert_eq!(fifo.ghost_growth_bytes(1000), 0);
        fifo.remember(2);
        fifo.fit_ghost(1);
        fifo.remember(3);
        assert_eq!(fifo.admit(3, 200, 1000), Queue::Main);
        fifo.readmit(3);
        assert_eq!(
            fifo.admit(3, 200, 1000),
            Queue::Main,
            "nothing is forgotten"
        );
    }

    #[test]
    fn an_item_stays_once_more_for_each_use() {
        let (mut laps, mut uses) = (0, 3);
        while let Fate::Keep { uses: left } = Fifo::fate(uses) {
            uses = left;
            laps += 1;
        }
        assert_eq!((laps, uses), (3, 0));
        assert_eq!(Fifo::fate(0), Fate::Evict);
    }

    #[test]
    fn memory_is_known_before_it_is_taken() {
        let mut fifo = Fifo::new();
        for segment in 0..1000 {
            let queue = if segment % 3 == 0 {
                Queue::New
            } else {
                Queue::Main
            };
            let expected = fifo.memory_bytes() + fifo.growth_bytes(queue);
            fifo.grow(queue);
            assert_eq!(
                (fifo.memory_bytes(), fifo.growth_bytes(queue)),
                (expected, 0)
            );
            fifo.push(queue, segment);
            assert_eq!(fifo.memory_bytes(), expected);
        }
    }
}
