//! Listening sockets, and the connections that come in at them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use steadfast_host::listen::{self, ListenError, TcpOptions};

use crate::census::Place;
use crate::server::StartError;
use crate::settings::{ClientCertificate, Endpoint, Listen, Protocol, Security, Settings};
use crate::stream::{Stream, id};
use crate::tls::{self, TlsError};

/// Every worker's own listeners, for every place.
#[derive(Debug)]
pub(crate) struct Bound {
    /// One list per worker.
    pub(crate) by_worker: Vec<Vec<Listener>>,
    /// The TCP addresses, with the ports that the kernel chose.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Sockets for datagrams, one list per worker.
    pub(crate) udp_by_worker: Vec<Vec<UdpSocket>>,
    /// Where datagrams are taken, with the ports that the kernel chose.
    pub(crate) udp_addresses: Vec<SocketAddr>,
    /// All places, for reports.
    pub(crate) places: Vec<Place>,
    /// What encrypted listeners present.
    pub(crate) tls: Option<Arc<tls::Context>>,
    /// What is done at each of the addresses.
    manners: Vec<Manner>,
}

impl Bound {
    /// Binds all that `settings` asks for, or nothing. Clients are turned away until
    /// [`Bound::open`].
    pub(crate) fn bind(settings: &Settings) -> Result<Self, StartError> {
        let tls = settings.tls.as_ref().map(tls::Context::load).transpose()?;
        let mut bound = Self {
            by_worker: (0..settings.threads).map(|_| Vec::new()).collect(),
            addresses: Vec::new(),
            udp_by_worker: (0..settings.threads).map(|_| Vec::new()).collect(),
            udp_addresses: Vec::new(),
            places: Vec::new(),
            tls: tls.map(Arc::new),
            manners: Vec::new(),
        };
        for endpoint in &settings.listen {
            bound.add(endpoint, settings)?;
        }
        for place in &settings.udp {
            each_address(place, |address| bound.add_udp(address, settings))?;
        }
        Ok(bound)
    }

    /// Lets clients in.
    pub(crate) fn open(&self, backlog: u32) -> Result<(), ListenError> {
        for listener in self.by_worker.iter().flatten() {
            let opened = match &listener.socket {
                Socket::Tcp(socket) => listen::open(socket, backlog),
                Socket::Unix(socket) => listen::open(socket, backlog),
            };
            opened.map_err(|cause| ListenError::new(&listener.name, cause))?;
        }
        Ok(())
    }

    fn add(&mut self, endpoint: &Endpoint, settings: &Settings) -> Result<(), StartError> {
        let mut manner = Manner::of(endpoint);
        if let Listen::Unix { path, mode } = &endpoint.place {
            manner.certificate = None;
            return Ok(self.add_unix(path, *mode, manner)?);
        }
        if let Some(certificate) = manner.certificate {
            let tls = self.tls.as_ref().ok_or(TlsError::NoSettings)?;
            tls.check(certificate)?;
        }
        each_address(&endpoint.place, |address| {
            self.add_tcp(address, settings, &manner)
        })?;
        Ok(())
    }

    fn add_tcp(
        &mut self,
        address: SocketAddr,
        settings: &Settings,
        manner: &Manner,
    ) -> Result<u16, ListenError> {
        // A name and an address may mean the same; a second socket there would only fail.
        let known = self.addresses.iter().position(|known| *known == address);
        if let Some(position) = known {
            return match self.manners[position] == *manner {
                true => Ok(address.port()),
                false => Err(ListenError::new(address, io::ErrorKind::AddrInUse.into())),
            };
        }
        let mut options = TcpOptions::default();
        options.is_open = false;
        let group = listen::tcp_group(address, settings.threads, &options)?;
        let chosen = group[0]
            .local_addr()
            .map_err(|cause| ListenError::new(address, cause))?;
        let name: Arc<str> = format!("tcp:{chosen}").into();
        self.places.push(Place {
            id: id(&group[0]),
            address: Arc::clone(&name),
        });
        for (worker, socket) in self.by_worker.iter_mut().zip(group) {
            let socket = Socket::Tcp(TcpListener::from_std(socket));
            worker.push(Listener {
                socket,
                name: Arc::clone(&name),
                manner: manner.clone(),
                tls: self.tls.clone(),
            });
        }
        self.addresses.push(chosen);
        self.manners.push(manner.clone());
        Ok(chosen.port())
    }

    fn add_udp(&mut self, address: SocketAddr, settings: &Settings) -> Result<u16, ListenError> {
        if self.udp_addresses.contains(&address) {
            return Ok(address.port());
        }
        let group = listen::udp_group(address, settings.threads)?;
        let chosen = group[0]
            .local_addr()
            .map_err(|cause| ListenError::new(address, cause))?;
        self.places.push(Place {
            id: id(&group[0]),
            address: format!("udp:{chosen}").into(),
        });
        for (worker, socket) in self.udp_by_worker.iter_mut().zip(group) {
            worker.push(socket);
        }
        self.udp_addresses.push(chosen);
        Ok(chosen.port())
    }

