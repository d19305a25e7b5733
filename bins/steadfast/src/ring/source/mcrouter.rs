//! mcrouter's configuration: pools, and the routes that say how a pool is hashed.

use steadfast_ring::{UnknownDialect, Weight};

use super::super::document::{Kind, Value, parse_json};
use super::super::fault::{Fault, Text, shown};
use super::super::pool::{Node, Pool, check_host, parse_port};
use super::chosen;

/// Reads one pool of an mcrouter configuration, and its hash from the `PoolRoute` that uses it.
pub(super) fn read(text: &Text, name: Option<&str>) -> Result<Pool, Fault> {
    let document = parse_json(text)?;
    document.map("the file")?;
    if let Some(macros) = document.get("macros") {
        return Err(macros.fault("macros are not read here: give the expanded configuration"));
    }
    let pools = document.get("pools");
    let pools = pools.ok_or_else(|| document.fault("no pools in the configuration"))?;
    let (name, settings) = chosen(text, pools.map("pools")?, name)?;
    let mut pool = Pool::default();
    let mut hash = Hash::default();
    if let Some(weights) = settings.get("weights") {
        hash.function = Some(("WeightedCh3", weights));
        hash.weights = Some(weights);
    }
    hash.tags = settings.get("tags");
    let mut used = None;
    find_hash(&document, name, &mut used)?;
    if let Some(found) = used {
        hash.take(found)?;
    }
    read_servers(settings, &mut pool)?;
    hash.apply(&mut pool, settings)?;
    Ok(pool)
}

/// How a pool is hashed, and where that is said.
#[derive(Default)]
struct Hash<'a> {
    function: Option<(&'a str, &'a Value)>,
    weights: Option<&'a Value>,
    tags: Option<&'a Value>,
    salt: Option<&'a str>,
}

impl<'a> Hash<'a> {
    /// Takes the `hash` of a route: a name, or a map that overrides what the pool says.
    fn take(&mut self, value: &'a Value) -> Result<(), Fault> {
        if let Kind::Scalar(function) = &value.kind {
            self.function = Some((function, value));
            return Ok(());
        }
        for (name, value) in value.map("hash")? {
            match &**name {
                "hash_func" => self.function = Some((value.text("hash_func")?, value)),
                "weights" => self.weights = Some(value),
                "tags" => self.tags = Some(value),
                "salt" => self.salt = Some(value.text("salt")?),
                _ => return Err(value.fault(format!("{} of a hash is not read here", shown(name)))),
            }
        }
        Ok(())
    }

    fn apply(&self, pool: &mut Pool, settings: &Value) -> Result<(), Fault> {
        let (function, at) = self.function.unwrap_or(("Ch3", settings));
        let column = match function {
            "Ch3" => "ch3",
            "WeightedCh3" => "wch3",
            "Crc32" => "crc32",
            "Rendezvous" => "rendezvous",
            _ => {
                return Err(at.fault(format!(
                    "hash_func is {}, read here are Ch3, WeightedCh3, Crc32 and Rendezvous",
                    shown(function)
                )));
            }
        };
        let dialect = format!("mcrouter:{column}").parse();
        pool.dialect = Some(dialect.map_err(|error: UnknownDialect| at.fault(error.to_string()))?);
        pool.salt = self.salt.unwrap_or_default().into();
        if column == "wch3" {
            let weights = self
                .weights
                .ok_or_else(|| at.fault("WeightedCh3 has no weights"))?;
            let items = list_for(weights, "weights", pool.nodes.len())?;
            for (node, weight) in pool.nodes.iter_mut().zip(items) {
                let found = weight.text("a weight")?;
                let share = found.parse::<Weight>().ok();
                let share = share.filter(|share| share.value() <= 1.0);
                let wrong =
                    || weight.fault(format!("weight is {}, allowed are 0 to 1", shown(found)));
                node.weight = share.ok_or_else(wrong)?;
            }
        }
        if let Some(tags) = self.tags.filter(|_| column == "rendezvous") {
            let items = list_for(tags, "tags", pool.nodes.len())?;
            for (node, tag) in pool.nodes.iter_mut().zip(items) {
                node.alias = Some(tag.text("a tag")?.into());
            }
        } else if column == "rendezvous" {
            return Err(at.fault("Rendezvous has no tags, one for each server"));
        }
        Ok(())
    }
}

/// The list of something that each server has one of.
fn list_for<'a>(value: &'a Value, what: &str, servers: usize) -> Result<&'a [Value], Fault> {
    let items = value.list(what)?;
    if items.len() != servers {
        return Err(value.fault(format!("{} {what} for {servers} servers", items.len())));
    }
    Ok(items)
}

fn read_servers(settings: &Value, pool: &mut Pool) -> Result<(), Fault> {
    for (name, value) in settings.map("a pool")? {
        if matches!(&**name, "inherit" | "additional_fanout") {
            return Err(value.fault(format!("{name} of a pool is not read here")));
        }
    }
    let servers = settings.get("servers");
    let servers = servers.ok_or_else(|| settings.fault("the pool has no servers"))?;
    for server in servers.list("servers")? {
        let text = server.text("a server")?;
        let mut node =
            node(text).map_err(|fault| server.fault(format!("server {}: {fault}", shown(text))))?;
        node.place = Some(server.place.clone());
        pool.nodes.push(node);
    }
    if pool.nodes.is_empty() {
        return Err(servers.fault("no server at all, a ring needs at least one node"));
    }
    Ok(())
}

/// Reads `HOST:PORT`, with or without protocol, security and the rest behind it.
fn node(text: &str) -> Result<Node, String> {
    let host_end = if text.starts_with('[') {
        text.find(']').ok_or("a bracket that nothing ends")? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(host_end);
    let rest = rest.strip_prefix(':').ok_or("the port is missing")?;
    let port = rest.split(':').next().unwrap_or_default();
    check_host(host)?;
    Ok(Node::tcp(host, parse_port(port)?, Weight::ONE))
}

/// Looks for the hash of every `PoolRoute` to the pool. Two that differ leave open which is meant.
fn find_hash<'a>(value: &'a Value, pool: &str, used: &mut Option<&'a Value>) -> Result<(), Fault> {
    match &value.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => {
            for item in items {
                find_hash(item, pool, used)?;
            }
        }
        Kind::Map(entries) => {
            let text = |name: &str| match value.get(name).map(|value| &value.kind) {
                Some(Kind::Scalar(text)) => Some(text.as_str()),
                _ => None,
            };
            if text("type") == Some("PoolRoute") && text("pool") == Some(pool) {
                for name in ["shard_splits", "bucketize", "useBucketHashSelector"] {
                    if let Some(found) = value.get(name) {
                        return Err(found.fault(format!("{name} of a PoolRoute is not read here")));
                    }
                }
                if let Some(hash) = value.get("hash") {
                    note(hash, used)?;
                }
            }
            for (_, value) in entries {
                find_hash(value, pool, used)?;
            }
        }
    }
    Ok(())
}

fn note<'a>(hash: &'a Value, used: &mut Option<&'a Value>) -> Result<(), Fault> {
    match used {
        Some(known) if !is_same(known, hash) => Err(hash.fault(format!(
            "another hash for this pool than in line {}, column {}",
            known.place.line, known.place.column
        ))),
        _ => {
            *used = Some(hash);
            Ok(())
        }
    }
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Scalar(one), Kind::Scalar(other)) => one == other,
        (Kind::List(one), Kind::List(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Kind::Map(one), Kind::Map(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| one.0 == other.0 && is_same(&one.1, &other.1))
        }
        _ => false,
    }
}
