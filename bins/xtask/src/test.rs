//! `cargo xtask test`: everything that proves the code.

use std::process::{Command, ExitCode};

use crate::packages;
use crate::step::{self, Steps, cargo};
use crate::wrong_usage;

const HELP: &str = "\
Run everything that proves the code

usage: cargo xtask test [OPTIONS]

options:
  --no-install     never install a Debian package; say which are missing and fail
  --peers LIST     run the guide with these: ours, real, mixed (our caches behind HAProxy), by commas;
                   default real,mixed,ours; with `none` neither Apache nor root is needed
  --help           print this

Counting instructions needs valgrind. The guide needs root and Debian's Apache, PHP, memcached and HAProxy. Root installs what is missing.
";

struct Options {
    may_install: bool,
    peers: Vec<String>,
}

/// Runs the command with these arguments.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let mut options = Options {
        may_install: true,
        peers: ["real", "mixed", "ours"].map(str::to_owned).to_vec(),
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--no-install" => options.may_install = false,
            "--peers" => match arguments.next().map(|list| parse_peers(list)) {
                Some(Ok(peers)) => options.peers = peers,
                Some(Err(unknown)) => {
                    return wrong_usage(&format!("peers {unknown:?} are unknown"), HELP);
                }
                None => return wrong_usage("--peers needs a value", HELP),
            },
            "--help" | "-h" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => return wrong_usage(&format!("unknown argument {other:?}"), HELP),
        }
    }
    if let Err(failure) = prepare(&options) {
        eprintln!("xtask: {failure}");
        return ExitCode::FAILURE;
    }
    if all_steps(&options).sum_up() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// `none`, or some of `ours`, `real` and `mixed` with commas between.
fn parse_peers(list: &str) -> Result<Vec<String>, String> {
    if list == "none" {
        return Ok(Vec::new());
    }
    let peers = list.split(',').map(|name| match name {
        "ours" | "real" | "mixed" => Ok(name.to_owned()),
        unknown => Err(unknown.to_owned()),
    });
    peers.collect()
}

/// What is missing is said before the first step, not after minutes.
fn prepare(options: &Options) -> Result<(), String> {
    if options.peers.is_empty() {
        return Ok(());
    }
    packages::provide(options.may_install)?;
    if !packages::is_root() {
        return Err("the guide needs root; `--peers none` runs everything else".to_owned());
    }
    Ok(())
}

fn all_steps(options: &Options) -> Steps {
    let mut steps = Steps::new();
    steps.run("build", &mut build());
    steps.run(
        "unit, property and documentation tests",
        &mut cargo(&["test", "--workspace", "--no-fail-fast"]),
    );
    // Behind a feature, because it needs a C compiler.
    steps.run(
        "TLS",
        &mut cargo(&[
            "test",
            "--package",
            "steadfast-cached",
            "--features",
            "tls",
            "--lib",
            "--test",
            "tls",
        ]),
    );
    for peers in &options.peers {
        steps.run(
            &format!("the guide, peers: {peers}"),
            &mut with_peers("guide", peers),
        );
        if peers != "mixed" {
            for (what, test) in [
                ("php-memcached's sessions", "php_memcached"),
                ("libmemcached's conformance test", "memccapable"),
                ("places of PHP's sessions", "php_ring"),
                ("bad input", "bad_input"),
                ("random conversations", "differential"),
            ] {
                steps.run(
                    &format!("{what}, peers: {peers}"),
                    &mut with_peers(test, peers),
                );
            }
        }
    }
    if options.peers.iter().any(|peers| peers == "ours") {
        steps.run("memory under churn", &mut with_peers("churn", "ours"));
    }
    steps.run("instructions per get and set", &mut instructions());
    steps.run("the store under loom", &mut loom());
    steps.run("the store under AddressSanitizer", &mut address_sanitizer());
    if step::workspace().join("fuzz/Cargo.toml").exists() {
        steps.run("the fuzz corpora, replayed", &mut corpora());
    }
    steps
}

/// The daemons and all tests. The later steps select the same packages and so build nothing again.
fn build() -> Command {
    let mut command = cargo(&["build", "--workspace", "--bins", "--tests"]);
    command.args(["--features", "steadfast-tests/peers"]);
    command
}

/// A whole-system test.
fn with_peers(test: &str, peers: &str) -> Command {
    let mut command = cargo(&["test", "--workspace", "--features", "steadfast-tests/peers"]);
    command.args(["--test", test, "--", "--peers", peers]);
    command
}

/// What a get and a set cost, beside what they did cost: exact where a stopwatch is not.
fn instructions() -> Command {
    let own = std::env::current_exe().unwrap_or_else(|_| "xtask".into());
    let mut command = Command::new(own);
    command.arg("instructions");
    command
}

/// Every interleaving of the store's locks and counted references.
fn loom() -> Command {
    let mut command = cargo(&[
        "test",
        "-p",
        "steadfast-store",
        "--release",
        "--test",
        "loom",
    ]);
    command.args([
        "--config",
        "profile.release.lto=false",
        "--config",
        "profile.release.codegen-units=16",
    ]);
    command.env("RUSTFLAGS", "--cfg steadfast_loom");
    command
        .arg("--target-dir")
        .arg(step::target_directory("loom"));
    command
}

/// The store in its checked form, with an allocation for each item, so that an overrun of one is seen.
fn address_sanitizer() -> Command {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut command = cargo(&[
        "test",
        "-p",
        "steadfast-store",
        "--lib",
        "--tests",
        "--target",
    ]);
    command.arg(target);
    // The flag is not stable, the sanitizer is.
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("RUSTFLAGS", "-Zsanitizer=address --cfg steadfast_checked");
    command
        .arg("--target-dir")
        .arg(step::target_directory("sanitizer"));
    command
}

/// The corpora and a random walk, with the store in its checked form.
fn corpora() -> Command {
    let mut command = cargo(&["test", "--manifest-path", "fuzz/Cargo.toml"]);
    command.env("RUSTFLAGS", "--cfg steadfast_checked");
    command
        .arg("--target-dir")
        .arg(step::target_directory("fuzz"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_a_list_of_known_words_or_none() {
        assert_eq!(
            parse_peers("real,ours"),
            Ok(vec!["real".to_owned(), "ours".to_owned()])
        );
        assert_eq!(parse_peers("none"), Ok(Vec::new()));
        assert_eq!(parse_peers("real,theirs"), Err("theirs".to_owned()));
    }
}
