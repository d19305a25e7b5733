//! See `steadfast_fuzz::proxy::stream_events`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::proxy::stream_events(data));
