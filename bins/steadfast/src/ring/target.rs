//! The ring that is asked: nodes from wherever they are named, and the rules that count.

use std::fmt::Write as _;

use steadfast_ring::{Dialect, HashTag, Order, Ring, RingError, Server, UnknownDialect};

use super::fault::{Fault, shown};
use super::list::{parse_node, servers_of};
use super::options::{List, Rules, Source};
use super::pool::{Address, Pool};
use super::source;

/// A ring, and how its client asks it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) pool: Pool,
    pub(crate) ring: Ring<()>,
    pub(crate) order: Order,
    pub(crate) copies: usize,
}

impl Target {
    /// The ring that `place`, `where` and `shares` ask.
    pub(crate) fn of_source(source: &Source) -> Result<Self, Fault> {
        let pool = pool_of(source)?;
        Self::new(pool, source.dialect.as_deref(), true, &source.rules)
    }

    /// One of the two rings of `diff`: a file, or a list `[DIALECT=]NODE,NODE,…`. The dialect is
    /// for a list that has none.
    pub(crate) fn of_text(
        text: &str,
        pool: Option<&str>,
        dialect: Option<&str>,
        rules: &Rules,
    ) -> Result<Self, Fault> {
        let files: Vec<String> = text.split(',').map(Into::into).collect();
        let pool = if files.iter().all(|file| source::is_file(file)) {
            source::read(&files, pool)?
        } else {
            parse_list(text)?
        };
        Self::new(pool, dialect, false, rules)
    }

    fn new(
        mut pool: Pool,
        dialect: Option<&str>,
        is_overriding: bool,
        rules: &Rules,
    ) -> Result<Self, Fault> {
        if let Some(name) = dialect.filter(|_| is_overriding || pool.dialect.is_none()) {
            pool.dialect = Some(parse_dialect(name)?);
        }
        if let Some(prefix) = &rules.prefix {
            pool.prefix.clone_from(prefix);
        }
        if let Some(tag) = &rules.hash_tag {
            let two = tag.as_bytes().try_into();
            pool.hash_tag = Some(two.map_err(|_| {
                Fault::new(format!(
                    "--hash-tag {}: allowed are two characters",
                    shown(tag)
                ))
            })?);
        }
        if let Some(strange) = pool.prefix.chars().find(|&c| c <= ' ' || c == '\x7f') {
            let message = format!("key prefix {} holds {strange:?}", shown(&pool.prefix));
            return Err(Fault::of_file(&pool.origin, message));
        }
        let list = rules.list.map(|list| match list {
            List::Pool => Order::Pool,
            List::Session => Order::Session,
        });
        let copies = rules.copies.map(usize::from);
        let dialect = pool.dialect.ok_or_else(|| {
            let message =
                "no dialect: whose rules count? Give --dialect, see steadfast ring --help";
            Fault::of_file(&pool.origin, message)
        })?;
        Ok(Self {
            order: list.or(pool.order).unwrap_or(Order::Pool),
            copies: copies.or(pool.copies).unwrap_or(1),
            ring: ring(dialect, &pool)?,
            pool,
        })
    }

    /// The key as the client hashes it, before its rules for single bytes.
    pub(crate) fn key_of<'a>(&self, key: &'a [u8], room: &'a mut Vec<u8>) -> &'a [u8] {
        if self.pool.prefix.is_empty() && self.pool.salt.is_empty() {
            return key;
        }
        room.clear();
        room.extend_from_slice(self.pool.prefix.as_bytes());
        // mcrouter's salt follows the hashed part of a key, which ends before `|#|`.
        let stop = key
            .windows(HASH_STOP.len())
            .position(|bytes| bytes == HASH_STOP);
        let hashed = stop.filter(|_| !self.pool.salt.is_empty());
        room.extend_from_slice(&key[..hashed.unwrap_or(key.len())]);
        room.extend_from_slice(self.pool.salt.as_bytes());
        room
    }
}

/// The nodes that the options name, or the environment.
fn pool_of(source: &Source) -> Result<Pool, Fault> {
    if !source.from.is_empty() {
        return source::read(&source.from, source.pool.as_deref());
    }
    let mut pool = Pool::new("the command line");
    if !source.nodes.is_empty() {
        for node in &source.nodes {
            let node = parse_node(node).map_err(|fault| Fault::of_file("--node", fault))?;
            pool.nodes.push(node);
        }
    } else if let Some(servers) = &source.servers {
        pool.nodes = servers_of("--servers", servers)?;
    } else {
        let (name, servers) = environment()?;
        pool.origin = name.into();
        pool.nodes = servers_of(name, &servers)?;
    }
    pool.check_distinct()?;
    Ok(pool)
}

