//! The two caches of the guide, memcached or ours, and their `stats`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::check::{Failure, Outcome};
use crate::guide;
use crate::process::{self, Process};
use crate::wait;

/// Whom a cache may run as, best first: Red Hat's package makes the guide's user, Debian's calls it
/// differently.
pub const CACHE_USERS: &[&str] = &["memcached", "memcache", "nobody"];

/// One cache, started with the guide's sysconfig values. It can be stopped and started again, empty.
#[derive(Debug)]
pub struct Cache {
    name: String,
    program: PathBuf,
    address: SocketAddr,
    user: String,
    directory: PathBuf,
    running: Option<Process>,
}

impl Cache {
    /// Starts `program` at `address` and waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(
        name: &str,
        program: &Path,
        address: SocketAddr,
        directory: &Path,
    ) -> Outcome<Self> {
        let user = process::first_user(CACHE_USERS)?.to_owned();
        let mut cache = Self {
            name: name.to_owned(),
            program: program.to_owned(),
            address,
            user,
            directory: directory.to_owned(),
            running: None,
        };
        cache.start_again()?;
        Ok(cache)
    }

    /// Starts the cache after it was stopped. It comes back empty.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_again(&mut self) -> Outcome {
        let mut command = Command::new(&self.program);
        command.args(guide::cache_flags(self.address, &self.user)?);
        let mut process = Process::spawn(&self.name, command, &self.directory)?;
        let address = self.address;
        process.wait_ready(|| wait::accepts(address))?;
        self.running = Some(process);
        Ok(())
    }

    /// Stops the cache as the guide does (`systemctl stop`: TERM).
    ///
    /// # Errors
    ///
    /// When it does not run, or does not end.
    pub fn stop(&mut self) -> Outcome<ExitStatus> {
        let process = self.running.take();
        process
            .ok_or_else(|| Failure::new(format!("{} does not run", self.name)))?
            .terminate()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whom it was told to run as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Its process id.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn pid(&self) -> Outcome<u32> {
        let process = self.running.as_ref();
        process
            .map(Process::pid)
            .ok_or_else(|| Failure::new(format!("{} is down", self.name)))
    }

    /// What it has printed.
    pub fn printed(&self) -> String {
        self.running
            .as_ref()
            .map(Process::printed)
            .unwrap_or_default()
    }

    /// Sends commands of the text protocol and reads all that is answered.
    ///
    /// # Errors
    ///
    /// When the cache cannot be reached or does not close the connection after `quit`.
    pub fn ask(&self, commands: &str) -> Outcome<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        stream.write_all(format!("{commands}\r\nquit\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Asks for `stats` as the guide does, with `echo` and `nc`.
    ///
    /// `-N` is what the guide's nc (nmap's) does by itself and Debian's (OpenBSD's) only when told: say at
    /// the end of the input that there is no more.
    ///
    /// # Errors
    ///
    /// When nc fails or the answer is not `STAT` lines and `END`.
    pub fn stats(&self) -> Outcome<Stats> {
        let line = format!(
            "echo 'stats' | nc -N -w 5 {} {}",
            self.address.ip(),
            self.address.port()
        );
        let finished = process::run(Command::new("sh").args(["-c", &line]))?;
        crate::ensure!(finished.status.success(), "{line}: {}", finished.stderr);
        Stats::parse(&finished.stdout)
    }
}

/// An answer to `stats`.
#[derive(Debug)]
pub struct Stats(BTreeMap<String, String>);

impl Stats {
    /// Reads `STAT name value` lines, closed by `END`.
    ///
    /// # Errors
    ///
    /// At the first line that is not of this form, and when a name comes twice.
    pub fn parse(text: &str) -> Outcome<Self> {
        let body = text
            .strip_suffix("END\r\n")
            .ok_or_else(|| Failure::new(format!("stats do not close with END: {text:?}")))?;
        let mut values = BTreeMap::new();
        for line in body.split_terminator("\r\n") {
            let (name, value) = line
                .strip_prefix("STAT ")
                .and_then(|rest| rest.split_once(' '))
                .ok_or_else(|| Failure::new(format!("not a STAT line: {line:?}")))?;
            let before = values.insert(name.to_owned(), value.to_owned());
            crate::ensure!(before.is_none(), "STAT {name} comes twice");
        }
        Ok(Self(values))
    }

    /// The value of `name` as text.
    ///
    /// # Errors
    ///
    /// When the answer has no such name.
    pub fn text(&self, name: &str) -> Outcome<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| Failure::new(format!("stats have no {name}")))
    }

    /// The value of `name` as a number.
    ///
    /// # Errors
    ///
    /// When the answer has no such name, or the value is not a number.
    pub fn number(&self, name: &str) -> Outcome<u64> {
        let text = self.text(name)?;
        text.parse()
            .map_err(|_| Failure::new(format!("STAT {name} {text} is not a number")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_are_read_strictly() {
        let stats = Stats::parse("STAT pid 7\r\nSTAT version 1.6.18\r\nEND\r\n").unwrap();
        assert_eq!(stats.number("pid"), Ok(7));
        assert_eq!(stats.text("version"), Ok("1.6.18"));
        assert!(stats.number("uptime").is_err());
        for wrong in [
            "",
            "END\n",
            "STAT pid 7\r\n",
            "pid 7\r\nEND\r\n",
            "STAT a 1\r\nSTAT a 2\r\nEND\r\n",
        ] {
            assert!(Stats::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
