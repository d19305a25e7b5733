//! The store's pieces of memory: paid from the budget, and the last few kept warm.

use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use std::collections::VecDeque;
// Not loom's: the pool is shared and never changed but through its lock and its budget.
use std::sync::Arc;

use crate::budget::Budget;
use crate::memory::{Kind, Memory, Owned};
use crate::sync::{AtomicUsize, Lock, Ordering};

/// All segments and extents of a store, and its budget.
///
/// Every piece is paid from the budget before it is allocated, and the money goes back after it is
/// freed. A few freed pieces are kept, still paid, and the last freed is the first used again: its
/// bytes are in the cache and its pages are there. They go first when memory is short.
///
/// Some segments are paid from the start, so that items that survive the reclaiming of a segment
/// have somewhere to go while memory is short: the reserve.
#[derive(Debug)]
pub(crate) struct Pool {
    memory: Arc<dyn Memory>,
    budget: Budget,
    segment_bytes: usize,
    /// What pieces that share pages cost less than each alone; a difference, so it wraps.
    saved_bytes: AtomicUsize,
    kept: Lock<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// Oldest first.
    segments: VecDeque<Owned>,
    extents: VecDeque<Owned>,
    /// The memory of both.
    bytes: usize,
    /// Segments for survivors; `None` is paid and not allocated yet.
    reserve: Vec<Option<Owned>>,
    reserve_max: usize,
}

