//! PHP's sessions in memcached: `php.ini` and its `conf.d`, for both extensions.

mod ini;

use steadfast_ring::{Dialect, Order, UnknownDialect, Weight};

use super::super::fault::{Fault, Text, shown};
use super::super::list::parse_servers;
use super::super::pool::{Node, Pool, check_host, parse_port, parse_weight};
use ini::{Ini, Setting};

/// Reads the nodes of `session.save_path` and the settings by which they are chosen. A later text
/// counts over an earlier.
pub(super) fn read(texts: &[Text]) -> Result<Pool, Fault> {
    let mut ini = Ini::default();
    for text in texts {
        ini.read(text)?;
    }
    let Some(handler) = ini.get("session.save_handler") else {
        return Err(Fault::of_file(
            &texts[0].name,
            "no session.save_handler, allowed are memcache and memcached",
        ));
    };
    match handler.value.as_str() {
        "memcache" => memcache(&ini, handler),
        "memcached" => memcached(&ini, handler),
        found => Err(handler.fault(format!(
            "session.save_handler is {}, allowed are memcache and memcached",
            shown(found)
        ))),
    }
}

/// pecl-memcache: a list of URLs.
fn memcache(ini: &Ini, handler: &Setting) -> Result<Pool, Fault> {
    let path = ini
        .get("memcache.session_save_path")
        .filter(|path| !path.value.is_empty());
    let path = path.or_else(|| ini.get("session.save_path"));
    let path = path.ok_or_else(|| handler.fault("no session.save_path names its nodes"))?;
    let redundancy = ini.number("memcache.session_redundancy", 2)?;
    if let Some(setting) = ini
        .get("memcache.session_redundancy")
        .filter(|_| redundancy == 0)
    {
        return Err(setting.fault("memcache.session_redundancy is 0, allowed are 1 and above"));
    }
    let mut pool = Pool {
        order: Some(Order::Session),
        copies: Some(redundancy),
        prefix: ini.text("memcache.session_prefix_static_key", "").into(),
        ..Pool::default()
    };
    let strategy = ini
        .text("memcache.hash_strategy", "consistent")
        .to_ascii_lowercase();
    let function = ini
        .text("memcache.hash_function", "crc32")
        .to_ascii_lowercase();
    let at = ini
        .get("memcache.hash_strategy")
        .or_else(|| ini.get("memcache.hash_function"));
    pool.dialect = Some(dialect(
        &format!("pecl-memcache:{strategy}-{function}"),
        at,
    )?);
    for (name, expected, why) in [
        (
            "memcache.max_failover_attempts",
            "20",
            "the next copy is looked for in 20 attempts here",
        ),
        (
            "memcache.session_prefix_host_key",
            "0",
            "the key depends on the name under which each visitor asks",
        ),
    ] {
        if let Some(setting) = ini.get(name).filter(|setting| !setting.is(expected)) {
            let found = shown(&setting.value);
            return Err(setting.fault(format!("{name} is {found}, allowed is {expected}: {why}")));
        }
    }
    let mut start = 0;
    let is_gap = |c: char| c.is_ascii_whitespace() || c == ',' || c == '\x0b';
    for url in path.value.split(is_gap) {
        if !url.is_empty() {
            let place = path.place_of(start);
            let mut node = url_node(url)
                .map_err(|fault| Fault::at(&place, format!("{}: {fault}", shown(url))))?;
            node.place = Some(place);
            pool.nodes.push(node);
        }
        start += url.len() + 1;
    }
    no_node(&pool, path)?;
    Ok(pool)
}

/// Reads `tcp://HOST:PORT[/][?weight=…&…]` or `unix:///PATH[:0][?…]`.
fn url_node(url: &str) -> Result<Node, String> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut weight = parse_weight("1")?;
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("weight", found)) => weight = parse_weight(found)?,
            Some(("persistent" | "timeout" | "retry_interval" | "udp_port", _)) => {}
            _ => return Err(format!("unknown option {}", shown(option))),
        }
    }
    let form = "allowed is tcp://HOST:PORT or unix:///PATH";
    let (scheme, rest) = address.split_once("://").ok_or(form)?;
    match scheme {
        "tcp" | "udp" => {
            let rest = rest.trim_end_matches('/');
            // With no port the session handler asks port 0, which nobody serves.
            let (host, port) = rest.rsplit_once(':').ok_or("the port is missing")?;
            check_host(host)?;
            Ok(Node::tcp(host, parse_port(port)?, weight))
        }
        "unix" | "file" if rest.starts_with('/') => {
            Ok(Node::unix(rest.strip_suffix(":0").unwrap_or(rest), weight))
        }
        _ => Err(form.into()),
    }
}

/// php-memcached: libmemcached's list. The key that is hashed is the bare session id.
fn memcached(ini: &Ini, handler: &Setting) -> Result<Pool, Fault> {
    let path = ini.get("session.save_path");
    let path = path.ok_or_else(|| handler.fault("no session.save_path names its nodes"))?;
    let replicas = ini.number("memcached.sess_number_of_replicas", 0)?;
    // The text protocol of libmemcached ignores replicas.
    let is_binary = ini.flag("memcached.sess_binary_protocol", true)?;
    let mut pool = Pool {
        order: Some(Order::Session),
        copies: Some(if is_binary { replicas + 1 } else { 1 }),
        ..Pool::default()
    };
    let kind = ini.text("memcached.sess_consistent_hash_type", "ketama");
    let name = if ini.flag("memcached.sess_consistent_hash", true)? {
        match kind {
            "ketama" => "libmemcached:consistent-default",
            "ketama_weighted" => "libmemcached:compatible-md5",
            found => {
                let at = ini
                    .get("memcached.sess_consistent_hash_type")
                    .unwrap_or(handler);
                return Err(at.fault(format!(
                    "memcached.sess_consistent_hash_type is {}, allowed are ketama and \
                     ketama_weighted",
                    shown(found)
                )));
            }
        }
    } else {
        "libmemcached:modula-default"
    };
    pool.dialect = Some(dialect(name, None)?);
    let nodes =
        parse_servers(&path.value).map_err(|(at, fault)| Fault::at(&path.place_of(at), fault))?;
    for (at, mut node) in nodes {
        if kind == "ketama" {
            // The handler chooses the ring after it has added the nodes, which forgets weights.
            // Measured with php-memcached 3.2.0; a pool that chooses first keeps them.
            node.weight = Weight::ONE;
        }
        node.place = Some(path.place_of(at));
        pool.nodes.push(node);
    }
    Ok(pool)
}

fn no_node(pool: &Pool, path: &Setting) -> Result<(), Fault> {
    if pool.nodes.is_empty() {
        return Err(path.fault("no node at all, a ring needs at least one"));
    }
    Ok(())
}

fn dialect(name: &str, at: Option<&Setting>) -> Result<Dialect, Fault> {
    name.parse().map_err(|error: UnknownDialect| match at {
        Some(setting) => setting.fault(error.to_string()),
        None => Fault::new(error.to_string()),
    })
}
