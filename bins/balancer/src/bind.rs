//! What has to be had before anything is served: names resolved, accounts found, sockets bound.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;
use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};
use steadfast_host::listen;
use steadfast_host::privilege::{GroupId, UserId};
use steadfast_proxy::config::{Account, Address, Config, Host, LogTarget, Position, StatsSocket};
use steadfast_proxy::state::FrontendId;

/// Why the balancer can't start. Its text is one line, worded as HAProxy words it.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A name has no address.
    Resolve {
        /// Where the name is written.
        position: Position,
        /// The name.
        name: String,
    },
    /// There is no such user or group.
    Account {
        /// Where it is written.
        position: Position,
        /// `user` or `group`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// An address can't be listened on.
    Bind {
        /// Where the address is written.
        position: Position,
        /// The frontend, or `GLOBAL` for a stats socket.
        proxy: String,
        /// The protocol by HAProxy's name for it: `tcpv4`, `tcpv6` or `unix_stream`.
        protocol: &'static str,
        /// The address or path.
        place: String,
        /// What the system says.
        cause: io::Error,
    },
    /// Anything else that the system refused: what was tried, and what it said.
    System(&'static str, io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |position: &Position| format!("[{}:{}]", position.file, position.line);
        match self {
            Self::Resolve { position, name } => {
                write!(
                    f,
                    "config : parsing {} : could not resolve address '{name}'",
                    at(position)
                )
            }
            Self::Account {
                position,
                kind,
                name,
            } => {
                let at = at(position);
                write!(
                    f,
                    "config : parsing {at} : cannot find {kind} id for '{name}'"
                )
            }
            Self::Bind {
                position,
                proxy,
                protocol,
                place,
                cause,
            } => {
                let at = at(position);
                let cause = system_text(cause);
                write!(
                    f,
                    "Binding {at} for proxy {proxy}: protocol {protocol}: cannot bind socket \
                     ({cause}) for [{place}]."
                )
            }
            Self::System(what, cause) => write!(f, "{what}: {}", system_text(cause)),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind { cause, .. } | Self::System(_, cause) => Some(cause),
            _ => None,
        }
    }
}

