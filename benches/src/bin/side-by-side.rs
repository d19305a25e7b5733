//! Runs our daemons beside their peers and prints the tables of ratios.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use steadfast_benches::closed_loop::{Generator, Script};
use steadfast_benches::memcached::KeySpace;
use steadfast_benches::report::{self, Row};
use steadfast_benches::rounds::{self, Contestant};
use steadfast_benches::server::{self, Server};
use steadfast_benches::{floor, http, memcached};

/// Compares our daemons with memcached and HAProxy: CPU time per request, ratios inside rounds.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Peers as NAME or NAME=PATH: memcached, haproxy.
    #[arg(long, value_delimiter = ',', default_value = "memcached,haproxy")]
    against: Vec<String>,
    /// Workloads by name; all by default.
    #[arg(long, value_delimiter = ',')]
    work: Vec<String>,
    /// Counted rounds.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Length of one slot in milliseconds.
    #[arg(long, default_value_t = 300)]
    slot_ms: u64,
    /// Folder of our own binaries.
    #[arg(long, default_value = "target/release")]
    bin: PathBuf,
    /// Upper bound of the key space (a million in full runs).
    #[arg(long, default_value_t = 1_000_000)]
    keys_max: usize,
    #[command(subcommand)]
    role: Option<Role>,
}

