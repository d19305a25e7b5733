//! Why certificates can't be used.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use steadfast_host::exit::reason;

/// Why TLS can't be had, or certificates can't be used, in one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// This build has no TLS: its feature is off.
    NotBuilt,
    /// An endpoint wants TLS, and the settings don't say with which certificate.
    NoSettings,
    /// A file can't be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file holds nothing of the kind, or something that is broken.
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was looked for: `certificate`, say.
        what: &'static str,
        /// What is wrong with it.
        fault: String,
    },
    /// A name in the list of ciphers is not one of those that can be had.
    UnknownCipher {
        /// The name.
        name: String,
        /// Those that can be had.
        known: String,
    },
    /// Certificates of clients are asked for, and nobody is named who may vouch for them.
    NoAuthorities,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuilt => f.write_str("this build has no TLS (the feature 'tls')"),
            Self::NoSettings => f.write_str("an endpoint in TLS needs a certificate"),
            Self::Unreadable { path, cause } => {
                write!(f, "cannot read {}: {}", path.display(), reason(cause))
            }
            Self::Unusable { path, what, fault } => {
                write!(f, "no usable {what} in {}: {fault}", path.display())
            }
            Self::UnknownCipher { name, known } => {
                let name = name.escape_debug();
                write!(f, "the cipher '{name}' (ssl_ciphers) is none of {known}")
            }
            Self::NoAuthorities => f.write_str(
                "certificates of clients are asked for, and ssl_ca_cert does not say who vouches for them",
            ),
        }
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
