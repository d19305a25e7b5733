//! The one place with `unsafe`: calls that need care which the compiler can't check.

use std::ffi::CString;
use std::io;

use nix::unistd::{self, ForkResult, Gid, SysconfVar};

mod mapping;

pub(crate) use mapping::{HUGE_PAGE_BYTES, Mapping};

/// Forks. The child has a copy of everything but the other threads.
///
/// # Errors
///
/// When the kernel refuses, or does not tell how many threads there are (no `/proc`).
///
/// # Panics
///
/// When the process has more than one thread: locks of the others would stay locked in the child.
pub(crate) fn fork() -> io::Result<ForkResult> {
    assert!(
        thread_count()? <= 1,
        "a process forks before it starts threads"
    );
    // SAFETY: a forked child may call only async-signal-safe functions if the parent had other
    // threads. The assertion above says it had none, so the child may do anything.
    Ok(unsafe { unistd::fork() }?)
}

/// Sets the supplementary groups to those of the user called `name`, and `gid`.
pub(crate) fn init_groups(name: &str, gid: Gid) -> nix::Result<()> {
    let name = CString::new(name).map_err(|_| nix::Error::EINVAL)?;
    unistd::initgroups(&name, gid)
}

/// Limits glibc's allocator to one heap.
pub(crate) fn share_one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes plain numbers, and the allocator's own lock.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Returns the size of a page of memory.
pub(crate) fn page_bytes() -> usize {
    let size = unistd::sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|bytes| usize::try_from(bytes).ok())
        .unwrap_or(4096)
}

/// Counts the threads of this process. Not to know is no proof that there is only one.
fn thread_count() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

/// Runs `body` in a forked child and returns its exit status; a panic gives 101.
///
/// For tests only: the test runner has threads, so `body` must keep to what works regardless
/// (glibc keeps its allocator and its user database usable in a forked child).
#[cfg(test)]
pub(crate) fn in_child(body: impl FnOnce() -> i32) -> i32 {
    use nix::sys::wait::{WaitStatus, waitpid};
    // SAFETY: see above: glibc resets its own locks in the child, and `body` takes no others; the
    // child leaves by `_exit`, so no destructor or exit handler of the parent runs twice.
    match unsafe { unistd::fork() }.expect("tests may fork") {
        ForkResult::Child => {
            let status =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(101);
            // SAFETY: ends the process at once; takes a plain number.
            unsafe { libc::_exit(status) }
        }
        ForkResult::Parent { child } => match waitpid(child, None).expect("the child is ours") {
            WaitStatus::Exited(_, status) => status,
            other => panic!("the child ended by {other:?}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_without_a_view_of_its_threads_does_not_fork() {
        if !unistd::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().expect("tests may write");
        let status = in_child(|| {
            unistd::chroot(folder.path()).expect("root may");
            match fork() {
                Ok(ForkResult::Child) => 0,
                Ok(ForkResult::Parent { .. }) => 1,
                Err(_) => 42,
            }
        });
        assert_eq!(status, 42);
    }
}
