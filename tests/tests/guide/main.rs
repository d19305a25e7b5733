//! The guide, performed: real Apache and PHP, two caches, a balancer; every promise a named check.
//!
//! `--peers ours` runs it with our daemons, `--peers real` with memcached and HAProxy, which proves the
//! test, and `--peers mixed` with our caches behind HAProxy. It needs root, as the guide does.

mod caches;
mod daemon;
mod headers;
mod logs;
mod scene;
mod statistics;
mod visits;
mod web_servers;

use std::process::ExitCode;

use scene::Scene;
use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::guide::ForwardFor;
use steadfast_tests::network;
use steadfast_tests::peers::{self, Options};

fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(options) => options,
        Err(failure) => {
            eprintln!("guide: {failure}\n\n{}", peers::USAGE);
            return ExitCode::from(2);
        }
    };
    let mut checks = Checks::new();
    if let Err(failure) = perform(&options, &mut checks) {
        checks.record("the guide can be performed to its end", Err(failure));
    }
    checks.finish(&format!("guide with {}", options.peers()));
    if checks.all_passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn perform(options: &Options, checks: &mut Checks) -> Outcome {
    steadfast_tests::ensure!(
        nix::unistd::geteuid().is_root(),
        "root is needed, for the guide's ports, users and chroot"
    );
    let private = network::enter_namespaces()?;
    println!("{}", options.describe());
    let mut scene = Scene::set_up(options)?;
    let network = if private {
        "a namespace of its own"
    } else {
        "this machine's loopback"
    };
    println!(
        "network: {network}, page at http://{}/session.php",
        scene.addresses.balancer
    );
    daemon::check_configuration(checks, &scene);
    scene.start_balancer(ForwardFor::Bare)?;
    let outcome = perform_on(&mut scene, checks);
    if outcome.is_err() || !checks.all_passed() {
        println!("\n{}", scene.printed());
    }
    outcome
}

fn perform_on(scene: &mut Scene, checks: &mut Checks) -> Outcome {
    daemon::check_process(checks, scene);
    visits::check(checks, scene)?;
    statistics::check(checks, scene)?;
    headers::check(checks, scene);
    caches::check(checks, scene)?;
    web_servers::check(checks, scene)?;
    daemon::check_stats_socket(checks, scene);
    daemon::check_end(checks, scene)?;
    scene.start_balancer(ForwardFor::FromDefaults)?;
    headers::check_except(checks, scene);
    logs::check(checks, scene);
    Ok(())
}
