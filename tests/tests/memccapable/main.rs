//! libmemcached's conformance test, `memccapable`, passes on our cache: the text and the binary protocol.
//!
//! Takes the same options as the guide's test. memcached 1.6.18 passes it too; later ones take more
//! words after a key to be deleted than it likes.

use std::process::{Command, ExitCode};

use steadfast_tests::cache::Cache;
use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::network::{self, Addresses};
use steadfast_tests::peers::{self, Options};
use steadfast_tests::{ensure, process};

fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(options) => options,
        Err(failure) => {
            eprintln!("memccapable: {failure}\n\n{}", peers::USAGE);
            return ExitCode::from(2);
        }
    };
    let mut checks = Checks::new();
    if let Err(failure) = perform(&options, &mut checks) {
        checks.record("memccapable can be run to the end", Err(failure));
    }
    checks.finish(&format!("memccapable with {}", options.peers()));
    if checks.all_passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn perform(options: &Options, checks: &mut Checks) -> Outcome {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "root is needed, for the cache's user"
    );
    network::enter_namespaces()?;
    println!("{}", options.describe());
    let directory = tempfile::tempdir()?;
    let address = Addresses::choose()?.cache[0];
    let cache = Cache::start("cache", &options.cached, address, directory.path())?;
    for (protocol, flag, tests) in [("text", "-a", 27), ("binary", "-b", 27)] {
        let name = format!("the {tests} tests of the {protocol} protocol pass");
        checks.run(&name, || pass(&cache, flag, tests));
    }
    Ok(())
}

/// Runs the tests of a protocol, all of which must pass, and no fewer than there are known to be.
fn pass(cache: &Cache, flag: &str, tests: usize) -> Outcome {
    let (host, port) = (cache.address().ip(), cache.address().port());
    let mut command = Command::new("memccapable");
    command.args(["-h", &host.to_string(), "-p", &port.to_string(), flag]);
    let finished = process::run(&mut command)?;
    let printed = format!("{}{}", finished.stdout, finished.stderr);
    let passed = printed.matches("[pass]").count();
    ensure!(
        finished.status.success() && passed >= tests && !printed.contains("[FAIL]"),
        "{passed} passed: {printed}"
    );
    Ok(())
}
