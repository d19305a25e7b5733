//! The other side of the conversation: a blocking client that never waits for ever.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use steadfast_cached::settings::{Listen, Settings};
use steadfast_cached::{Running, Server};

/// Settings for a small server on a free loopback port.
pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.listen = vec![Listen::Address("127.0.0.1:0".parse().unwrap()).into()];
    settings.threads = 2;
    settings
}

/// Starts a server with `change`d settings.
pub(crate) fn start(change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = settings();
    change(&mut settings);
    Server::start(settings).unwrap()
}

/// A client.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn of(server: &Running) -> Self {
        Self::connect(server.addresses()[0]).unwrap()
    }

    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads exactly as much as `reply` and compares.
    pub(crate) fn expect(&mut self, reply: impl AsRef<[u8]>) {
        let reply = reply.as_ref();
        let mut read = vec![0; reply.len()];
        let got = self.0.read_exact(&mut read).map(|()| read);
        let got = got.unwrap_or_else(|error| panic!("{error}, expected {}", shown(reply)));
        assert!(
            got == reply,
            "got {}, expected {}",
            shown(&got),
            shown(reply)
        );
    }

    /// Sends and expects, and proves by one more exchange that there was no further reply.
    pub(crate) fn exchange(&mut self, send: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
        self.send(send);
        self.expect(reply);
        self.send("verbosity 0\r\n");
        self.expect("OK\r\n");
    }

    pub(crate) fn finish(&mut self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads until the server closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error} after {}", shown(&rest)),
        }
        rest
    }

    /// Asks for the general statistics and returns the value of one.
    pub(crate) fn stat(&mut self, name: &str) -> String {
        self.send("stats\r\n");
        let mut report = Vec::new();
        while !report.ends_with(b"END\r\n") {
            let mut byte = [0; 4096];
            let bytes = self.0.read(&mut byte).unwrap();
            assert!(bytes > 0, "closed within {}", shown(&report));
            report.extend_from_slice(&byte[..bytes]);
        }
        let report = String::from_utf8(report).unwrap();
        let start = format!("STAT {name} ");
        let line = report.lines().find(|line| line.starts_with(&start));
        line.unwrap_or_else(|| panic!("no {name} in {report}"))[start.len()..].to_owned()
    }
}

/// Bytes that differ from place to place, so that a value that is mixed up does not go unnoticed.
pub(crate) fn value(bytes: usize, seed: usize) -> Vec<u8> {
    (0..bytes)
        .map(|index| ((index / 7 + index + seed) % 251) as u8)
        .collect()
}

fn shown(bytes: &[u8]) -> String {
    let part = &bytes[..bytes.len().min(200)];
    format!("{} bytes \"{}\"", bytes.len(), part.escape_ascii())
}

/// Far longer than anything takes; only a hanging test gets there.
const PATIENCE: Duration = Duration::from_secs(20);
