use core::fmt;
use core::time::Duration;

/// Why an operation on a session did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// No node that may hold a copy answered: they are down, or did not answer in time.
    Unreachable,
    /// Somebody else holds the lock, and did not give it back within
    /// [`Settings::lock_wait_max`](crate::Settings::lock_wait_max).
    Busy,
    /// The lock is no longer ours: its lease ran out, or every node that held it lost it.
    LockLost,
    /// A copy is newer than the session that was opened. Nothing was overwritten: open it again.
    Conflict,
    /// The session to be created exists already.
    Exists,
    /// The session is longer than [`Settings::value_bytes_max`](crate::Settings::value_bytes_max):
    /// nobody could read it. Nothing was stored.
    TooLong {
        /// The length of the session in bytes.
        found: usize,
        /// The greatest allowed.
        max: usize,
    },
    /// Every node that answered refused to store: the text of the first, without control characters.
    Refused(Box<str>),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("no cache node with this session answered"),
            Self::Busy => f.write_str("session is locked by another request"),
            Self::LockLost => f.write_str("session lock was lost before the session was saved"),
            Self::Conflict => f.write_str("session was changed by another request"),
            Self::Exists => f.write_str("session exists already"),
            Self::TooLong { found, max } => write!(f, "session of {found} bytes exceeds {max}"),
            Self::Refused(text) => write!(f, "cache node refused the session: {text}"),
        }
    }
}

impl core::error::Error for SessionError {}

/// Why settings make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// A number is outside its range.
    Range {
        /// The field of [`Settings`](crate::Settings).
        field: &'static str,
        /// What it was set to.
        found: u64,
        /// The least allowed.
        min: u64,
        /// The greatest allowed.
        max: u64,
    },
    /// A time is outside its range.
    Time {
        /// The field of [`Settings`](crate::Settings).
        field: &'static str,
        /// What it was set to.
        found: Duration,
        /// The shortest allowed.
        min: Duration,
        /// The longest allowed.
        max: Duration,
    },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range {
                field,
                found,
                min,
                max,
            } => {
                write!(f, "{field} of {found} is outside {min} to {max}")
            }
            Self::Time {
                field,
                found,
                min,
                max,
            } => {
                write!(f, "{field} of {found:?} is outside {min:?} to {max:?}")
            }
        }
    }
}

impl core::error::Error for SettingsError {}
