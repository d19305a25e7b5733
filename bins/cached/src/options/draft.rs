//! The options while they are being read: their order does not matter, so sense is made at the end.

use std::path::PathBuf;
use std::str::FromStr;

use super::address::Place;
use super::tls::TlsDraft;
use super::{Options, Request, UsageError};
use crate::settings::{Authentication, Endpoint, Listen, PORT, Protocol, Security, Settings};

#[derive(Debug)]
pub(super) struct Draft {
    pub(super) settings: Settings,
    /// `-p`, if given: `None` is off (0), port 0 any free one (-1).
    pub(super) port: Option<Option<u16>>,
    /// `-U`, likewise.
    pub(super) udp_port: Option<u16>,
    /// `-B`, where a listener does not say its own.
    pub(super) protocol: Option<Protocol>,
    /// `-S`.
    pub(super) sasl: bool,
    /// `-Y`.
    pub(super) auth_file: Option<PathBuf>,
    pub(super) tls: TlsDraft,
    pub(super) places: Vec<Place>,
    pub(super) unix_socket: Option<PathBuf>,
    pub(super) unix_mode: u32,
    pub(super) daemon: bool,
    pub(super) user: Option<String>,
    pub(super) pid_file: Option<PathBuf>,
    pub(super) core_dumps: bool,
    pub(super) lock_memory: bool,
    pub(super) save_on_term: bool,
    pub(super) check_only: bool,
    pub(super) warnings: Vec<String>,
    /// By `--config`.
    pub(super) files_read: usize,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            port: None,
            udp_port: None,
            protocol: None,
            sasl: false,
            auth_file: None,
            tls: TlsDraft::default(),
            places: Vec::new(),
            unix_socket: None,
            unix_mode: 0o700,
            daemon: false,
            user: None,
            pid_file: None,
            core_dumps: false,
            lock_memory: false,
            save_on_term: false,
            check_only: false,
            warnings: Vec::new(),
            files_read: 0,
        }
    }
}

impl Draft {
    /// Makes sense of the whole.
    pub(super) fn finish(mut self) -> Result<Request, UsageError> {
        self.settings.udp = self.udp();
        self.settings.authentication = self.authentication()?;
        self.settings.listen = self.listen()?;
        let tls = std::mem::take(&mut self.tls);
        self.settings.tls = tls.finish(&mut self.warnings)?;
        self.check()?;
        if self.check_only {
            return Ok(Request::Check);
        }
        Ok(Request::Run(Box::new(Options {
            settings: self.settings,
            daemon: self.daemon,
            user: self.user,
            pid_file: self.pid_file,
            core_dumps: self.core_dumps,
            lock_memory: self.lock_memory,
            save_on_term: self.save_on_term,
            warnings: self.warnings,
        })))
    }

    /// Refuses what contradicts each other.
    fn check(&self) -> Result<(), UsageError> {
        let settings = &self.settings;
        let (largest, half) = (settings.item_bytes_max, settings.memory_bytes / 2);
        if largest as u64 > half {
            return Err(UsageError::usage(format!(
                "the item size limit of {largest} bytes (-I) exceeds half of the memory (-m), {half} bytes"
            )));
        }
        if self.save_on_term && settings.memory_file.is_none() {
            return Err(UsageError::usage(
                "--save-on-term needs a memory file (-e) to save to",
            ));
        }
        let (ids, threads) = (settings.engine.napi_ids, settings.threads);
        if ids as usize > threads {
            return Err(UsageError::usage(format!(
                "{ids} NAPI ids (-N) exceed the number of threads (-t), {threads}"
            )));
        }
        let lru = &settings.engine.lru;
        let percent = lru.hot_percent + lru.warm_percent;
        if lru.maintainer && percent > PERCENT_MAX {
            return Err(UsageError::usage(format!(
                "hot_lru_pct and warm_lru_pct (-o) are {percent} together, which exceeds {PERCENT_MAX}"
            )));
        }
        if lru.temporary && !lru.maintainer {
            return Err(UsageError::usage(
                "temporary_ttl (-o) is for the lru_maintainer, which is off",
            ));
        }
        Ok(())
    }

