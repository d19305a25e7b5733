//! See `steadfast_fuzz::proxy::head_differential`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::proxy::head_differential(data));
