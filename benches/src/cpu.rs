//! CPU time of processes, as the scheduler counts it.

use std::fs;
use std::io;
use std::time::Duration;

/// Reads the CPU time that a process has used so far, over all its threads, user and system.
///
/// The source is `/proc/PID/task/*/schedstat`, whose first number is nanoseconds on a CPU and
/// includes the kernel's work for the process.
///
/// # Errors
/// The process is gone, or the kernel keeps no such statistics.
pub fn process_time(pid: u32) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the listing and the read.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        nanoseconds += text
            .split_ascii_whitespace()
            .next()
            .and_then(|word| word.parse::<u64>().ok())
            .ok_or_else(|| io::Error::other("schedstat holds no number"))?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Reads the busy time of the whole machine so far, in clock ticks of 10 ms: everything in the
/// first line of `/proc/stat` but idle and I/O wait.
///
/// # Errors
/// `/proc/stat` is missing or has another shape.
pub fn machine_ticks() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    let columns: Vec<u64> = line
        .split_ascii_whitespace()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    if columns.len() < 8 {
        return Err(io::Error::other("/proc/stat has no total line"));
    }
    // user nice system idle iowait irq softirq steal; guest time is part of user time already.
    Ok(columns[..8].iter().sum::<u64>() - columns[3] - columns[4])
}

/// Resident memory of a process in bytes, from `/proc/PID/statm`.
///
/// # Errors
/// The process is gone.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    text.split_ascii_whitespace()
        .nth(1)
        .and_then(|word| word.parse::<u64>().ok())
        .map(|pages| pages * 4096)
        .ok_or_else(|| io::Error::other("statm holds no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_time_grows_with_work() {
        let pid = std::process::id();
        let before = process_time(pid).unwrap();
        let mut sum = 0_u64;
        while process_time(pid).unwrap() <= before {
            sum = std::hint::black_box(sum.wrapping_mul(31) + 7);
        }
        assert!(machine_ticks().unwrap() > 0);
        assert!(resident_bytes(pid).unwrap() > 0);
    }
}
