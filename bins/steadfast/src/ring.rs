//! `steadfast ring`: who holds a key, and what moves.

mod document;
mod fault;
mod keys;
mod list;
mod options;
mod place;
mod pool;
mod source;
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
        RingCommand::Where(_) | RingCommand::Shares(_) | RingCommand::Diff(_) => {
            Err(Fault::new("not yet").into())
        }
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
