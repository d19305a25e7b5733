//! Flags of `steadfast ring`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What can be asked about a ring.
#[derive(Debug, Subcommand)]
pub(crate) enum RingCommand {
    /// Print the node of each key that standard input has, a key a line.
    ///
    /// Each answer is a line with the index of the node, from 0 in the order of the list; with
    /// several copies the indexes of their nodes, home first, with commas between them. With --list,
    /// and copies given neither by --copies nor by a file, all that the client finds.
    #[command(after_help = PLACE_EXAMPLES)]
    Place(Source),
    /// Say in words where one key lives, and why.
    #[command(after_help = WHERE_EXAMPLES)]
    Where(WhereOptions),
    /// Print which share of all keys each node has.
    #[command(after_help = SHARES_EXAMPLES)]
    Shares(SharesOptions),
    /// Print what moves from one list of nodes to another, and which rule differs first.
    ///
    /// OLD and NEW are each a file, or a list NODE,NODE,... with or without DIALECT= before it.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffOptions),
}

/// Where the nodes and rules come from, and what overrides them.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Source {
    /// The rules of one client, FAMILY:COLUMN; `steadfast ring --help` lists them.
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<String>,
    /// A node: HOST:PORT[*WEIGHT][=NAME] or unix:PATH[*WEIGHT]. Repeat it, in the client's order.
    #[arg(long = "node", value_name = "NODE", conflicts_with_all = ["from", "servers"])]
    pub(crate) nodes: Vec<String>,
    /// Nodes and rules from a file: php.ini, nutcracker.yml, mcrouter's .json, our .toml.
    ///
    /// Repeat it for the files of PHP's conf.d. Write php:FILE, nutcracker:FILE, mcrouter:FILE or
    /// toml:FILE when the name does not tell.
    #[arg(long, value_name = "FILE", conflicts_with = "servers")]
    pub(crate) from: Vec<String>,
    /// Nodes as MEMCACHE_SERVERS has them: HOST[:PORT[:WEIGHT]],... That variable, or
    /// MEMCACHED_SERVERS, is read when no node is given in any way.
    #[arg(long, value_name = "LIST")]
    pub(crate) servers: Option<String>,
    /// The pool of a file that has several.
    #[arg(long, value_name = "NAME", requires = "from")]
    pub(crate) pool: Option<String>,
    #[command(flatten)]
    pub(crate) rules: Rules,
}

/// What is said beside the nodes, and counts over what a file says.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Rules {
    /// Whose copies: those of the client's pool, or of PHP's sessions (they can differ).
    #[arg(long, value_name = "LIST")]
    pub(crate) list: Option<List>,
    /// How many copies, the home included.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) copies: Option<u16>,
    /// Text that the client puts before each key before it hashes it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) prefix: Option<String>,
    /// The two characters between which the hashed part of a key stands, as in {}.
    #[arg(long, value_name = "XY")]
    pub(crate) hash_tag: Option<String>,
}

/// The client's two lists of copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum List {
    /// The pool's commands, get and set.
    Pool,
    /// PHP's session handler.
    Session,
}

#[derive(Debug, Args)]
pub(crate) struct WhereOptions {
    #[command(flatten)]
    pub(crate) source: Source,
    /// The key; for a session of PHP its id.
    pub(crate) key: String,
}

#[derive(Debug, Args)]
pub(crate) struct SharesOptions {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Draw the ring into FILE.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffOptions {
    /// What is: a file, or NODE,NODE,...
    pub(crate) old: String,
    /// What will be.
    pub(crate) new: String,
    /// The rules of one client, for what says none itself.
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<String>,
    /// The pool of a file that has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) pool: Option<String>,
    #[command(flatten)]
    pub(crate) rules: Rules,
    /// Draw what moves into FILE.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

const PLACE_EXAMPLES: &str = "\
Examples:
  steadfast ring place --dialect pecl-memcache:consistent-crc32 \\
      --node 10.0.0.94:11211 --node 10.0.0.95:11211 < keys
  steadfast ring place --from /etc/php.ini --from /etc/php.d/memcache.ini < session-ids
  steadfast ring place --from nutcracker.yml --pool users < keys

A key has 1 to 250 bytes, no space and no control character. At the first line that is none, the
answers to those before it are out, and the status is 2.
Exit status: 0; 1 the answers cannot be written; 2 a wrong command line, list or key.";

const WHERE_EXAMPLES: &str = "\
Examples:
  steadfast ring where --from /etc/php.ini aeoj7s47i7ke2l0fr7b534v684
  steadfast ring where --dialect twemproxy:ketama-fnv1a_64 --node a:11211 --node b:11211 visits

Exit status: 0; 1 the answer cannot be written; 2 a wrong command line, list or key.";

const SHARES_EXAMPLES: &str = "\
Examples:
  steadfast ring shares --from /etc/php.ini
  steadfast ring shares --dialect libmemcached:consistent-default --servers a,b:11212:3 --svg ring.svg

Exit status: 0; 1 the answer cannot be written; 2 a wrong command line or list.";

const DIFF_EXAMPLES: &str = "\
Examples:
  steadfast ring diff php.ini new/php.ini
  steadfast ring diff php.ini,memcache.ini nutcracker.yml
  steadfast ring diff --dialect pecl-memcache:consistent-crc32 \\
      10.0.0.94:11211,10.0.0.95:11211 10.0.0.94:11211,10.0.0.95:11211,10.0.0.96:11211

Exit status: 0, whether keys move or not; 1 the answer cannot be written; 2 a wrong command line or
list.";
