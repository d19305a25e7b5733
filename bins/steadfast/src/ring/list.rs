//! Lists of nodes in one line: our own notation, and that of `MEMCACHE_SERVERS`.

use steadfast_ring::Weight;

use super::fault::{Fault, shown};
use super::pool::{Node, check_host, parse_port, parse_weight};

/// Reads a node in our own notation: `HOST:PORT[*WEIGHT][=NAME]`, or `unix:PATH[*WEIGHT]`.
///
/// An IPv6 address stands in brackets and is hashed with them. Without, a colon in the host is an
/// error: it could as well be another notation's weight.
pub(crate) fn parse_node(text: &str) -> Result<Node, String> {
    let (text, alias) = match text.split_once('=') {
        Some((_, "")) => return Err(format!("node {} has an empty name", shown(text))),
        Some((node, alias)) => (node, Some(alias)),
        None => (text, None),
    };
    let (address, weight) = match text.split_once('*') {
        Some((address, weight)) => {
            let weight = parse_any_weight(weight);
            (address, weight.map_err(|fault| told(text, &fault))?)
        }
        None => (text, Weight::ONE),
    };
    let path = address
        .strip_prefix("unix:")
        .or(Some(address).filter(|path| path.starts_with('/')));
    let mut node = if let Some(path) = path {
        if !path.starts_with('/') {
            return Err(format!("socket {} is no absolute path", shown(path)));
        }
        Node::unix(path, weight)
    } else {
        let Some((host, port)) = address.rsplit_once(':') else {
            return Err(format!("node {} has no port, as in HOST:PORT", shown(text)));
        };
        check_host(host).map_err(|fault| told(text, &fault))?;
        if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
            let rule = "a weight is written HOST:PORT*WEIGHT, and an IPv6 address in brackets";
            return Err(told(text, &format!("too many colons: {rule}")));
        }
        Node::tcp(
            host,
            parse_port(port).map_err(|fault| told(text, &fault))?,
            weight,
        )
    };
    node.alias = alias.map(Into::into);
    Ok(node)
}

/// Reads a list as libmemcached and its relatives have it: `HOST[:PORT[:WEIGHT]],…`. A path is a
/// socket; the port is 11211 unless given.
///
/// Gives each node with the offset at which it begins.
pub(crate) fn parse_servers(text: &str) -> Result<Vec<(usize, Node)>, (usize, String)> {
    let mut nodes = Vec::new();
    let mut start = 0;
    for part in text.split(',') {
        let at = start + (part.len() - part.trim_start().len());
        start += part.len() + 1;
        let part = part.trim();
        if part.is_empty() {
            // A comma at the end is common; one between two nodes is a forgotten node.
            if start > text.len() && !nodes.is_empty() {
                break;
            }
            return Err((at, "a node is empty".into()));
        }
        let node = parse_server(part).map_err(|fault| (at, told(part, &fault)))?;
        nodes.push((at, node));
    }
    Ok(nodes)
}

fn parse_server(text: &str) -> Result<Node, String> {
    if text.contains("://") {
        return Err("a URL, allowed is HOST[:PORT[:WEIGHT]]".into());
    }
    if text.starts_with("--") {
        return Err("an option, allowed is HOST[:PORT[:WEIGHT]]".into());
    }
    let mut parts: Vec<&str> = text.split(':').collect();
    if text.starts_with('/') {
        // A socket has no port; some write 0 for it before the weight.
        if parts.len() > 1 && parts[1] == "0" {
            parts.remove(1);
        }
        return match parts[..] {
            [path] => Ok(Node::unix(path, Weight::ONE)),
            [path, weight] => Ok(Node::unix(path, parse_weight(weight)?)),
            _ => Err("allowed is PATH[:WEIGHT]".into()),
        };
    }
    let (host, port, weight) = match parts[..] {
        [host] => (host, DEFAULT_PORT, Weight::ONE),
        [host, port] => (host, parse_port(port)?, Weight::ONE),
        [host, port, weight] => (host, parse_port(port)?, parse_weight(weight)?),
        _ => return Err("allowed is HOST[:PORT[:WEIGHT]]".into()),
    };
    check_host(host)?;
    Ok(Node::tcp(host, port, weight))
}

