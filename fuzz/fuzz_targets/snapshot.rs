//! See `steadfast_fuzz::snapshot::snapshot`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::snapshot::snapshot(data));
