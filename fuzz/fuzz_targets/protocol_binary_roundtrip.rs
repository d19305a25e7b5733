//! See `steadfast_fuzz::binary::roundtrip`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::binary::roundtrip(data));
