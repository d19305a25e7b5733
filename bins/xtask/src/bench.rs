//! `cargo xtask bench`: our daemons beside their peers.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::step::{Steps, cargo, workspace};

const HELP: &str = "\
Measure our daemons beside memcached and HAProxy, and print tables of ratios

usage: cargo xtask bench [TABLE] [--quick] [OPTIONS OF side-by-side]

tables:
  speed            CPU time per request, caches and balancers (the default)
  latency          from due times, at half of what the last memcached named can do
  scaling          two threads beside one
  memory           capacity, hits, drift, conns, churn

options:
  --quick          5 rounds and 50,000 keys instead of 15 and a million: to see that all is well
  --against LIST   peers: memcached,haproxy; KIND=PATH, or a PATH alone for a further version of
                   the kind before it: memcached,/opt/memcached-1.6.45/memcached
  --work LIST      workloads by name, as the tables have them; all by default
  --help           print this

Builds in release first. Needs two quiet cores, taskset and the peers.
";

/// Runs the command with these arguments.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let target = env::var_os("CARGO_TARGET_DIR");
    let release = target
        .map_or_else(|| workspace().join("target"), PathBuf::from)
        .join("release");
    let mut side_by_side = Command::new(release.join("side-by-side"));
    side_by_side.arg("--bin").arg(&release);
    for argument in arguments {
        match argument.as_str() {
            "--quick" => side_by_side.args(["--rounds", "5", "--keys-max", "50000"]),
            other => side_by_side.arg(other),
        };
    }
    let mut steps = Steps::new();
    let mut build = cargo(&["build", "--release", "-p", "steadfast-cached"]);
    build.args(["-p", "steadfast-balancer", "-p", "steadfast-benches"]);
    steps.run("build", &mut build);
    steps.run("side by side", &mut side_by_side);
    if steps.sum_up() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
