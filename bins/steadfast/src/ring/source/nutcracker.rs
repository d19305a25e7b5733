//! twemproxy's `nutcracker.yml`.

use super::super::document::{Value, parse_yaml};
use super::super::fault::{Fault, Text, shown};
use super::super::pool::{Node, Pool, check_host, parse_port, parse_weight};
use super::chosen;

/// Reads one pool of a `nutcracker.yml`.
pub(super) fn read(text: &Text, name: Option<&str>) -> Result<Pool, Fault> {
    let document = parse_yaml(text)?;
    let pools = document.map("the file")?;
    let (_, settings) = chosen(text, pools, name)?;
    let entries = settings.map("a pool")?;
    if let Some((name, value)) = entries
        .iter()
        .find(|(name, _)| !DIRECTIVES.contains(&&**name))
    {
        return Err(value.fault(format!("{} is no directive of a pool", shown(name))));
    }
    let mut pool = Pool {
        dialect: Some(dialect(settings)?),
        ..Pool::default()
    };
    if let Some(tag) = settings.get("hash_tag") {
        let found = tag.text("hash_tag")?;
        let two: Option<[u8; 2]> = found.as_bytes().try_into().ok();
        let wrong = || {
            tag.fault(format!(
                "hash_tag is {}, allowed are two characters",
                shown(found)
            ))
        };
        pool.hash_tag = Some(two.ok_or_else(wrong)?);
    }
    let Some(servers) = settings.get("servers") else {
        return Err(settings.fault("the pool has no servers"));
    };
    for server in servers.list("servers")? {
        let mut node = node(server.text("a server")?).map_err(|fault| server.fault(fault))?;
        node.place = Some(server.place.clone());
        pool.nodes.push(node);
    }
    if pool.nodes.is_empty() {
        return Err(servers.fault("no server at all, a ring needs at least one node"));
    }
    Ok(pool)
}

fn dialect(settings: &Value) -> Result<steadfast_ring::Dialect, Fault> {
    let word = |name: &str, default| match settings.get(name) {
        Some(value) => value.text(name),
        None => Ok(default),
    };
    // The defaults are those of conf.h: ketama and fnv1a_64.
    let distribution = word("distribution", "ketama")?;
    let hash = word("hash", "fnv1a_64")?;
    let at = settings
        .get("hash")
        .or(settings.get("distribution"))
        .unwrap_or(settings);
    if distribution == "random" {
        return Err(at.fault("distribution random: any server can get any key"));
    }
    format!("twemproxy:{distribution}-{hash}")
        .parse()
        .map_err(|error: steadfast_ring::UnknownDialect| at.fault(error.to_string()))
}

/// Reads `HOST:PORT:WEIGHT[ NAME]` or `PATH:WEIGHT[ NAME]`.
fn node(text: &str) -> Result<Node, String> {
    let told = |fault: String| format!("server {}: {fault}", shown(text));
    let (address, alias) = match text.rsplit_once(' ') {
        Some((address, alias)) => (address.trim_end(), Some(alias)),
        None => (text, None),
    };
    let form = || told("allowed is HOST:PORT:WEIGHT [NAME] or PATH:WEIGHT [NAME]".into());
    let (address, weight) = address.rsplit_once(':').ok_or_else(form)?;
    let weight = parse_weight(weight).map_err(told)?;
    let mut node = if address.starts_with('/') {
        Node::unix(address, weight)
    } else {
        let (host, port) = address.rsplit_once(':').ok_or_else(form)?;
        check_host(host).map_err(told)?;
        Node::tcp(host, parse_port(port).map_err(told)?, weight)
    };
    node.alias = alias.map(Into::into);
    Ok(node)
}

/// What a pool may say; twemproxy refuses all else.
const DIRECTIVES: [&str; 18] = [
    "listen",
    "hash",
    "hash_tag",
    "distribution",
    "timeout",
    "backlog",
    "client_connections",
    "redis",
    "redis_auth",
    "redis_db",
    "preconnect",
    "auto_eject_hosts",
    "server_connections",
    "server_retry_timeout",
    "server_failure_limit",
    "tcpkeepalive",
    "reuseport",
    "servers",
];
