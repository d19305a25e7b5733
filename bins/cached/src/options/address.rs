//! The values of `-l`.

use std::net::{IpAddr, SocketAddr};

use super::UsageError;
use crate::settings::{ClientCertificate, Endpoint, Listen, Protocol, Security, TAG_BYTES_MAX};

/// One place from a `-l` list; what it leaves open is for `-p`, `-B` and `-Z` to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    host: String,
    port: Option<u16>,
    protocol: Option<Protocol>,
    security: Option<Security>,
    tag: Option<String>,
}

impl Place {
    /// Reads a list separated by `,` or `;`. Empty entries are skipped, as memcached's strtok does.
    pub(super) fn parse_list(list: &str) -> Result<Vec<Self>, UsageError> {
        let entries: Vec<_> = list
            .split([',', ';'])
            .filter(|entry| !entry.is_empty())
            .collect();
        if entries.is_empty() {
            return Err(UsageError::value("no address given"));
        }
        entries.into_iter().map(Self::parse).collect()
    }

    /// Reads prefixes, each at most once and in any order, and an address behind them. (memcached
    /// wants TLS first, then the protocol, then the tag.)
    fn parse(entry: &str) -> Result<Self, UsageError> {
        let (mut protocol, mut security, mut tag) = (None, None, None);
        let mut rest = entry;
        loop {
            let twice = if let Some((mode, behind)) = security_prefix(rest) {
                rest = behind;
                security.replace(mode).is_some()
            } else if let Some((word, behind)) = bracketed(rest, "proto[") {
                rest = behind;
                protocol.replace(protocol_named(word)?).is_some()
            } else if let Some((word, behind)) =
                bracketed(rest, "tag[").or_else(|| underlined(rest))
            {
                rest = behind;
                tag.replace(checked_tag(word)?).is_some()
            } else {
                break;
            };
            if twice {
                return Err(UsageError::value(format!(
                    "'{entry}' has two prefixes of a kind"
                )));
            }
        }
        let (host, port) = host_and_port(rest)?;
        Ok(Self {
            host: host.to_owned(),
            port,
            protocol,
            security,
            tag,
        })
    }

    /// Tells whether it says itself what to do about TLS.
    pub(super) fn names_security(&self) -> bool {
        self.security.is_some()
    }

    /// Returns the protocol that it says itself.
    pub(super) fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// Returns the endpoint, given what holds where this place says nothing.
    pub(super) fn endpoint(&self, port: u16, protocol: Protocol, security: Security) -> Endpoint {
        let mut endpoint = Endpoint::from(self.listen(port));
        endpoint.protocol = self.protocol.unwrap_or(protocol);
        endpoint.security = self.security.unwrap_or(security);
        endpoint.tag.clone_from(&self.tag);
        endpoint
    }

    /// Returns where to listen, given the port of `-p` or `-U`. A port of its own goes before both,
    /// as in memcached.
    pub(super) fn listen(&self, default_port: u16) -> Listen {
        let port = self.port.unwrap_or(default_port);
        match self.host.parse::<IpAddr>() {
            Ok(ip) => Listen::Address(SocketAddr::new(ip, port)),
            Err(_) if self.host.is_empty() || self.host == "*" => Listen::Everywhere(port),
            Err(_) => Listen::Host(self.host.clone(), port),
        }
    }
}

/// Reads `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
fn host_and_port(entry: &str) -> Result<(&str, Option<u16>), UsageError> {
    if let Some(rest) = entry.strip_prefix('[') {
        let (host, after) = rest
            .split_once(']')
            .ok_or_else(|| UsageError::value(format!("missing ']' in '{entry}'")))?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port_number(port)?))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(UsageError::value(format!(
                "unexpected '{after}' in '{entry}'"
            ))),
        };
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => Ok((host, Some(port_number(port)?))),
        _ => Ok((entry, None)),
    }
}

fn port_number(text: &str) -> Result<u16, UsageError> {
    text.parse()
        .map_err(|_| UsageError::value(format!("'{text}' is not a port number")))
}

fn security_prefix(text: &str) -> Option<(Security, &str)> {
    SECURITY_PREFIXES
        .iter()
        .find_map(|(prefix, security)| Some((*security, text.strip_prefix(prefix)?)))
}

/// Splits `proto[ascii]:rest` behind its prefix `proto[`.
fn bracketed<'a>(text: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(prefix)?.split_once("]:")
}

/// Splits `tag_name_:rest`.
fn underlined(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("tag_")?.split_once("_:")
}

fn protocol_named(word: &str) -> Result<Protocol, UsageError> {
    match word {
        "ascii" => Ok(Protocol::Text),
        "binary" => Ok(Protocol::Binary),
        "negotiating" => Ok(Protocol::Negotiate),
        _ => Err(UsageError::value(format!(
            "'{word}' is none of ascii, binary, negotiating"
        ))),
    }
}

fn checked_tag(word: &str) -> Result<String, UsageError> {
    match word.len() {
        1..=TAG_BYTES_MAX => Ok(word.to_owned()),
        bytes => Err(UsageError::value(format!(
            "tag of {bytes} bytes is not within 1 and {TAG_BYTES_MAX}"
        ))),
    }
}

const SECURITY_PREFIXES: [(&str, Security); 3] = [
    ("notls:", Security::Plain),
    ("btls:", Security::Tls(ClientCertificate::Ignored)),
    ("mtls:", Security::Tls(ClientCertificate::Required)),
];
