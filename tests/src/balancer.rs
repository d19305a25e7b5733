//! The balancer of the guide, HAProxy or ours: a daemon with a pid file, a jail and a stats socket.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::check::{Failure, Outcome};
use crate::guide::BalancerPaths;
use crate::process::{self, Finished};
use crate::wait::{self, PATIENCE};

/// A balancer that has put itself into the background. Dropped, it is killed.
#[derive(Debug)]
pub struct Balancer {
    paths: BalancerPaths,
    pid: u32,
    started: Finished,
}

/// Makes the directories that a configuration names, in `directory`.
///
/// # Errors
///
/// When they cannot be made.
pub fn lay_out(directory: &Path) -> Outcome<BalancerPaths> {
    let jail = directory.join("jail");
    fs::create_dir_all(&jail)?;
    Ok(BalancerPaths {
        jail,
        pid_file: directory.join("haproxy.pid"),
        control: directory.join("haproxy.cmd"),
    })
}

/// Runs `program -c -f configuration`: does it load?
///
/// # Errors
///
/// When the program cannot be started. That it refuses the file is no error: see the status.
pub fn check_configuration(program: &Path, configuration: &Path) -> Outcome<Finished> {
    process::run(Command::new(program).arg("-c").arg("-f").arg(configuration))
}

impl Balancer {
    /// Starts `program` with `configuration`, which says `daemon`, and waits until it serves.
    ///
    /// # Errors
    ///
    /// When the program refuses the configuration, leaves no pid of a running process, or does not answer
    /// on its stats socket.
    pub fn start(program: &Path, configuration: &Path, paths: BalancerPaths) -> Outcome<Self> {
        // A daemon keeps no stream of its starter: a pipe would be held open for good.
        let output = configuration.with_extension("out");
        let file = fs::File::create(&output)?;
        let status = Command::new(program)
            .arg("-f")
            .arg(configuration)
            .stdin(std::process::Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .status()
            .map_err(|error| {
                Failure::new(format!("cannot start {}: {error}", program.display()))
            })?;
        let started = Finished {
            status,
            stdout: String::new(),
            stderr: fs::read_to_string(&output)?,
        };
        crate::ensure!(status.success(), "{status}: {}", started.stderr);
        let pid = wait::until("the balancer's pid file", PATIENCE, || {
            let text = fs::read_to_string(&paths.pid_file).unwrap_or_default();
            Ok(text.strip_suffix('\n').and_then(|pid| pid.parse().ok()))
        })?;
        crate::ensure!(
            process::runs(pid),
            "the pid file says {pid}, which does not run"
        );
        let balancer = Self {
            paths,
            pid,
            started,
        };
        // Who answers has done all that comes before serving: jail, user, standard streams.
        wait::until(
            "the balancer to answer on its stats socket",
            PATIENCE,
            || {
                Ok(balancer
                    .info()
                    .is_ok_and(|info| !info.is_empty())
                    .then_some(()))
            },
        )?;
        Ok(balancer)
    }

    /// The process id in its pid file.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The paths that its configuration names.
    pub fn paths(&self) -> &BalancerPaths {
        &self.paths
    }

    /// What it printed when it started.
    pub fn printed(&self) -> &str {
        &self.started.stderr
    }

    /// Sends TERM and waits until the process is gone.
    ///
    /// # Errors
    ///
    /// When it stays.
    pub fn terminate(self) -> Outcome {
        process::send(self.pid, Signal::SIGTERM)?;
        wait::until("the balancer to end after TERM", PATIENCE, || {
            Ok((!process::runs(self.pid)).then_some(()))
        })
    }

    /// Sends one command to the stats socket and reads the whole answer.
    ///
    /// # Errors
    ///
    /// When the socket does not answer, or the answer does not close with an empty line.
    pub fn command(&self, command: &str) -> Outcome<String> {
        let mut socket = UnixStream::connect(&self.paths.control)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(format!("{command}\n").as_bytes())?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let ended = answer.ends_with("\n\n");
        crate::ensure!(
            ended,
            "the answer to {command:?} has no empty line at its end: {answer:?}"
        );
        Ok(answer)
    }

    /// The fields of `show info`.
    ///
    /// # Errors
    ///
    /// When a line is not `name: value`.
    pub fn info(&self) -> Outcome<BTreeMap<String, String>> {
        let answer = self.command("show info")?;
        let mut fields = BTreeMap::new();
        for line in answer.trim_end_matches('\n').lines() {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| Failure::new(format!("show info: not a field: {line:?}")))?;
            fields.insert(name.to_owned(), value.trim().to_owned());
        }
        Ok(fields)
    }

