//! Telling the service manager where we are (`sd_notify`); without one, nothing happens.
//!
//! The messages go to the socket named by `NOTIFY_SOCKET`. Failing to send them is no reason to
//! stop serving, so these calls return nothing.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;

/// A line to the service manager, opened while its socket is in sight: from within a jail nobody finds it.
///
/// The functions of this module say the same and look the socket up each time.
#[derive(Debug)]
pub struct Manager(Option<UnixDatagram>);

impl Manager {
    /// Connects to the socket named by `NOTIFY_SOCKET`. Without one, or if it can't be reached, nothing is ever said.
    #[must_use]
    pub fn connect() -> Self {
        let name = std::env::var_os("NOTIFY_SOCKET");
        Self(name.and_then(|name| Self::to(&name).ok()))
    }

    /// As [`ready`].
    pub fn ready(&self) {
        self.say(&[NotifyState::Ready, NotifyState::MainPid(std::process::id())]);
    }

    /// As [`stopping`].
    pub fn stopping(&self) {
        self.say(&[NotifyState::Stopping]);
    }

    fn to(name: &OsStr) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        // An `@` stands for the zero byte that begins an abstract name.
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        socket.connect_addr(&address)?;
        Ok(socket)
    }

    fn say(&self, states: &[NotifyState<'_>]) {
        let text: String = states.iter().map(|state| format!("{state}\n")).collect();
        if let Some(socket) = &self.0 {
            let _ = socket.send(text.as_bytes());
        }
    }
}

/// Says that the daemon serves, and which process it is (it may have forked).
pub fn ready() {
    let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::MainPid(std::process::id())]);
}

/// Says that the daemon has begun to end.
pub fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

/// Says in a few words what the daemon is doing; shown by `systemctl status`.
pub fn status(text: &str) {
    let _ = sd_notify::notify(&[NotifyState::Status(text)]);
}

/// Asks for so much more time from now on to start or to stop, where the service manager would
/// lose patience.
pub fn extend_timeout(time: Duration) {
    let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    let _ = sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(micros)]);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn manager_hears_of_us_when_its_socket_is_out_of_sight() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = Manager(Some(Manager::to(path.as_os_str()).unwrap()));
        std::fs::remove_file(&path).unwrap();
        manager.ready();
        let mut buffer = [0; 64];
        let len = socket.recv(&mut buffer).unwrap();
        let expected = format!("READY=1\nMAINPID={}\n", std::process::id());
        assert_eq!(&buffer[..len], expected.as_bytes());
    }
}
