//! A range of addresses with memory behind the touched pages only.

use std::io;
use std::ops::Range;
use std::ptr::{self, NonNull};

/// A private anonymous mapping, readable and writable, unmapped when dropped.
///
/// It starts at a multiple of [`HUGE_PAGE_BYTES`]. A page takes memory from its first write (or
/// read) until it is discarded, and is zero at first.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
    /// What was mapped, alignment included.
    mapped: Range<usize>,
}

// SAFETY: a mapping belongs to the process, not to a thread; what the methods do to it is done by
// the kernel under its own locks.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves addresses; memory is not set aside for them.
    ///
    /// # Errors
    ///
    /// When the kernel refuses: `RLIMIT_AS`, or strict overcommit (`vm.overcommit_memory` 2).
    pub(crate) fn reserve(bytes: usize) -> io::Result<Self> {
        let too_large = || io::Error::from(io::ErrorKind::OutOfMemory);
        let mapped_bytes = bytes.checked_add(HUGE_PAGE_BYTES).ok_or_else(too_large)?;
        // SAFETY: a new mapping at a place of the kernel's choice changes no other memory.
        let place = unsafe {
            libc::mmap(
                ptr::null_mut(),
                mapped_bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                FLAGS,
                -1,
                0,
            )
        };
        if place == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let place = place.cast::<u8>();
        let offset = place.align_offset(HUGE_PAGE_BYTES);
        // SAFETY: the offset is less than what was mapped in addition to `bytes`.
        let start = NonNull::new(unsafe { place.add(offset) }).ok_or_else(too_large)?;
        let mapped = place.addr()..place.addr() + mapped_bytes;
        Ok(Self {
            start,
            bytes,
            mapped,
        })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the address of the byte at `offset`.
    pub(crate) fn at(&self, offset: usize) -> NonNull<u8> {
        assert!(offset < self.bytes, "{offset} of {} bytes", self.bytes);
        // SAFETY: the place is within the mapping, by the line above.
        unsafe { self.start.add(offset) }
    }

    /// Asks for huge pages, or for none, where the range is touched from now on.
    ///
    /// A hint: a kernel without huge pages does nothing.
    pub(crate) fn prefer_huge(&self, range: Range<usize>, is_preferred: bool) {
        let advice = match is_preferred {
            true => libc::MADV_HUGEPAGE,
            false => libc::MADV_NOHUGEPAGE,
        };
        let place = self.place(&range);
        // SAFETY: the range is within the mapping (`place`), and its contents do not change.
        unsafe { libc::madvise(place, range.len(), advice) };
    }

    /// Sets memory behind whole pages at once, for less than a fault for each.
    ///
    /// A hint: before Linux 5.14, and when there is no memory, they are left to faults.
    pub(crate) fn populate(&self, range: Range<usize>) {
        let place = self.place(&range);
        // SAFETY: the range is within the mapping (`place`), and its contents do not change.
        unsafe { libc::madvise(place, range.len(), libc::MADV_POPULATE_WRITE) };
    }

    /// Gives the memory of whole pages back, also if they are locked; they are zero when touched
    /// again.
    ///
    /// # Errors
    ///
    /// When the kernel refuses: the memory stays then.
    ///
    /// # Safety
    ///
    /// Nobody uses the bytes in the range: what they hold is lost.
    pub(crate) unsafe fn discard(&self, range: Range<usize>) -> io::Result<()> {
        let place = self.place(&range);
        for advice in [libc::MADV_DONTNEED, MADV_DONTNEED_LOCKED] {
            // SAFETY: the range is within the mapping (`place`); no one needs its bytes (caller).
            if unsafe { libc::madvise(place, range.len(), advice) } == 0 {
                return Ok(());
            }
        }
        // Before Linux 5.18 the pages of locked memory go only with their mapping.
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = FLAGS | libc::MAP_FIXED;
        // SAFETY: as above: replaces pages of our own mapping by fresh ones.
        let fresh = unsafe { libc::mmap(place, range.len(), protection, flags, -1, 0) };
        if fresh == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    fn place(&self, range: &Range<usize>) -> *mut libc::c_void {
        assert!(range.end <= self.bytes, "{range:?} of {} bytes", self.bytes);
        self.at(range.start).as_ptr().cast()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let place = self.start.as_ptr().with_addr(self.mapped.start);
        // SAFETY: this is what `reserve` mapped; who has pieces of it keeps the mapping alive.
        unsafe { libc::munmap(place.cast(), self.mapped.len()) };
    }
}

/// The size of a transparent huge page, and so the alignment of a mapping.
pub(crate) const HUGE_PAGE_BYTES: usize = 2 << 20;

const FLAGS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
/// Since Linux 5.18; not in every C library's list.
const MADV_DONTNEED_LOCKED: i32 = 24;
