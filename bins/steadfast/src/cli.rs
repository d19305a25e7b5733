//! Flags of the `steadfast` command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::ring::{RingCommand, dialects_help};

/// Web sessions that survive their servers.
///
/// Without a subcommand: `up`, a whole cluster on this machine.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) up: UpOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole cluster in this process, on loopback: a balancer, two web nodes, two caches.
    ///
    /// It prints where everything runs, the page's URL first. On a terminal it then takes commands:
    /// `stop cache1`, `start cache1`, `visit`, `status`, `help`, `quit`. Without one it runs until
    /// TERM or INT.
    #[command(after_help = EXAMPLES)]
    Up(UpOptions),
    /// Tell which node holds a key, and what moves when the nodes change.
    ///
    /// It answers as the client would whose rules are chosen, to the byte, and asks no server.
    #[command(subcommand, after_help = dialects_help())]
    Ring(RingCommand),
}

const EXAMPLES: &str = "\
Examples:
  steadfast                     start it, and type commands
  steadfast up --port 9000      the page on that port
  steadfast --script try.txt    what is in the file: stop cache1, visit, start cache1, ...
  curl -c jar -b jar URL        visit the page; again for the next count";

/// How the cluster is started.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct UpOptions {
    /// Take commands from FILE instead of the terminal, then leave; `-` is standard input.
    ///
    /// One command a line, `#` begins a comment. Ends at the first that fails, with status 1.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// The page's port; another is chosen if it is taken, unless it was asked for here.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Memory of each cache in megabytes.
    #[arg(long, value_name = "MB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(2..=1_048_576))]
    pub(crate) memory: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn flags_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn up_is_the_default() {
        let cli = Cli::try_parse_from(["steadfast", "--script", "x"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.up.script, Some(PathBuf::from("x")));
        let cli = Cli::try_parse_from(["steadfast", "up", "--port", "8080"]).unwrap();
        assert!(matches!(
            cli.command,
            Some(Command::Up(UpOptions {
                port: Some(8080),
                ..
            }))
        ));
    }
}
