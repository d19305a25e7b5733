//! See `steadfast_fuzz::protocol::request_roundtrip`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::protocol::request_roundtrip(data));
