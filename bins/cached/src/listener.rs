//! Listening sockets, and the connections that come in at them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use steadfast_host::listen::{self, ListenError, TcpOptions};

use crate::census::Place;
use crate::settings::{Listen, Settings};

/// Every worker's own listeners, for every place.
#[derive(Debug)]
pub(crate) struct Bound {
    /// One list per worker.
    pub(crate) by_worker: Vec<Vec<Listener>>,
    /// The TCP addresses, with the ports that the kernel chose.
    pub(crate) addresses: Vec<SocketAddr>,
    /// All places, for reports.
    pub(crate) places: Vec<Place>,
}

impl Bound {
    /// Binds all that `settings` asks for, or nothing. Clients are turned away until
    /// [`Bound::open`].
    pub(crate) fn bind(settings: &Settings) -> Result<Self, ListenError> {
        let mut bound = Self {
            by_worker: (0..settings.threads).map(|_| Vec::new()).collect(),
            addresses: Vec::new(),
            places: Vec::new(),
        };
        for place in &settings.listen {
            bound.add(place, settings)?;
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

    fn add(&mut self, place: &Listen, settings: &Settings) -> Result<(), ListenError> {
        match place {
            Listen::Address(address) => self.add_tcp(*address, settings).map(drop),
            Listen::Everywhere(port) => {
                let port = self.add_tcp((Ipv4Addr::UNSPECIFIED, *port).into(), settings)?;
                match listen::has_ipv6() {
                    true => self
                        .add_tcp((Ipv6Addr::UNSPECIFIED, port).into(), settings)
                        .map(drop),
                    false => Ok(()),
                }
            }
            Listen::Host(host, port) => resolve(host, *port)?
                .into_iter()
                .try_for_each(|address| self.add_tcp(address, settings).map(drop)),
            Listen::Unix { path, mode } => self.add_unix(path, *mode),
        }
    }

    fn add_tcp(&mut self, address: SocketAddr, settings: &Settings) -> Result<u16, ListenError> {
        // A name and an address may mean the same; a second socket there would only fail.
        if self.addresses.contains(&address) {
            return Ok(address.port());
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
            });
        }
        self.addresses.push(chosen);
        Ok(chosen.port())
    }

    fn add_unix(&mut self, path: &Path, mode: u32) -> Result<(), ListenError> {
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
            });
        }
        first.push(Listener {
            socket: Socket::Unix(UnixListener::from_std(socket)),
            name,
        });
        Ok(())
    }
}

/// One worker's ear at one place.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Socket,
    name: Arc<str>,
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
    pub(crate) fn accept(&self) -> io::Result<(Stream, String)> {
        match &self.socket {
            Socket::Tcp(socket) => {
                let (stream, peer) = socket.accept()?;
                Ok((Stream::Tcp(stream), format!("tcp:{peer}")))
            }
            Socket::Unix(socket) => {
                let (stream, _) = socket.accept()?;
                Ok((Stream::Unix(stream), "unix:".to_owned()))
            }
        }
    }

    /// Returns the place's name.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }
}

/// A client's connection, over either kind of socket.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Stream {
    /// Registers for reading and writing, edge-triggered, once for the connection's life.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let source: &mut dyn Source = match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
        };
        source.register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Returns the descriptor number, which names the connection in reports.
    pub(crate) fn id(&self) -> u64 {
        match self {
            Self::Tcp(stream) => id(stream),
            Self::Unix(stream) => id(stream),
        }
    }

    /// Tells whether the client is on this machine's Unix socket.
    pub(crate) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }
}

impl io::Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    fn read_vectored(&mut self, buffers: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read_vectored(buffers),
            Self::Unix(stream) => stream.read_vectored(buffers),
        }
    }
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(slices),
            Self::Unix(stream) => stream.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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

fn id(socket: &impl AsRawFd) -> u64 {
    socket.as_raw_fd().unsigned_abs().into()
}
