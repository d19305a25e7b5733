//! Pieces of a reserved range of addresses, whose memory comes and goes by the page.

use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::holes::Holes;
use crate::system::{self, HUGE_PAGE_BYTES, Mapping};

/// A range of addresses from which pieces of memory are handed out.
///
/// A page takes memory from the first write to a piece on it, and gives it back to the system when
/// the last piece on it is freed. So what this has taken and not given back is what is resident, to
/// the page; where huge pages are preferred, up to one huge page more.
#[derive(Debug)]
pub struct Pages {
    mapping: Mapping,
    page_bytes: usize,
    places: Mutex<Places>,
}

#[derive(Debug)]
struct Places {
    holes: Holes,
    /// The bytes in use of each huge page; empty where none are wanted.
    huge: Vec<HugePage>,
}

#[derive(Clone, Copy, Debug, Default)]
struct HugePage {
    used_bytes: usize,
    /// Pieces of it were given back, so it must not become huge while others are missing.
    is_split: bool,
}

/// Which pages a range should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a range has one of these")]
pub enum PageSize {
    /// The machine's pages: memory goes back as soon as a piece is freed.
    Small,
    /// Huge pages where the kernel has them: fewer translations for what lives long.
    Huge,
    /// The machine's pages where the first huge page would be, huge pages behind that: for what may stay
    /// small.
    HugeLater,
}

impl Pages {
    /// Reserves `bytes` of addresses, rounded up to huge pages. Takes no memory yet.
    ///
    /// # Errors
    ///
    /// When the system refuses: `RLIMIT_AS` is lower, or `vm.overcommit_memory` is 2 and there is
    /// less memory than that.
    pub fn reserve(bytes: usize, size: PageSize) -> io::Result<Self> {
        let bytes = bytes
            .checked_next_multiple_of(HUGE_PAGE_BYTES)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let mapping = Mapping::reserve(bytes)?;
        let mut huge = match size {
            PageSize::Small => Vec::new(),
            PageSize::Huge | PageSize::HugeLater => {
                vec![HugePage::default(); bytes / HUGE_PAGE_BYTES]
            }
        };
        mapping.prefer_huge(0..bytes, size != PageSize::Small);
        if let (PageSize::HugeLater, Some(first)) = (size, huge.first_mut()) {
            // As if a part had been given back: it may become huge when all of it is in use.
            first.is_split = true;
            mapping.prefer_huge(0..HUGE_PAGE_BYTES, false);
        }
        Ok(Self {
            mapping,
            page_bytes: system::page_bytes(),
            places: Mutex::new(Places {
                holes: Holes::new(bytes),
                huge,
            }),
        })
    }

    /// Tells whether a piece that begins there is one of this range.
    pub fn contains(&self, start: NonNull<u8>) -> bool {
        let offset = start
            .addr()
            .get()
            .checked_sub(self.mapping.start().addr().get());
        offset.is_some_and(|offset| offset < self.mapping.bytes())
    }

    /// Returns how many bytes a piece of `bytes` has in truth: some may be needed to round up.
    pub fn usable_bytes(&self, bytes: usize) -> usize {
        bytes.next_multiple_of(STEP_BYTES)
    }

    /// Returns the most memory that a piece of `bytes` can take.
    pub fn memory_bytes_max(&self, bytes: usize) -> usize {
        // A piece begins where its hole did, so its first page is shared or starts with it.
        self.usable_bytes(bytes).next_multiple_of(self.page_bytes)
    }

    /// Hands out a piece of [`usable_bytes`](Self::usable_bytes), and tells how much memory it takes,
    /// once it is filled at the latest: pages that it shares with others are theirs. `None` if no hole is as large.
    ///
    /// The bytes are initialised: zero, or on a shared page what an earlier piece left there.
    pub fn allocate(&self, bytes: usize) -> Option<(NonNull<u8>, usize)> {
        let bytes = self.usable_bytes(bytes);
        let mut places = self.places();
        let (taken, hole) = places.holes.take(bytes)?;
        places.enter(&taken, &self.mapping);
        let pages = self.own_pages(&taken, &hole);
        let is_huge = !places.huge.is_empty();
        drop(places);
        if !is_huge && pages.len() >= POPULATED_PAGES_MIN * self.page_bytes {
            self.mapping.populate(pages.clone());
        }
        Some((self.mapping.at(taken.start), pages.len()))
    }

    /// Takes a piece back, and returns how much memory went back to the system.
    ///
    /// # Safety
    ///
    /// The piece came from [`allocate`](Self::allocate) of this range with the same size, and nobody
    /// uses it any more.
    #[allow(unsafe_code, reason = "only the owner knows that it is not used")]
    pub unsafe fn free(&self, start: NonNull<u8>, bytes: usize) -> usize {
        let offset = start.addr().get() - self.mapping.start().addr().get();
        let freed = offset..offset + self.usable_bytes(bytes);
        let mut places = self.places();
        let hole = places.holes.give(freed.clone());
        places.leave(&freed, &self.mapping);
        let pages = self.own_pages(&freed, &hole);
        if pages.is_empty() {
            return 0;
        }
        // SAFETY: no piece has a byte on these pages: they are part of a hole, and no one can take
        // from it before the lock is gone.
        match unsafe { self.mapping.discard(pages.clone()) } {
            Ok(()) => pages.len(),
            // The memory stays, and stays counted.
            Err(_) => 0,
        }
    }

    /// The pages that `part` of a hole touches and that have no byte outside of the hole.
    fn own_pages(&self, part: &Range<usize>, hole: &Range<usize>) -> Range<usize> {
        let page = self.page_bytes;
        let (first, last) = (part.start / page, part.end.div_ceil(page));
        let start = first.max(hole.start.div_ceil(page));
        let end = last.min(hole.end / page);
        start * page..end.max(start) * page
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn enter(&mut self, taken: &Range<usize>, mapping: &Mapping) {
        self.each_huge(taken, |huge, bytes, range| {
            huge.used_bytes += bytes;
            if huge.is_split && huge.used_bytes == HUGE_PAGE_BYTES {
                huge.is_split = false;
                mapping.prefer_huge(range, true);
            }
        });
    }

    /// A huge page that loses a part must not come back whole, as the kernel would make it sooner
    /// or later: its memory is no longer paid for.
    fn leave(&mut self, freed: &Range<usize>, mapping: &Mapping) {
        self.each_huge(freed, |huge, bytes, range| {
            huge.used_bytes -= bytes;
            let is_split = huge.used_bytes > 0;
            if huge.is_split != is_split {
                huge.is_split = is_split;
                mapping.prefer_huge(range, !is_split);
            }
        });
    }

    /// Runs `visit` with each huge page that `part` touches, with how many bytes, and its range.
    fn each_huge(
        &mut self,
        part: &Range<usize>,
        mut visit: impl FnMut(&mut HugePage, usize, Range<usize>),
    ) {
        let touched = part.start / HUGE_PAGE_BYTES..part.end.div_ceil(HUGE_PAGE_BYTES);
        for number in touched {
            let Some(huge) = self.huge.get_mut(number) else {
                return;
            };
            let range = number * HUGE_PAGE_BYTES..(number + 1) * HUGE_PAGE_BYTES;
            let bytes = part.end.min(range.end) - part.start.max(range.start);
            visit(huge, bytes, range);
        }
    }
}

/// Pieces are laid out in steps of so many bytes, so that one may end in the middle of a page and
/// another begin there.
const STEP_BYTES: usize = 512;

/// From so many on, pages are asked for at once: a piece is about to be filled.
const POPULATED_PAGES_MIN: usize = 4;

#[cfg(test)]
mod tests;
