//! The file that says who may use the cache.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use steadfast_engine::{Credentials, CredentialsError};
use steadfast_host::exit::reason;

/// Reads the file.
///
/// # Errors
///
/// When it can't be read or is none of users and passwords.
pub(crate) fn read(file: &Path) -> Result<Credentials, UsersError> {
    let refused = |cause| UsersError {
        file: file.to_owned(),
        cause,
    };
    let content = content(file).map_err(|cause| refused(Cause::Unreadable(cause)))?;
    Credentials::parse(&content).map_err(|cause| refused(Cause::Malformed(cause)))
}

fn content(file: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(file)?
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut content)?;
    Ok(content)
}

/// Why a file of users and passwords can't be used. Tells nothing of what is in it.
#[derive(Debug)]
pub struct UsersError {
    file: PathBuf,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Unreadable(io::Error),
    Malformed(CredentialsError),
}

impl fmt::Display for UsersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match &self.cause {
            Cause::Unreadable(cause) => {
                write!(f, "cannot read the users in {file}: {}", reason(cause))
            }
            Cause::Malformed(cause) => write!(f, "users in {file}: {cause}"),
        }
    }
}

impl Error for UsersError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Unreadable(cause) => Some(cause),
            Cause::Malformed(cause) => Some(cause),
        }
    }
}

/// Many times what eight lines may have: a device or a log given by mistake is not read for ever.
const FILE_BYTES_MAX: u64 = 1 << 20;