    /// Returns how clients say who they are; fixes the protocol to the one that can.
    fn authentication(&mut self) -> Result<Option<Authentication>, UsageError> {
        let (authentication, flag, protocol) = match (self.auth_file.take(), self.sasl) {
            (None, false) => return Ok(None),
            (Some(_), true) => {
                return Err(UsageError::usage(
                    "text (-Y) and SASL (-S) authentication can't be had together",
                ));
            }
            (Some(file), false) => (Authentication::Text(file), "-Y", Protocol::Text),
            (None, true) => {
                let file = PathBuf::new();
                (Authentication::Sasl(file), "-S", Protocol::Binary)
            }
        };
        let endpoints = self.places.iter().filter_map(Place::protocol);
        let name = match protocol {
            Protocol::Text => "ascii",
            _ => "binary",
        };
        if self
            .protocol
            .into_iter()
            .chain(endpoints)
            .any(|other| other != protocol)
        {
            return Err(UsageError::usage(format!(
                "{flag} is for the {name} protocol only: -B {name}"
            )));
        }
        if !self.settings.udp.is_empty() {
            return Err(UsageError::usage(format!(
                "{flag} can't be had together with UDP (-U)"
            )));
        }
        self.protocol = Some(protocol);
        Ok(Some(authentication))
    }

    /// Returns where clients are taken in. A Unix socket takes the place of the network.
    fn listen(&mut self) -> Result<Vec<Endpoint>, UsageError> {
        if let Some(path) = self.unix_socket.take() {
            let mut endpoint = Endpoint::from(Listen::Unix {
                path,
                mode: self.unix_mode,
            });
            endpoint.protocol = self.protocol.unwrap_or_default();
            return Ok(vec![endpoint]);
        }
        if !self.tls.is_on && self.places.iter().any(Place::names_security) {
            return Err(UsageError::usage(
                "notls:, btls: and mtls: (-l) are for servers with TLS (-Z)",
            ));
        }
        // A port for UDP alone is meant for both.
        let port = self.port.unwrap_or(self.udp_port.or(Some(PORT)));
        let security = self.tls.security();
        let Some(port) = port else {
            return match self.settings.udp.is_empty() {
                false => Ok(Vec::new()),
                true => Err(UsageError::usage(
                    "nothing to listen on: -p 0 switches TCP off and there is neither -U nor -s",
                )),
            };
        };
        if self.places.is_empty() {
            return Ok(vec![self.everywhere(port, security)]);
        }
        let endpoints = self.places.iter();
        Ok(once(endpoints.map(|place| {
            place.endpoint(port, self.protocol.unwrap_or_default(), security)
        })))
    }

    fn everywhere(&self, port: u16, security: Security) -> Endpoint {
        let mut endpoint = Endpoint::from(Listen::Everywhere(port));
        endpoint.protocol = self.protocol.unwrap_or_default();
        endpoint.security = security;
        endpoint
    }

    /// Returns where datagrams are taken.
    fn udp(&self) -> Vec<Listen> {
        match self.udp_port {
            Some(port) if self.unix_socket.is_none() => match self.places.is_empty() {
                true => vec![Listen::Everywhere(port)],
                false => once(self.places.iter().map(|place| place.listen(port))),
            },
            _ => Vec::new(),
        }
    }
}

/// memcached's bound on the two shares of memory together.
const PERCENT_MAX: u32 = 80;

/// Leaves out what is there already: binding it twice would only fail.
fn once<T: PartialEq>(places: impl Iterator<Item = T>) -> Vec<T> {
    let mut all = Vec::new();
    for place in places {
        if !all.contains(&place) {
            all.push(place);
        }
    }
    all
}

/// Reads a number of at least `least`.
pub(super) fn number<N>(text: &str, least: N) -> Result<N, UsageError>
where
    N: FromStr + PartialOrd + std::fmt::Display,
{
    match text.parse() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(UsageError::value(format!(
            "'{text}' is not a number of {least} or more"
        ))),
    }
}

/// Reads `4096`, `512k` or `1m`.
pub(super) fn size(text: &str) -> Result<usize, UsageError> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        _ => (text, 0),
    };
    digits
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| {
            UsageError::value(format!("'{text}' is not a size such as 4096, 512k or 1m"))
        })
}
