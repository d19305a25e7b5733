//! Runs our daemons beside their peers and prints the tables of ratios.

mod balancers;
mod caches;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clap::{Parser, Subcommand};
use steadfast_benches::memory::{self, Program};
use steadfast_benches::report::{self, Row};
use steadfast_benches::rounds::{self, Contestant};
use steadfast_benches::server::{GENERATOR_CORE, SERVER_CORE, Server};
use steadfast_benches::{floor, http, memcached, peer};

/// Compares our daemons with memcached and HAProxy: ratios inside rounds, and memory.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Peers: KIND, KIND=PATH, or a PATH alone for a further version of the kind before it; kinds
    /// are memcached and haproxy.
    #[arg(
        long,
        global = true,
        value_delimiter = ',',
        default_value = "memcached,haproxy"
    )]
    against: Vec<String>,
    /// Workloads by name; all of the table by default.
    #[arg(long, global = true, value_delimiter = ',')]
    work: Vec<String>,
    /// Counted rounds.
    #[arg(long, global = true, default_value_t = 15)]
    rounds: usize,
    /// Length of one slot in milliseconds.
    #[arg(long, global = true, default_value_t = 300)]
    slot_ms: u64,
    /// Folder of our own binaries.
    #[arg(long, global = true, default_value = "target/release")]
    bin: PathBuf,
    /// Upper bound of the key space (a million in full runs).
    #[arg(long, global = true, default_value_t = 1_000_000)]
    keys_max: usize,
    #[command(subcommand)]
    table: Option<Table>,
}

/// What to measure; speed by default.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Table {
    /// CPU time per request, caches and balancers.
    Speed,
    /// Latency from due times at half of what the last memcached can do.
    Latency,
    /// Two threads beside one, nothing pinned.
    Scaling,
    /// What fits, what is hit, what connections cost: capacity, hits, drift, conns, churn.
    Memory,
    /// Canned answers: the floor below a cache. A run starts it itself.
    #[command(hide = true)]
    FloorCache {
        address: SocketAddr,
        value_bytes: usize,
        keys_per_get: usize,
    },
    /// A byte pump: the floor below a balancer.
    #[command(hide = true)]
    FloorPump {
        address: SocketAddr,
        back: SocketAddr,
    },
    /// The light web server behind the balancers.
    #[command(hide = true)]
    Web { address: SocketAddr },
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("side-by-side: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    match options.table.unwrap_or(Table::Speed) {
        Table::FloorCache {
            address,
            value_bytes,
            keys_per_get,
        } => floor::serve_cache(TcpListener::bind(address)?, value_bytes, keys_per_get),
        Table::FloorPump { address, back } => floor::serve_pump(TcpListener::bind(address)?, back),
        Table::Web { address } => http::serve(&TcpListener::bind(address)?),
        Table::Speed => measure_speed(options),
        Table::Latency => measure_latency(options),
        Table::Scaling => measure_scaling(options),
        Table::Memory => measure_memory(options),
    }
}

fn measure_speed(options: &Options) -> io::Result<()> {
    let caches = memcached::WORKLOADS.iter().map(|workload| workload.name);
    let balancers = http::WORKLOADS.iter().map(|workload| workload.name);
    options.check_work(caches.chain(balancers))?;
    // Generator and web server share the second core; servers have the first.
    pin_self()?;
    print_machine();
    let mut kept = None;
    let rows = options.rows(
        memcached::WORKLOADS,
        |w| w.name,
        |options, workload| caches::compare(options, workload, &mut kept),
    )?;
    drop(kept);
    println!("{}", report::speed_table(&rows));
    let rows = options.rows(http::WORKLOADS, |w| w.name, balancers::compare)?;
    println!("{}", report::speed_table(&rows));
    Ok(())
}

