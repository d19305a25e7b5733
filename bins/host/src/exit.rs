//! Exit statuses, and the one line on standard error that explains them.

use std::fmt::Display;
use std::io;
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

/// Says in plain words what the operating system meant, to follow a colon in such a line.
pub fn reason(cause: &io::Error) -> String {
    use io::ErrorKind;
    match cause.kind() {
        ErrorKind::AddrInUse => "address already in use".to_owned(),
        ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => {
            let text = cause.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_lowercase().chain(letters).collect()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_lower_case_and_without_numbers() {
        for (number, words) in [
            (libc::EADDRINUSE, "address already in use"),
            (
                libc::EADDRNOTAVAIL,
                "this machine does not have that address",
            ),
            (libc::EPERM, "permission denied"),
            (libc::ENOENT, "no such file or directory"),
        ] {
            assert_eq!(reason(&io::Error::from_raw_os_error(number)), words);
        }
    }
}
