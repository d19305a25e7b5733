//! A web node: answers the guide's page, keeps its sessions in the caches.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use steadfast_proxy::http::{Body, Limits, RequestHead, RequestParser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::page::{self, Visits};
use super::sessions::{SessionError, Sessions};

/// A running web node; dropping it closes its port and all its connections.
#[derive(Debug)]
pub(crate) struct WebNode {
    accepting: JoinHandle<()>,
    stopping: watch::Sender<bool>,
}

impl WebNode {
    /// Serves the page on `listener`.
    ///
    /// # Errors
    /// The listener cannot be handed to the runtime.
    pub(crate) fn start(
        listener: std::net::TcpListener,
        sessions: Arc<Sessions>,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (stopping, stops) = watch::channel(false);
        Ok(Self {
            accepting: tokio::spawn(accept(listener, sessions, stops)),
            stopping,
        })
    }

    /// Closes the port, ends the visits under way as an operator would ask for, so that none leaves a
    /// lock behind, and closes all connections.
    pub(crate) async fn stop(mut self) {
        self.stopping.send_replace(true);
        if timeout(VISITS_END_MAX, &mut self.accepting).await.is_err() {
            self.accepting.abort();
            // The task is being aborted; its end is all that matters.
            let _ = (&mut self.accepting).await;
        }
    }
}

impl Drop for WebNode {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Accepts until told to stop, then lets the connections end, whose tasks end with the set that holds
/// them.
async fn accept(listener: TcpListener, sessions: Arc<Sessions>, mut stops: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        let accepted = tokio::select! {
            // A crowd that keeps coming must not put off the end; who waits by then is served below.
            biased;
            _ = stops.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                while connections.try_join_next().is_some() {}
                connections.spawn(serve(stream, sessions.clone(), stops.clone()));
            }
            // Out of descriptors, most likely: let some connections end first.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
    for stream in waiting(listener) {
        connections.spawn(serve(stream, sessions.clone(), stops.clone()));
    }
    while connections.join_next().await.is_some() {}
}

/// Closes the port; the connections that nobody has accepted yet, which would be reset by it.
///
/// Asks the system itself, since the runtime hears of them later.
fn waiting(listener: TcpListener) -> Vec<TcpStream> {
    let Ok(listener) = listener.into_std() else {
        return Vec::new();
    };
    let accept = || {
        let (stream, _) = listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        TcpStream::from_std(stream).ok()
    };
    std::iter::from_fn(accept).take(CONNECTIONS_MAX).collect()
}

/// Answers the requests of one connection until either side has enough.
async fn serve(
    mut stream: TcpStream,
    sessions: Arc<Sessions>,
    mut stops: watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (client, server) = (stream.peer_addr()?, stream.local_addr()?);
    let mut input = BytesMut::with_capacity(READ_BYTES);
    // Who has just connected is about to ask, and is answered even if the node stops.
    let mut may_stop = false;
    loop {
        let mut parser = RequestParser::new(Limits::default());
        let deadline = Instant::now() + REQUEST_MAX;
        let head = loop {
            match parser.parse(&mut input) {
                Ok(Some(head)) => break head,
                Ok(None) => {}
                Err(error) => {
                    let text = format!("{error}\n");
                    let answer = Answer::text(error.status(), text);
                    stream.write_all(&answer.encode(false, true)).await?;
                    return linger(stream).await;
                }
            }
            let count = tokio::select! {
                biased;
                read = timeout_at(deadline, stream.read_buf(&mut input)) => match read {
                    Ok(count) => count?,
                    Err(_) => return Ok(()),
                },
                _ = stops.wait_for(|stop| *stop), if may_stop => return Ok(()),
            };
            if count == 0 {
                return Ok(());
            }
        };
        // The page has no use for a body, so a connection with one is not gone on with.
        let answer = answer(&head, client, server, &sessions).await;
        let close = !head.wants_keep_alive() || head.body != Body::None || *stops.borrow();
        let is_head = &head.method[..] == b"HEAD";
        stream.write_all(&answer.encode(is_head, close)).await?;
        if close {
            return linger(stream).await;
        }
        may_stop = true;
    }
}

/// Closes a connection on which more may come than anybody reads: closed at once, it would be reset,
/// and the answer lost with it (RFC 9112, section 9.6).
async fn linger(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = stream.take(LINGER_BYTES_MAX);
    // Who has not gone by then has had the time to read the answer.
    let _ = timeout(
        LINGER_MAX,
        tokio::io::copy(&mut rest, &mut tokio::io::sink()),
    )
    .await;
    Ok(())
}

async fn answer(
    head: &RequestHead,
    client: SocketAddr,
    server: SocketAddr,
    sessions: &Sessions,
) -> Answer {
    if !matches!(&head.method[..], b"GET" | b"HEAD") {
        let mut answer = Answer::text(405, "this page can only be read\n".to_owned());
        answer.allow = "Allow: GET, HEAD\r\n";
        return answer;
    }
    let path = head
        .target
        .split(|&byte| byte == b'?')
        .next()
        .unwrap_or_default();
    if !matches!(path, b"/" | b"/session.php") {
        return Answer::text(404, "there is only /session.php\n".to_owned());
    }
    let cookies: Vec<_> = head
        .headers
        .values("cookie")
        .flat_map(|value| page::parse_cookies(&String::from_utf8_lossy(value)))
        .collect();
    let known = cookies
        .iter()
        .find(|(name, value)| name == page::COOKIE_NAME && page::is_session_id(value))
        .map(|(_, value)| value.as_str());
    match visit(known, sessions).await {
        Ok(Visit { seen, new_id }) => Answer {
            status: 200,
            body: page::render(seen, server.ip(), client.ip(), &cookies),
            set_cookie: new_id,
            allow: "",
        },
        Err(error) => Answer::text(503, format!("no session: {error}\n")),
    }
}

struct Visit {
    seen: Option<Visits>,
    new_id: Option<String>,
}

/// What `session_start()`, the counter, and the end of the script do to the session.
async fn visit(known: Option<&str>, sessions: &Sessions) -> Result<Visit, SessionError> {
    let new_id = match known {
        Some(_) => None,
        None => Some(page::session_id(super::random()?)),
    };
    let id = known.or(new_id.as_deref()).unwrap_or_default();
    let opened = sessions.open(id).await?;
    let seen = opened.data().and_then(Visits::decode);
    let counted = Visits(seen.map_or(0, |visits| visits.0) + 1);
    sessions.close(opened, &counted.encode()).await?;
    Ok(Visit { seen, new_id })
}

struct Answer {
    status: u16,
    body: String,
    set_cookie: Option<String>,
    /// The header line that a 405 must have (RFC 9110, section 15.5.6).
    allow: &'static str,
}

impl Answer {
    fn text(status: u16, body: String) -> Self {
        Self {
            status,
            body,
            set_cookie: None,
            allow: "",
        }
    }

