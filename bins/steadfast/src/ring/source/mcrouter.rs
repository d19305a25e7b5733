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
    let mut uses = Vec::new();
    find_uses(&document, name, &mut uses)?;
    let mut pool = Pool::default();
    read_servers(settings, &mut pool)?;
    // Without a route that hashes over the pool there is no saying how.
    if let Some((hash, at)) = uses.first() {
        if let Some((_, other)) = uses.iter().find(|(other, _)| !hash.is_same(other)) {
            return Err(other.fault(format!(
                "another hash for this pool than in line {}, column {}",
                at.place.line, at.place.column
            )));
        }
        hash.apply(&mut pool, settings, at)?;
    }
    Ok(pool)
}

/// How a pool is hashed, and where that is said.
#[derive(Default)]
struct Hash<'a> {
    function: Option<&'a Value>,
    weights: Option<&'a Value>,
    tags: Option<&'a Value>,
    salt: Option<&'a Value>,
}

impl<'a> Hash<'a> {
    /// Reads the `hash` of a `PoolRoute`: a name, or a map.
    fn of_pool_route(hash: Option<&'a Value>) -> Result<Self, Fault> {
        match hash {
            None => Ok(Self::default()),
            Some(name) if matches!(name.kind, Kind::Scalar(_)) => Ok(Self {
                function: Some(name),
                ..Self::default()
            }),
            Some(map) => Self::of_map(map, &[]),
        }
    }

    /// Reads the names that say how to hash; others are allowed only if they are in `beside`.
    fn of_map(map: &'a Value, beside: &[&str]) -> Result<Self, Fault> {
        let mut hash = Self::default();
        for (name, value) in map.map("hash")? {
            match &**name {
                "hash_func" => hash.function = Some(value),
                "weights" => hash.weights = Some(value),
                "tags" => hash.tags = Some(value),
                "salt" => hash.salt = Some(value),
                known if beside.contains(&known) => {}
                _ => return Err(value.fault(format!("{} of a hash is not read here", shown(name)))),
            }
        }
        Ok(hash)
    }

    fn is_same(&self, other: &Self) -> bool {
        let is_same = |one: Option<&Value>, other: Option<&Value>| match (one, other) {
            (Some(one), Some(other)) => is_same(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        is_same(self.function, other.function)
            && is_same(self.weights, other.weights)
            && is_same(self.tags, other.tags)
            && is_same(self.salt, other.salt)
    }

    /// Sets dialect, weights, names and salt. What the route does not say, the pool may.
    fn apply(&self, pool: &mut Pool, settings: &'a Value, route: &'a Value) -> Result<(), Fault> {
        let pool_weights = settings.get("weights");
        let weights = self.weights.or(pool_weights);
        let tags = self.tags.or_else(|| settings.get("tags"));
        let default = if pool_weights.is_some() {
            "WeightedCh3"
        } else {
            "Ch3"
        };
        let (function, at) = match self.function {
            Some(function) => (function.text("hash_func")?, function),
            None => (default, route),
        };
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
        if let Some(salt) = self.salt {
            pool.salt = salt.text("salt")?.into();
        }
        if column == "wch3" {
            let weights = weights.ok_or_else(|| at.fault("WeightedCh3 has no weights"))?;
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
        if let Some(tags) = tags.filter(|_| column == "rendezvous") {
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

/// Every use of the pool by which keys are spread over its servers, and the route that does it.
type Uses<'a> = Vec<(Hash<'a>, &'a Value)>;

/// Looks for routes to the pool, in every form in which mcrouter writes one.
fn find_uses<'a>(value: &'a Value, pool: &str, uses: &mut Uses<'a>) -> Result<(), Fault> {
    match &value.kind {
        Kind::Scalar(text) => {
            let mut words = text.rsplit('|');
            let (name, route, outer) = (words.next(), words.next(), words.next());
            let is_hashed = match route {
                Some("PoolRoute") => true,
                Some("Pool") => outer == Some("HashRoute"),
                _ => false,
            };
            if is_hashed && name == Some(pool) {
                uses.push((Hash::default(), value));
            }
        }
        Kind::List(items) => {
            for item in items {
                find_uses(item, pool, uses)?;
            }
        }
        Kind::Map(entries) => {
            if is_text(value.get("type"), "PoolRoute") && is_pool(value.get("pool"), pool) {
                for name in ["shard_splits", "bucketize", "useBucketHashSelector"] {
                    if let Some(found) = value.get(name) {
                        return Err(found.fault(format!("{name} of a PoolRoute is not read here")));
                    }
                }
                uses.push((Hash::of_pool_route(value.get("hash"))?, value));
            }
            if is_text(value.get("type"), "HashRoute")
                && is_text(value.get("children"), &format!("Pool|{pool}"))
            {
                let beside = ["type", "children", "name", "error_on_empty"];
                uses.push((Hash::of_map(value, &beside)?, value));
            }
            for (_, value) in entries {
                find_uses(value, pool, uses)?;
            }
        }
    }
    Ok(())
}

/// Whether a route's pool is the one of that name: said by its name, or as a map that has it.
fn is_pool(value: Option<&Value>, pool: &str) -> bool {
    is_text(value, pool) || is_text(value.and_then(|value| value.get("name")), pool)
}

fn is_text(value: Option<&Value>, text: &str) -> bool {
    matches!(value.map(|value| &value.kind), Some(Kind::Scalar(found)) if found == text)
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
