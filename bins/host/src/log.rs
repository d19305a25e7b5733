//! Where log lines go: standard error, or a syslog server.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// Writes `program: message` as one line on standard error, in one write.
///
/// A line that can't be written is dropped: there is nobody left to tell.
pub fn line(program: &str, message: impl Display) {
    let text = format!("{program}: {message}\n");
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Where a syslog server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "syslog over datagrams has these two transports"
)]
pub enum SyslogTarget {
    /// A UDP address, usually port 514 (RFC 5426).
    Udp(SocketAddr),
    /// A Unix datagram socket, usually `/dev/log`.
    Unix(PathBuf),
}

/// A socket to a syslog server that never blocks.
///
/// What can't be sent at once is dropped, and the caller counts it: a log must not hold up traffic.
#[derive(Debug)]
pub struct SyslogSocket(Transport);

#[derive(Debug)]
enum Transport {
    Udp { socket: UdpSocket, to: SocketAddr },
    Unix { socket: UnixDatagram, path: PathBuf },
}

impl SyslogSocket {
    /// Opens the local end. The server need not be there yet.
    ///
    /// Open it before `chroot`, but mind that a Unix target's path is looked up at each send.
    ///
    /// # Errors
    ///
    /// When the socket can't be created.
    pub fn open(target: &SyslogTarget) -> io::Result<Self> {
        Ok(Self(match target {
            SyslogTarget::Udp(to) => {
                let local: SocketAddr = match to {
                    SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
                };
                let socket = UdpSocket::bind(local)?;
                socket.set_nonblocking(true)?;
                Transport::Udp { socket, to: *to }
            }
            SyslogTarget::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                Transport::Unix {
                    socket,
                    path: path.clone(),
                }
            }
        }))
    }

    /// Sends one datagram: `<priority>timestamp host tag: text`, composed by the caller.
    ///
    /// # Errors
    ///
    /// When the datagram was not taken (server absent, buffer full, too long). It is lost then.
    pub fn send(&self, datagram: &[u8]) -> io::Result<()> {
        match &self.0 {
            Transport::Udp { socket, to } => match socket.send_to(datagram, to) {
                // The refusal belongs to an earlier datagram; this one has not been sent yet.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    socket.send_to(datagram, to)
                }
                sent => sent,
            },
            Transport::Unix { socket, path } => socket.send_to(datagram, Path::new(path)),
        }
        .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_arrive_over_udp_and_unix() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let target = SyslogTarget::Udp(server.local_addr().unwrap());
        SyslogSocket::open(&target)
            .unwrap()
            .send(b"<134>hello")
            .unwrap();
        let mut buffer = [0; 64];
        let received = server.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..received], b"<134>hello");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let server = UnixDatagram::bind(&path).unwrap();
        SyslogSocket::open(&SyslogTarget::Unix(path))
            .unwrap()
            .send(b"<134>hello")
            .unwrap();
        let received = server.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..received], b"<134>hello");
    }

    #[test]
    fn absent_unix_server_is_an_error_and_not_a_panic() {
        let target = SyslogTarget::Unix("/nonexistent/log".into());
        assert!(SyslogSocket::open(&target).unwrap().send(b"x").is_err());
    }
}
