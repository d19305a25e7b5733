//! A browser, as far as the demo needs one: one page, one cookie jar.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use steadfast_proxy::http::{Limits, ResponseHead, ResponseParser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::page;

/// One visitor.
#[derive(Debug, Default)]
pub(crate) struct Browser {
    session_id: Option<String>,
}

/// What a visit brought.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Browser {
    /// Fetches the page from the balancer at `address` and keeps the cookie that comes with it.
    pub(crate) async fn visit(&mut self, address: SocketAddr) -> io::Result<Page> {
        let mut stream = TcpStream::connect(address).await?;
        let cookie = self.session_id.as_ref().map_or_else(String::new, |id| {
            format!("Cookie: {}={id}\r\n", page::COOKIE_NAME)
        });
        let request = format!(
            "GET /session.php HTTP/1.1\r\nHost: {address}\r\n{cookie}Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut input = BytesMut::new();
        // The page is small and the connection closes behind it; the bound is against a mistake.
        let mut limited = stream.take(PAGE_BYTES_MAX);
        while limited.read_buf(&mut input).await? > 0 {}
        let head = ResponseParser::new(Limits::default())
            .parse(&mut input, b"GET")
            .map_err(io::Error::other)?
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        if let Some(id) = cookie_in(&head) {
            self.session_id = Some(id);
        }
        Ok(Page {
            status: head.status,
            text: String::from_utf8_lossy(&input).into_owned(),
        })
    }
}

fn cookie_in(head: &ResponseHead) -> Option<String> {
    head.headers
        .values("set-cookie")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(page::parse_cookies)
        .find(|(name, _)| name == page::COOKIE_NAME)
        .map(|(_, id)| id)
}

const PAGE_BYTES_MAX: u64 = 1 << 20;
