//! Our cache beside memcached.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use steadfast_benches::closed_loop::{Generator, Script};
use steadfast_benches::keys::KeySpace;
use steadfast_benches::memcached::{self, Fill, Requests, Workload};
use steadfast_benches::open_loop::OpenLoop;
use steadfast_benches::report::Row;
use steadfast_benches::rounds::{Contestant, Load};
use steadfast_benches::server::{self, SERVER_CORE, Server};

use crate::{Options, start, start_role};

/// CPU time per request in a closed loop.
pub(crate) fn compare(options: &Options, workload: Workload) -> io::Result<Row> {
    let field = Field::start(options, workload)?;
    let mut contestants = Vec::new();
    for (index, (name, server)) in field.servers.iter().enumerate() {
        let load = field.closed_loop(server, index)?;
        contestants.push(Contestant::new(name, server.pid(), Box::new(load)));
    }
    options.run_rounds(workload.name, contestants, &[])
}

/// Latency from due times, at half the rate that the last peer reaches in a closed loop.
pub(crate) fn compare_latency(options: &Options, workload: Workload) -> io::Result<Row> {
    let field = Field::start(options, workload)?;
    let Some(newest) = field.servers.iter().rev().nth(1) else {
        return Err(io::Error::other("there is no server"));
    };
    let mut closed = field.closed_loop(&newest.1, 0)?;
    closed.run_until(Instant::now() + SATURATION_TIME / 4)?;
    let begin = Instant::now();
    let answered = closed.run_until(begin + SATURATION_TIME)?;
    let interval = begin.elapsed() * 2 / u32::try_from(answered.operations.max(1)).unwrap_or(1);
    drop(closed);
    let mut contestants = Vec::new();
    for (index, (name, server)) in field.servers.iter().enumerate() {
        let script = field.script(index);
        let load = OpenLoop::connect(server.address(), workload.connections, script, interval)?;
        contestants.push(Contestant::new(name, server.pid(), Box::new(load)));
    }
    options.run_rounds(workload.name, contestants, &[])
}

/// Each server with one thread and with two, nothing pinned, no floor.
pub(crate) fn compare_scaling(options: &Options, workload: Workload) -> io::Result<Row> {
    let keys = Arc::new(KeySpace::new(workload.keys_max.min(options.keys_max)));
    let mut servers = Vec::new();
    for (label, path) in options.programs("steadfast-cached", "memcached") {
        for threads in [1, 2] {
            let address = server::free_address()?;
            let path = path.to_string_lossy();
            let server = Server::start(&path, &flags(address, threads), address, None)?;
            servers.push((label.clone(), server));
        }
    }
    let field = Field {
        workload,
        keys,
        servers,
    };
    field.fill()?;
    let mut contestants = Vec::new();
    for (index, (name, server)) in field.servers.iter().enumerate() {
        let load = field.closed_loop(server, index)?;
        contestants.push(Contestant::new(name, server.pid(), Box::new(load)));
    }
    options.run_rounds(workload.name, contestants, &[])
}

/// The workloads with these names.
pub(crate) fn of_names(names: &[&str]) -> Vec<Workload> {
    memcached::WORKLOADS
        .iter()
        .filter(|workload| names.contains(&workload.name))
        .copied()
        .collect()
}

/// The servers of a comparison, filled alike: ours, the peers, the floor.
struct Field {
    workload: Workload,
    keys: Arc<KeySpace>,
    servers: Vec<(String, Server)>,
}

impl Field {
    fn start(options: &Options, workload: Workload) -> io::Result<Self> {
        let keys = Arc::new(KeySpace::new(workload.keys_max.min(options.keys_max)));
        let mut servers = Vec::new();
        for (label, path) in options.programs("steadfast-cached", "memcached") {
            let address = server::free_address()?;
            servers.push((label, start(&path, &flags(address, 1), address)?));
        }
        let mut field = Self {
            workload,
            keys,
            servers,
        };
        field.fill()?;
        let address = server::free_address()?;
        let arguments = [
            "floor-cache".to_owned(),
            address.to_string(),
            workload.value_bytes.to_string(),
            workload.keys_per_get.to_string(),
        ];
        let floor = start_role(&arguments, address, SERVER_CORE)?;
        field.servers.push(("floor".to_owned(), floor));
        Ok(field)
    }

    fn fill(&self) -> io::Result<()> {
        for (_, server) in &self.servers {
            let script = Fill::new(self.keys.clone(), &self.workload);
            let mut generator = Generator::connect(server.address(), 1, Box::new(script))?;
            let mut stored = 0;
            while stored < self.keys.len() as u64 {
                stored += generator.run_until(Instant::now())?.operations;
            }
        }
        Ok(())
    }

    /// Each server gets the requests from another place of the same sequence.
    fn script(&self, index: usize) -> Box<dyn Script> {
        Box::new(Requests::new(
            self.keys.clone(),
            self.workload,
            index * 7919,
        ))
    }

    fn closed_loop(&self, server: &Server, index: usize) -> io::Result<Generator> {
        let connections = self.workload.connections;
        Generator::connect(server.address(), connections, self.script(index))
    }
}

fn flags(address: SocketAddr, threads: usize) -> Vec<String> {
    let text = format!(
        "-t {threads} -m 3000 -c 16000 -I 2m -U 0 -u root -l {} -p {}",
        address.ip(),
        address.port()
    );
    text.split(' ').map(str::to_owned).collect()
}

const SATURATION_TIME: Duration = Duration::from_secs(2);
