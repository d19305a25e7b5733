//! See `steadfast_fuzz::binary::response_split`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::binary::response_split(data));
