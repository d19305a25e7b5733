//! Workloads about memory: what fits, what is hit, what comes back after a change, what connections
//! cost, and whether the limit holds. One server at a time, the same seeds for all.

mod capacity;
mod churn;
mod connections;
mod drift;
mod hits;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::client::Client;
use crate::cpu;
use crate::report::Finding;
use crate::server::{self, Server};
use crate::trace::Request;

/// A cache to measure.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "runs build it")]
pub struct Program {
    /// What the tables call it.
    pub label: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A workload: measures all programs, ours first.
pub type Workload = fn(&[Program], &mut Vec<Finding>) -> io::Result<()>;

/// All memory workloads with their names.
pub const WORKLOADS: &[(&str, Workload)] = &[
    ("capacity", capacity::measure),
    ("hits", hits::measure),
    ("drift", drift::measure),
    ("conns", connections::measure),
    ("churn", churn::measure),
];

/// Starts `program` with `-m megabytes` and one worker, on the servers' core.
fn start(program: &Program, megabytes: u64) -> io::Result<Server> {
    let address: SocketAddr = server::free_address()?;
    let flags = format!(
        "-t 1 -m {megabytes} -c 16000 -U 0 -u root -l {} -p {}",
        address.ip(),
        address.port()
    );
    let flags: Vec<String> = flags.split(' ').map(str::to_owned).collect();
    let path = program.path.to_string_lossy();
    Server::start(&path, &flags, address, Some(server::SERVER_CORE))
}

/// Sends the next `count` requests of a trace, a batch at a time; returns the share of hits.
fn play(
    client: &mut Client,
    trace: &mut dyn Iterator<Item = Request>,
    count: usize,
) -> io::Result<f64> {
    let mut hits = 0;
    for _ in 0..count / BATCH {
        let batch: Vec<Request> = trace.take(BATCH).collect();
        hits += client.read_through(&batch)?;
    }
    Ok(hits as f64 / (count / BATCH * BATCH) as f64)
}

/// Resident memory of a server in MiB.
fn resident_mb(server: &Server) -> io::Result<f64> {
    Ok(cpu::resident_bytes(server.pid())? as f64 / MIB)
}

/// Requests of one exchange: large enough that the client is not the limit, small beside any cache.
const BATCH: usize = 50;

const MIB: f64 = (1 << 20) as f64;