fn measure_latency(options: &Options) -> io::Result<()> {
    let workloads = caches::of_names(&["get512-d1", "sess-d1"]);
    options.check_work(workloads.iter().map(|workload| workload.name))?;
    pin_self()?;
    print_machine();
    let rows = options.rows(&workloads, |w| w.name, caches::compare_latency)?;
    println!("{}", report::latency_table(&rows));
    Ok(())
}

fn measure_scaling(options: &Options) -> io::Result<()> {
    let workloads = caches::of_names(&["mget100", "get512-d16", "sess-d16"]);
    options.check_work(workloads.iter().map(|workload| workload.name))?;
    print_machine();
    let rows = options.rows(&workloads, |w| w.name, caches::compare_scaling)?;
    println!("{}", report::scaling_table(&rows));
    Ok(())
}

fn measure_memory(options: &Options) -> io::Result<()> {
    options.check_work(memory::WORKLOADS.iter().map(|(name, _)| *name))?;
    pin_self()?;
    print_machine();
    let programs: Vec<Program> = options
        .programs("steadfast-cached", "memcached")
        .into_iter()
        .map(|(label, path)| Program { label, path })
        .collect();
    let mut findings = Vec::new();
    for (name, measure) in memory::WORKLOADS {
        if options.wants(name) {
            eprintln!("{name} ...");
            measure(&programs, &mut findings)?;
        }
    }
    let labels: Vec<String> = programs.into_iter().map(|program| program.label).collect();
    println!("{}", report::findings_table(&labels, &findings));
    Ok(())
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.work.is_empty() || self.work.iter().any(|wanted| wanted == name)
    }

    /// Fails if a workload was asked for that is none.
    fn check_work<'a>(&self, names: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let names: Vec<&str> = names.collect();
        match self
            .work
            .iter()
            .find(|work| !names.contains(&work.as_str()))
        {
            None => Ok(()),
            Some(unknown) => Err(io::Error::other(format!(
                "no workload {unknown} in this table, which has {}",
                names.join(", ")
            ))),
        }
    }

    /// Our program, then its peers, with what the tables call them.
    fn programs(&self, ours: &str, kind: &str) -> Vec<(String, PathBuf)> {
        let peers = peer::of_kind(&self.against, kind);
        let peers = peers.into_iter().map(|peer| (peer.label, peer.path));
        [("ours".to_owned(), self.bin.join(ours))]
            .into_iter()
            .chain(peers)
            .collect()
    }

    fn rows<W: Copy>(
        &self,
        workloads: &[W],
        name: impl Fn(&W) -> &'static str,
        mut compare: impl FnMut(&Self, W) -> io::Result<Row>,
    ) -> io::Result<Vec<Row>> {
        workloads
            .iter()
            .filter(|workload| self.wants(name(workload)))
            .map(|workload| {
                eprintln!("{} ...", name(workload));
                compare(self, *workload)
            })
            .collect()
    }

    /// Visits the contestants in turn.
    fn run_rounds(
        &self,
        name: &str,
        mut contestants: Vec<Contestant>,
        companions: &[u32],
    ) -> io::Result<Row> {
        let slot = Duration::from_millis(self.slot_ms);
        let slots = rounds::run(&mut contestants, companions, self.rounds, slot)?;
        Ok(Row::new(name, &contestants, slots))
    }
}

fn start(program: &Path, arguments: &[String], address: SocketAddr) -> io::Result<Server> {
    let program = program.to_string_lossy();
    Server::start(&program, arguments, address, Some(SERVER_CORE))
}

/// Starts one of the helpers of a run: this program in another role.
fn start_role(arguments: &[String], address: SocketAddr, core: usize) -> io::Result<Server> {
    let own = std::env::current_exe()?;
    Server::start(&own.to_string_lossy(), arguments, address, Some(core))
}

fn print_machine() {
    println!("{}\n", report::machine());
}

fn pin_self() -> io::Result<()> {
    let status = Command::new("taskset")
        .args([
            "-a",
            "-p",
            "-c",
            &GENERATOR_CORE.to_string(),
            &std::process::id().to_string(),
        ])
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("taskset failed"))
    }
}
