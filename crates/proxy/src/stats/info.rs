//! `show info`: the process as a whole.

use crate::state::State;
use crate::time::Now;

/// What only the daemon knows about its process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the daemon fills it in")]
pub struct Process {
    /// `Version` and `show version`: the version of the language and the reports, with our own.
    pub version: String,
    /// `Release_date`: `YYYY/MM/DD`.
    pub release_date: String,
    /// `Pid`: 1 is the usual number of `Process_num`, this is the system's.
    pub pid: u32,
    /// `Nbthread`.
    pub threads: u32,
    /// `node`: the machine's name.
    pub node: String,
    /// `Ulimit-n`: the limit of open files.
    pub open_files_max: u64,
    /// `Tasks`: tasks of the runtime.
    pub tasks: u32,
    /// `Listeners`: sockets that accept, stats sockets included.
    pub listeners: u32,
    /// `Stopping`: whether a soft stop is under way.
    pub stopping: bool,
    /// `DroppedLogs`: log lines that could not be sent.
    pub dropped_logs: u64,
}

/// Appends the lines of `show info`.
pub fn write_info(process: &Process, state: &State, now: Now, out: &mut Vec<u8>) {
    let _ = (process, state, now, out);
}
