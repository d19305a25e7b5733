//! See `steadfast_fuzz::protocol::request_split`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::protocol::request_split(data));
