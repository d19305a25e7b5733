//! Who may use a cache.

use std::path::{Path, PathBuf};

/// How clients say who they are, and the file that says who may use the cache: lines of
/// `user:password`, see `steadfast_engine::Credentials`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the two ways of the protocols")]
pub enum Authentication {
    /// By a first `set` in text (`-Y`). Listeners must be for text, and there must be no UDP.
    Text(PathBuf),
    /// By SASL, with the mechanism PLAIN, in binary (`-S`). Listeners must be for binary, and there
    /// must be no UDP.
    Sasl(PathBuf),
}

impl Authentication {
    /// Returns the file of users and passwords.
    pub fn file(&self) -> &Path {
        match self {
            Self::Text(file) | Self::Sasl(file) => file,
        }
    }

    /// Returns the same with another file.
    #[must_use]
    pub fn with_file(self, file: PathBuf) -> Self {
        match self {
            Self::Text(_) => Self::Text(file),
            Self::Sasl(_) => Self::Sasl(file),
        }
    }
}
