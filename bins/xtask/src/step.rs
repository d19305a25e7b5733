//! The steps of a command: run one after the other, timed, summed up at the end.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What has been run and how it ended.
pub(crate) struct Steps {
    done: Vec<(String, bool, f32)>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { done: Vec::new() }
    }

    /// Runs `command` in the workspace's root. Later steps run whether it succeeds or not.
    pub(crate) fn run(&mut self, title: &str, command: &mut Command) {
        println!("\n== {title}");
        let begin = Instant::now();
        let status = command
            .current_dir(workspace())
            .stdin(Stdio::null())
            .status();
        let good = match status {
            Ok(status) => status.success(),
            Err(error) => {
                println!("{:?} cannot be started: {error}", command.get_program());
                false
            }
        };
        self.done
            .push((title.to_owned(), good, begin.elapsed().as_secs_f32()));
    }

    /// Prints how each step ended. True if all ended well.
    pub(crate) fn sum_up(&self) -> bool {
        println!();
        for (title, good, seconds) in &self.done {
            println!(
                "{} {seconds:6.1} s  {title}",
                if *good { "ok    " } else { "FAILED" }
            );
        }
        let failed = self.done.iter().filter(|(_, good, _)| !good).count();
        println!(
            "\nsteps: {} passed, {failed} failed",
            self.done.len() - failed
        );
        failed == 0
    }
}

/// A call of the cargo that started us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(arguments);
    command
}

/// The workspace's root directory.
pub(crate) fn workspace() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| OsString::from("bins/xtask"));
    let root = Path::new(&own).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// A directory for what is built with other compiler flags, so that the usual build stays as it is.
pub(crate) fn target_directory(purpose: &str) -> PathBuf {
    let usual = env::var_os("CARGO_TARGET_DIR");
    usual
        .map_or_else(|| workspace().join("target"), PathBuf::from)
        .join(purpose)
}