    fn add_unix(&mut self, path: &Path, mode: u32, manner: Manner) -> Result<(), ListenError> {
        let socket = listen::unix_closed(path, mode)?;
        let name: Arc<str> = format!("unix:{}", path.display()).into();
        self.places.push(Place {
            id: id(&socket),
            address: Arc::clone(&name),
        });
        let Some((first, others)) = self.by_worker.split_first_mut() else {
            return Ok(());
        };
        for worker in others {
            // One socket, known to all workers: whoever wakes first takes the connection.
            let twin = socket
                .try_clone()
                .map_err(|cause| ListenError::new(path.display(), cause))?;
            let socket = Socket::Unix(UnixListener::from_std(twin));
            worker.push(Listener {
                socket,
                name: Arc::clone(&name),
                manner: manner.clone(),
                tls: None,
            });
        }
        first.push(Listener {
            socket: Socket::Unix(UnixListener::from_std(socket)),
            name,
            manner,
            tls: None,
        });
        Ok(())
    }
}

/// How clients are talked to at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Manner {
    protocol: Protocol,
    /// In TLS, with this much interest in who they are.
    certificate: Option<ClientCertificate>,
    tag: Option<Arc<str>>,
}

impl Manner {
    fn of(endpoint: &Endpoint) -> Self {
        Self {
            protocol: endpoint.protocol,
            certificate: match endpoint.security {
                Security::Plain => None,
                Security::Tls(certificate) => Some(certificate),
            },
            tag: endpoint.tag.as_deref().map(Arc::from),
        }
    }
}

/// One worker's ear at one place.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Socket,
    name: Arc<str>,
    manner: Manner,
    tls: Option<Arc<tls::Context>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Registers for connections, edge-triggered: after an event, accept until `WouldBlock`.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.socket {
            Socket::Tcp(socket) => registry.register(socket, token, Interest::READABLE),
            Socket::Unix(socket) => registry.register(socket, token, Interest::READABLE),
        }
    }

    /// Takes the next connection, and says who it is.
    pub(crate) fn accept(&self) -> io::Result<Accepted> {
        let (stream, peer) = match &self.socket {
            Socket::Tcp(socket) => {
                let (stream, peer) = socket.accept()?;
                let stream = match (self.manner.certificate, &self.tls) {
                    (Some(certificate), Some(tls)) => Stream::Tls(tls.accept(stream, certificate)?),
                    _ => Stream::Tcp(stream),
                };
                (stream, format!("tcp:{peer}"))
            }
            Socket::Unix(socket) => {
                let (stream, _) = socket.accept()?;
                (Stream::Unix(stream), "unix:".to_owned())
            }
        };
        Ok(Accepted {
            stream,
            peer,
            place: Arc::clone(&self.name),
            protocol: self.manner.protocol,
            tag: self.manner.tag.clone(),
        })
    }
}

/// A connection that has come in.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: Stream,
    /// The client's end, `tcp:127.0.0.1:40000`.
    pub(crate) peer: String,
    /// Our end.
    pub(crate) place: Arc<str>,
    pub(crate) protocol: Protocol,
    /// What clients that come in there are called.
    pub(crate) tag: Option<Arc<str>>,
}

/// Calls `bind` for each address that `place` means, one port for all if the kernel chooses it, until
/// one fails. A Unix socket means none.
pub(crate) fn each_address(
    place: &Listen,
    mut bind: impl FnMut(SocketAddr) -> Result<u16, ListenError>,
) -> Result<(), ListenError> {
    match place {
        Listen::Address(address) => bind(*address).map(drop),
        Listen::Everywhere(port) => {
            let port = bind((Ipv4Addr::UNSPECIFIED, *port).into())?;
            match listen::has_ipv6() {
                true => bind((Ipv6Addr::UNSPECIFIED, port).into()).map(drop),
                false => Ok(()),
            }
        }
        Listen::Host(host, port) => resolve(host, *port)?
            .into_iter()
            .try_for_each(|address| bind(address).map(drop)),
        Listen::Unix { .. } => Ok(()),
    }
}

fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ListenError> {
    let failed = |cause| ListenError::new(format!("{host}:{port}"), cause);
    let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(failed)?.collect();
    // Resolvers repeat addresses; binding one twice would only fail.
    addresses.sort_by_key(|address| (address.is_ipv6(), *address));
    addresses.dedup();
    // localhost is often ::1 too, on machines without IPv6.
    if addresses.iter().any(SocketAddr::is_ipv4) && !listen::has_ipv6() {
        addresses.retain(|address| matches!(address.ip(), IpAddr::V4(_)));
    }
    Ok(addresses)
}
