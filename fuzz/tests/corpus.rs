//! Replays every corpus on stable Rust.

use std::fs;
use std::path::Path;

/// Each target has a seed, and passes all of them.
#[test]
fn every_corpus_passes() {
    for (name, body) in steadfast_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let mut seeds: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in seeds {
            println!("{}", seed.display());
            body(&fs::read(&seed).unwrap());
        }
    }
}

/// A long random walk from fixed seeds: not a fuzzer, but it reaches what the seeds do not, on
/// every run of the tests.
#[test]
fn random_inputs_pass() {
    for (name, body) in steadfast_fuzz::TARGETS {
        let mut random = 0x5eed_u64;
        for round in 0..ROUNDS {
            let length = (next(&mut random) % 400) as usize;
            let input: Vec<u8> = (0..length).map(|_| byte(&mut random)).collect();
            if let Err(panic) = std::panic::catch_unwind(|| body(&input)) {
                eprintln!("{name}, round {round}: {}", input.escape_ascii());
                std::panic::resume_unwind(panic);
            }
        }
    }
}

const ROUNDS: u32 = 500;

/// Mostly bytes of the text protocols, so that more than the first check is reached.
fn byte(random: &mut u64) -> u8 {
    const LIKELY: &[u8] = b"get set 0 1 2\r\n\r\n: aHTTP/1.1 .chunked,;";
    let value = next(random);
    if value & 3 == 0 {
        (value >> 8) as u8
    } else {
        LIKELY[(value >> 8) as usize % LIKELY.len()]
    }
}

/// xorshift64 (Marsaglia 2003).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// The canary sings when it should: the targets' assertions do reach the harness.
#[test]
fn the_canary_is_seen_to_fail() {
    let outcome = std::panic::catch_unwind(|| steadfast_fuzz::canary(b"tweet"));
    assert!(outcome.is_err());
}
