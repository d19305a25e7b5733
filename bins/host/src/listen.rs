//! Listening sockets, and errors that say which address could not be had, and why.

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::exit::reason;

/// How TCP listeners are made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TcpOptions {
    /// Connections that the kernel may hold for us, 1 or more; it caps this at `net.core.somaxconn`.
    pub backlog: u32,
    /// Whether idle peers are probed (`SO_KEEPALIVE`, inherited by accepted connections).
    pub keep_alive: bool,
    /// Whether accepted connections send small replies at once (`TCP_NODELAY`, inherited).
    pub no_delay: bool,
    /// Whether an IPv6 listener leaves IPv4 to others (`IPV6_V6ONLY`).
    pub v6_only: bool,
    /// Whether to listen at once. If not, the address is taken, and clients are turned away by the
    /// kernel until [`open`].
    pub is_open: bool,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self {
            backlog: 1024,
            keep_alive: true,
            no_delay: true,
            v6_only: true,
            is_open: true,
        }
    }
}

/// Listens on `address`. The socket is non-blocking; port 0 lets the kernel choose.
///
/// # Errors
///
/// When the address is taken, not ours, or not permitted.
pub fn tcp(address: SocketAddr, options: &TcpOptions) -> Result<TcpListener, ListenError> {
    let bound = bind(address, options, Sharing::None);
    bound
        .and_then(|socket| listen(socket, options))
        .map_err(|cause| ListenError::new(address, cause))
}

/// Listens on `address` with `count` sockets, among which the kernel spreads the connections.
///
/// All of them have the same port, also when `address` says 0. Nobody else can listen there before
/// us: the first socket claims the address for itself alone, and opens it to its siblings after.
///
/// # Errors
///
/// When the address is taken, not ours, or not permitted.
///
/// # Panics
///
/// When `count` is 0.
pub fn tcp_group(
    address: SocketAddr,
    count: usize,
    options: &TcpOptions,
) -> Result<Vec<TcpListener>, ListenError> {
    assert!(count > 0, "a group has at least one listener");
    open_group(address, count, options).map_err(|cause| ListenError::new(address, cause))
}

/// Takes datagrams at `address` with `count` sockets, among which the kernel spreads the senders.
///
/// All of them have the same port, also when `address` says 0, and are non-blocking. Nobody else can
/// be there before us. Datagrams that come from now on wait in the kernel.
///
/// # Errors
///
/// When the address is taken, not ours, or not permitted.
///
/// # Panics
///
/// When `count` is 0.
pub fn udp_group(address: SocketAddr, count: usize) -> Result<Vec<UdpSocket>, ListenError> {
    assert!(count > 0, "a group has at least one socket");
    bind_udp_group(address, count).map_err(|cause| ListenError::new(address, cause))
}

/// Listens on the Unix socket `path`, with the permission bits `mode` (`0o700`, say).
///
/// A socket file that nobody answers at is replaced. The socket is non-blocking.
///
/// # Errors
///
/// When something else than a socket is at `path`, somebody answers there, or the file can't be made.
pub fn unix(path: &Path, mode: u32, backlog: u32) -> Result<UnixListener, ListenError> {
    let opened = bind_unix(path, mode).and_then(|socket| {
        open(&socket, backlog)?;
        Ok(socket.into())
    });
    opened.map_err(|cause| ListenError::new(path.display(), cause))
}

/// Makes a Unix socket as [`unix`] does, at which clients are turned away until [`open`].
///
/// # Errors
///
/// As [`unix`].
pub fn unix_closed(path: &Path, mode: u32) -> Result<UnixListener, ListenError> {
    let bound = bind_unix(path, mode).map(UnixListener::from);
    bound.map_err(|cause| ListenError::new(path.display(), cause))
}

/// Listens at a socket that was bound closed; at one that listens, changes the backlog.
///
/// # Errors
///
/// When somebody else has come to listen there meanwhile.
pub fn open(socket: &impl AsFd, backlog: u32) -> io::Result<()> {
    SockRef::from(socket).listen(clamp_backlog(backlog))
}

