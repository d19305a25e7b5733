//! Bad options, bad files and bad clients: a clear line and an exit code, or an answer; and the daemon
//! goes on.
//!
//! Takes the same options as the guide's test, and passes with memcached and HAProxy too.

mod balancer;
mod cache;

use std::process::ExitCode;

use nix::unistd::geteuid;
use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::ensure;
use steadfast_tests::network;
use steadfast_tests::peers::{self, Options};

fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(options) => options,
        Err(failure) => {
            eprintln!("bad_input: {failure}\n\n{}", peers::USAGE);
            return ExitCode::from(2);
        }
    };
    let mut checks = Checks::new();
    if let Err(failure) = perform(&options, &mut checks) {
        checks.record("bad input can be tried to the end", Err(failure));
    }
    checks.finish(&format!("bad input for {}", options.peers()));
    if checks.all_passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn perform(options: &Options, checks: &mut Checks) -> Outcome {
    ensure!(
        geteuid().is_root(),
        "root is needed, for users, chroot and low ports"
    );
    network::enter_namespaces()?;
    println!("{}", options.describe());
    cache::check(checks, options)?;
    balancer::check(checks, options)
}

/// What a daemon that gives up must say: a line that has all of `names`.
fn clear(printed: &str, names: &[&str]) -> Outcome {
    let clear = |line: &str| names.iter().all(|name| line.contains(name));
    ensure!(
        printed.lines().any(clear),
        "no line names {names:?}: {printed:?}"
    );
    Ok(())
}
