//! Random conversations with a cache and with memcached: every answer is the same, and at the end so
//! are the counters.
//!
//! Takes the same options as the guide's test; the balancer is not used. What memcached answers by
//! chance is not asked for, nor what its versions answer differently.

mod conversation;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::ExitCode;

use nix::unistd::geteuid;
use steadfast_tests::cache::Cache;
use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::network::{self, Addresses};
use steadfast_tests::peers::{self, Options};
use steadfast_tests::{ensure, wait};

use self::conversation::Conversation;

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
    let directory = tempfile::tempdir()?;
    let [left, right] = Addresses::choose()?.cache;
    let _model = Cache::start("memcached", Path::new(MODEL), left, directory.path())?;
    let _cache = Cache::start("cache", &options.cached, right, directory.path())?;
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
    let start = &bytes[..bytes.len().min(400)];
    format!("\"{}\" ({} bytes)", start.escape_ascii(), bytes.len())
}

/// A client of one of the two.
struct Peer {
    stream: TcpStream,
}

impl Peer {
    fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        Ok(Self { stream })
    }

    /// Sends a request and returns what is answered, which may be nothing: a `version` behind it tells
    /// where the answer ends.
    fn ask(&mut self, request: &[u8]) -> Outcome<Vec<u8>> {
        self.stream.write_all(&[request, b"version\r\n"].concat())?;
        let mut answer = Vec::new();
        let mut buffer = [0; 64 << 10];
        loop {
            if answer.ends_with(b"\r\n") {
                let line = answer[..answer.len() - 1]
                    .rsplit(|&byte| byte == b'\n')
                    .next();
                let line = line.unwrap_or_default();
                if line.starts_with(b"VERSION ") {
                    answer.truncate(answer.len() - 1 - line.len());
                    return Ok(answer);
                }
            }
            let bytes = self.stream.read(&mut buffer)?;
            ensure!(bytes > 0, "closed after {}", shown(request));
            answer.extend_from_slice(&buffer[..bytes]);
        }
    }

    fn counters(&mut self) -> Outcome<BTreeMap<String, String>> {
        let answer = String::from_utf8_lossy(&self.ask(b"stats\r\n")?).into_owned();
        let counted = answer.lines().filter_map(|line| {
            let (name, value) = line.strip_prefix("STAT ")?.split_once(' ')?;
            COUNTERS
                .contains(&name)
                .then(|| (name.to_owned(), value.to_owned()))
        });
        Ok(counted.collect())
    }
}

const MODEL: &str = "/usr/bin/memcached";
const CONVERSATIONS: u64 = 24;
const REQUESTS: usize = 250;
/// Counters of requests. Those of items depend on when expired ones are met or swept.
const COUNTERS: &[&str] = &[
    "cmd_get",
    "cmd_set",
    "cmd_flush",
    "cmd_touch",
    "get_hits",
    "get_misses",
    "delete_misses",
    "delete_hits",
    "incr_misses",
    "incr_hits",
    "decr_misses",
    "decr_hits",
    "cas_misses",
    "cas_hits",
    "cas_badval",
    "touch_hits",
    "touch_misses",
    "store_too_large",
    "store_no_memory",
];