    fn encode(&self, is_head: bool, close: bool) -> Vec<u8> {
        let reason = steadfast_proxy::http::reason(self.status);
        let cookie = self.set_cookie.as_ref().map_or_else(String::new, |id| {
            format!("Set-Cookie: {}={id}; path=/\r\n", page::COOKIE_NAME)
        });
        let close = if close { "Connection: close\r\n" } else { "" };
        let mut text = format!(
            "HTTP/1.1 {} {reason}\r\n{cookie}{}Cache-Control: no-store, no-cache, must-revalidate\r\n\
             Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n{close}\r\n",
            self.status,
            self.allow,
            self.body.len(),
        );
        if !is_head {
            text.push_str(&self.body);
        }
        text.into_bytes()
    }
}

/// First size of a connection's read buffer; a browser's head fits.
const READ_BYTES: usize = 4096;

/// Connections at a time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;

/// The pause where a connection cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// How long a client may keep silent before a request is complete: the guide's `timeout http-request`.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// How long visits under way may take when the node stops: far longer than they do.
const VISITS_END_MAX: Duration = Duration::from_millis(400);

/// How much is read, and for how long, from a client that goes on sending after its answer.
const LINGER_BYTES_MAX: u64 = 1 << 20;
const LINGER_MAX: Duration = Duration::from_millis(100);
