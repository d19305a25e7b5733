//! A receiver of syslog datagrams, as the guide's `log 127.0.0.1 local2` needs one.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::check::{Failure, Outcome};

/// Collects what arrives at a UDP address until it is dropped.
#[derive(Debug)]
pub struct Syslog {
    shared: Arc<Shared>,
    receiver: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    datagrams: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Syslog {
    /// Receives at `address`.
    ///
    /// # Errors
    ///
    /// When the address is taken.
    pub fn bind(address: SocketAddr) -> Outcome<Self> {
        // So often the receiver looks whether it shall stop.
        const LOOK_EVERY: Duration = Duration::from_millis(100);
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        let shared = Arc::new(Shared::default());
        let receiver = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.receive(&socket)
        });
        Ok(Self {
            shared,
            receiver: Some(receiver),
        })
    }

    /// Everything that has arrived, in order.
    ///
    /// # Errors
    ///
    /// When a datagram is not a syslog message.
    pub fn messages(&self) -> Outcome<Vec<Message>> {
        let datagrams = self
            .shared
            .datagrams
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        datagrams
            .iter()
            .map(|datagram| Message::parse(datagram))
            .collect()
    }
}

impl Shared {
    fn receive(&self, socket: &UdpSocket) {
        let mut buffer = [0; 65536];
        while !self.stop.load(Ordering::Relaxed) {
            if let Ok(length) = socket.recv(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                self.datagrams
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(text);
            }
        }
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(receiver) = self.receiver.take() {
            // A receiver that has panicked has nothing left to stop.
            let _ = receiver.join();
        }
    }
}

/// A syslog message as HAProxy writes it without a `format`: no host name, a line feed at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Facility times eight, plus level.
    pub priority: u8,
    /// Who sent it.
    pub tag: String,
    /// The sender's process id.
    pub pid: u32,
    /// What it says.
    pub text: String,
}

/// `local2` and `info`: traffic.
pub const LOCAL2_INFO: u8 = 150;
/// `local2` and `notice`: a server is UP.
pub const LOCAL2_NOTICE: u8 = 149;
/// `local2` and `alert`: a server is DOWN.
pub const LOCAL2_ALERT: u8 = 145;

impl Message {
    /// Reads `<PRI>Mon DD HH:MM:SS tag[pid]: text` and a line feed.
    ///
    /// # Errors
    ///
    /// When the datagram has another form.
    pub fn parse(datagram: &str) -> Outcome<Self> {
        Self::read(datagram)
            .ok_or_else(|| Failure::new(format!("not a syslog message: {datagram:?}")))
    }

    fn read(datagram: &str) -> Option<Self> {
        let (priority, rest) = datagram.strip_prefix('<')?.split_once('>')?;
        let (date, rest) = rest.split_at_checked(16)?;
        let line = rest.strip_suffix('\n')?;
        let (tag, rest) = line.split_once('[')?;
        let (pid, text) = rest.split_once("]: ")?;
        (is_date(date) && !tag.contains(' ') && !text.contains('\n')).then_some(())?;
        Some(Self {
            priority: priority.parse().ok()?,
            tag: tag.to_owned(),
            pid: pid.parse().ok()?,
            text: text.to_owned(),
        })
    }
}

/// `Nov  2 12:32:03 `: the day padded with a space.
fn is_date(text: &str) -> bool {
    const MONTHS: &str = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
    let shape: String = text
        .chars()
        .skip(3)
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    let month = text
        .get(..3)
        .is_some_and(|month| MONTHS.split(' ').any(|known| known == month));
    month && [" 99 99:99:99 ", "  9 99:99:99 "].contains(&shape.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::{self, PATIENCE};

    #[test]
    fn message_is_read_strictly() {
        let message = Message::parse("<150>Nov  2 12:32:03 haproxy[7033]: a b\n").unwrap();
        assert_eq!((message.priority, message.pid), (LOCAL2_INFO, 7033));
        assert_eq!(
            (message.tag.as_str(), message.text.as_str()),
            ("haproxy", "a b")
        );
        for wrong in [
            "<150>Nov 2 12:32:03 haproxy[7033]: a b\n",
            "<150>Nov 22 12:32:03 haproxy[7033]: a b",
            "<150>Nov 22 12:32:03 host haproxy[7033]: a b\n",
            "<150>Nix 22 12:32:03 haproxy[7033]: a b\n",
            "Nov 22 12:32:03 haproxy[7033]: a b\n",
        ] {
            assert!(Message::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn datagrams_are_kept_in_order() {
        let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let syslog = Syslog::bind(address).unwrap();
        for text in ["one", "two"] {
            let datagram = format!("<150>Nov 22 12:32:03 t[1]: {text}\n");
            probe.send_to(datagram.as_bytes(), address).unwrap();
        }
        let both = wait::until("two messages", PATIENCE, || {
            let messages = syslog.messages()?;
            Ok((messages.len() == 2).then_some(messages))
        });
        assert_eq!(
            both.unwrap()
                .iter()
                .map(|m| m.text.as_str())
                .collect::<Vec<_>>(),
            ["one", "two"]
        );
    }
}