/// The variable that names nodes, and what it says.
fn environment() -> Result<(&'static str, String), Fault> {
    let set = |name: &'static str| Some((name, std::env::var(name).ok()?));
    let [ours, other] = SERVERS_VARIABLES;
    match (set(ours), set(other)) {
        (Some((_, one)), Some((_, another))) if one != another => Err(Fault::new(format!(
            "{ours} and {other} name different nodes: give --servers"
        ))),
        (Some(found), _) | (None, Some(found)) => Ok(found),
        (None, None) => Err(Fault::new(format!(
            "no node at all: give --node, --from or --servers, or set {ours}"
        ))),
    }
}

/// Reads `[DIALECT=]NODE,NODE,…`.
fn parse_list(text: &str) -> Result<Pool, Fault> {
    let origin = if text.len() > ORIGIN_BYTES_MAX {
        "the command line"
    } else {
        text
    };
    let mut pool = Pool::new(origin);
    let (dialect, nodes) = match text.split_once('=') {
        // What stands before the first `=` can also be nodes, of which the last has a name.
        Some((dialect, nodes)) if !is_of_nodes(dialect) => (Some(dialect), nodes),
        _ => (None, text),
    };
    if let Some(dialect) = dialect {
        pool.dialect = Some(parse_dialect(dialect)?);
    }
    for node in nodes.split(',') {
        let node = parse_node(node).map_err(|fault| {
            Fault::of_file(
                text,
                format!("no such file, and as a list of nodes: {fault}"),
            )
        })?;
        pool.nodes.push(node);
    }
    pool.check_distinct()?;
    Ok(pool)
}

/// Whether a text has what no dialect has: a list, a weight, a path or a port.
fn is_of_nodes(text: &str) -> bool {
    let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    text.contains([',', '*', '/'])
        || text
            .rsplit_once(':')
            .is_some_and(|(_, port)| is_number(port))
}

fn parse_dialect(name: &str) -> Result<Dialect, Fault> {
    name.parse()
        .map_err(|error: UnknownDialect| Fault::new(error.to_string()))
}

fn ring(dialect: Dialect, pool: &Pool) -> Result<Ring<()>, Fault> {
    let mut builder = Ring::builder(dialect);
    if let Some([open, close]) = pool.hash_tag {
        builder = builder.hash_tag(HashTag::new(open, close));
    }
    for node in &pool.nodes {
        let server = match &node.address {
            Address::Tcp { host, port } => Server::tcp(host, *port),
            Address::Unix { path } => Server::unix(path),
        };
        let server = server.weight(node.weight);
        builder = builder.server(
            (),
            match &node.alias {
                Some(alias) => server.alias(alias),
                None => server,
            },
        );
    }
    builder.build().map_err(|error: RingError| {
        let node = error.index().and_then(|index| pool.nodes.get(index));
        match node.filter(|node| node.place.is_some()) {
            Some(node) => node.fault(error.to_string()),
            None => Fault::of_file(&pool.origin, error.to_string()),
        }
    })
}

/// The dialects by family, for the help: layouts, and the hashes that go with each of them.
pub(crate) fn dialects_help() -> String {
    let mut help = String::from(
        "Dialects, FAMILY:LAYOUT-HASH, or FAMILY:LAYOUT alone where no hash is listed:\n",
    );
    for family in Dialect::families() {
        let _ = writeln!(help, "\n  {:<14} {}", family.name(), family.about());
        words(&mut help, "layout", family.layouts());
        words(&mut help, "hash", family.hashes());
    }
    help.push_str(HELP_EXAMPLES);
    help
}

/// Adds words under one head, as many lines as they need.
fn words(help: &mut String, head: &str, words: impl Iterator<Item = &'static str>) {
    let mut lines = vec![String::new()];
    for word in words {
        if lines
            .last()
            .is_some_and(|line| line.len() + word.len() > HELP_WORDS_MAX)
        {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push_str("  ");
        }
    }
    for (number, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        let head = if number == 0 { head } else { "" };
        let _ = writeln!(help, "    {head:<8} {}", line.trim_end());
    }
}

/// A longer list of nodes is not repeated to say whence nodes come.
const ORIGIN_BYTES_MAX: usize = 64;

/// How many letters of words a line of the help has room for.
const HELP_WORDS_MAX: usize = 64;

const HELP_EXAMPLES: &str = "
Examples:
  steadfast ring place --dialect pecl-memcache:consistent-crc32 --node a:11211 --node b:11211 < keys
  steadfast ring where --from /etc/php.ini --from /etc/php.d/memcache.ini SESSION-ID
  steadfast ring shares --from nutcracker.yml --svg ring.svg
  steadfast ring diff old/php.ini new/php.ini --svg moves.svg";

/// What mcrouter takes for the end of the hashed part of a key.
const HASH_STOP: &[u8] = b"|#|";

/// Where Dalli and its relatives look for nodes, and where libmemcached's tools do.
const SERVERS_VARIABLES: [&str; 2] = ["MEMCACHE_SERVERS", "MEMCACHED_SERVERS"];
