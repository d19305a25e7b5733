//! The binary protocol, both directions (protocol-binary.txt).
//!
//! ```text
//! byte  0      1       2 3     4       5      6 7      8..12  12..16  16..24  then
//!       magic  opcode  key     extras  type   status   body   opaque  cas     extras, key, value
//!                      length  length  0      or 0     length
//! ```
//!
//! [`Request`] and [`Response`] stand for everything up to the value, which is announced and
//! follows in the stream as it is: nothing ends it. Nothing is remembered between two calls of
//! `parse`, and at most [`HEAD_BYTES_MAX`] bytes are ever to be buffered for one.
//!
//! ```
//! use steadfast_protocol::binary::{Command, Key, Opcode, Request};
//! use steadfast_protocol::Parsed;
//!
//! let key = Key::new(b"visits").unwrap();
//! let request = Request::new(Command::Get { key, with_key: false });
//! let mut bytes = Vec::new();
//! request.encode(&mut bytes);
//! assert_eq!(bytes.len(), 24 + 6);
//! assert_eq!(
//!     Request::parse(&bytes),
//!     Ok(Parsed::Complete { message: request, consumed: 30 })
//! );
//! assert_eq!(request.opcode(), Opcode::GET);
//! ```

mod error;
mod header;
mod key;
mod opcode;
mod request;
mod response;
mod status;

pub use error::{RequestError, RequestErrorKind, ResponseError};
pub use key::Key;
pub use opcode::Opcode;
pub use request::{Command, NO_INITIAL, Request, Storage, StorageVerb};
pub use response::Response;
pub use status::Status;

/// How every request begins, and no text command.
pub const REQUEST_MAGIC: u8 = 0x80;
/// How every response begins.
pub const RESPONSE_MAGIC: u8 = 0x81;
/// The longest extras, key and value together that are believed: as in memcached, whose items
/// cannot be larger whatever its settings. What announces more has lost its place.
pub const BODY_BYTES_MAX: usize = 1 << 30;
/// The longest header, extras and key together: all that is ever buffered of a message.
pub const HEAD_BYTES_MAX: usize = header::Header::BYTES + EXTRAS_BYTES_MAX + Key::BYTES_MAX;

/// Those of increment.
const EXTRAS_BYTES_MAX: usize = 20;
