//! Addresses as the configuration writes them.

use core::fmt;
use core::net::IpAddr;
use core::ops::RangeInclusive;

/// A host: numeric, or a name that the daemon resolves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a host is one of these")]
pub enum Host {
    /// Every address of the machine, IPv4: `*`, or nothing before the port.
    Any4,
    /// Every address of the machine, IPv6 (and IPv4): `::`.
    Any6,
    /// A numeric address.
    Ip(IpAddr),
    /// A name.
    Name(String),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any4 => f.write_str("0.0.0.0"),
            Self::Any6 => f.write_str("::"),
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Where a socket is: on the network or in the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A host and a port, 1 to 65535.
    Inet(Host, u16),
    /// A path.
    Unix(String),
}

/// Reads the list of addresses of `bind`: `[HOST]:PORT[-PORT][,...]`.
pub(super) fn parse_bind(text: &str) -> Result<Vec<(Host, RangeInclusive<u16>)>, String> {
    text.split(',').map(parse_one_bind).collect()
}

fn parse_one_bind(text: &str) -> Result<(Host, RangeInclusive<u16>), String> {
    let (family, inet) = split_family(text)?;
    let Some((host, ports)) = inet.rsplit_once(':') else {
        return Err(format!("missing port specification in '{text}'"));
    };
    let ports = parse_port_range(ports)?;
    Ok((parse_host(host, family, text)?, ports))
}

fn parse_port_range(text: &str) -> Result<RangeInclusive<u16>, String> {
    match text.split_once('-') {
        None => parse_port(text).map(|port| port..=port),
        Some((first, last)) => {
            let (first, last) = (parse_port(first)?, parse_port(last)?);
            if first > last {
                Err(format!("invalid port range '{text}'"))
            } else {
                Ok(first..=last)
            }
        }
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port != 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err(format!("invalid port '{text}'")),
    }
}

/// Reads the address of a `server`: `HOST:PORT`.
pub(super) fn parse_server(text: &str) -> Result<(Host, u16), String> {
    let (family, inet) = split_family(text)?;
    let (host, port) = inet.rsplit_once(':').unwrap_or((inet, ""));
    let port = match port.as_bytes().first() {
        None => {
            return Err(format!(
                "'{text}' has no port; the port that the client connected to {NOT_IMPLEMENTED}"
            ));
        }
        Some(b'+' | b'-') => {
            return Err(format!(
                "'{text}': a port relative to the client's {NOT_IMPLEMENTED}"
            ));
        }
        Some(_) => parse_port(port)?,
    };
    match parse_host(host, family, text)? {
        Host::Any4 | Host::Any6 => Err(format!(
            "'{text}': the client's destination as a server {NOT_IMPLEMENTED}"
        )),
        host => Ok((host, port)),
    }
}

/// Reads a host without a port, as `addr` of a `server` has it.
pub(super) fn parse_host_only(text: &str) -> Result<Host, String> {
    let (family, host) = split_family(text)?;
    parse_host(host, family, text)
}

/// Reads the address of a `log` statement: `HOST[:PORT]` or a path; the port is 514 by default.
pub(super) fn parse_log(text: &str) -> Result<Address, String> {
    if let Some(path) = unix_path(text) {
        return Ok(Address::Unix(path.to_owned()));
    }
    let (family, inet) = split_family(text.strip_prefix("udp@").unwrap_or(text))?;
    if matches!(inet, "stdout" | "stderr") {
        return Err(format!("'log {text}' {NOT_IMPLEMENTED}; it logs to syslog"));
    }
    match inet.rsplit_once(':') {
        Some((host, port)) => {
            let host = parse_host(host, family, text)?;
            Ok(Address::Inet(host, parse_port(port)?))
        }
        None => Ok(Address::Inet(parse_host(inet, family, text)?, SYSLOG_PORT)),
    }
}

/// Reads the address of a `stats socket`: a path, or `HOST:PORT`.
pub(super) fn parse_stats_socket(text: &str) -> Result<Address, String> {
    if let Some(path) = unix_path(text) {
        return Ok(Address::Unix(path.to_owned()));
    }
    let (host, ports) = parse_one_bind(text)?;
    if ports.start() != ports.end() {
        return Err(format!("'{text}': a stats socket has one port"));
    }
    Ok(Address::Inet(host, *ports.start()))
}

fn unix_path(text: &str) -> Option<&str> {
    let path = text.strip_prefix("unix@").unwrap_or(text);
    (path.starts_with('/') || path.len() < text.len()).then_some(path)
}

/// What a prefix such as `ipv6@` demands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    /// Nothing.
    Any,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Splits the prefix off; refuses what we can't do.
fn split_family(text: &str) -> Result<(Family, &str), String> {
    if text.starts_with('/') {
        return Err(format!(
            "'{text}': a path as an address {NOT_IMPLEMENTED} here"
        ));
    }
    match text.split_once('@') {
        None => Ok((Family::Any, text)),
        Some(("tcp", address)) => Ok((Family::Any, address)),
        Some(("ipv4" | "tcp4", address)) => Ok((Family::V4, address)),
        Some(("ipv6" | "tcp6", address)) => Ok((Family::V6, address)),
        Some((family, _)) => Err(format!(
            "'{text}': the address family '{family}@' {NOT_IMPLEMENTED}"
        )),
    }
}

