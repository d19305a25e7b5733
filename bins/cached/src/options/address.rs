//! The values of `-l`.

use std::net::{IpAddr, SocketAddr};

use super::UsageError;
use crate::settings::Listen;

/// One place from a `-l` list; without a port of its own it takes that of `-p`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    host: String,
    port: Option<u16>,
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

    /// Reads `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
    fn parse(entry: &str) -> Result<Self, UsageError> {
        if let Some(prefix) = PREFIXES
            .into_iter()
            .find(|prefix| entry.starts_with(prefix))
        {
            return Err(UsageError::usage(format!(
                "the prefix '{prefix}' is not implemented yet"
            )));
        }
        if let Some(rest) = entry.strip_prefix('[') {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| UsageError::value(format!("missing ']' in '{entry}'")))?;
            return match after.strip_prefix(':') {
                Some(port) => Self::new(host, Some(port)),
                None if after.is_empty() => Self::new(host, None),
                None => Err(UsageError::value(format!(
                    "unexpected '{after}' in '{entry}'"
                ))),
            };
        }
        match entry.split_once(':') {
            Some((host, port)) if !port.contains(':') => Self::new(host, Some(port)),
            _ => Self::new(entry, None),
        }
    }

    fn new(host: &str, port: Option<&str>) -> Result<Self, UsageError> {
        let port = port.map(|text| {
            text.parse()
                .map_err(|_| UsageError::value(format!("'{text}' is not a port number")))
        });
        Ok(Self {
            host: host.to_owned(),
            port: port.transpose()?,
        })
    }

    /// Returns where to listen, given the port of `-p`.
    pub(super) fn listen(&self, default_port: u16) -> Listen {
        let port = self.port.unwrap_or(default_port);
        match self.host.parse::<IpAddr>() {
            Ok(ip) => Listen::Address(SocketAddr::new(ip, port)),
            Err(_) if self.host.is_empty() || self.host == "*" => Listen::Everywhere(port),
            Err(_) => Listen::Host(self.host.clone(), port),
        }
    }
}

const PREFIXES: [&str; 6] = ["notls:", "btls:", "mtls:", "proto[", "tag[", "tag_"];
