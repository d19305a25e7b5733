//! A browser: one request at a time, cookies kept, every exchange noted in a journal.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::rc::Rc;

use socket2::{Domain, Socket, Type};

use crate::check::{Failure, Outcome};
use crate::wait::PATIENCE;

/// A visitor's browser, at an address of its own.
#[derive(Debug)]
pub struct Browser {
    from: IpAddr,
    to: SocketAddr,
    cookies: BTreeMap<String, String>,
    journal: Journal,
}

/// One request and its answer, as far as the balancer's log tells of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The browser's end of the connection.
    pub client: SocketAddr,
    /// What was asked for: method, path and version.
    pub request: String,
    /// The status of the answer.
    pub status: u16,
    /// The answer's size: status line, headers and body.
    pub bytes: u64,
    /// The size of the body alone, without its framing.
    pub body_bytes: u64,
}

/// What some browsers did, in order. Clones are the same journal.
#[derive(Debug, Clone, Default)]
pub struct Journal(Rc<RefCell<Vec<Exchange>>>);

impl Journal {
    /// Everything noted so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.0.borrow().clone()
    }

    fn note(&self, exchange: Exchange) {
        self.0.borrow_mut().push(exchange);
    }
}

impl Browser {
    /// A browser without cookies at the address `from`, which visits the site at `to`.
    pub fn new(from: IpAddr, to: SocketAddr, journal: &Journal) -> Self {
        Self {
            from,
            to,
            cookies: BTreeMap::new(),
            journal: journal.clone(),
        }
    }

    /// Gets `path` over a new connection.
    ///
    /// # Errors
    ///
    /// When no whole answer comes.
    pub fn get(&mut self, path: &str) -> Outcome<Response> {
        self.get_with(path, &[])
    }

    /// Gets `path` over a new connection, with more request headers.
    ///
    /// # Errors
    ///
    /// When no whole answer comes.
    pub fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Outcome<Response> {
        let mut connection = Connection::open(self.from, self.to)?;
        self.get_over(&mut connection, path, headers)
    }

    /// Gets `path` over a connection that may have been used before.
    ///
    /// # Errors
    ///
    /// When no whole answer comes.
    pub fn get_over(
        &mut self,
        connection: &mut Connection,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Outcome<Response> {
        let request = format!("GET {path} HTTP/1.1");
        let mut head = format!("{request}\r\nHost: mysite.com\r\n");
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, v)| format!("{name}={v}"))
                .collect();
            head.push_str(&format!("Cookie: {}\r\n", pairs.join("; ")));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let response = connection.exchange(&head)?;
        for cookie in response.all("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies
                    .insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        self.journal.note(Exchange {
            client: connection.client,
            request,
            status: response.status,
            bytes: response.bytes,
            body_bytes: response.body.len() as u64,
        });
        Ok(response)
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Where the browser is.
    pub fn address(&self) -> IpAddr {
        self.from
    }
}

/// A client's connection to a web site.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    client: SocketAddr,
}

impl Connection {
    /// Connects from an address to a site.
    ///
    /// # Errors
    ///
    /// When the site cannot be reached.
    pub fn open(from: IpAddr, to: SocketAddr) -> Outcome<Self> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(from, 0).into())?;
        socket
            .connect_timeout(&to.into(), PATIENCE)
            .map_err(|error| Failure::from(error).while_doing(&format!("connecting to {to}")))?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let client = stream.local_addr()?;
        Ok(Self {
            stream: BufReader::new(stream),
            client,
        })
    }

    /// Sends a request head and reads the answer.
    ///
    /// # Errors
    ///
    /// When no whole HTTP/1.1 answer comes.
    pub fn exchange(&mut self, head: &str) -> Outcome<Response> {
        self.stream.get_mut().write_all(head.as_bytes())?;
        let mut answer = Answer {
            stream: &mut self.stream,
            bytes: 0,
        };
        let status_line = answer.line()?;
        let status = status_line
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| Failure::new(format!("not a status line: {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = answer.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| Failure::new(format!("not a header: {line:?}")))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response {
            status,
            headers,
            body: String::new(),
            bytes: 0,
        };
        response.body = answer.body(&response)?;
        response.bytes = answer.bytes;
        Ok(response)
    }

    /// True if the other side has closed the connection, which is waited for.
    ///
    /// # Errors
    ///
    /// When it is neither closed nor silent.
    pub fn closes(&mut self) -> Outcome<bool> {
        Ok(self.stream.fill_buf()?.is_empty())
    }
}

/// An answer on its way in, and how much of it came.
struct Answer<'a> {
    stream: &'a mut BufReader<TcpStream>,
    bytes: u64,
}

impl Answer<'_> {
    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.bytes += self.stream.read_line(&mut line)? as u64;
        line.strip_suffix("\r\n")
            .map(str::to_owned)
            .ok_or_else(|| Failure::new(format!("the connection ended in a line: {line:?}")))
    }

    fn exactly(&mut self, length: usize) -> Outcome<Vec<u8>> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        self.bytes += length as u64;
        Ok(body)
    }

    /// The body by the rules of RFC 9112, section 6.3, as far as a page needs them.
    fn body(&mut self, response: &Response) -> Outcome<String> {
        let mut body = Vec::new();
        if response.first("transfer-encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(&self.line()?, 16)?;
                body.extend(self.exactly(size)?);
                let end = self.line()?;
                crate::ensure!(end.is_empty(), "a chunk is followed by {end:?}");
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = response.first("content-length") {
            body = self.exactly(length.parse()?)?;
        } else {
            self.bytes += self.stream.read_to_end(&mut body)? as u64;
        }
        String::from_utf8(body).map_err(|error| Failure::new(error.to_string()))
    }
}

/// An answer of a web site.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, and values.
    headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: String,
    /// The size of the answer on the wire.
    pub bytes: u64,
}

impl Response {
    /// The value of the first header of this name (in lower case).
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of all headers of this name (in lower case).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A site that answers each connection with the next of `answers` and hands back what it was asked.
    fn site(answers: &'static [&'static str]) -> (SocketAddr, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = move |answer: &&str| {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                stream.read_line(&mut head).unwrap();
            }
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            head
        };
        (
            address,
            thread::spawn(move || answers.iter().map(serve).collect()),
        )
    }

    #[test]
    fn cookie_is_sent_back_and_every_framing_read() {
        let (address, served) = site(&[
            "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; path=/\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\n",
            "HTTP/1.1 503 Service Unavailable\r\n\r\nto the end",
        ]);
        let journal = Journal::default();
        let mut browser = Browser::new(address.ip(), address, &journal);
        assert_eq!(browser.get("/").unwrap().body, "hi");
        assert_eq!(browser.cookie("a"), Some("b"));
        let chunked = browser.get_with("/", &[("X", "y")]).unwrap();
        assert_eq!((chunked.body.as_str(), chunked.bytes), ("abc", 60));
        assert!(browser.get("/").is_err());
        assert_eq!(browser.get("/").unwrap().body, "to the end");
        let statuses: Vec<_> = journal.exchanges().iter().map(|e| e.status).collect();
        assert_eq!(statuses, [200, 200, 503]);
        let asked = served.join().unwrap();
        assert!(!asked[0].contains("Cookie"));
        assert!(
            asked[1].contains("\r\nCookie: a=b\r\nX: y\r\n"),
            "{}",
            asked[1]
        );
    }
}
