//! The engine against a plain model, classic and meta commands.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cache;
#[allow(unreachable_pub, reason = "shared with the fuzz target")]
mod model;

use cache::Cache;
use model::{Choices, Model, Step};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_engine_matches_a_plain_model(bytes in proptest::collection::vec(any::<u8>(), 0..800)) {
        let mut cache = Cache::new();
        let mut model = Model::new(cache.now.unix_secs);
        let mut choices = Choices::new(&bytes);
        let mut asked = Vec::new();
        while !choices.is_empty() {
            match model.step(&mut choices) {
                Step::Wait { secs } => cache.wait(secs),
                Step::Ask { request, answer } => {
                    asked.push(request.clone());
                    let found = cache.ask(request.as_bytes());
                    prop_assert_eq!(found, answer, "{:?}", asked);
                }
            }
        }
    }
}