/// A whole weight, or a share below 1 for the dialects that take them.
fn parse_any_weight(text: &str) -> Result<Weight, String> {
    match text.parse::<Weight>() {
        Ok(share) if text.contains('.') && share.value() > 0.0 && share.value() <= 1.0 => Ok(share),
        _ => parse_weight(text),
    }
}

fn told(node: &str, fault: &str) -> String {
    format!("node {}: {fault}", shown(node))
}

/// The nodes of a list given in an option or variable called `name`.
pub(crate) fn servers_of(name: &str, text: &str) -> Result<Vec<Node>, Fault> {
    let nodes = parse_servers(text).map_err(|(at, fault)| {
        Fault::of_file(
            name,
            format!("column {}: {fault}", text[..at].chars().count() + 1),
        )
    })?;
    Ok(nodes.into_iter().map(|(_, node)| node).collect())
}

/// memcached's port.
const DEFAULT_PORT: u16 = 11211;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_notation_has_weights_names_and_sockets() {
        let node = parse_node("cache.example:11211*3=al").unwrap();
        assert_eq!(node.address.to_string(), "cache.example:11211");
        assert_eq!(
            (node.weight, node.alias.as_deref()),
            (Weight::from(3), Some("al"))
        );
        assert_eq!(parse_node("h:1*0.25").unwrap().weight.value(), 0.25);
        assert_eq!(
            parse_node("[::1]:7").unwrap(),
            Node::tcp("[::1]", 7, Weight::ONE)
        );
        let socket = Node::unix("/run/c.sock", Weight::from(2));
        assert_eq!(parse_node("unix:/run/c.sock*2").unwrap(), socket);
        assert_eq!(parse_node("/run/c.sock*2").unwrap(), socket);
    }

    #[test]
    fn what_is_no_node_is_told_with_what_is_wrong() {
        for (text, wrong) in [
            ("", "has no port"),
            ("a", "has no port"),
            ("a:0", "port \"0\""),
            ("a:65536", "port \"65536\""),
            ("a:1*", "weight \"\""),
            ("a:1*0", "weight 0"),
            ("a:1*-1", "weight \"-1\""),
            ("a:1*1.5", "weight \"1.5\""),
            ("a:1*4294967296", "weight 4294967296 is too large"),
            (":1", "no host"),
            ("tcp://a:1", "is no host name"),
            ("a b:1", "is no host name"),
            ("a:1:1", "HOST:PORT*WEIGHT"),
            ("::1", "in brackets"),
            ("2001:db8::1", "in brackets"),
            ("a:1=", "empty name"),
            ("unix:c.sock", "no absolute path"),
        ] {
            let fault = parse_node(text).unwrap_err();
            assert!(fault.contains(wrong), "{text}: {fault}");
        }
    }

    #[test]
    fn servers_may_leave_out_port_and_weight() {
        let nodes = parse_servers("a, b:1,c:2:3,/s:4,/t:0:5,").unwrap();
        let wanted = [
            (0, Node::tcp("a", 11211, Weight::ONE)),
            (3, Node::tcp("b", 1, Weight::ONE)),
            (7, Node::tcp("c", 2, Weight::from(3))),
            (13, Node::unix("/s", Weight::from(4))),
            (18, Node::unix("/t", Weight::from(5))),
        ];
        assert_eq!(nodes, wanted);
    }

    #[test]
    fn faults_in_servers_have_their_offset() {
        for (text, at) in [("", 0), ("a,,b", 2), ("a, tcp://b:1", 3), ("a,b:1:0", 2)] {
            assert_eq!(parse_servers(text).unwrap_err().0, at, "{text}");
        }
    }
}
