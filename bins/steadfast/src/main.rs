//! The whole session cluster in one command.

use std::process::ExitCode;

fn main() -> ExitCode {
    steadfast::run()
}
