//! See `steadfast_fuzz::proxy::config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::proxy::config(data));
