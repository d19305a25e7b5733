//! See `steadfast_fuzz::binary::request_split`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::binary::request_split(data));