/// Tells whether this machine can listen on IPv6 addresses at all.
pub fn has_ipv6() -> bool {
    let probe = SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0));
    bind(probe, &TcpOptions::default(), Sharing::None).is_ok()
}

/// Why a place can't be listened on: `cannot listen on 127.0.0.1:11211: address already in use`.
#[derive(Debug)]
pub struct ListenError {
    place: String,
    cause: io::Error,
}

impl ListenError {
    /// Describes a failure at `place` (an address or a path) for the reason `cause`.
    pub fn new(place: impl fmt::Display, cause: io::Error) -> Self {
        Self {
            place: place.to_string(),
            cause,
        }
    }

    /// Returns the address or path that was asked for.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the kind of the cause.
    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot listen on {}: {}",
            self.place,
            reason(&self.cause)
        )
    }
}

impl Error for ListenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Sharing {
    None,
    Founder,
    Member,
}

fn open_group(
    address: SocketAddr,
    count: usize,
    options: &TcpOptions,
) -> io::Result<Vec<TcpListener>> {
    let founder = bind(address, options, Sharing::Founder)?;
    let shared = founder.local_addr()?.as_socket().unwrap_or(address);
    let mut sockets = vec![founder];
    for _ in 1..count {
        sockets.push(bind(shared, options, Sharing::Member)?);
    }
    // Listening comes last, so that no connection goes to a group that is not whole.
    sockets
        .into_iter()
        .map(|socket| listen(socket, options))
        .collect()
}

fn bind_udp_group(address: SocketAddr, count: usize) -> io::Result<Vec<UdpSocket>> {
    let founder = bind_udp(address, Sharing::Founder)?;
    let shared = founder.local_addr()?.as_socket().unwrap_or(address);
    let mut sockets = vec![founder.into()];
    for _ in 1..count {
        sockets.push(bind_udp(shared, Sharing::Member)?.into());
    }
    Ok(sockets)
}

/// Without `SO_REUSEADDR`, by which two servers could have the same port.
fn bind_udp(address: SocketAddr, sharing: Sharing) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_port(sharing == Sharing::Member)?;
    socket.bind(&address.into())?;
    socket.set_reuse_port(true)?;
    Ok(socket)
}

fn bind(address: SocketAddr, options: &TcpOptions, sharing: Sharing) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(options.v6_only)?;
    }
    if sharing == Sharing::Member {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    if sharing == Sharing::Founder {
        socket.set_reuse_port(true)?;
    }
    socket.set_keepalive(options.keep_alive)?;
    socket.set_tcp_nodelay(options.no_delay)?;
    Ok(socket)
}

fn listen(socket: Socket, options: &TcpOptions) -> io::Result<TcpListener> {
    if options.is_open {
        open(&socket, options.backlog)?;
    }
    Ok(socket.into())
}

fn bind_unix(path: &Path, mode: u32) -> io::Result<Socket> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    // Until it listens nobody can connect, so the mode is right from the first connection on.
    set_mode(path, mode)?;
    Ok(socket)
}

fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if !found.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file that is not a socket is there",
        )),
        Ok(_) => match connect_at_once(path) {
            // Only a socket without a process refuses. All else has an owner, whoever that is.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
            Err(error) if error.raw_os_error() == Some(libc::EPROTOTYPE) => Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "a socket of another kind is in use there",
            )),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Err(io::ErrorKind::AddrInUse.into()),
        },
    }
}

/// Connects without waiting for a place in the queue of a server that is busy or hangs.
fn connect_at_once(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&socket2::SockAddr::unix(path)?)
}

/// Sets permission bits without following a link that somebody may have put there meanwhile.
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let socket = File::options()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_NOFOLLOW)
        .open(path)?;
    if !socket.metadata()?.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the socket was replaced",
        ));
    }
    let opened = format!("/proc/self/fd/{}", socket.as_raw_fd());
    fs::set_permissions(opened, fs::Permissions::from_mode(mode))
}

