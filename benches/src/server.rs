//! Server processes of a run: started pinned to one core, awaited, and ended with the run.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server; dropping it ends the process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts `program` with `arguments`, on core `core` only if one is given, and waits until it
    /// accepts connections on `address`.
    ///
    /// # Errors
    /// The program is missing, ends at once, or does not listen within [`START_MAX`].
    pub fn start(
        program: &str,
        arguments: &[String],
        address: SocketAddr,
        core: Option<usize>,
    ) -> io::Result<Self> {
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string(), program]);
                command
            }
            None => Command::new(program),
        };
        let child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut server = Self { child, address };
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(io::Error::other(format!("{program} ended: {status}")));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!(
                    "{program} does not listen on {address}"
                )));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        // taskset replaces itself with the program, so the child is the server.
        self.child.id()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about it here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The core of the servers of a run.
pub const SERVER_CORE: usize = 0;

/// The core of the generator, and of a web server behind balancers.
pub const GENERATOR_CORE: usize = 1;

/// Time that a server has to open its port.
pub const START_MAX: Duration = Duration::from_secs(10);

/// A loopback address whose port was free a moment ago.
///
/// # Errors
/// No port is free.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
