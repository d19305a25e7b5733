//! See `steadfast_fuzz::store::model`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::store::model(data));
