//! The front command: `steadfast up` runs the whole cluster in one process, `steadfast ring` tells
//! which node holds a key.

mod cli;
mod ring;
mod up;

use std::process::ExitCode;

use clap::Parser as _;
use steadfast_host::memory;

/// Parses the command line, does what it says, and returns the exit status: 0, 1 for a failure (one
/// line on standard error says which), 2 for a wrong command line or wrong input.
#[must_use]
pub fn run() -> ExitCode {
    let cli = cli::Cli::parse();
    let options = match cli.command {
        Some(cli::Command::Up(options)) => options,
        Some(cli::Command::Ring(command)) => return answer(&command),
        None => cli.up,
    };
    // Before the runtime's threads have heaps of their own, which the caches would then use too.
    memory::share_one_heap();
    match up::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("steadfast: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A question about a ring, which needs no cluster.
fn answer(command: &ring::RingCommand) -> ExitCode {
    let Err(failure) = ring::run(command) else {
        return ExitCode::SUCCESS;
    };
    eprintln!("steadfast: {failure}");
    match failure {
        ring::Failure::Output(_) => ExitCode::FAILURE,
        ring::Failure::Input(_) => ExitCode::from(2),
    }
}
