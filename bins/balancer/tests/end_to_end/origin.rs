//! A server behind the balancer: answers with its name and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::client::header;

pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Default)]
pub(crate) struct Seen {
    heads: Mutex<Vec<String>>,
    body_bytes: AtomicUsize,
    connections: AtomicUsize,
    /// A permit for each request that has arrived.
    arrived: Gate,
}

/// A semaphore that starts empty.
pub(crate) struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Gate {
    pub(crate) fn open(&self) {
        self.0.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        crate::patient(self.0.acquire()).await.unwrap().forget();
    }
}

/// What a server does with a request.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Answers with this body.
    Say(String),
    /// Never answers.
    Silent,
    /// Answers with this body once the gate has been opened for it.
    Wait(String, Arc<Gate>),
    /// Answers with these bytes and closes.
    Raw(&'static str),
    /// Answers with these bytes before it has read a body, and closes.
    Early(&'static str),
    /// Answers with these bytes and sends back whatever comes after, to its end.
    Echo(&'static str),
}

impl Origin {
    pub(crate) async fn start(name: &str) -> Self {
        Self::with(Manner::Say(name.to_owned())).await
    }

    pub(crate) async fn with(manner: Manner) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), manner).await
    }

    pub(crate) async fn at(address: SocketAddr, manner: Manner) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(128).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(accept(listener, manner, Arc::clone(&seen)));
        Self {
            address,
            seen,
            task,
        }
    }

    /// Cuts every connection and refuses new ones from here on.
    pub(crate) async fn stop(self) -> SocketAddr {
        self.task.abort();
        let _ = self.task.await;
        self.address
    }
}

impl Seen {
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> String {
        self.heads().pop().unwrap()
    }

    /// Connections that carried a request.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn body_bytes(&self) -> usize {
        self.body_bytes.load(Ordering::SeqCst)
    }

    /// Waits for one more request.
    pub(crate) async fn request(&self) {
        self.arrived.pass().await;
    }
}

async fn accept(listener: TcpListener, manner: Manner, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        connections.spawn(serve(socket, manner.clone(), Arc::clone(&seen)));
    }
}

async fn serve(mut socket: TcpStream, manner: Manner, seen: Arc<Seen>) -> Option<()> {
    let mut input = Vec::new();
    for count in 0.. {
        let end = loop {
            if let Some(at) = input.windows(4).position(|four: &[u8]| four == b"\r\n\r\n") {
                break at + 4;
            }
            fill(&mut socket, &mut input).await?;
        };
        let head = String::from_utf8(input.drain(..end).collect()).unwrap();
        if count == 0 {
            seen.connections.fetch_add(1, Ordering::SeqCst);
        }
        let mut left: usize = header(&head, "content-length").map_or(0, |n| n.parse().unwrap());
        seen.heads.lock().unwrap().push(head.clone());
        seen.arrived.open();
        if let Manner::Early(bytes) = manner {
            return socket.write_all(bytes.as_bytes()).await.ok();
        }
        while left > 0 {
            if input.is_empty() {
                fill(&mut socket, &mut input).await?;
            }
            let take = left.min(input.len());
            input.drain(..take);
            left -= take;
            seen.body_bytes.fetch_add(take, Ordering::SeqCst);
        }
        answer(&mut socket, &manner).await?;
        if header(&head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            return None;
        }
    }
    None
}

async fn fill(socket: &mut TcpStream, input: &mut Vec<u8>) -> Option<()> {
    socket
        .read_buf(input)
        .await
        .ok()
        .filter(|len| *len > 0)
        .map(drop)
}

async fn answer(socket: &mut TcpStream, manner: &Manner) -> Option<()> {
    let body = match manner {
        Manner::Say(body) => body,
        Manner::Wait(body, gate) => {
            gate.pass().await;
            body
        }
        Manner::Silent => std::future::pending().await,
        Manner::Raw(bytes) => {
            socket.write_all(bytes.as_bytes()).await.ok()?;
            return None;
        }
        Manner::Echo(bytes) => {
            socket.write_all(bytes.as_bytes()).await.ok()?;
            let mut input = Vec::new();
            while fill(socket, &mut input).await.is_some() {
                socket.write_all(&input).await.ok()?;
                input.clear();
            }
            return None;
        }
        Manner::Early(_) => return None,
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Kept: Yes\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.ok()?;
    socket.write_all(body.as_bytes()).await.ok()
}
