//! `show info`: the process as a whole.

use core::fmt::Display;
use core::time::Duration;
use std::io::Write;

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
    /// `Pid`: the process.
    pub pid: u32,
    /// `Nbthread`.
    pub threads: u32,
    /// `node`: the machine's name.
    pub node: String,
    /// `Ulimit-n`: the limit of open files.
    pub open_files_max: u64,
    /// `Tasks`: tasks of the runtime.
    pub tasks: u32,
    /// How long its threads have been at work since the start, all together: decides `Idle_pct`.
    pub busy: Duration,
    /// `Listeners`: sockets that accept, stats sockets included.
    pub listeners: u32,
    /// `Stopping`: whether a soft stop is under way.
    pub stopping: bool,
    /// `DroppedLogs`: log lines that could not be sent.
    pub dropped_logs: u64,
}

/// Appends the lines of `show info`, `Name: value`, in HAProxy's order.
///
/// Lines about what we do not have (pools, pipes, TLS, compression, peers) are there with 0, which
/// is what HAProxy prints without them: tools fail on a missing line. What we have and do not count
/// (`BytesOutRate`, `TotalWarnings`) has no line, for a 0 would be untrue.
pub fn write_info(process: &Process, state: &State, now: Now, out: &mut Vec<u8>) {
    let mut lines = Lines { out };
    write_process(process, state, now, &mut lines);
    write_connections(state, now, &mut lines);
    lines.zeros(&[
        "SslRate",
        "SslRateLimit",
        "MaxSslRate",
        "SslFrontendKeyRate",
        "SslFrontendMaxKeyRate",
        "SslFrontendSessionReuse_pct",
        "SslBackendKeyRate",
        "SslBackendMaxKeyRate",
        "SslCacheLookups",
        "SslCacheMisses",
        "CompressBpsIn",
        "CompressBpsOut",
        "CompressBpsRateLim",
    ]);
    write_work(process, state, now, &mut lines);
}

/// From the name to the limits.
fn write_process(process: &Process, state: &State, now: Now, lines: &mut Lines<'_>) {
    let uptime_s = uptime_s(state, now);
    lines.line("Name", &"HAProxy");
    lines.line("Version", &process.version);
    lines.line("Release_date", &process.release_date);
    lines.line("Nbthread", &process.threads);
    lines.line("Nbproc", &1);
    lines.line("Process_num", &1);
    lines.line("Pid", &process.pid);
    let (days, hours) = (uptime_s / 86_400, uptime_s / 3600 % 24);
    let (minutes, seconds) = (uptime_s / 60 % 60, uptime_s % 60);
    lines.line(
        "Uptime",
        &format_args!("{days}d {hours}h{minutes:02}m{seconds:02}s"),
    );
    lines.line("Uptime_sec", &uptime_s);
    lines.zeros(&["Memmax_MB", "PoolAlloc_MB", "PoolUsed_MB", "PoolFailed"]);
    lines.line("Ulimit-n", &process.open_files_max);
    lines.line("Maxsock", &process.open_files_max);
    lines.line("Maxconn", &state.process().connections_max);
    lines.line("Hard_maxconn", &state.process().connections_max);
}

/// From the present connections to their rates.
fn write_connections(state: &State, now: Now, lines: &mut Lines<'_>) {
    let counters = state.process();
    lines.line("CurrConns", &counters.connections);
    lines.line("CumConns", &counters.connections_total);
    lines.line("CumReq", &counters.requests_total);
    lines.zeros(&[
        "MaxSslConns",
        "CurrSslConns",
        "CumSslConns",
        "Maxpipes",
        "PipesUsed",
        "PipesFree",
    ]);
    for kind in ["Conn", "Sess"] {
        lines.line(&format!("{kind}Rate"), &counters.rate.value(now.unix_ms));
        lines.line(&format!("{kind}RateLimit"), &0);
        lines.line(&format!("Max{kind}Rate"), &counters.rate.max());
    }
}

/// From the tasks to the end.
fn write_work(process: &Process, state: &State, now: Now, lines: &mut Lines<'_>) {
    let counters = state.process();
    lines.line("Tasks", &process.tasks);
    lines.line("Run_queue", &0);
    lines.line("Idle_pct", &idle_percent(process, state, now));
    lines.line("node", &process.node);
    lines.line("Stopping", &u8::from(process.stopping));
    lines.line("Jobs", &(process.listeners + counters.connections));
    lines.line("Unstoppable Jobs", &0);
    lines.line("Listeners", &process.listeners);
    lines.zeros(&["ActivePeers", "ConnectedPeers"]);
    lines.line("DroppedLogs", &process.dropped_logs);
    lines.zeros(&["BusyPolling", "FailedResolutions"]);
    lines.line("TotalBytesOut", &counters.bytes_out);
    lines.line("TotalSplicedBytesOut", &0);
    lines.zeros(&["DebugCommandsIssued", "CumRecvLogs"]);
    lines.line("Build info", &process.version);
    lines.zeros(&["Memmax_bytes", "PoolAlloc_bytes", "PoolUsed_bytes"]);
    lines.line("Start_time_sec", &(counters.started_unix_ms / 1000));
    lines.line("Tainted", &0);
    lines.line("MaxconnReached", &counters.limit_reached);
    lines.line("CurrStreams", &counters.connections);
    lines.line("CumStreams", &counters.requests_total);
}

/// The share of the time since the start that the threads had nothing to do. HAProxy's is about
/// the last moments; this one is slower to move.
fn idle_percent(process: &Process, state: &State, now: Now) -> u128 {
    let uptime_ms = now.unix_ms.saturating_sub(state.process().started_unix_ms);
    let available_ms = u128::from(uptime_ms) * u128::from(process.threads.max(1));
    100 - (process.busy.as_millis() * 100)
        .checked_div(available_ms)
        .unwrap_or(0)
        .min(100)
}

fn uptime_s(state: &State, now: Now) -> u64 {
    now.unix_ms.saturating_sub(state.process().started_unix_ms) / 1000
}

/// Lines of the form `Name: value`.
struct Lines<'a> {
    out: &'a mut Vec<u8>,
}

impl Lines<'_> {
    fn line(&mut self, name: &str, value: &dyn Display) {
        writeln!(self.out, "{name}: {value}").expect("a Vec takes all bytes");
    }

    fn zeros(&mut self, names: &[&str]) {
        for name in names {
            self.line(name, &0);
        }
    }
}
