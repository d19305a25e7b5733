//! Our own list of nodes, in TOML.

use steadfast_ring::Order;

use super::super::document::{Value, parse_toml};
use super::super::fault::{Fault, Text, shown};
use super::super::list::parse_node;
use super::super::pool::Pool;

/// Reads a list in our own form.
///
/// ```toml
/// dialect = "pecl-memcache:consistent-crc32"
/// list = "session"
/// copies = 2
/// nodes = ["10.0.0.94:11211", "10.0.0.95:11211*2"]
/// ```
pub(super) fn read(text: &Text) -> Result<Pool, Fault> {
    let document = parse_toml(text)?;
    let mut pool = Pool::default();
    for (name, value) in document.map("the file")? {
        match &**name {
            "dialect" => {
                let name = value.text("dialect")?;
                pool.dialect = Some(name.parse().map_err(
                    |error: steadfast_ring::UnknownDialect| value.fault(error.to_string()),
                )?);
            }
            "list" => pool.order = Some(order(value)?),
            "copies" => pool.copies = Some(copies(value)?),
            "prefix" => pool.prefix = value.text("prefix")?.into(),
            "salt" => pool.salt = value.text("salt")?.into(),
            "hash_tag" => {
                let tag = value.text("hash_tag")?.as_bytes().try_into();
                let wrong = |_| value.fault("hash_tag: allowed are two characters");
                pool.hash_tag = Some(tag.map_err(wrong)?);
            }
            "nodes" => {
                for node in value.list("nodes")? {
                    let found = parse_node(node.text("a node")?);
                    let mut found = found.map_err(|fault| node.fault(fault))?;
                    found.place = Some(node.place.clone());
                    pool.nodes.push(found);
                }
            }
            _ => {
                let message = format!("{} is unknown, there is {NAMES}", shown(name));
                return Err(value.fault(message));
            }
        }
    }
    Ok(pool)
}

fn order(value: &Value) -> Result<Order, Fault> {
    match value.text("list")? {
        "pool" => Ok(Order::Pool),
        "session" => Ok(Order::Session),
        found => Err(value.fault(format!(
            "list is {}, allowed is pool or session",
            shown(found)
        ))),
    }
}

fn copies(value: &Value) -> Result<usize, Fault> {
    let found = value.text("copies")?;
    match found.parse() {
        Ok(copies) if copies > 0 => Ok(copies),
        _ => Err(value.fault(format!(
            "copies is {}, allowed are 1 and above",
            shown(found)
        ))),
    }
}

const NAMES: &str = "dialect, list, copies, prefix, salt, hash_tag, nodes";