    /// The rows of `show stat`, in its order.
    ///
    /// # Errors
    ///
    /// When the answer is not the CSV of the stats socket.
    pub fn stat(&self) -> Outcome<Vec<StatRow>> {
        parse_stat(&self.command("show stat")?)
    }

    /// The row of `show stat` for `service` (a server's name, `FRONTEND` or `BACKEND`).
    ///
    /// # Errors
    ///
    /// When there is no such row.
    pub fn row(&self, service: &str) -> Outcome<StatRow> {
        let mut rows = self.stat()?.into_iter();
        rows.find(|row| row.text("svname") == Ok(service))
            .ok_or_else(|| Failure::new(format!("show stat has no row of {service}")))
    }

    /// Waits until the server's status in `show stat` is one of `wanted`, and gives it.
    ///
    /// # Errors
    ///
    /// When it does not come `within` the time.
    pub fn wait_status(
        &self,
        server: &str,
        wanted: &[&str],
        within: std::time::Duration,
    ) -> Outcome<String> {
        wait::until(&format!("{server} to be one of {wanted:?}"), within, || {
            let status = self.row(server)?.text("status")?.to_owned();
            Ok(wanted.contains(&status.as_str()).then_some(status))
        })
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        if process::runs(self.pid) {
            // It may end by itself just now, which is as good.
            let _ = process::send(self.pid, Signal::SIGKILL);
        }
    }
}

/// One row of `show stat`, by the names of the columns.
#[derive(Debug)]
pub struct StatRow(BTreeMap<String, String>);

impl StatRow {
    /// The cell in `column`, which may be empty.
    ///
    /// # Errors
    ///
    /// When there is no such column.
    pub fn text(&self, column: &str) -> Outcome<&str> {
        let cell = self.0.get(column);
        cell.map(String::as_str)
            .ok_or_else(|| Failure::new(format!("show stat has no column {column}")))
    }

    /// The cell in `column` as a number.
    ///
    /// # Errors
    ///
    /// When there is no such column, or no number in it.
    pub fn number(&self, column: &str) -> Outcome<u64> {
        let text = self.text(column)?;
        text.parse()
            .map_err(|_| Failure::new(format!("{column} is {text:?}, not a number")))
    }
}

fn parse_stat(answer: &str) -> Outcome<Vec<StatRow>> {
    let mut lines = answer.trim_end_matches('\n').lines();
    let header = lines
        .next()
        .and_then(|line| line.strip_prefix("# "))
        .and_then(|line| line.strip_suffix(','))
        .ok_or_else(|| Failure::new("show stat has no header line `# name,...,`"))?;
    let columns: Vec<_> = header.split(',').collect();
    lines
        .map(|line| {
            let cells: Vec<_> = line.strip_suffix(',').unwrap_or(line).split(',').collect();
            crate::ensure!(
                cells.len() == columns.len(),
                "show stat: {} cells for {} columns: {line}",
                cells.len(),
                columns.len()
            );
            let named = columns
                .iter()
                .zip(cells)
                .map(|(c, v)| ((*c).to_owned(), v.to_owned()));
            Ok(StatRow(named.collect()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_rows_are_read_by_column() {
        let rows =
            parse_stat("# pxname,svname,status,\nhttp,web1,UP,\nhttp,web2,DOWN 1/2,\n\n").unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].text("status"), Ok("DOWN 1/2"));
        assert!(rows[0].number("status").is_err());
        assert!(rows[0].text("weight").is_err());
        assert!(parse_stat("pxname,svname,\n").is_err());
        assert!(parse_stat("# pxname,svname,\nhttp,\n").is_err());
    }
}
