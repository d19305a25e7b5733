//! A fixed number of commands through engine and store, for counting the instructions they take.
//!
//! `cargo xtask instructions` runs this under valgrind, twice with different numbers of batches, so
//! that start and preparation cancel out. `instructions WORKLOAD BATCHES` alone does the work and
//! prints nothing.

use std::fmt::Write as _;
use std::process::ExitCode;

use steadfast_engine::{Engine, NoProcess, Now, Output, Session, Settings};
use steadfast_protocol::Limits;
use steadfast_store::Store;

const COMMANDS_PER_BATCH: usize = 100;
const VALUE_BYTES: usize = 512;
/// Small enough to be full soon, large enough to have segments.
const MEMORY_BYTES: usize = 4 << 20;
/// Where a part of a set's key is that can be changed.
const NAME_AT: usize = "set key:".len();
const NAME_BYTES: usize = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let batches = arguments.get(1).and_then(|count| count.parse().ok());
    match (arguments.first().map(String::as_str), batches) {
        (Some("get"), Some(batches)) => Cache::new().repeat(&gets(), batches),
        (Some("set"), Some(batches)) => Cache::new().repeat(&sets(0), batches),
        (Some("evict"), Some(batches)) => Cache::new().replace_all(batches),
        _ => {
            eprintln!("usage: instructions get|set|evict BATCHES");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// A cache with one client.
struct Cache {
    engine: Engine,
    session: Session,
    out: Output,
}

impl Cache {
    fn new() -> Self {
        let mut settings = steadfast_store::Settings::default();
        settings.memory_bytes_max = MEMORY_BYTES;
        settings.stripes = 4;
        let store = Store::new(settings).expect("the settings are valid");
        let mut settings = Settings::default();
        settings.requests_per_call_max = COMMANDS_PER_BATCH;
        Self {
            engine: Engine::new(store, settings, Box::new(NoProcess)),
            session: Session::new(0, Limits::default()),
            out: Output::new(),
        }
    }

    /// Stores the items, then hands in the same batch again and again.
    fn repeat(mut self, batch: &str, batches: usize) {
        self.run(sets(0).as_bytes());
        for _ in 0..batches {
            self.run(batch.as_bytes());
        }
    }

    /// Fills the cache, then stores new items, so that each displaces another.
    fn replace_all(mut self, batches: usize) {
        let filling = 2 * MEMORY_BYTES / VALUE_BYTES / COMMANDS_PER_BATCH;
        let mut commands = sets(0).into_bytes();
        let command_bytes = commands.len() / COMMANDS_PER_BATCH;
        for number in 0..filling + batches {
            // New names for the same commands: to write them anew would cost as much as the cache.
            for command in commands.chunks_exact_mut(command_bytes) {
                for (place, character) in command[NAME_AT..][..NAME_BYTES].iter_mut().enumerate() {
                    *character = b'a' + (number >> (4 * place)) as u8 % 16;
                }
            }
            self.run(&commands);
        }
    }

    fn run(&mut self, batch: &[u8]) {
        self.out.clear();
        let now = Now::since_start(10, 1_700_000_000);
        let progress = self
            .session
            .handle_input(batch, &mut self.out, &self.engine, now);
        assert_eq!(progress.consumed, batch.len());
    }
}

fn sets(first: usize) -> String {
    let value = "v".repeat(VALUE_BYTES);
    batch(first, |commands, index| {
        write!(
            commands,
            "set key:{index:028} 0 0 {VALUE_BYTES}\r\n{value}\r\n"
        )
    })
}

fn gets() -> String {
    batch(0, |commands, index| {
        write!(commands, "get key:{index:028}\r\n")
    })
}

fn batch(first: usize, command: impl Fn(&mut String, usize) -> std::fmt::Result) -> String {
    let mut commands = String::new();
    for index in first..first + COMMANDS_PER_BATCH {
        command(&mut commands, index).expect("a string takes what is written");
    }
    commands
}
