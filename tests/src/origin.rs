//! The least web server there can be, for tests that need one and no PHP.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::check::Outcome;
use crate::wait::PATIENCE;

/// What it answers to everything.
pub const BODY: &str = "here\n";

/// Answers every request with [`BODY`], one at a time, until it is dropped.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl Origin {
    /// Serves at `address`.
    ///
    /// # Errors
    ///
    /// When the address is taken.
    pub fn start(address: SocketAddr) -> Outcome<Self> {
        let listener = TcpListener::bind(address)?;
        let stop = Arc::new(AtomicBool::new(false));
        let server = thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                for stream in listener.incoming().flatten() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    // A client that asks badly or leaves gets no answer.
                    let _ = answer(stream);
                }
            }
        });
        Ok(Self {
            address,
            stop,
            server: Some(server),
        })
    }
}

fn answer(stream: TcpStream) -> Outcome {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line)? > 2 {
        line.clear();
    }
    if line == "\r\n" {
        let length = BODY.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream
            .get_mut()
            .write_all(format!("{head}{BODY}").as_bytes())?;
    }
    Ok(())
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the server; if nobody listens any more, there is nothing to wake.
        let _ = TcpStream::connect(self.address);
        if let Some(server) = self.server.take() {
            // A server that has panicked has nothing left to stop.
            let _ = server.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::{Browser, Journal};

    #[test]
    fn everything_is_answered_with_the_same_body() {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let origin = Origin::start(address).unwrap();
        let mut browser = Browser::new(address.ip(), address, &Journal::default());
        assert_eq!(browser.get("/any").unwrap().body, BODY);
        drop(origin);
        assert!(browser.get("/any").is_err());
    }
}
