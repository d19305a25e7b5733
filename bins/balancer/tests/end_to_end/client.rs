//! A client that speaks plain HTTP/1.1 and shows what it gets.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::patient;

pub(crate) struct Client {
    socket: TcpStream,
    input: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// The value of the header `name` in `head`.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::from(patient(TcpStream::connect(address)).await.unwrap())
    }

    pub(crate) fn from(socket: TcpStream) -> Self {
        Self {
            socket,
            input: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        patient(self.socket.write_all(bytes.as_ref()))
            .await
            .unwrap();
    }

    /// Reads one response with a `content-length`, or to the end of the connection without one.
    pub(crate) async fn receive(&mut self) -> Response {
        let end = loop {
            if let Some(at) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.fill().await, "closed within a head: {:?}", self.input);
        };
        let head: Vec<u8> = self.input.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let length = header(&head, "content-length").map(|text| text.parse::<usize>().unwrap());
        while self.input.len() < length.unwrap_or(usize::MAX) {
            if !self.fill().await {
                assert!(length.is_none(), "closed within a body");
                break;
            }
        }
        let length = length.unwrap_or(self.input.len());
        let body: Vec<u8> = self.input.drain(..length).collect();
        Response {
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// Sends a request for `path` with more header lines, each ended by CR LF, and reads the answer.
    pub(crate) async fn get(&mut self, path: &str, headers: &str) -> Response {
        self.send(format!(
            "GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
        ))
        .await;
        self.receive().await
    }

    /// Waits for the end of the connection, and returns what came before it.
    pub(crate) async fn receive_all(&mut self) -> String {
        while self.fill().await {}
        String::from_utf8(std::mem::take(&mut self.input)).unwrap()
    }

    /// Waits until the connection has said `start`, which is kept.
    pub(crate) async fn expect(&mut self, start: &str) {
        while self.input.len() < start.len() {
            assert!(self.fill().await, "closed: {:?}", self.input);
        }
        let found = String::from_utf8_lossy(&self.input);
        assert!(found.starts_with(start), "{found}");
    }

    /// Ends this side of the connection and keeps reading.
    pub(crate) async fn finish(&mut self) {
        patient(self.socket.shutdown()).await.unwrap();
    }

    async fn fill(&mut self) -> bool {
        patient(self.socket.read_buf(&mut self.input))
            .await
            .is_ok_and(|len| len > 0)
    }
}

/// One request on a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Response {
    Client::connect(address)
        .await
        .get(path, "Connection: close\r\n")
        .await
}
