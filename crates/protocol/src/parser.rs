//! Bytes to requests, bytes to responses.

mod request;
mod response;

use core::num::NonZeroUsize;

pub use request::{OneGet, RequestParser};
pub use response::ResponseParser;

/// The outcome of parsing what has arrived so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "there is a message or there is none yet"
)]
pub enum Parsed<T> {
    /// A message, and the bytes that it took from the start of the input.
    Complete {
        /// The message.
        message: T,
        /// Its length on the wire in bytes. The caller drops them before the next call.
        consumed: usize,
    },
    /// More input is needed. The caller keeps what it has and calls again with more behind it.
    Incomplete {
        /// At least this many bytes are missing.
        needed: NonZeroUsize,
    },
}

/// Finds lines in a growing input, looking at no byte twice.
#[derive(Debug, Clone, Default)]
struct LineFinder {
    /// The bytes from the start of the input that are known to hold no line feed.
    scanned: usize,
}

impl LineFinder {
    /// Whether nothing is known of the input.
    const fn is_fresh(&self) -> bool {
        self.scanned == 0
    }

    /// The index of the first line feed, at which the finder starts afresh; none if there is no
    /// line feed yet.
    fn find(&mut self, input: &[u8]) -> Option<usize> {
        let from = self.scanned.min(input.len());
        let found = memchr::memchr(b'\n', &input[from..]).map(|at| from + at);
        self.scanned = if found.is_some() { 0 } else { input.len() };
        found
    }
}

/// The line that ends at the line feed at `end`, without its CRLF or bare LF.
fn line_at(input: &[u8], end: usize) -> &[u8] {
    let line = &input[..end];
    line.strip_suffix(b"\r").unwrap_or(line)
}

const ONE_MORE: NonZeroUsize = NonZeroUsize::MIN;
