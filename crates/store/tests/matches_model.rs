//! Random operations on the store and on a plain map with the same rules.
#![cfg(not(steadfast_loom))]

use proptest::prelude::*;

mod model;
mod order;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

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

    #[test]
    fn the_exact_order_evicts_the_least_recently_used(
        steps in prop::collection::vec((0_u8..4, 0_u16..300, 0_u16..4000), 200..600),
    ) {
        order::run(&steps);
    }
}
