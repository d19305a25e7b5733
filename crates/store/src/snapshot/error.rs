//! What is wrong with a snapshot.

use core::fmt;

use super::form::Version;

/// Why bytes are not a snapshot, and where that shows. Nothing of the file is to be trusted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotError {
    kind: SnapshotErrorKind,
    at: u64,
}

/// Why bytes are not a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotErrorKind {
    /// It does not begin as a snapshot does.
    Foreign,
    /// It has a form that is not known here.
    Version {
        /// The version it says it has.
        found: u32,
    },
    /// A check does not match.
    Damaged,
    /// The check matches, and this part makes no sense all the same.
    Malformed(&'static str),
    /// It ends before its end mark.
    Truncated,
    /// There are more or fewer items than its end says.
    Count,
    /// Something follows its end.
    Excess,
}

impl SnapshotError {
    pub(super) const fn new(kind: SnapshotErrorKind, at: u64) -> Self {
        Self { kind, at }
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> SnapshotErrorKind {
        self.kind
    }

    /// Returns at which byte of the file the part begins that is wrong, or the file ends too soon.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.at
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use SnapshotErrorKind as Kind;
        let at = self.at;
        match self.kind {
            Kind::Foreign => f.write_str("not a snapshot of a steadfast store"),
            Kind::Version { found } if found < Version::OLDEST => {
                let oldest = Version::OLDEST;
                write!(
                    f,
                    "format {found} is older than {oldest}, the oldest known here"
                )
            }
            Kind::Version { found } => {
                let newest = Version::NEWEST;
                write!(
                    f,
                    "format {found} is newer than {newest}, the newest known here"
                )
            }
            Kind::Damaged => write!(f, "damaged: the check fails for the part at byte {at}"),
            Kind::Malformed(what) => write!(f, "{what} at byte {at} makes no sense"),
            Kind::Truncated => write!(f, "cut off after byte {at}, before its end mark"),
            Kind::Count => write!(
                f,
                "the number of items at byte {at} is not what stands before"
            ),
            Kind::Excess => write!(f, "something follows the end mark, at byte {at}"),
        }
    }
}

impl core::error::Error for SnapshotError {}
