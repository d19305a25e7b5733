//! Memory under churn: whatever sizes come and go, the cache's resident memory stays within `-m` and a
//! little, index and buffers included, no set fails, and every value is the one that was stored.
//!
//! Takes the same options as the guide's test; the balancer is not used. Against memcached
//! (`--peers real`) the checks of memory show what it takes.

mod client;
mod load;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;

use nix::unistd::geteuid;
use steadfast_tests::cache::CACHE_USERS;
use steadfast_tests::check::{Checks, Failure, Outcome};
use steadfast_tests::peers::{self, Options};
use steadfast_tests::process::{self, Process};
use steadfast_tests::{ensure, wait};

use self::client::{Client, Idler};
use self::load::{PHASES, Phase};

fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(options) => options,
        Err(failure) => {
            eprintln!("churn: {failure}\n\n{}", peers::USAGE);
            return ExitCode::from(2);
        }
    };
    println!("{}", options.describe());
    let mut checks = Checks::new();
    for memory_mib in [64, 256] {
        for threads in [1, 4] {
            let churned = churn(&options.cached, memory_mib, threads);
            let name = format!("-m {memory_mib} -t {threads} is kept while sizes come and go");
            checks.record(&name, churned);
        }
    }
    checks.finish(&format!("memory of {}", options.peers()));
    if checks.all_passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// All phases, one after the other, with one daemon.
fn churn(program: &Path, memory_mib: u64, threads: usize) -> Outcome {
    let directory = tempfile::tempdir()?;
    let (daemon, address) = start(program, memory_mib, threads, directory.path())?;
    let mut idlers = Vec::new();
    for phase in PHASES {
        let share = memory_mib * phase.rounds / threads as u64;
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|seed| scope.spawn(move || work(address, phase, share << 20, seed as u64)))
                .collect();
            workers.into_iter().try_for_each(|worker| {
                let ended = worker.join();
                ended.map_err(|_| Failure::new("a client panicked"))?
            })
        })
        .map_err(|failure| failure.while_doing(phase.name))?;
        // From here on some clients have asked for values and do not read them.
        idlers.push(Idler::ask(address, phase)?);
        let (now, peak) = (memory(&daemon, "VmRSS")?, memory(&daemon, "VmHWM")?);
        println!(
            "    {}: {now:.1} MiB resident, at most {peak:.1}",
            phase.name
        );
    }
    let (peak, limit) = (memory(&daemon, "VmHWM")?, memory_mib as f64 * 1.05 + 16.0);
    ensure!(
        peak <= limit,
        "{peak:.1} MiB were resident, {limit:.1} are allowed"
    );
    drop(idlers);
    Ok(())
}

/// One client's part of a phase.
fn work(address: SocketAddr, phase: &Phase, bytes: u64, seed: u64) -> Outcome {
    let mut client = Client::connect(address)?;
    let mut load = phase.load(bytes, seed);
    while client.perform(&mut load)? {}
    Ok(())
}

fn start(
    program: &Path,
    memory_mib: u64,
    threads: usize,
    directory: &Path,
) -> Outcome<(Process, SocketAddr)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = Command::new(program);
    command.args(["-l", "127.0.0.1", "-p", &address.port().to_string()]);
    command.args(["-m", &memory_mib.to_string(), "-t", &threads.to_string()]);
    if geteuid().is_root() {
        command.args(["-u", process::first_user(CACHE_USERS)?]);
    }
    let mut daemon = Process::spawn("cache", command, directory)?;
    daemon.wait_ready(|| wait::accepts(address))?;
    Ok((daemon, address))
}

/// A figure of the daemon's `status`, in MiB.
fn memory(daemon: &Process, name: &str) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid()))?;
    let figure = status.lines().find_map(|line| {
        let (found, rest) = line.split_once(':')?;
        let figure = rest.split_whitespace().next()?;
        (found == name).then(|| figure.parse::<u64>())
    });
    let kib = figure.ok_or_else(|| Failure::new(format!("no {name} in the status")))??;
    Ok(kib as f64 / 1024.0)
}
