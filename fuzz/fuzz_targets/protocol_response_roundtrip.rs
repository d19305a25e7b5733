//! See `steadfast_fuzz::protocol::response_roundtrip`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::protocol::response_roundtrip(data));
