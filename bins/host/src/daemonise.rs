//! Going to the background, with a parent that waits until the daemon is ready.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::unistd::{self, ForkResult};

use crate::exit::Status;
use crate::system;

/// Goes to the background, and returns in the daemon only.
///
/// Forks twice, with a session of its own between, so that the daemon can never acquire a terminal.
/// The process that was started waits, and exits with the status that the daemon announces:
/// whoever started it may rely on a daemon that serves, or on an exit status that says why not.
/// Standard input, output and error stay as they are until then, so that errors are seen.
///
/// # Errors
///
/// When the operating system refuses; nothing has been changed then.
///
/// # Panics
///
/// When threads have been started already.
pub fn daemonise() -> io::Result<Announcer> {
    // In a jail there may be none when it is needed.
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    let (reader, writer) = unistd::pipe()?;
    if let ForkResult::Parent { .. } = system::fork()? {
        drop(writer);
        std::process::exit(i32::from(await_status(reader)));
    }
    drop(reader);
    unistd::setsid()?;
    if let ForkResult::Parent { .. } = system::fork()? {
        // The daemon holds the pipe; this process has done its part.
        std::process::exit(0);
    }
    Ok(Announcer {
        pipe: writer.into(),
        null,
    })
}

/// The daemon's end of the line to the process that waits for it.
///
/// If it is dropped unused (a crash, an early return), the waiting process exits with status 71.
#[derive(Debug)]
pub struct Announcer {
    pipe: File,
    null: File,
}

impl Announcer {
    /// Says that the daemon serves: the waiting process exits 0.
    ///
    /// Standard input, output and, unless `keep_stderr`, error become `/dev/null`; the working
    /// folder becomes `folder`, if given, so that no file system is held busy.
    ///
    /// # Errors
    ///
    /// When `folder` or a stream is not usable; the waiting process then exits 71.
    pub fn ready(mut self, folder: Option<&Path>, keep_stderr: bool) -> io::Result<()> {
        if let Some(folder) = folder {
            std::env::set_current_dir(folder)?;
        }
        unistd::dup2_stdin(&self.null)?;
        unistd::dup2_stdout(&self.null)?;
        if !keep_stderr {
            unistd::dup2_stderr(&self.null)?;
        }
        self.tell(Status::Success)
    }

    /// Says that the daemon gives up: the waiting process exits with `status`.
    pub fn fail(mut self, status: Status) {
        // If it is gone there is nobody left to tell.
        let _ = self.tell(status);
    }

    fn tell(&mut self, status: Status) -> io::Result<()> {
        self.pipe.write_all(&[status.code()])
    }
}

fn await_status(reader: OwnedFd) -> u8 {
    let mut status = [Status::OsError.code()];
    match File::from(reader).read_exact(&mut status) {
        Ok(()) => status[0],
        Err(_) => Status::OsError.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_process_gets_the_announced_status() {
        let (reader, writer) = unistd::pipe().unwrap();
        Announcer {
            pipe: writer.into(),
            null: File::open("/dev/null").unwrap(),
        }
        .fail(Status::NoUser);
        assert_eq!(await_status(reader), 67);
    }

    #[test]
    fn daemon_that_vanishes_is_a_failure() {
        let (reader, writer) = unistd::pipe().unwrap();
        drop(Announcer {
            pipe: writer.into(),
            null: File::open("/dev/null").unwrap(),
        });
        assert_eq!(await_status(reader), 71);
    }
}
