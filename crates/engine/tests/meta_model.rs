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

proptest! {
    // Each case goes byte by byte once.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_split_of_meta_commands_does_not_matter(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        big_bytes in 16_000usize..18_000,
        cuts in proptest::collection::vec(any::<usize>(), 0..10),
    ) {
        let mut input = format!("ms azA= {big_bytes} b s k F7\r\n{}\r\n", "x".repeat(big_bytes));
        let (mut model, mut choices) = (Model::new(0), Choices::new(&bytes));
        while !choices.is_empty() {
            if let Step::Ask { request, .. } = model.step(&mut choices) {
                input.push_str(&request);
            }
        }
        input.push_str("ms k1 9 MA N0\r\nxx\r\nmg k0 s v\r\nmg k1 v");
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % input.len()).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &input.as_bytes()[pair[0]..pair[1]]);
        let whole = Cache::new().ask(input.as_bytes());
        prop_assert_eq!(whole.as_bytes(), Cache::new().send(pieces));
        prop_assert_eq!(whole.as_bytes(), Cache::new().send(input.as_bytes().chunks(1)));
    }
}
