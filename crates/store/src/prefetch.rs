//! Asking the processor for memory before it is read.
//!
//! A hint: results are the same with and without it. Nothing happens where it is not available.

use hint::{far, near};

/// Asks for the cache line at an address, whatever is there.
#[inline(always)]
pub(crate) fn address(address: usize) {
    near(core::ptr::without_provenance(address));
}

/// Asks for so many cache lines from the start of `bytes` on, whether or not it has as many.
///
/// Into the second level of the cache: the first has room for some dozen requests under way, and all
/// else waits while there are more.
#[inline(always)]
pub(crate) fn lines(bytes: &[u8], lines: usize) {
    for line in 0..lines {
        far(bytes.as_ptr().wrapping_add(line * LINE_BYTES));
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[allow(unsafe_code, reason = "the processor's hint has no safe form")]
mod hint {
    use core::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

    /// Into the first level of the cache.
    #[inline(always)]
    pub(super) fn near(address: *const u8) {
        // SAFETY: a prefetch reads nothing into the program and never faults, whatever the address;
        // SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    /// Into the second.
    #[inline(always)]
    pub(super) fn far(address: *const u8) {
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
mod hint {
    #[inline(always)]
    pub(super) fn near(_: *const u8) {}

    #[inline(always)]
    pub(super) fn far(_: *const u8) {}
}

const LINE_BYTES: usize = 64;
