use std::thread;

use super::*;
use crate::memory::{Allocation, Heap};

const SEGMENT_BYTES: usize = 16 << 10;

fn pool(limit: usize, reserve_segments: usize) -> Arc<Pool> {
    let (memory, budget) = (Arc::new(Heap), Budget::new(limit));
    Pool::new(memory, budget, SEGMENT_BYTES, reserve_segments)
}

fn used(pool: &Pool) -> usize {
    pool.budget().used() - pool.idle_bytes()
}

#[test]
fn a_piece_is_paid_until_it_is_dropped() {
    let pool = pool(1 << 20, 0);
    let (segment, extent) = (pool.segment().unwrap(), pool.extent(100_000).unwrap());
    assert_eq!(segment.len(), SEGMENT_BYTES);
    assert!(extent.len() >= 100_000);
    assert_eq!(used(&pool), segment.memory_bytes() + extent.memory_bytes());
    drop((segment, extent));
    assert_eq!(used(&pool), 0);
}

#[test]
fn no_piece_is_made_beyond_the_budget() {
    let pool = pool(1 << 20, 0);
    let pieces: Vec<_> = core::iter::from_fn(|| pool.segment()).collect();
    assert_eq!(pieces.len(), (1 << 20) / pool.segment_memory_bytes());
    assert!(pool.extent(SEGMENT_BYTES).is_none());
    drop(pieces);
    assert!(pool.extent(SEGMENT_BYTES).is_some());
}

#[test]
fn the_last_freed_extent_of_about_that_size_is_used_again() {
    let pool = pool(16 << 20, 0);
    let mut extent = pool.extent(50_000).unwrap();
    extent.fill(7);
    let (start, other) = (extent.start(), pool.extent(50_000).unwrap());
    drop(other);
    drop(extent);
    let again = pool.extent(49_000).unwrap();
    assert_eq!((again.start(), again[0]), (start, 7));
    // Too small, and too wasteful.
    assert_ne!(pool.extent(60_000).unwrap().len(), again.len());
    assert!(pool.extent(20_000).unwrap().len() < 30_000);
}

#[test]
fn kept_pieces_go_when_memory_is_short() {
    let pool = pool(1 << 20, 0);
    drop(pool.extent(10_000).unwrap());
    assert!(pool.idle_bytes() > 0);
    assert!(pool.take(1 << 20));
    assert_eq!(pool.idle_bytes(), 0);
    assert!(!pool.take(1));
    pool.give(1 << 20);
    assert_eq!(pool.budget().used(), 0);
}

#[test]
fn a_stock_of_kept_extents_is_not_freed_for_others() {
    let pool = pool(1 << 20, 0);
    let stock = pool.extent(5_000).unwrap();
    let others: Vec<_> = core::iter::from_fn(|| pool.extent(100_000)).collect();
    drop(stock);
    let free_bytes = (1 << 20) - pool.budget().used();
    assert!(pool.could_give(free_bytes) && !pool.could_give(free_bytes + 1));
    assert!(pool.extent(free_bytes).is_none());
    assert!(pool.trim(1) > 0);
    assert!(pool.could_give(free_bytes + 1));
    assert!(pool.extent(free_bytes).is_some());
    drop(others);
}

#[test]
fn no_more_than_a_share_is_kept() {
    let pool = pool(4 << 20, 0);
    let pieces: Vec<_> = (0..80).map(|_| pool.extent(10_000).unwrap()).collect();
    drop(pieces);
    assert!((400_000..=512 << 10).contains(&pool.idle_bytes()));
    drop(pool.extent(1 << 20).unwrap());
    assert!((400_000..=512 << 10).contains(&pool.idle_bytes()));
}

#[test]
fn the_reserve_serves_when_nothing_else_does_and_fills_up_again() {
    let pool = pool(1 << 20, 2);
    let reserved = pool.budget().used();
    assert_eq!(reserved, 2 * pool.segment_memory_bytes());
    let mut pieces: Vec<_> = core::iter::from_fn(|| pool.segment()).collect();
    let survivors = [
        pool.reserve_segment().unwrap(),
        pool.reserve_segment().unwrap(),
    ];
    assert!(pool.reserve_segment().is_none());
    pieces.truncate(pieces.len() - 2);
    assert!(pool.segment().is_none(), "the reserve comes first");
    pieces.pop();
    assert!(pool.segment().is_some());
    drop(survivors);
    assert!(pool.reserve_segment().is_some());
    drop(pieces);
    assert_eq!(used(&pool), 0);
}

