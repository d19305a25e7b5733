//! Our balancer beside HAProxy.

use std::io;

use steadfast_benches::closed_loop::Generator;
use steadfast_benches::http::{self, Workload};
use steadfast_benches::report::Row;
use steadfast_benches::rounds::Contestant;
use steadfast_benches::server::{self, GENERATOR_CORE, SERVER_CORE};

use crate::{Options, start, start_role};

/// CPU time per request in a closed loop.
pub(crate) fn compare(options: &Options, workload: Workload) -> io::Result<Row> {
    let web_address = server::free_address()?;
    let arguments = ["web".to_owned(), web_address.to_string()];
    let web = start_role(&arguments, web_address, GENERATOR_CORE)?;
    let mut servers = Vec::new();
    for (label, path) in options.programs("steadfast-balancer", "haproxy") {
        let address = server::free_address()?;
        let text = http::balancer_configuration(address, web.address(), workload.close);
        let file = std::env::temp_dir().join(format!("side-by-side-{}.cfg", address.port()));
        std::fs::write(&file, text)?;
        let arguments = [
            "-f".to_owned(),
            file.display().to_string(),
            "-db".to_owned(),
        ];
        let started = start(&path, &arguments, address);
        std::fs::remove_file(&file)?;
        servers.push((label, started?));
    }
    let address = server::free_address()?;
    let arguments = [
        "floor-pump".to_owned(),
        address.to_string(),
        web.address().to_string(),
    ];
    let floor = start_role(&arguments, address, SERVER_CORE)?;
    servers.push(("floor".to_owned(), floor));
    let mut contestants = Vec::new();
    for (name, server) in &servers {
        let script = Box::new(http::Requests::new(workload));
        let load = Generator::connect(server.address(), workload.connections, script)?;
        contestants.push(Contestant::new(name, server.pid(), Box::new(load)));
    }
    options.run_rounds(workload.name, contestants, &[web.pid()])
}
