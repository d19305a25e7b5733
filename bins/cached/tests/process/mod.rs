//! The daemon as a child process.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

/// The daemon's command, as the user who runs the tests.
pub(crate) fn daemon(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast-cached"));
    if geteuid().is_root() {
        command.args(["-u", "root"]);
    }
    command.args(line.split_whitespace());
    command
}

/// A daemon in the foreground, ended with the test.
pub(crate) struct Foreground {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Foreground {
    /// Starts on a free loopback port, and waits until it serves.
    pub(crate) fn start(line: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The daemon writes there after it has become another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let ports = folder.path().join("ports");
        let child = daemon(line)
            .args(["-l", "127.0.0.1", "-p", "-1"])
            .env("MEMCACHED_PORT_FILENAME", &ports)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port(&ports)));
        Self {
            child,
            address,
            _folder: folder,
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Waits for the end, and returns the exit status and all of standard error.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        (self.child.wait().unwrap().code(), text)
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the file of ports and returns the first.
pub(crate) fn port(path: &Path) -> u16 {
    await_true(|| path.exists());
    let text = fs::read_to_string(path).unwrap();
    let port = text
        .strip_prefix("TCP INET: ")
        .and_then(|text| text.lines().next());
    port.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

pub(crate) fn await_true(mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "waited in vain"
        );
        std::thread::yield_now();
    }
}