fn clamp_backlog(backlog: u32) -> i32 {
    i32::try_from(backlog.max(1)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::TcpStream;

    use super::*;

    fn loopback() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[test]
    fn taken_address_is_named_in_the_error() {
        let first = tcp(loopback(), &TcpOptions::default()).unwrap();
        let taken = first.local_addr().unwrap();
        let error = tcp(taken, &TcpOptions::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot listen on {taken}: address already in use")
        );
    }

    #[test]
    fn foreign_address_is_explained() {
        let error = tcp("192.0.2.1:0".parse().unwrap(), &TcpOptions::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot listen on 192.0.2.1:0: this machine does not have that address"
        );
    }

    #[test]
    fn group_shares_one_port_and_takes_every_connection() {
        let group = tcp_group(loopback(), 4, &TcpOptions::default()).unwrap();
        let ports: HashSet<u16> = group
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        assert_eq!(ports.len(), 1);
        let address = group[0].local_addr().unwrap();
        let clients: Vec<_> = (0..64)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let accepted: Vec<usize> = group
            .iter()
            .map(|listener| std::iter::from_fn(|| listener.accept().ok()).count())
            .collect();
        assert_eq!(accepted.iter().sum::<usize>(), clients.len());
        assert!(
            accepted.iter().filter(|&&count| count > 0).count() > 1,
            "spread: {accepted:?}"
        );
    }

    #[test]
    fn closed_sockets_turn_clients_away_until_they_are_opened() {
        let options = TcpOptions {
            is_open: false,
            ..TcpOptions::default()
        };
        let group = tcp_group(loopback(), 2, &options).unwrap();
        let address = group[0].local_addr().unwrap();
        let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        assert!(TcpStream::connect(address).is_err_and(refused));
        for socket in &group {
            open(socket, 16).unwrap();
        }
        TcpStream::connect(address).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let socket = unix_closed(&path, 0o700).unwrap();
        assert!(std::os::unix::net::UnixStream::connect(&path).is_err_and(refused));
        open(&socket, 16).unwrap();
        std::os::unix::net::UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn datagrams_go_to_a_group_that_nobody_else_joins() {
        let group = udp_group(loopback(), 3).unwrap();
        let address = group[0].local_addr().unwrap();
        let ports = group.iter().map(|socket| socket.local_addr().unwrap());
        assert!(ports.into_iter().all(|port| port == address));
        let error = udp_group(address, 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let senders: Vec<_> = (0..64)
            .map(|_| UdpSocket::bind("127.0.0.1:0").unwrap())
            .collect();
        for sender in &senders {
            sender.send_to(b"x", address).unwrap();
        }
        let received = group
            .iter()
            .map(|socket| std::iter::from_fn(|| socket.recv_from(&mut [0; 8]).ok()).count());
        let received: Vec<usize> = received.collect();
        assert_eq!(received.iter().sum::<usize>(), senders.len());
        assert!(
            received.iter().filter(|&&count| count > 0).count() > 1,
            "{received:?}"
        );
    }

    #[test]
    fn second_group_on_the_same_address_is_refused() {
        let group = tcp_group(loopback(), 2, &TcpOptions::default()).unwrap();
        let taken = group[0].local_addr().unwrap();
        let error = tcp_group(taken, 2, &TcpOptions::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn stale_unix_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let first = unix(&path, 0o700, 16).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(
            unix(&path, 0o700, 16).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
        drop(first);
        unix(&path, 0o660, 16).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o660
        );
    }

    #[test]
    fn socket_of_another_kind_is_left_alone_while_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        let error = unix(&path, 0o700, 16).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("a socket of another kind is in use there"),
            "{error}"
        );
        drop(log);
        unix(&path, 0o700, 16).unwrap();
    }

    #[test]
    fn server_with_a_full_queue_is_in_use_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _busy = unix(&path, 0o700, 1).unwrap();
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
                socket.set_nonblocking(true).unwrap();
                let connected = socket.connect(&socket2::SockAddr::unix(&path).unwrap());
                (socket, connected.is_err())
            })
            .collect();
        assert!(waiting.iter().any(|(_, refused)| *refused), "queue is full");
        let error = unix(&path, 0o700, 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        fs::write(&path, "precious").unwrap();
        let error = unix(&path, 0o700, 16).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("a file that is not a socket is there"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
