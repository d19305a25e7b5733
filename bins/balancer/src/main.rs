//! The daemon's entry point.

fn main() -> std::process::ExitCode {
    steadfast_balancer::process::run(std::env::args_os().skip(1))
}
