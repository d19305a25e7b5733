//! Programs started by a test: their output, their pids, their ends.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{self, Signal};
use nix::unistd::{Pid, User};

use crate::check::{Failure, Outcome};
use crate::wait::{self, PATIENCE};

/// A running program in a process group of its own. Dropped, it is killed with its children.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts `command`; both its output streams go to `NAME.out` in `directory`.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub fn spawn(name: &str, mut command: Command, directory: &Path) -> Outcome<Self> {
        let output = directory.join(format!("{name}.out"));
        let file = File::options().create(true).append(true).open(&output)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .map_err(|error| {
                Failure::new(format!("cannot start {:?}: {error}", command.get_program()))
            })?;
        Ok(Self {
            name: name.to_owned(),
            child,
            output,
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    ///
    /// When the program ends before, or takes too long; the message has what it printed.
    pub fn wait_ready(&mut self, ready: impl Fn() -> bool) -> Outcome {
        let Self {
            name,
            child,
            output,
        } = self;
        wait::until(&format!("{name} to be ready"), PATIENCE, || {
            if ready() {
                return Ok(Some(()));
            }
            match child.try_wait()? {
                None => Ok(None),
                Some(status) => Err(Failure::new(format!("{name} ended early: {status}"))),
            }
        })
        .map_err(|failure| Failure::new(format!("{failure}; it printed: {}", tail(output))))
    }

    /// Waits for a program that ends by itself.
    ///
    /// # Errors
    ///
    /// When it does not end in time.
    pub fn finish(mut self) -> Outcome<ExitStatus> {
        let Self {
            name,
            child,
            output,
        } = &mut self;
        wait::until(
            &format!("{name} to end"),
            PATIENCE,
            || Ok(child.try_wait()?),
        )
        .map_err(|failure| Failure::new(format!("{failure}; it printed: {}", tail(output))))
    }

    /// Sends TERM and waits for the end of the program.
    ///
    /// # Errors
    ///
    /// When it does not end in time.
    pub fn terminate(mut self) -> Outcome<ExitStatus> {
        send(self.pid(), Signal::SIGTERM)?;
        let Self { name, child, .. } = &mut self;
        wait::until(&format!("{name} to end after TERM"), PATIENCE, || {
            Ok(child.try_wait()?)
        })
    }

    /// Kills the program and its children where they stand, as a crash or a power cut would.
    ///
    /// # Errors
    ///
    /// When there is nothing left to kill.
    pub fn kill(mut self) -> Outcome {
        self.kill_group()
    }

    fn kill_group(&mut self) -> Outcome {
        if self.child.try_wait()?.is_none() {
            signal::killpg(as_pid(self.pid())?, Signal::SIGKILL).map_err(std::io::Error::from)?;
            self.child.wait()?;
        }
        Ok(())
    }

    /// The end of what the program has printed.
    pub fn printed(&self) -> String {
        tail(&self.output)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The program may have ended by itself, which is as good.
        let _ = self.kill_group();
    }
}

/// A program that has run to its end.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed on its standard output.
    pub stdout: String,
    /// What it printed on its standard error.
    pub stderr: String,
}

/// Runs `command` to its end with nothing on its standard input. It must be one that ends by itself.
///
/// # Errors
///
/// When it cannot be started.
pub fn run(command: &mut Command) -> Outcome<Finished> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        Failure::new(format!("cannot start {:?}: {error}", command.get_program()))
    })?;
    Ok(Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Sends `signal` to the process `pid`.
///
/// # Errors
///
/// When there is no such process.
pub fn send(pid: u32, signal: Signal) -> Outcome {
    signal::kill(as_pid(pid)?, signal).map_err(|error| Failure::new(format!("pid {pid}: {error}")))
}

/// True if the process `pid` runs. One that has ended and that nobody has waited for does not.
pub fn runs(pid: u32) -> bool {
    status_field(pid, "State").is_ok_and(|state| !state.starts_with('Z'))
}

/// The value of `field` in `/proc/PID/status`.
///
/// # Errors
///
/// When there is no such process or field.
pub fn status_field(pid: u32, field: &str) -> Outcome<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    status
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| *name == field)
        .map(|(_, value)| value.trim().to_owned())
        .ok_or_else(|| Failure::new(format!("pid {pid} has no field {field}")))
}

/// The name of the user whom the process `pid` runs as.
///
/// # Errors
///
/// When there is no such process, or its real and effective users differ, or have no name.
pub fn user_of(pid: u32) -> Outcome<String> {
    let uids = status_field(pid, "Uid")?;
    let mut each = uids.split_whitespace();
    let first = each.next().ok_or_else(|| Failure::new("no uid"))?;
    crate::ensure!(
        each.all(|uid| uid == first),
        "pid {pid} has the uids {uids}"
    );
    let user = User::from_uid(first.parse::<u32>()?.into()).map_err(std::io::Error::from)?;
    user.map(|user| user.name)
        .ok_or_else(|| Failure::new(format!("uid {first} has no name")))
}

/// The first of `names` that is a user of this machine.
///
/// # Errors
///
/// When there is none of them.
pub fn first_user<'a>(names: &[&'a str]) -> Outcome<&'a str> {
    names
        .iter()
        .find(|name| matches!(User::from_name(name), Ok(Some(_))))
        .copied()
        .ok_or_else(|| Failure::new(format!("this machine has none of the users {names:?}")))
}

/// True if a program died by `signal`.
pub fn died_by(status: ExitStatus, signal: Signal) -> bool {
    status.signal() == Some(signal as i32)
}

fn as_pid(pid: u32) -> Outcome<Pid> {
    let pid = i32::try_from(pid).map_err(|_| Failure::new(format!("pid {pid} is too large")))?;
    Ok(Pid::from_raw(pid))
}

/// The last lines of a file; nothing if it cannot be read.
pub fn tail(path: &Path) -> String {
    const LINES: usize = 20;
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_program_is_found_ended_and_its_output_kept() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; exec sleep 60"]);
        let mut process = Process::spawn("sleeper", command, directory.path()).unwrap();
        let output = directory.path().join("sleeper.out");
        process.wait_ready(|| tail(&output) == "ready").unwrap();
        let pid = process.pid();
        assert!(runs(pid));
        assert!(died_by(process.terminate().unwrap(), Signal::SIGTERM));
        assert!(!runs(pid));
    }

    #[test]
    fn program_that_ends_early_says_what_it_printed() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo port taken >&2; exit 71"]);
        let mut process = Process::spawn("early", command, directory.path()).unwrap();
        let failure = process.wait_ready(|| false).unwrap_err().to_string();
        assert!(
            failure.contains("71") && failure.ends_with("port taken"),
            "{failure}"
        );
    }
}
