//! Developer commands: `cargo xtask help` lists them. One file per command.

mod bench;
mod instructions;
mod packages;
mod step;
mod test;

use std::env;
use std::process::ExitCode;

const HELP: &str = "\
Developer commands of steadfast

usage: cargo xtask COMMAND [OPTIONS]

commands:
  test     run everything that proves the code: unit, property and documentation tests, loom, the
           fuzz corpora, AddressSanitizer, and the guide with real Apache and PHP
  bench    our daemons beside memcached and HAProxy: speed, latency, memory
  instructions
           instructions of a get and a set, beside those on record
  help     print this

`cargo xtask COMMAND --help` tells more.
";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let command = arguments.next();
    let rest: Vec<String> = arguments.collect();
    match command.as_deref() {
        Some("bench") => bench::run(&rest),
        Some("instructions") => instructions::run(&rest),
        Some("test") => test::run(&rest),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Some(other) => wrong_usage(&format!("unknown command {other:?}"), HELP),
        None => wrong_usage("a command is missing", HELP),
    }
}

/// Says what is wrong with the command line, and what would be right.
fn wrong_usage(what: &str, help: &str) -> ExitCode {
    eprint!("xtask: {what}\n\n{help}");
    ExitCode::from(2)
}
