//! See `steadfast_fuzz::ring::removal_moves_only_its_keys`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| steadfast_fuzz::ring::removal_moves_only_its_keys(data));
