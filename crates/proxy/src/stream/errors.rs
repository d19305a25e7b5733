//! Endings: answers of our own, transfers cut short, and the close.

use core::time::Duration;

use bytes::{BufMut, BytesMut};

use super::{Action, Phase, Side, Stream};
use crate::http::{Version, reason};
use crate::log::{self, Cause, Termination};
use crate::state::State;
use crate::time::{Now, deadline};

/// Why an exchange ends before its time, and what the client is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    status: u16,
    termination: Termination,
    closes: bool,
}

impl Fault {
    pub(super) const fn new(status: u16, cause: Cause, phase: log::Phase) -> Self {
        Self {
            status,
            termination: Termination::new(cause, phase),
            closes: false,
        }
    }

    /// The client's connection can't go on: nobody knows where its next request starts.
    pub(super) const fn closing(mut self) -> Self {
        self.closes = true;
        self
    }
}

impl Stream {
    /// Ends the exchange with an answer of our own, if there is still time for one.
    pub(super) fn fail(&mut self, fault: Fault, state: &mut State, now: Now) {
        if self.exchange.response.is_some() {
            self.cut(fault.termination, state, now);
            return;
        }
        self.release_slot(state, now);
        self.close_server();
        let goes_on = self.client_goes_on();
        let exchange = &mut self.exchange;
        exchange.termination = fault.termination;
        exchange.status = Some(fault.status);
        exchange.keep_client &= !fault.closes && exchange.request.is_done() && goes_on;
        if !self.client.is_broken {
            let page = self.page(fault.status);
            self.exchange.local_bytes = page.len() as u64;
            self.send(Side::Client, page.freeze(), now);
        }
        self.phase = Phase::Flushing;
        self.flush(state, now);
    }

    /// Ends the exchange with no more to say; what is on its way to the client still gets there.
    pub(super) fn cut(&mut self, termination: Termination, state: &mut State, now: Now) {
        self.release_slot(state, now);
        self.close_server();
        self.exchange.termination = termination;
        self.exchange.keep_client = false;
        self.phase = Phase::Flushing;
        self.flush(state, now);
    }

    /// The client is gone, or as good as gone: nothing more reaches it.
    pub(super) fn give_up_client(&mut self) {
        self.client.is_broken = true;
        self.client.has_ended = true;
        self.client.input.clear();
        self.client.unsent = 0;
    }

    /// The exchange is over: log it, then wait for the next or close.
    pub(super) fn conclude(&mut self, state: &mut State, now: Now) {
        self.log(state, now);
        let goes_on = self.exchange.keep_client
            && self.exchange.request.is_done()
            && self.client_goes_on()
            && !self.is_draining;
        if goes_on {
            self.start_exchange(false, state, now);
        } else {
            self.close_client(state, now);
        }
    }

    /// Closes the client's connection. If it is still sending, our last words would be lost to the reset that an
    /// early close provokes: then it is closed for writing first, and read on for a moment (RFC 9112, section 9.6).
    pub(super) fn close_client(&mut self, state: &mut State, now: Now) {
        self.close_server();
        let is_sending = !self.exchange.request.is_done() || !self.client.input.is_empty();
        self.client.input.clear();
        if is_sending && !self.client.has_ended {
            self.actions.push_back(Action::ShutdownWrite(Side::Client));
            self.phase = Phase::Lingering {
                until: deadline(now.instant, LINGER),
            };
        } else {
            self.finish(state);
        }
    }

    /// The end of the stream.
    pub(super) fn finish(&mut self, state: &mut State) {
        if self.phase != Phase::Finished {
            self.phase = Phase::Finished;
            self.actions.push_back(Action::Close(Side::Client));
            state.leave(self.frontend);
        }
    }

    /// HAProxy's page for a status, with its head.
    fn page(&self, status: u16) -> BytesMut {
        let words = reason(status);
        let body = format!(
            "<html><body><h1>{status} {words}</h1>\n{}\n</body></html>\n",
            sentence(status)
        );
        let connection = if !self.exchange.keep_client {
            "connection: close\r\n"
        } else if self.client_version() == Version::Http10 {
            "connection: keep-alive\r\n"
        } else {
            ""
        };
        let head = format!(
            "HTTP/1.1 {status} {words}\r\ncontent-length: {}\r\ncache-control: no-cache\r\n\
             content-type: text/html\r\n{connection}\r\n",
            body.len()
        );
        let mut page = BytesMut::with_capacity(head.len() + body.len());
        page.put_slice(head.as_bytes());
        if self.exchange.method() != b"HEAD" {
            page.put_slice(body.as_bytes());
        }
        page
    }
}

/// What the page for a status says. HAProxy 2.6 has no 414 and 431: those sentences are ours, in the length of later
/// ones.
const fn sentence(status: u16) -> &'static str {
    match status {
        400 => "Your browser sent an invalid request.",
        403 => "Request forbidden by administrative rules.",
        408 => "Your browser didn't send a complete request in time.",
        413 => "The request entity exceeds the maximum allowed.",
        414 => "The URI provided was too long for the server to process.",
        422 => "The server cannot process the contained instructions.",
        431 => "The request headers are too big.",
        502 => "The server returned an invalid or incomplete response.",
        503 => "No server is available to handle this request.",
        504 => "The server didn't respond in time.",
        _ => "An internal server error occurred.",
    }
}

/// How long a client that is still sending may take to notice that we have closed.
const LINGER: Duration = Duration::from_secs(1);