impl Pool {
    /// Makes a pool for segments of `segment_bytes`, with a reserve as far as the budget goes.
    pub(crate) fn new(
        memory: Arc<dyn Memory>,
        budget: Budget,
        segment_bytes: usize,
        reserve_segments: usize,
    ) -> Arc<Self> {
        let segment_bytes = snug_bytes(&*memory, segment_bytes);
        let pool = Self {
            memory,
            budget,
            segment_bytes,
            saved_bytes: AtomicUsize::new(0),
            kept: Lock::new(Kept {
                segments: VecDeque::new(),
                extents: VecDeque::new(),
                bytes: 0,
                reserve: Vec::new(),
                reserve_max: reserve_segments,
            }),
        };
        let segment_memory_bytes = pool.segment_memory_bytes();
        for _ in 0..reserve_segments {
            if pool.budget.try_take(segment_memory_bytes) {
                pool.kept.lock().reserve.push(None);
            }
        }
        Arc::new(pool)
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Where its pieces, and others that are paid from its budget, come from.
    pub(crate) fn memory(&self) -> &Arc<dyn Memory> {
        &self.memory
    }

    /// Returns a segment; `None` when the budget has no room for one.
    pub(crate) fn segment(self: &Arc<Self>) -> Option<Piece> {
        let kept = self.kept.lock().pop_segment();
        if let Some(owned) = kept {
            return Some(self.piece(owned));
        }
        let bytes_max = self.segment_memory_bytes();
        if !self.take(bytes_max) {
            return None;
        }
        self.allocate(Kind::Segment, self.segment_bytes, bytes_max)
    }

    /// Returns a segment for survivors, from the reserve if need be; segments that are dropped
    /// later fill it up again.
    pub(crate) fn reserve_segment(self: &Arc<Self>) -> Option<Piece> {
        if let Some(piece) = self.segment() {
            return Some(piece);
        }
        let reserved = self.kept.lock().reserve.pop()?;
        match reserved {
            Some(owned) => Some(self.piece(owned)),
            None => self.allocate(
                Kind::Segment,
                self.segment_bytes,
                self.segment_memory_bytes(),
            ),
        }
    }

    /// Returns what a segment takes from the budget.
    pub(crate) fn segment_memory_bytes(&self) -> usize {
        self.memory
            .memory_bytes_max(Kind::Segment, self.segment_bytes)
    }

    /// Returns an extent of at least `bytes`; `None` when the budget has no room for one, or only the
    /// stock: see [`Self::could_give`].
    pub(crate) fn extent(self: &Arc<Self>, bytes: usize) -> Option<Piece> {
        if let Some(piece) = self.kept_extent(bytes) {
            return Some(piece);
        }
        let bytes_max = self.extent_memory_bytes(bytes);
        while !self.budget.try_take(bytes_max) {
            let spare_bytes = self.kept.lock().bytes.checked_sub(self.stock_bytes())?;
            if self.trim(bytes_max.min(spare_bytes)) == 0 {
                return None;
            }
        }
        self.allocate(Kind::Extent, bytes, bytes_max)
    }

    /// As [`Self::extent`], with `taken_bytes` that the caller has taken from the budget for it:
    /// [`Self::extent_memory_bytes`]. What was too much, or all if it fails, goes back.
    pub(crate) fn extent_paid(self: &Arc<Self>, bytes: usize, taken_bytes: usize) -> Option<Piece> {
        if let Some(piece) = self.kept_extent(bytes) {
            self.budget.give(taken_bytes);
            return Some(piece);
        }
        self.allocate(Kind::Extent, bytes, taken_bytes)
    }

    /// Returns the most that an extent of `bytes` takes from the budget.
    pub(crate) fn extent_memory_bytes(&self, bytes: usize) -> usize {
        let usable = self.memory.usable_bytes(Kind::Extent, bytes);
        self.memory.memory_bytes_max(Kind::Extent, usable)
    }

    /// Takes `bytes` from the budget for something else; kept pieces go for it.
    ///
    /// This, not [`Budget::try_take`], tells whether there is room.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        while !self.budget.try_take(bytes) {
            if self.trim(bytes) == 0 {
                return false;
            }
        }
        true
    }

    /// Frees kept pieces, oldest first, until `bytes` went back to the budget or none is left;
    /// returns how much did.
    pub(crate) fn trim(&self, bytes: usize) -> usize {
        let mut freed_bytes = 0;
        while freed_bytes < bytes {
            let oldest = self.kept.lock().pop_oldest();
            let Some(oldest) = oldest else { break };
            freed_bytes += self.free(oldest);
        }
        freed_bytes
    }

    /// Takes `bytes` out of a budget that is to shrink; false if there is no room to spare for that.
    pub(crate) fn give_up(&self, bytes: usize) -> bool {
        let is_taken = self.take(bytes);
        if is_taken {
            self.budget.give_up(bytes);
        }
        is_taken
    }

    /// Gives back what [`Self::take`] took.
    pub(crate) fn give(&self, bytes: usize) {
        self.budget.give(bytes);
    }

    /// Tells whether there are `bytes` to be had, as far as can be told without trying.
    ///
    /// A small stock of kept pieces is left out: while values are evicted anyway, the next one then
    /// finds a place of about its size that is warm. When nothing can be evicted, [`Self::trim`]
    /// gets at the stock.
    pub(crate) fn could_give(&self, bytes: usize) -> bool {
        self.free_bytes() >= bytes || self.available_bytes() >= bytes
    }

    /// Returns the most for which [`Self::could_give`] is true.
    pub(crate) fn available_bytes(&self) -> usize {
        let spare_bytes = self.kept.lock().bytes.saturating_sub(self.stock_bytes());
        self.free_bytes() + spare_bytes
    }

    /// Kept pieces of so many bytes are not freed to make others.
    fn stock_bytes(&self) -> usize {
        self.budget.limit() / STOCK_SHARE
    }

    fn free_bytes(&self) -> usize {
        self.budget.limit().saturating_sub(self.budget.used())
    }

    /// Returns what the pieces cost less than the sum of [`Piece::memory_bytes`]; it wraps below 0.
    pub(crate) fn saved_bytes(&self) -> usize {
        self.saved_bytes.load(Ordering::Relaxed)
    }

    /// Returns the memory that is paid and that no one uses: kept pieces and the reserve, at most.
    pub(crate) fn idle_bytes(&self) -> usize {
        let kept = self.kept.lock();
        kept.bytes + kept.reserve.len() * self.segment_memory_bytes()
    }

    fn kept_extent(self: &Arc<Self>, bytes: usize) -> Option<Piece> {
        let owned = self.kept.lock().pop_extent(bytes)?;
        Some(self.piece(owned))
    }

    /// Allocates a piece for `paid_bytes` of the budget; what is too much goes back.
    fn allocate(self: &Arc<Self>, kind: Kind, bytes: usize, paid_bytes: usize) -> Option<Piece> {
        let mut allocated = Owned::allocate(&self.memory, kind, bytes);
        while allocated.is_none() && self.trim(bytes) > 0 {
            allocated = Owned::allocate(&self.memory, kind, bytes);
        }
        let Some((owned, memory_bytes)) = allocated else {
            self.budget.give(paid_bytes);
            return None;
        };
        debug_assert!(
            memory_bytes <= paid_bytes,
            "{memory_bytes} bytes taken of {paid_bytes} paid"
        );
        let saved_bytes = owned.memory_bytes().wrapping_sub(memory_bytes);
        self.saved_bytes.fetch_add(saved_bytes, Ordering::Relaxed);
        self.budget.give(paid_bytes - memory_bytes);
        Some(self.piece(owned))
    }

    fn piece(self: &Arc<Self>, owned: Owned) -> Piece {
        Piece {
            owned: Some(owned),
            pool: Arc::clone(self),
        }
    }

    /// Takes a piece back: for the reserve, to keep, or to free.
    fn recover(&self, owned: Owned) {
        let mut kept = self.kept.lock();
        let Some(owned) = kept.refill(owned, self.segment_bytes) else {
            return;
        };
        let kept_bytes_max = kept_bytes_max(self.budget.limit());
        if owned.memory_bytes() > kept_bytes_max {
            drop(kept);
            self.free(owned);
            return;
        }
        kept.push(owned);
        while kept.bytes > kept_bytes_max {
            let Some(oldest) = kept.pop_oldest() else {
                break;
            };
            drop(kept);
            self.free(oldest);
            kept = self.kept.lock();
        }
    }

    fn free(&self, owned: Owned) -> usize {
        let memory_bytes = owned.memory_bytes();
        let freed_bytes = owned.free();
        let saved_bytes = memory_bytes.wrapping_sub(freed_bytes);
        self.saved_bytes.fetch_sub(saved_bytes, Ordering::Relaxed);
        self.budget.give(freed_bytes);
        freed_bytes
    }
}

