//! Workloads for balancers, and the light web server behind them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::closed_loop::{Batch, Progress, Received, Script};

/// A workload by name, as the tables print it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Workload {
    /// Name, for example `ka-128`.
    pub name: &'static str,
    /// Bytes of the reply's body.
    pub reply_bytes: usize,
    /// Bytes of the request's body; 0 is a GET.
    pub request_bytes: usize,
    /// Client connections.
    pub connections: usize,
    /// Whether each request goes over a new connection.
    pub close: bool,
}

/// All balancer workloads, in the order of the tables.
pub const WORKLOADS: &[Workload] = &[
    Workload::keep_alive("ka-128", 128, 50),
    Workload::keep_alive("ka-128-c1", 128, 1),
    Workload::keep_alive("ka-128-c1000", 128, 1000),
    Workload::keep_alive("ka-10k", 10_240, 50),
    Workload::keep_alive("ka-1m", 1_048_576, 16),
    Workload {
        close: true,
        ..Workload::keep_alive("close-128", 128, 50)
    },
    Workload {
        request_bytes: 65_536,
        ..Workload::keep_alive("post-64k", 128, 32)
    },
];

impl Workload {
    const fn keep_alive(name: &'static str, reply_bytes: usize, connections: usize) -> Self {
        Self {
            name,
            reply_bytes,
            request_bytes: 0,
            connections,
            close: false,
        }
    }
}

/// Requests of one workload.
#[derive(Debug)]
pub struct Requests {
    workload: Workload,
    request: Vec<u8>,
}

impl Requests {
    /// Requests of `workload`; the path asks the web server for a body of the right size.
    #[must_use]
    pub fn new(workload: Workload) -> Self {
        let (method, length) = match workload.request_bytes {
            0 => ("GET", String::new()),
            bytes => ("POST", format!("Content-Length: {bytes}\r\n")),
        };
        let close = if workload.close {
            "Connection: close\r\n"
        } else {
            ""
        };
        let mut request = format!(
            "{method} /{} HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: side-by-side\r\n\
             Accept: */*\r\n{length}{close}\r\n",
            workload.reply_bytes
        )
        .into_bytes();
        request.resize(request.len() + workload.request_bytes, b'p');
        Self { workload, request }
    }
}

impl Script for Requests {
    fn next_batch(&mut self, out: &mut Vec<u8>) -> Batch {
        out.extend_from_slice(&self.request);
        Batch {
            operations: 1,
            reply_bytes: 0,
        }
    }

    fn progress(&self, _batch: Batch, received: &Received) -> io::Result<Progress> {
        let Some(end) = head_end(&received.head) else {
            return Ok(Progress::Incomplete);
        };
        if !received.head.starts_with(b"HTTP/1.1 200") {
            let line = received
                .head
                .split(|&byte| byte == b'\r')
                .next()
                .unwrap_or_default();
            let line = String::from_utf8_lossy(line).into_owned();
            return Err(io::Error::other(format!("unexpected reply: {line}")));
        }
        let whole = (end + self.workload.reply_bytes) as u64;
        Ok(if received.bytes < whole {
            Progress::Incomplete
        } else {
            Progress::Complete
        })
    }

    fn reconnects(&self) -> bool {
        self.workload.close
    }
}

/// Offset just behind the blank line that ends a head.
fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|start| start + 4)
}

/// A web server that answers `/N` with N bytes, keeps connections alive, and reads request bodies
/// of the length that the head announces. A thread a connection: it only ever serves a balancer.
///
/// # Errors
/// The listener breaks.
pub fn serve(listener: &TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        // One lost connection is the balancer's to report.
        std::thread::spawn(move || serve_connection(stream));
    }
}

fn serve_connection(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = Vec::new();
    let mut chunk = vec![0; 128 * 1024];
    let mut reply = Vec::new();
    let mut reply_path = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = head_end(&input) {
                break end;
            }
            match stream.read(&mut chunk)? {
                0 => return Ok(()),
                count => input.extend_from_slice(&chunk[..count]),
            }
        };
        let head = String::from_utf8_lossy(&input[..end]).to_ascii_lowercase();
        let body = header(&head, "content-length")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let close = header(&head, "connection") == Some("close");
        let path = head.split(' ').nth(1).unwrap_or("/").as_bytes().to_vec();
        let mut missing = (end + body).saturating_sub(input.len());
        input.drain(..(end + body).min(input.len()));
        while missing > 0 {
            let wanted = missing.min(chunk.len());
            match stream.read(&mut chunk[..wanted])? {
                0 => return Ok(()),
                count => missing -= count,
            }
        }
        if path != reply_path || close {
            reply = encode_reply(&path, close);
            reply_path = path;
        }
        stream.write_all(&reply)?;
        if close {
            return Ok(());
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.trim())
}

fn encode_reply(path: &[u8], close: bool) -> Vec<u8> {
    let size: usize = String::from_utf8_lossy(path.get(1..).unwrap_or_default())
        .parse()
        .unwrap_or(128);
    let close = if close { "Connection: close\r\n" } else { "" };
    let mut reply = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n{close}\r\n"
    )
    .into_bytes();
    reply.resize(reply.len() + size, b'r');
    reply
}

/// Configuration for a HAProxy-compatible balancer that serves `workload` on `front` from `back`.
#[must_use]
pub fn balancer_configuration(front: SocketAddr, back: SocketAddr, close: bool) -> String {
    let mode = if close {
        "httpclose"
    } else {
        "http-keep-alive"
    };
    format!(
        "global\n    maxconn 4096\n    nbthread 1\ndefaults\n    mode http\n    option {mode}\n    \
         option forwardfor\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n    \
         timeout http-request 10s\nlisten bench\n    bind {front}\n    balance roundrobin\n    \
         server s1 {back}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_server_answers_what_the_requests_expect() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || serve(&listener));
        for &workload in WORKLOADS {
            let mut script = Requests::new(workload);
            let mut request = Vec::new();
            script.next_batch(&mut request);
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&request).unwrap();
            let mut received = Received::default();
            let mut buffer = vec![0; 65536];
            while script.progress(Batch::default(), &received).unwrap() == Progress::Incomplete {
                let count = stream.read(&mut buffer).unwrap();
                assert_ne!(count, 0, "{} ended early", workload.name);
                received.head.extend_from_slice(&buffer[..count.min(1024)]);
                received.bytes += count as u64;
            }
        }
    }
}