#[test]
fn an_extent_that_was_paid_before_costs_no_more() {
    let pool = pool(1 << 20, 0);
    let paid_bytes = pool.extent_memory_bytes(20_000);
    assert!(pool.take(paid_bytes));
    let extent = pool.extent_paid(20_000, paid_bytes).unwrap();
    assert_eq!(used(&pool), extent.memory_bytes());
    drop(extent);
    assert!(pool.take(paid_bytes));
    drop(pool.extent_paid(20_000, paid_bytes).unwrap());
    assert_eq!(used(&pool), 0);
}

/// Refuses every other piece, and charges a page less for one than it asks in advance.
#[derive(Debug, Default)]
struct Moody(AtomicUsize);

#[allow(unsafe_code, reason = "an implementation of the trait")]
// SAFETY: all pieces are the heap's.
unsafe impl Memory for Moody {
    fn usable_bytes(&self, kind: Kind, bytes: usize) -> usize {
        Heap.usable_bytes(kind, bytes)
    }

    fn memory_bytes_max(&self, kind: Kind, bytes: usize) -> usize {
        Heap.memory_bytes_max(kind, bytes) + 4096
    }

    fn allocate(&self, kind: Kind, bytes: usize) -> Option<Allocation> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Heap.allocate(kind, bytes).filter(|piece| {
            let is_given = number % 2 == 0;
            if !is_given {
                // SAFETY: just allocated with these values, and not handed on.
                unsafe { Heap.free(kind, piece.start, bytes) };
            }
            is_given
        })
    }

    unsafe fn free(&self, kind: Kind, start: NonNull<u8>, bytes: usize) -> usize {
        // SAFETY: the piece is the heap's (caller).
        unsafe { Heap.free(kind, start, bytes) }
    }
}

#[test]
fn what_a_piece_does_not_cost_goes_back_at_once() {
    let memory = Arc::new(Moody::default());
    let pool = Pool::new(memory, Budget::new(1 << 20), SEGMENT_BYTES, 0);
    let extent = pool.extent(30_000).unwrap();
    assert_eq!(pool.budget().used(), extent.memory_bytes() - 4096);
    assert!(pool.segment().is_none());
    assert_eq!(pool.budget().used(), extent.memory_bytes() - 4096);
    assert_eq!(pool.saved_bytes(), 4096);
    drop(extent);
    assert!(pool.take(1 << 20), "all is given back");
    assert_eq!(pool.saved_bytes(), 0);
}

/// Gives at least 2 MiB for the price of any piece.
#[derive(Debug)]
struct Generous;

#[allow(unsafe_code, reason = "an implementation of the trait")]
// SAFETY: all pieces are the heap's.
unsafe impl Memory for Generous {
    fn usable_bytes(&self, _: Kind, bytes: usize) -> usize {
        bytes.next_multiple_of(2 << 20)
    }

    fn memory_bytes_max(&self, kind: Kind, bytes: usize) -> usize {
        self.usable_bytes(kind, bytes)
    }

    fn allocate(&self, kind: Kind, bytes: usize) -> Option<Allocation> {
        let memory_bytes = self.usable_bytes(kind, bytes);
        let start = Heap.allocate(kind, memory_bytes)?.start;
        Some(Allocation {
            start,
            memory_bytes,
        })
    }

    unsafe fn free(&self, kind: Kind, start: NonNull<u8>, bytes: usize) -> usize {
        let memory_bytes = self.usable_bytes(kind, bytes);
        // SAFETY: allocated with these values (caller).
        unsafe { Heap.free(kind, start, memory_bytes) };
        memory_bytes
    }
}

#[test]
fn a_segment_is_no_longer_than_its_places_can_be_numbered() {
    let pool = Pool::new(Arc::new(Generous), Budget::new(16 << 20), SEGMENT_BYTES, 1);
    assert_eq!(pool.segment().unwrap().len(), SEGMENT_BYTES);
    assert_eq!(pool.extent(SEGMENT_BYTES).unwrap().len(), 2 << 20);
    assert_eq!(used(&pool), 0);
}

#[test]
fn pieces_may_be_made_and_dropped_by_many_threads() {
    let pool = pool(1 << 20, 1);
    thread::scope(|scope| {
        for number in 1..4 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..500 {
                    let extent = pool.extent(number * 5000 + round);
                    let segment = pool.segment();
                    pool.trim(round % 7);
                    drop((extent, segment));
                }
            });
        }
    });
    assert_eq!(used(&pool), 0);
}