/// Helper processes of a run; it starts them itself.
#[derive(Debug, Subcommand)]
enum Role {
    /// Canned answers: the floor below a cache.
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
    let result = match &options.role {
        Some(role) => serve(role),
        None => compare(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("side-by-side: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(role: &Role) -> io::Result<()> {
    match *role {
        Role::FloorCache {
            address,
            value_bytes,
            keys_per_get,
        } => floor::serve_cache(TcpListener::bind(address)?, value_bytes, keys_per_get),
        Role::FloorPump { address, back } => floor::serve_pump(TcpListener::bind(address)?, back),
        Role::Web { address } => http::serve(&TcpListener::bind(address)?),
    }
}

fn compare(options: &Options) -> io::Result<()> {
    // Generator and web server share the second core; servers have the first.
    pin_self(GENERATOR_CORE)?;
    let wanted = |name: &str| options.work.is_empty() || options.work.iter().any(|w| w == name);
    let mut rows = Vec::new();
    for workload in memcached::WORKLOADS
        .iter()
        .filter(|workload| wanted(workload.name))
    {
        eprintln!("{} ...", workload.name);
        rows.push(compare_caches(options, *workload)?);
    }
    print!("{}", report::table(&rows));
    rows.clear();
    for workload in http::WORKLOADS
        .iter()
        .filter(|workload| wanted(workload.name))
    {
        eprintln!("{} ...", workload.name);
        rows.push(compare_balancers(options, *workload)?);
    }
    if !rows.is_empty() {
        print!("\n{}", report::table(&rows));
    }
    Ok(())
}

fn compare_caches(options: &Options, workload: memcached::Workload) -> io::Result<Row> {
    let keys = Arc::new(KeySpace::new(workload.keys_max.min(options.keys_max)));
    let flags = |address: SocketAddr| {
        let text = format!(
            "-t 1 -m 3000 -c 16000 -I 2m -U 0 -u root -l {} -p {}",
            address.ip(),
            address.port()
        );
        text.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let mut servers = vec![("ours".to_owned(), {
        let address = server::free_address()?;
        start(
            &options.bin.join("steadfast-cached"),
            &flags(address),
            address,
        )?
    })];
    if let Some((name, path)) = peer(options, "memcached") {
        let address = server::free_address()?;
        servers.push((name, start(Path::new(&path), &flags(address), address)?));
    }
    let address = server::free_address()?;
    let arguments = [
        "floor-cache".to_owned(),
        address.to_string(),
        workload.value_bytes.to_string(),
        workload.keys_per_get.to_string(),
    ];
    servers.push((
        "floor".to_owned(),
        start(&std::env::current_exe()?, &arguments, address)?,
    ));
    let mut contestants = Vec::new();
    for (index, (name, server)) in servers.iter().enumerate() {
        if name != "floor" {
            fill(server.address(), &keys, workload.value_bytes)?;
        }
        let script: Box<dyn Script> = Box::new(memcached::Requests::new(
            keys.clone(),
            workload,
            index * 7919,
        ));
        let generator = Generator::connect(server.address(), CACHE_CONNECTIONS, script)?;
        contestants.push(Contestant::new(name, server.pid(), generator));
    }
    finish(options, workload.name, contestants, &[])
}

fn fill(address: SocketAddr, keys: &Arc<KeySpace>, value_bytes: usize) -> io::Result<()> {
    let script = memcached::Fill::new(keys.clone(), value_bytes);
    let mut generator = Generator::connect(address, 1, Box::new(script))?;
    let mut stored = 0;
    while stored < keys.len() as u64 {
        stored += generator.run_until(Instant::now())?;
    }
    Ok(())
}

fn compare_balancers(options: &Options, workload: http::Workload) -> io::Result<Row> {
    let web_address = server::free_address()?;
    let arguments = ["web".to_owned(), web_address.to_string()];
    let own = std::env::current_exe()?;
    let web = Server::start(
        &own.to_string_lossy(),
        &arguments,
        web_address,
        GENERATOR_CORE,
    )?;
    let mut programs = vec![(
        "ours".to_owned(),
        options.bin.join("steadfast-balancer").display().to_string(),
    )];
    programs.extend(peer(options, "haproxy"));
    let mut servers = Vec::new();
    for (name, path) in programs {
        let address = server::free_address()?;
        let text = http::balancer_configuration(address, web.address(), workload.close);
        let file = std::env::temp_dir().join(format!("side-by-side-{}.cfg", address.port()));
        std::fs::write(&file, text)?;
        let arguments = [
            "-f".to_owned(),
            file.display().to_string(),
            "-db".to_owned(),
        ];
        let started = start(Path::new(&path), &arguments, address);
        std::fs::remove_file(&file)?;
        servers.push((name, started?));
    }
    let address = server::free_address()?;
    let arguments = [
        "floor-pump".to_owned(),
        address.to_string(),
        web.address().to_string(),
    ];
    servers.push(("floor".to_owned(), start(&own, &arguments, address)?));
    let mut contestants = Vec::new();
    for (name, server) in &servers {
        let script: Box<dyn Script> = Box::new(http::Requests::new(workload));
        let generator = Generator::connect(server.address(), workload.connections, script)?;
        contestants.push(Contestant::new(name, server.pid(), generator));
    }
    finish(options, workload.name, contestants, &[web.pid()])
}

fn finish(
    options: &Options,
    name: &str,
    mut contestants: Vec<Contestant>,
    companions: &[u32],
) -> io::Result<Row> {
    let slot = Duration::from_millis(options.slot_ms);
    let slots = rounds::run(&mut contestants, companions, options.rounds, slot)?;
    Ok(Row::new(name, &contestants, slots))
}

/// The peer called `name`, if it was asked for, with its path.
fn peer(options: &Options, name: &str) -> Option<(String, String)> {
    options.against.iter().find_map(|entry| {
        let (found, path) = entry.split_once('=').unwrap_or((entry, entry));
        (found == name).then(|| (found.to_owned(), path.to_owned()))
    })
}

fn start(program: &Path, arguments: &[String], address: SocketAddr) -> io::Result<Server> {
    Server::start(&program.to_string_lossy(), arguments, address, SERVER_CORE)
}

fn pin_self(core: usize) -> io::Result<()> {
    let status = std::process::Command::new("taskset")
        .args([
            "-a",
            "-p",
            "-c",
            &core.to_string(),
            &std::process::id().to_string(),
        ])
        .stdout(std::process::Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("taskset failed"))
    }
}

const SERVER_CORE: usize = 0;
const GENERATOR_CORE: usize = 1;
const CACHE_CONNECTIONS: usize = 50;
