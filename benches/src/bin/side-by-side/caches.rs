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

use crate::{Options, start_role};

/// CPU time per request in a closed loop. Servers that are filled for it already are `kept` from
/// the workload before.
pub(crate) fn compare(
    options: &Options,
    workload: Workload,
    kept: &mut Option<Field>,
) -> io::Result<Row> {
    let field = match kept.take().filter(|field| field.suits(&workload)) {
        Some(field) => Field { workload, ..field },
        None => Field::start(options, workload, &[1], Some(SERVER_CORE))?,
    };
    let floor = field.start_floor()?;
    let contestants = field.contestants(Some(&floor), |server, script| {
        let load = Generator::connect(server.address(), workload.connections, script)?;
        Ok(Box::new(load))
    })?;
    let row = options.run_rounds(workload.name, contestants, &[])?;
    *kept = Some(field);
    Ok(row)
}

/// Latency from due times, at half the rate that the last peer reaches in a closed loop.
pub(crate) fn compare_latency(options: &Options, workload: Workload) -> io::Result<Row> {
    let field = Field::start(options, workload, &[1], Some(SERVER_CORE))?;
    let floor = field.start_floor()?;
    let Some((_, newest)) = field.servers.last() else {
        return Err(io::Error::other("there is no server"));
    };
    let mut closed = Generator::connect(newest.address(), workload.connections, field.script(0))?;
    closed.run_until(Instant::now() + SATURATION_TIME / 4)?;
    let begin = Instant::now();
    let answered = closed.run_until(begin + SATURATION_TIME)?;
    let interval = begin.elapsed() * 2 / u32::try_from(answered.operations.max(1)).unwrap_or(1);
    drop(closed);
    let contestants = field.contestants(Some(&floor), |server, script| {
        let address = server.address();
        let load = OpenLoop::connect(address, workload.connections, script, interval)?;
        Ok(Box::new(load))
    })?;
    options.run_rounds(workload.name, contestants, &[])
}

/// Each server with one thread and with two, nothing pinned, no floor.
pub(crate) fn compare_scaling(options: &Options, workload: Workload) -> io::Result<Row> {
    let field = Field::start(options, workload, &[1, 2], None)?;
    let contestants = field.contestants(None, |server, script| {
        let load = Generator::connect(server.address(), workload.connections, script)?;
        Ok(Box::new(load))
    })?;
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

/// The servers of a comparison, filled alike: ours, then the peers.
pub(crate) struct Field {
    workload: Workload,
    keys: Arc<KeySpace>,
    servers: Vec<(String, Server)>,
}

impl Field {
    /// Starts each program once for each number of threads, and fills it.
    fn start(
        options: &Options,
        workload: Workload,
        threads: &[usize],
        core: Option<usize>,
    ) -> io::Result<Self> {
        let keys = Arc::new(KeySpace::new(workload.keys_max.min(options.keys_max)));
        let mut servers = Vec::new();
        for (label, path) in options.programs("steadfast-cached", "memcached") {
            for &threads in threads {
                let address = server::free_address()?;
                let flags = flags(address, threads);
                let server = Server::start(&path.to_string_lossy(), &flags, address, core)?;
                fill(&server, &keys, &workload)?;
                servers.push((label.clone(), server));
            }
        }
        Ok(Self {
            workload,
            keys,
            servers,
        })
    }

    /// Whether the servers hold what this workload asks for.
    fn suits(&self, workload: &Workload) -> bool {
        let content = |of: &Workload| (of.value_bytes, of.keys_max, of.increments);
        content(&self.workload) == content(workload)
    }

    fn start_floor(&self) -> io::Result<Server> {
        let address = server::free_address()?;
        let arguments = [
            "floor-cache".to_owned(),
            address.to_string(),
            self.workload.value_bytes.to_string(),
            self.workload.keys_per_get.to_string(),
        ];
        start_role(&arguments, address, SERVER_CORE)
    }

    /// All servers, the floor last, each with a load of its own.
    fn contestants(
        &self,
        floor: Option<&Server>,
        load: impl Fn(&Server, Box<dyn Script>) -> io::Result<Box<dyn Load>>,
    ) -> io::Result<Vec<Contestant>> {
        let servers = self
            .servers
            .iter()
            .map(|(name, server)| (name.as_str(), server));
        servers
            .chain(floor.map(|floor| ("floor", floor)))
            .enumerate()
            .map(|(index, (name, server))| {
                let load = load(server, self.script(index))?;
                Ok(Contestant::new(name, server.pid(), load))
            })
            .collect()
    }

    /// Each server gets the requests from another place of the same sequence.
    fn script(&self, index: usize) -> Box<dyn Script> {
        let start = index * 7919;
        Box::new(Requests::new(self.keys.clone(), self.workload, start))
    }
}

fn fill(server: &Server, keys: &Arc<KeySpace>, workload: &Workload) -> io::Result<()> {
    let script = Fill::new(keys.clone(), workload);
    let mut generator = Generator::connect(server.address(), 1, Box::new(script))?;
    let mut stored = 0;
    while stored < keys.len() as u64 {
        stored += generator.run_until(Instant::now())?.operations;
    }
    Ok(())
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
