//! Random operations on the store and on a plain map with the same rules.
#![cfg(not(steadfast_loom))]

use proptest::prelude::*;

mod model;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn store_matches_a_plain_map(script in prop::collection::vec(any::<u8>(), 0..1200)) {
        model::run_exact(&script);
    }

    #[test]
    fn an_evicting_store_is_right_and_in_budget(
        script in prop::collection::vec(any::<u8>(), 0..2400),
    ) {
        model::run_evicting(&script);
    }
}
