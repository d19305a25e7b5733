//! What the operating system lets this process use, and what it has used.

use std::io;
use std::time::Duration;

use nix::sys::mman::{self, MlockAllFlags};
use nix::sys::resource::{self, Resource, UsageWho};
use nix::sys::time::TimeValLike;

/// Returns how many files and sockets this process may have open (`RLIMIT_NOFILE`).
///
/// # Errors
///
/// When the operating system does not tell.
pub fn open_files() -> io::Result<u64> {
    Ok(resource::getrlimit(Resource::RLIMIT_NOFILE)?.0)
}

/// Returns how far [`open_files`] can be raised without root's powers (the hard limit).
///
/// # Errors
///
/// When the operating system does not tell.
pub fn open_files_max() -> io::Result<u64> {
    Ok(resource::getrlimit(Resource::RLIMIT_NOFILE)?.1)
}

/// Makes sure that at least `count` files and sockets may be open, and returns the limit in force.
///
/// Never lowers a limit. Raises the hard limit too where that is permitted (root).
///
/// # Errors
///
/// When the hard limit is lower and may not be raised.
pub fn raise_open_files(count: u64) -> io::Result<u64> {
    let (soft, hard) = resource::getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= count {
        return Ok(soft);
    }
    resource::setrlimit(Resource::RLIMIT_NOFILE, count, hard.max(count))?;
    Ok(count)
}

/// Lets a crash leave a core file of any size, as far as the hard limit allows.
///
/// # Errors
///
/// When no core file at all is allowed.
pub fn allow_core_dumps() -> io::Result<()> {
    let unlimited = resource::RLIM_INFINITY;
    if resource::setrlimit(Resource::RLIMIT_CORE, unlimited, unlimited).is_ok() {
        return Ok(());
    }
    let (_, hard) = resource::getrlimit(Resource::RLIMIT_CORE)?;
    if hard == 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(resource::setrlimit(Resource::RLIMIT_CORE, hard, hard)?)
}

/// Keeps all present and future memory of this process from being swapped out, from when it is first
/// touched: addresses that are reserved only take no memory.
///
/// Not inherited by a fork: call it in the daemon, and before it gives up root.
///
/// # Errors
///
/// When `RLIMIT_MEMLOCK` can't be lifted: with a limit, some later allocation would fail.
pub fn lock_memory() -> io::Result<()> {
    let unlimited = resource::RLIM_INFINITY;
    resource::setrlimit(Resource::RLIMIT_MEMLOCK, unlimited, unlimited)?;
    lock_touched_pages()
}

pub(crate) fn lock_touched_pages() -> io::Result<()> {
    let on_fault = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    Ok(mman::mlockall(
        MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault,
    )?)
}

/// CPU time used by this process, all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CpuTime {
    /// Time in our own code.
    pub user: Duration,
    /// Time in the kernel on our behalf.
    pub system: Duration,
}

impl CpuTime {
    /// Returns what has been used up to now. One system call.
    pub fn used() -> Self {
        let Ok(usage) = resource::getrusage(UsageWho::RUSAGE_SELF) else {
            return Self::default();
        };
        let micros = |time: i64| Duration::from_micros(time.unsigned_abs());
        Self {
            user: micros(usage.user_time().num_microseconds()),
            system: micros(usage.system_time().num_microseconds()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_never_lowers() {
        let before = open_files().unwrap();
        assert_eq!(raise_open_files(1).unwrap(), before);
        assert_eq!(open_files().unwrap(), before);
    }

    #[test]
    fn work_shows_in_the_cpu_time() {
        let before = CpuTime::used();
        let mut after = before;
        for round in 0..1_000_000_000_u64 {
            std::hint::black_box(round);
            if round % 1_000_000 == 0 {
                after = CpuTime::used();
                if after.user > before.user {
                    break;
                }
            }
        }
        assert!(after.user > before.user);
    }
}
