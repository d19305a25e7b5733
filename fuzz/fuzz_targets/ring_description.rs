//! See `steadfast_fuzz::ring::description`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::ring::description(data));