/// What the system calls an error, without its number.
pub(crate) fn system_text(cause: &io::Error) -> String {
    let text = cause.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The addresses of all names that the configuration mentions.
#[derive(Debug, Default)]
pub(crate) struct Addresses(HashMap<String, IpAddr>);

impl Addresses {
    /// Looks every name up, once.
    pub(crate) fn resolve(config: &Config) -> Result<Self, StartError> {
        let mut addresses = Self::default();
        for bind in config.frontends.iter().flat_map(|frontend| &frontend.binds) {
            addresses.add(&bind.host, &bind.position)?;
        }
        for server in config.backends.iter().flat_map(|backend| &backend.servers) {
            addresses.add(&server.host, &server.position)?;
            if let Some(host) = server.check.as_ref().and_then(|check| check.host.as_ref()) {
                addresses.add(host, &server.position)?;
            }
        }
        for stats in &config.global.stats_sockets {
            if let Address::Inet(host, _) = &stats.address {
                addresses.add(host, &stats.position)?;
            }
        }
        for target in log_targets(config) {
            if let Address::Inet(host, _) = &target.address {
                addresses.add(host, &target.position)?;
            }
        }
        Ok(addresses)
    }

    /// Where `host` and `port` are. Names that were not resolved are nowhere: 0.0.0.0.
    pub(crate) fn of(&self, host: &Host, port: u16) -> SocketAddr {
        let ip = match host {
            Host::Any4 => Ipv4Addr::UNSPECIFIED.into(),
            Host::Any6 => Ipv6Addr::UNSPECIFIED.into(),
            Host::Ip(ip) => *ip,
            Host::Name(name) => self
                .0
                .get(name)
                .copied()
                .unwrap_or_else(|| Ipv4Addr::UNSPECIFIED.into()),
        };
        SocketAddr::new(ip, port)
    }

    fn add(&mut self, host: &Host, position: &Position) -> Result<(), StartError> {
        let Host::Name(name) = host else {
            return Ok(());
        };
        if self.0.contains_key(name) {
            return Ok(());
        }
        let found: Vec<IpAddr> = (name.as_str(), 0)
            .to_socket_addrs()
            .map(|found| found.map(|address| address.ip()).collect())
            .unwrap_or_default();
        // HAProxy, too, takes IPv4 where there is a choice.
        let best = found.iter().find(|ip| ip.is_ipv4()).or(found.first());
        let ip = best.ok_or_else(|| StartError::Resolve {
            position: position.clone(),
            name: name.clone(),
        })?;
        self.0.insert(name.clone(), *ip);
        Ok(())
    }
}

/// Every log target of the configuration; the same one may come several times.
pub(crate) fn log_targets(config: &Config) -> impl Iterator<Item = &LogTarget> {
    let frontends = config
        .frontends
        .iter()
        .flat_map(|frontend| &frontend.logging.targets);
    let backends = config
        .backends
        .iter()
        .flat_map(|backend| &backend.logging.targets);
    config.global.log.iter().chain(frontends).chain(backends)
}

/// Finds the user that the configuration names.
pub(crate) fn user(account: &Account) -> Result<UserId, StartError> {
    match account {
        Account::Name(name, position) => {
            UserId::find(name).map_err(|_| unknown(position, "user", name))
        }
        Account::Id(id) => UserId::find(&id.to_string())
            .map_err(|error| StartError::System("cannot find a user", io::Error::other(error))),
    }
}

/// Finds the group that the configuration names.
pub(crate) fn group(account: &Account) -> Result<GroupId, StartError> {
    match account {
        Account::Name(name, position) => {
            GroupId::find(name).map_err(|_| unknown(position, "group", name))
        }
        Account::Id(id) => GroupId::find(&id.to_string())
            .map_err(|error| StartError::System("cannot find a group", io::Error::other(error))),
    }
}

fn unknown(position: &Position, kind: &'static str, name: &str) -> StartError {
    StartError::Account {
        position: position.clone(),
        kind,
        name: name.to_owned(),
    }
}

/// Binds every address of every frontend that is not disabled.
///
/// With `shared`, another process of the same user may be listening there (it is about to leave).
pub(crate) fn frontends(
    config: &Config,
    addresses: &Addresses,
    shared: bool,
) -> Result<Vec<(FrontendId, TcpListener)>, StartError> {
    let mut listeners = Vec::new();
    for (index, frontend) in config.frontends.iter().enumerate() {
        if frontend.disabled {
            continue;
        }
        for bind in &frontend.binds {
            let address = addresses.of(&bind.host, bind.port);
            let listener = tcp(address, shared)
                .map_err(|cause| refused(&bind.position, &frontend.name, address, cause))?;
            listeners.push((FrontendId(index), listener));
        }
    }
    Ok(listeners)
}

fn refused(position: &Position, proxy: &str, at: SocketAddr, cause: io::Error) -> StartError {
    StartError::Bind {
        position: position.clone(),
        proxy: proxy.to_owned(),
        protocol: if at.is_ipv4() { "tcpv4" } else { "tcpv6" },
        place: at.to_string(),
        cause,
    }
}

/// Listens on `address`.
///
/// The address is claimed for us alone (two daemons on one port by accident would share the visitors) and then opened
/// for a successor, as a reload needs it: the successor binds with `shared`.
fn tcp(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A stats socket that listens.
#[derive(Debug)]
pub(crate) enum StatsListener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Binds a stats socket, and gives its path the mode and the owner that are asked for.
pub(crate) fn stats(
    socket: &StatsSocket,
    addresses: &Addresses,
    shared: bool,
) -> Result<StatsListener, StartError> {
    let path = match &socket.address {
        Address::Inet(host, port) => {
            let address = addresses.of(host, *port);
            let listener = tcp(address, shared)
                .map_err(|cause| refused(&socket.position, "GLOBAL", address, cause))?;
            return Ok(StatsListener::Tcp(listener));
        }
        Address::Unix(path) => path,
        _ => {
            return Err(StartError::System(
                "stats socket",
                io::ErrorKind::Unsupported.into(),
            ));
        }
    };
    let owner = socket
        .user
        .as_ref()
        .map(user)
        .transpose()?
        .map(|user| user.uid());
    let group = socket
        .group
        .as_ref()
        .map(group)
        .transpose()?
        .map(GroupId::gid);
    let fail = |cause| StartError::Bind {
        position: socket.position.clone(),
        proxy: String::from("GLOBAL"),
        protocol: "unix_stream",
        place: path.clone(),
        cause,
    };
    if shared {
        // The leaving process listens on this very path: the successor puts its own socket in its place.
        let _ = std::fs::remove_file(path);
    }
    let mode = socket.mode.unwrap_or_else(|| 0o777 & !umask());
    let listener = listen::unix(Path::new(path), mode, STATS_BACKLOG)
        .map_err(|error| fail(io::Error::new(error.kind(), listen_text(&error))))?;
    if owner.is_some() || group.is_some() {
        chown(path, owner, group).map_err(fail)?;
    }
    Ok(StatsListener::Unix(listener))
}

fn listen_text(error: &listen::ListenError) -> String {
    use std::error::Error as _;
    match error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>())
    {
        Some(cause) => system_text(cause),
        None => error.to_string(),
    }
}

/// The process's umask. The system call that reads it changes it too, so ask the file system.
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|text| u32::from_str_radix(text.trim(), 8).ok())
        .unwrap_or(0o022)
}

/// Clients that the kernel holds for us where a limit is reached; it caps this at `net.core.somaxconn`.
pub(crate) const BACKLOG: i32 = 4096;

/// The same for a stats socket.
const STATS_BACKLOG: u32 = 64;