fn parse_host(host: &str, family: Family, whole: &str) -> Result<Host, String> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let found = match (host, bare.parse()) {
        ("" | "*", _) if family == Family::V6 => Some(Host::Any6),
        ("" | "*", _) => Some(Host::Any4),
        (_, Ok(IpAddr::V4(ip))) if ip.is_unspecified() => Some(Host::Any4),
        (_, Ok(IpAddr::V6(ip))) if ip.is_unspecified() => Some(Host::Any6),
        (_, Ok(ip)) => Some(Host::Ip(ip)),
        _ => is_name(bare).then(|| Host::Name(bare.to_owned())),
    };
    let is_ipv4 = match &found {
        Some(Host::Any4) => true,
        Some(Host::Ip(ip)) => ip.is_ipv4(),
        _ => false,
    };
    match (found, family) {
        (Some(Host::Name(_)), Family::V6) => Err(format!(
            "'{whole}': to look for the IPv6 address of a name {NOT_IMPLEMENTED}"
        )),
        (Some(host @ Host::Name(_)), _) | (Some(host), Family::Any) => Ok(host),
        (Some(host), family) if is_ipv4 == (family == Family::V4) => Ok(host),
        _ => Err(format!("invalid address: '{host}' in '{whole}'")),
    }
}

fn is_name(text: &str) -> bool {
    let is_name_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    has_letter && text.len() <= HOST_BYTES_MAX && text.bytes().all(is_name_byte)
}

/// The words that every message about a missing feature has, for people and for `grep`.
pub(super) const NOT_IMPLEMENTED: &str = "is not implemented by steadfast";

/// The port of syslog over UDP (RFC 5426, section 3.3).
const SYSLOG_PORT: u16 = 514;

/// The longest name that the DNS has.
const HOST_BYTES_MAX: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Host {
        Host::Ip(text.parse().unwrap())
    }

    #[test]
    fn bind_addresses_have_many_forms() {
        let cases = [
            (":80", vec![(Host::Any4, 80..=80)]),
            ("*:80", vec![(Host::Any4, 80..=80)]),
            (":::80", vec![(Host::Any6, 80..=80)]),
            ("[::1]:80", vec![(ip("::1"), 80..=80)]),
            ("::1:80", vec![(ip("::1"), 80..=80)]),
            ("ipv4@10.0.0.1:80", vec![(ip("10.0.0.1"), 80..=80)]),
            ("ipv6@:80", vec![(Host::Any6, 80..=80)]),
            ("tcp6@*:80", vec![(Host::Any6, 80..=80)]),
            ("tcp4@:80", vec![(Host::Any4, 80..=80)]),
            ("ipv6@[::1]:80", vec![(ip("::1"), 80..=80)]),
            (
                "ipv4@lb1.example:80",
                vec![(Host::Name("lb1.example".into()), 80..=80)],
            ),
            (
                "lb1.example:80",
                vec![(Host::Name("lb1.example".into()), 80..=80)],
            ),
            (
                ":80,1.2.3.4:8000-8003",
                vec![(Host::Any4, 80..=80), (ip("1.2.3.4"), 8000..=8003)],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_bind(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bad_bind_addresses_say_why() {
        let cases = [
            ("1.2.3.4", "missing port specification in '1.2.3.4'"),
            (":0", "invalid port '0'"),
            (":99999", "invalid port '99999'"),
            (":+80", "invalid port '+80'"),
            (":80-70", "invalid port range '80-70'"),
            (":80,", "missing port specification in ''"),
            ("1.2.3:80", "invalid address: '1.2.3' in '1.2.3:80'"),
            ("a b:80", "invalid address: 'a b' in 'a b:80'"),
            ("[*]:80", "invalid address: '[*]' in '[*]:80'"),
            (
                "ipv4@[::1]:80",
                "invalid address: '[::1]' in 'ipv4@[::1]:80'",
            ),
            (
                "ipv6@127.0.0.1:80",
                "invalid address: '127.0.0.1' in 'ipv6@127.0.0.1:80'",
            ),
            (
                "tcp6@lb1:80",
                "'tcp6@lb1:80': to look for the IPv6 address of a name is not implemented by steadfast",
            ),
            (
                "/run/x",
                "'/run/x': a path as an address is not implemented by steadfast here",
            ),
            (
                "fd@3",
                "'fd@3': the address family 'fd@' is not implemented by steadfast",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(parse_bind(text), Err(message.into()), "{text}");
        }
    }

    #[test]
    fn servers_need_a_host_and_a_port() {
        assert_eq!(parse_server("10.0.0.94:80"), Ok((ip("10.0.0.94"), 80)));
        assert_eq!(parse_server("web1:80"), Ok((Host::Name("web1".into()), 80)));
        for text in [
            "10.0.0.94",
            "10.0.0.94:+1",
            "*:80",
            ":80",
            "0.0.0.0:80",
            "10.0.0.94:x",
        ] {
            assert!(parse_server(text).is_err(), "{text}");
        }
    }

    #[test]
    fn log_addresses_default_to_the_syslog_port() {
        assert_eq!(
            parse_log("127.0.0.1"),
            Ok(Address::Inet(ip("127.0.0.1"), 514))
        );
        assert_eq!(
            parse_log("127.0.0.1:1514"),
            Ok(Address::Inet(ip("127.0.0.1"), 1514))
        );
        assert_eq!(parse_log("/dev/log"), Ok(Address::Unix("/dev/log".into())));
        assert!(parse_log("stdout").is_err());
        assert!(parse_log("ring@x").is_err());
    }
}