impl Kept {
    fn push(&mut self, owned: Owned) {
        self.bytes += owned.memory_bytes();
        self.queue(owned.kind()).push_back(owned);
    }

    fn pop_segment(&mut self) -> Option<Owned> {
        let owned = self.segments.pop_back()?;
        self.bytes -= owned.memory_bytes();
        Some(owned)
    }

    /// The last freed extent that fits and wastes little.
    fn pop_extent(&mut self, bytes: usize) -> Option<Owned> {
        let bytes_max = bytes + bytes / WASTE_SHARE;
        let mut recent = self.extents.iter().enumerate().rev().take(LOOKS_MAX);
        let (place, _) = recent.find(|(_, owned)| (bytes..=bytes_max).contains(&owned.len()))?;
        let owned = self.extents.remove(place)?;
        self.bytes -= owned.memory_bytes();
        Some(owned)
    }

    /// The longest kept extent, or segment if there is none.
    fn pop_oldest(&mut self) -> Option<Owned> {
        let oldest = self.extents.pop_front();
        let owned = oldest.or_else(|| self.segments.pop_front())?;
        self.bytes -= owned.memory_bytes();
        Some(owned)
    }

    /// Puts a segment into the reserve if one is missing there, else hands it back.
    fn refill(&mut self, owned: Owned, segment_bytes: usize) -> Option<Owned> {
        let is_missing = self.reserve.len() < self.reserve_max;
        let fits = owned.kind() == Kind::Segment && owned.len() == segment_bytes;
        if !is_missing || !fits {
            return Some(owned);
        }
        self.reserve.push(Some(owned));
        None
    }

    fn queue(&mut self, kind: Kind) -> &mut VecDeque<Owned> {
        match kind {
            Kind::Segment => &mut self.segments,
            Kind::Extent => &mut self.extents,
            Kind::Table => unreachable!("tables are not the pool's"),
        }
    }
}

/// Bytes of the pool that one owner reads and writes; they go back when it is dropped.
///
/// At first they are zero or what the last owner left.
pub(crate) struct Piece {
    /// There until drop.
    owned: Option<Owned>,
    pool: Arc<Pool>,
}

impl Piece {
    /// Where the bytes start, for `counted`, which shares them.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.owned().start()
    }

    /// Returns the most that it takes from the budget.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.owned().memory_bytes()
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    #[inline]
    fn owned(&self) -> &Owned {
        self.owned.as_ref().expect(HELD)
    }
}

impl Deref for Piece {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.owned()
    }
}

impl DerefMut for Piece {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.owned.as_mut().expect(HELD)
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(owned) = self.owned.take() {
            self.pool.recover(owned);
        }
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.owned().fmt(f)
    }
}

const HELD: &str = "a piece has its bytes until it is dropped";
/// Kept pieces may take one part in this many of the memory, or what a few of the largest values take,
/// but not so much that little is left.
const fn kept_bytes_max(limit: usize) -> usize {
    const SHARE: usize = 64;
    const SHARE_MAX: usize = 8;
    const FEW_LARGE_BYTES: usize = 8 << 20;
    let wanted = if limit / SHARE > FEW_LARGE_BYTES {
        limit / SHARE
    } else {
        FEW_LARGE_BYTES
    };
    if wanted < limit / SHARE_MAX {
        wanted
    } else {
        limit / SHARE_MAX
    }
}

/// Returns a little less than `segment_bytes` where the source's own overhead would take one step
/// more, a page perhaps, for that little.
fn snug_bytes(memory: &dyn Memory, segment_bytes: usize) -> usize {
    let less = segment_bytes - OVERHEAD_BYTES;
    let bytes_max = memory.memory_bytes_max(Kind::Segment, segment_bytes);
    let needs_more = bytes_max > segment_bytes + OVERHEAD_BYTES;
    let is_snug = memory.memory_bytes_max(Kind::Segment, less) <= segment_bytes;
    if needs_more && is_snug {
        less
    } else {
        segment_bytes
    }
}

/// What an allocator may write in front of a piece; a cache line, so that nothing else moves.
const OVERHEAD_BYTES: usize = 64;
/// The stock of kept pieces is one part in this many of the memory.
const STOCK_SHARE: usize = 128;
/// A kept extent is used again if it wastes at most one part in this many.
const WASTE_SHARE: usize = 8;
/// How many kept extents are looked at, the last freed first.
const LOOKS_MAX: usize = 32;

#[cfg(test)]
#[cfg(not(steadfast_loom))]
mod tests;
