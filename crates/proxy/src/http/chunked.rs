//! Chunked bodies: checked while they pass, and written anew (RFC 9112, section 7.1).

use core::fmt;

use bytes::{BufMut, BytesMut};

use super::is_token;

/// Relays one chunked body: framing is checked, extensions are dropped, trailers are passed on.
#[derive(Debug, Clone)]
pub struct ChunkedRelay {
    state: State,
    /// Bytes of the present size line, or of the trailers so far.
    overhead_bytes: usize,
    line: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size { digits: u8, value: u64 },
    Extension { value: u64, quiet: bool },
    SizeLf { value: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailer,
    Done,
}

/// Chunk framing that can't be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChunkError {
    /// The offending byte, counted from the start of the input given.
    pub offset: usize,
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed chunk at byte {}", self.offset)
    }
}

impl core::error::Error for ChunkError {}

impl Default for ChunkedRelay {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkedRelay {
    /// A relay at the start of a body.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Size {
                digits: 0,
                value: 0,
            },
            overhead_bytes: 0,
            line: Vec::new(),
        }
    }

    /// Whether the end of the body has been seen.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes the next bytes of the body from `input`, appends what is to be sent on to `out`, and returns how many
    /// bytes were taken: all of them, unless the body ends before.
    ///
    /// # Errors
    ///
    /// Malformed framing. What was appended to `out` before it is sound.
    pub fn relay(&mut self, input: &[u8], out: &mut BytesMut) -> Result<usize, ChunkError> {
        let mut at = 0;
        while at < input.len() && self.state != State::Done {
            if let State::Data { left } = self.state {
                let run = usize::try_from(left)
                    .unwrap_or(usize::MAX)
                    .min(input.len() - at);
                out.extend_from_slice(&input[at..at + run]);
                at += run;
                let left = left - run as u64;
                self.state = if left == 0 {
                    State::DataCr
                } else {
                    State::Data { left }
                };
            } else {
                self.step(input[at], out).ok_or(ChunkError { offset: at })?;
                at += 1;
            }
        }
        Ok(at)
    }

    /// One byte of framing; `None` if it may not stand there.
    fn step(&mut self, byte: u8, out: &mut BytesMut) -> Option<()> {
        self.overhead_bytes += 1;
        if self.overhead_bytes > OVERHEAD_BYTES_MAX {
            return None;
        }
        self.state = match self.state {
            State::Size { digits, value } => match char::from(byte).to_digit(16) {
                Some(digit) if digits < SIZE_DIGITS_MAX => State::Size {
                    digits: digits + 1,
                    value: value << 4 | u64::from(digit),
                },
                _ if digits == 0 || value > super::framing::LENGTH_MAX => return None,
                _ => extension(byte, value, true)?,
            },
            State::Extension { value, quiet } => extension(byte, value, quiet)?,
            State::SizeLf { value } if byte == b'\n' => self.start_chunk(value, out),
            State::DataCr if byte == b'\r' => State::DataLf,
            State::DataLf if byte == b'\n' => {
                out.put_slice(b"\r\n");
                self.overhead_bytes = 0;
                State::Size {
                    digits: 0,
                    value: 0,
                }
            }
            State::Trailer => self.trailer(byte, out)?,
            State::SizeLf { .. } | State::DataCr | State::DataLf => return None,
            same @ (State::Data { .. } | State::Done) => same,
        };
        Some(())
    }

    fn start_chunk(&mut self, size: u64, out: &mut BytesMut) -> State {
        out.put_slice(format!("{size:x}\r\n").as_bytes());
        self.overhead_bytes = 0;
        if size == 0 {
            State::Trailer
        } else {
            State::Data { left: size }
        }
    }

    fn trailer(&mut self, byte: u8, out: &mut BytesMut) -> Option<State> {
        if byte != b'\n' {
            let after_cr = self.line.last() == Some(&b'\r');
            if after_cr || byte == 0 {
                return None;
            }
            self.line.push(byte);
            return Some(State::Trailer);
        }
        let line = self.line.strip_suffix(b"\r")?;
        if line.is_empty() {
            out.put_slice(b"\r\n");
            self.line = Vec::new();
            return Some(State::Done);
        }
        let colon = memchr::memchr(b':', line)?;
        let name = &line[..colon];
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return None;
        }
        if !UNFIT_TRAILERS
            .iter()
            .any(|unfit| name.eq_ignore_ascii_case(unfit))
        {
            out.put_slice(name);
            out.put_slice(b": ");
            out.put_slice(super::trim(&line[colon + 1..]));
            out.put_slice(b"\r\n");
        }
        self.line.clear();
        Some(State::Trailer)
    }
}

/// What follows the digits of a size: blanks, then perhaps `;` and an extension, then CR LF.
fn extension(byte: u8, value: u64, quiet: bool) -> Option<State> {
    match byte {
        b'\r' => Some(State::SizeLf { value }),
        b' ' | b'\t' => Some(State::Extension { value, quiet }),
        b';' => Some(State::Extension {
            value,
            quiet: false,
        }),
        b'\n' | 0 => None,
        _ if quiet => None,
        _ => Some(State::Extension { value, quiet }),
    }
}

/// Hexadecimal digits of a chunk's size.
const SIZE_DIGITS_MAX: u8 = 16;

/// Bytes of one size line, or of all trailers: a peer can't make us read framing for ever.
const OVERHEAD_BYTES_MAX: usize = 8192;

/// Trailers that would change the meaning of the message if they were merged into its head.
const UNFIT_TRAILERS: [&[u8]; 4] = [
    b"content-length",
    b"transfer-encoding",
    b"host",
    b"connection",
];
