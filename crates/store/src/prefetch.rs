//! Asking the processor for memory before it is read.
//!
//! A hint: results are the same with and without it. Nothing happens where it is not available.

/// Asks for the cache line at an address, whatever is there.
#[inline(always)]
pub(crate) fn address(address: usize) {
    hint(core::ptr::without_provenance(address));
}

/// Asks for so many cache lines from the start of `bytes` on, whether or not it has as many.
#[inline(always)]
pub(crate) fn lines<const LINES: usize>(bytes: &[u8]) {
    for line in 0..LINES {
        hint(bytes.as_ptr().wrapping_add(line * LINE_BYTES));
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
#[allow(unsafe_code, reason = "the processor's hint has no safe form")]
fn hint(address: *const u8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch reads nothing into the program and never faults, whatever the address;
    // SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
fn hint(_: *const u8) {}

const LINE_BYTES: usize = 64;
