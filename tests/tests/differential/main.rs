//! Random conversations with a cache and with memcached: every answer is the same, or differs for a
//! reason that is known and named; and at the end the counters are the same.
//!
//! Takes the same options as the guide's test; the balancer is not used. The model is Debian's
//! memcached, and in addition a newer one where `STEADFAST_MEMCACHED` names its program. What
//! memcached answers by chance is not asked for.

mod answer;
mod binary;
mod closing;
mod conversation;
mod dice;
mod mistakes;
mod peer;
mod reasons;
mod request;
mod run;
mod stream;

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::unistd::geteuid;
use steadfast_tests::cache::Cache;
use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::ensure;
use steadfast_tests::network::{self, Addresses};
use steadfast_tests::peers::{self, Options};

use self::conversation::Conversation;
use self::peer::Peer;

/// Which memcached is the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Before 1.6.40, with the old parser: Debian's.
    Old,
    /// The one that ours speaks.
    New,
}

fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(options) => options,
        Err(failure) => {
            eprintln!("differential: {failure}\n\n{}", peers::USAGE);
            return ExitCode::from(2);
        }
    };
    let mut checks = Checks::new();
    if let Err(failure) = perform(&options, &mut checks) {
        checks.record("conversations can be held to the end", Err(failure));
    }
    checks.finish(&format!(
        "answers of {}, against memcached's",
        options.peers()
    ));
    if checks.all_passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn perform(options: &Options, checks: &mut Checks) -> Outcome {
    ensure!(geteuid().is_root(), "root is needed, for the caches' user");
    network::enter_namespaces()?;
    println!("{}", options.describe());
    let [left, right] = Addresses::choose()?.cache;
    let mut models = vec![(PathBuf::from(OLD_MODEL), Dialect::Old)];
    if let Some(program) = env::var_os(NEW_MODEL_VARIABLE) {
        models.push((program.into(), Dialect::New));
    }
    for (model, dialect) in models {
        println!("model: {}", model.display());
        let directory = tempfile::tempdir()?;
        let _model = Cache::start("memcached", &model, left, directory.path())?;
        let _cache = Cache::start("cache", &options.cached, right, directory.path())?;
        let addresses = [left, right];
        converse(addresses, checks)?;
        run::compare(addresses, dialect, checks)?;
        closing::compare(addresses, dialect, checks);
        binary::compare(addresses, checks);
    }
    Ok(())
}

/// Conversations in which nothing may differ, one request after the other; and what was counted.
fn converse(addresses: [SocketAddr; 2], checks: &mut Checks) -> Outcome {
    let [left, right] = addresses;
    let mut pair = [Peer::connect(left)?, Peer::connect(right)?];
    for seed in 0..CONVERSATIONS {
        let held = hold(&mut pair, seed);
        checks.record(
            &format!("conversation {seed} is answered as by memcached"),
            held,
        );
    }
    checks.run("all of it is counted as by memcached", || {
        let [expected, found] = [pair[0].counters()?, pair[1].counters()?];
        ensure!(expected == found, "memcached {expected:?}, cache {found:?}");
        Ok(())
    });
    Ok(())
}

fn hold(pair: &mut [Peer; 2], seed: u64) -> Outcome {
    let mut conversation = Conversation::new(seed);
    for number in 0..REQUESTS {
        let request = conversation.request();
        let [expected, found] = [pair[0].ask(&request)?, pair[1].ask(&request)?];
        ensure!(
            expected == found,
            "request {number}, {}: memcached says {}, the cache {}",
            shown(&request),
            shown(&expected),
            shown(&found)
        );
    }
    Ok(())
}

fn shown(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(SHOWN_BYTES_MAX)];
    let left = match bytes.len() - start.len() {
        0 => String::new(),
        left => format!(" and {left} bytes"),
    };
    format!("\"{}\"{left}", start.escape_ascii())
}

const OLD_MODEL: &str = "/usr/bin/memcached";
const NEW_MODEL_VARIABLE: &str = "STEADFAST_MEMCACHED";
const SHOWN_BYTES_MAX: usize = 160;
const CONVERSATIONS: u64 = 24;
const REQUESTS: usize = 250;
