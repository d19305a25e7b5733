//! What the memory file's start and end have to say.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use steadfast_host::exit::reason;
use steadfast_store::snapshot::Loaded;

/// What a start found in its memory file; says so in one line.
#[derive(Clone, Debug)]
pub struct Recovery {
    pub(super) path: PathBuf,
    pub(super) found: Found,
}

#[derive(Clone, Debug)]
pub(super) enum Found {
    Nothing,
    Items {
        loaded: Loaded,
        kept: u64,
        age_secs: u64,
        took: Duration,
    },
    Refused(String),
}

impl Recovery {
    /// Returns how many items came back, and are in the store.
    pub fn items(&self) -> u64 {
        match self.found {
            Found::Items { kept, .. } => kept,
            Found::Nothing | Found::Refused(_) => 0,
        }
    }

    /// Tells whether there was a file, and it was good.
    pub fn is_loaded(&self) -> bool {
        matches!(self.found, Found::Items { .. })
    }

    /// Tells whether there was a file that could not be used.
    pub fn is_refused(&self) -> bool {
        matches!(self.found, Found::Refused(_))
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.found {
            Found::Nothing => write!(f, "recovered 0 items: there is no {path}"),
            Found::Refused(why) => write!(f, "recovered 0 items: {path} is refused: {why}"),
            Found::Items {
                loaded,
                kept,
                age_secs,
                took,
            } => {
                let total = loaded.items + loaded.expired + loaded.refused;
                write!(f, "recovered {kept} of {total} items from {path}")?;
                let lost = (loaded.items + loaded.refused).saturating_sub(*kept);
                match (loaded.expired, lost) {
                    (0, 0) => {}
                    (expired, 0) => write!(f, " ({expired} had expired)")?,
                    (0, lost) => write!(f, " ({lost} found no room)")?,
                    (expired, lost) => {
                        write!(f, " ({expired} had expired, {lost} found no room)")?;
                    }
                }
                let (creator, secs) = (&loaded.creator, took.as_secs_f64());
                write!(f, ", saved {age_secs} s ago by {creator}, in {secs:.2} s")
            }
        }
    }
}

/// What was saved; says so in one line.
#[derive(Clone, Debug)]
pub struct Saved {
    pub(super) items: u64,
    pub(super) bytes: u64,
    pub(super) path: PathBuf,
    pub(super) took: Duration,
}

impl Saved {
    /// Returns how many items are in the file.
    pub fn items(&self) -> u64 {
        self.items
    }
}

impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { items, bytes, .. } = self;
        let (path, secs) = (self.path.display(), self.took.as_secs_f64());
        write!(
            f,
            "saved {items} items, {bytes} bytes, to {path} in {secs:.2} s"
        )
    }
}

/// Why a memory file can't be had or written: `cannot use the memory file /x: permission denied`.
#[derive(Debug)]
pub struct MemoryFileError {
    path: PathBuf,
    what: &'static str,
    cause: io::Error,
}

impl MemoryFileError {
    pub(super) fn new(path: &Path, what: &'static str, cause: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            what,
            cause,
        }
    }
}

impl fmt::Display for MemoryFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, path) = (self.what, self.path.display());
        write!(
            f,
            "cannot {what} the memory file {path}: {}",
            reason(&self.cause)
        )
    }
}

impl Error for MemoryFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}
