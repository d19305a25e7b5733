//! The order of eviction that was chosen, and its marks in the items.

use crate::index::ItemRef;
use crate::log::{Layout, Log, Segment};
use crate::order::{Fifo, Lru, Queue};
use crate::settings::Eviction;

/// One of the two orders; with the exact one, each item carries the number of its node.
#[derive(Debug)]
pub(super) enum Ranking {
    ScanResistant(Fifo),
    ExactLru(Lru),
}

impl Ranking {
    /// The most memory that one more item adds.
    pub(super) const GROWTH_BYTES_MAX: usize = Lru::GROWTH_BYTES_MAX;

    pub(super) fn new(order: Eviction) -> Self {
        match order {
            Eviction::ScanResistant => Self::ScanResistant(Fifo::new()),
            Eviction::ExactLru => Self::ExactLru(Lru::new()),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::ScanResistant(fifo) => fifo.memory_bytes(),
            Self::ExactLru(lru) => lru.memory_bytes(),
        }
    }

    /// The memory that the next item adds.
    pub(super) fn growth_bytes(&self) -> usize {
        match self {
            Self::ScanResistant(_) => 0,
            Self::ExactLru(lru) => lru.growth_bytes(),
        }
    }

    /// The memory that [`Self::grow_segments`] adds.
    pub(super) fn segment_growth_bytes(&self, queue: Queue) -> usize {
        match self {
            Self::ScanResistant(fifo) => fifo.growth_bytes(queue),
            Self::ExactLru(_) => 0,
        }
    }

    /// Says where an item joins whose key is not there.
    pub(super) fn admit(&mut self, hash: u32, log: &Log) -> Queue {
        match self {
            Self::ScanResistant(fifo) => fifo.admit(hash, log.queue_bytes(Queue::New), log.bytes()),
            Self::ExactLru(_) => Queue::Main,
        }
    }

    /// Takes back an admission that came to nothing, with what it made the order forget.
    pub(super) fn readmit(&mut self, hash: u32, queue: Queue) {
        if let (Self::ScanResistant(fifo), Queue::Main) = (self, queue) {
            fifo.readmit(hash);
        }
    }

    /// Makes a place for one more segment: once it is paid for, and whether or not one comes.
    pub(super) fn grow_segments(&mut self, queue: Queue) {
        if let Self::ScanResistant(fifo) = self {
            fifo.grow(queue);
        }
    }

    pub(super) fn push_segment(&mut self, queue: Queue, number: u32) {
        if let Self::ScanResistant(fifo) = self {
            fifo.push(queue, number);
        }
    }

    pub(super) fn remove_segment(&mut self, queue: Queue, number: u32) {
        if let Self::ScanResistant(fifo) = self {
            fifo.remove(queue, number);
        }
    }

    /// Notes a new item.
    pub(super) fn insert(&mut self, at: ItemRef, log: &mut Log) {
        if let Self::ExactLru(lru) = self {
            Layout::set_node(log.slot_mut(at), lru.insert(at));
        }
    }

    /// Notes a use; the first order has its marks in the items' heads.
    #[inline(always)]
    pub(super) fn touch(&mut self, at: ItemRef, log: &Log) {
        if let Self::ExactLru(lru) = self {
            lru.touch(Layout::node(log.slot(at)));
        }
    }

    /// Notes that an item, or its next version, is somewhere else now.
    pub(super) fn moved(&mut self, from: ItemRef, to: ItemRef, log: &mut Log) {
        if let Self::ExactLru(lru) = self {
            let node = Layout::node(log.slot(from));
            lru.moved(node, to);
            Layout::set_node(log.slot_mut(to), node);
        }
    }

    pub(super) fn remove(&mut self, at: ItemRef, log: &Log) {
        if let Self::ExactLru(lru) = self {
            lru.remove(Layout::node(log.slot(at)));
        }
    }

    /// Recounts the order.
    pub(super) fn check_invariants(&self, log: &Log, items: usize) {
        match self {
            Self::ScanResistant(fifo) => {
                for queue in [Queue::New, Queue::Main] {
                    let mut queued: Vec<u32> = fifo.segments(queue).collect();
                    queued.sort_unstable();
                    let of_queue = |&(_, segment): &(u32, &Segment)| segment.queue == queue;
                    let present = log.segments().filter(of_queue).map(|(number, _)| number);
                    assert!(present.eq(queued), "each segment is queued once");
                }
            }
            Self::ExactLru(lru) => {
                let nodes = core::iter::successors(lru.oldest(), |&(node, _)| lru.newer(node));
                let is_right = |(node, at)| Layout::node(log.slot(at)) == node;
                assert_eq!(nodes.map(is_right).filter(|&is| is).count(), items);
                assert_eq!(lru.len(), items, "each item has a node");
            }
        }
    }
}
