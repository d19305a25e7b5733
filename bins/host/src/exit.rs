//! Exit statuses, and the one line on standard error that explains them.

use std::fmt::Display;
use std::process::ExitCode;

/// Why a process ends, as the number that scripts and service managers see (`sysexits.h`).
///
/// memcached and its packages use 0, 1, 64, 67 and 71 in these meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Status {
    /// Everything went as asked.
    Success = 0,
    /// An option or a value could not be understood; also a configuration that fails its check.
    Failure = 1,
    /// Options contradict each other, or something needed is missing (`EX_USAGE`).
    Usage = 64,
    /// The user or group does not exist (`EX_NOUSER`).
    NoUser = 67,
    /// The operating system refused: bind, fork, limits (`EX_OSERR`).
    OsError = 71,
}

impl Status {
    /// Returns the number given to the operating system.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// Prints `program: message` as one line on standard error and returns the status for `main`.
pub fn fail(program: &str, status: Status, message: impl Display) -> ExitCode {
    crate::log::line(program, message);
    status.into()
}
