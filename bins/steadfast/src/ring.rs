//! `steadfast ring`: who holds a key, and what moves.

mod difference;
mod document;
mod explain;
mod fault;
mod keys;
mod list;
mod options;
mod picture;
mod place;
mod pool;
mod shares;
mod source;
mod table;
mod target;

use std::fmt;
use std::io;

use fault::Fault;

pub(crate) use options::RingCommand;
pub(crate) use target::dialects_help;

/// Why a command has no answer, or not all of it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was given is wrong: status 2.
    Input(Fault),
    /// The answer cannot be written: status 1.
    Output(io::Error),
}

/// Does what the command says; the answer goes to standard output, or to a file that it names.
///
/// # Errors
/// When what it was given is wrong, or the answer cannot be written.
pub(crate) fn run(command: &RingCommand) -> Result<(), Failure> {
    let result = match command {
        RingCommand::Place(source) => place::run(source),
        RingCommand::Where(options) => explain::run(options),
        RingCommand::Shares(options) => shares::run(options),
        RingCommand::Diff(options) => difference::run(options),
    };
    match result {
        // Whoever read the answers has had enough of them.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Input(fault)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(fault) => fault.fmt(f),
            Self::Output(error) => write!(f, "cannot write the answer: {error}"),
        }
    }
}
