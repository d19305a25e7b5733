//! The configuration language of HAProxy: text in, a typed model or located messages out.
//!
//! The language is the one of HAProxy's configuration manual as far as we implement it. A keyword
//! that HAProxy knows and we do not is an error that says so; nothing is accepted in silence and
//! then not done. Forms of old versions load with a warning that gives today's form.
//!
//! ```text
//! lines -> lexer: words -> parser: sections -> proxy, option, server, ...: settings -> validate: Config
//! ```

mod address;
mod diagnostic;
mod global;
mod header;
mod keyword;
mod lexer;
mod logging;
mod model;
mod network;
mod option;
mod parser;
mod proxy;
mod rule;
mod section;
mod server;
mod statement;
mod units;
mod validate;

#[cfg(test)]
mod tests;

pub use address::{Address, Host};
pub use diagnostic::{Diagnostic, Position, Severity};
pub use logging::{LogTarget, Logging, TrafficFormat};
pub use model::{
    Account, Backend, Balance, Bind, Check, Config, ConnectionMode, ForwardFor, Frontend, Global,
    HeaderMatch, HttpRequestRule, Level, LogHostname, Proxy, Redispatch, Server, StatsSocket,
    Timeouts,
};
pub use network::Network;

/// The outcome of [`parse`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parsed {
    /// The configuration; `None` if any diagnostic is an error.
    pub config: Option<Config>,
    /// All messages about all files: about statements in the order of the text, then about the
    /// whole. What concerns the whole is looked at only when every statement is in order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads configuration files, in order, as if they were one; a section ends with its file.
///
/// `files` holds pairs of name and content; `environment` looks up a variable. All faults of all
/// files are listed, not only the first (up to a thousand; a note tells of more). Takes time linear
/// in the size of the files.
#[must_use]
pub fn parse(files: &[(&str, &[u8])], environment: &dyn Fn(&str) -> Option<String>) -> Parsed {
    let mut parser = parser::Parser::new(environment);
    for (name, content) in files {
        parser.read_file(name, content);
    }
    let (draft, mut complaints) = parser.finish();
    let mut config = None;
    if !complaints.has_error() {
        config = Some(validate::resolve(draft, &mut complaints));
    }
    if complaints.has_error() {
        config = None;
    }
    Parsed {
        config,
        diagnostics: complaints.into_vec(),
    }
}
