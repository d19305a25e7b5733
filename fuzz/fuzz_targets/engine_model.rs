//! See `steadfast_fuzz::engine::model`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::engine::model(data));
