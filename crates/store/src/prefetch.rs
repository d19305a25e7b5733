//! Asking the processor for memory before it is read.
//!
//! A hint: results are the same with and without it. Nothing happens where it is not available.

/// Asks for the cache line at an address, whatever is there.
#[inline(always)]
pub(crate) fn address(address: usize) {
    hint(core::ptr::without_provenance(address));
}

/// Asks for the first `lines_max` cache lines of `bytes`.
#[inline(always)]
pub(crate) fn lines(bytes: &[u8], lines_max: usize) {
    for line in bytes.chunks(LINE_BYTES).take(lines_max) {
        hint(line.as_ptr());
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
