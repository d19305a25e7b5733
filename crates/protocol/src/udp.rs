//! The frame of requests and replies in datagrams (protocol.txt, "UDP protocol").
//!
//! ```text
//! byte  0 1         2 3       4 5      6 7        8..
//!       request id  sequence  total    0          text or binary protocol
//! ```
//!
//! A request is one datagram. A reply is as many as it needs, of at most
//! [`DATAGRAM_BYTES_MAX`] bytes, which carry the request's id and say which of how many they are.
//!
//! ```
//! use steadfast_protocol::udp::{Header, datagrams};
//!
//! let mut request = Header::request(7).encode().to_vec();
//! request.extend(b"get visits\r\n");
//! let (header, payload) = Header::parse_request(&request)?;
//! assert_eq!((header.request_id, payload), (7, &b"get visits\r\n"[..]));
//!
//! let replies: Vec<_> = datagrams(header.request_id, b"END\r\n").collect();
//! assert_eq!(replies, [(Header { request_id: 7, sequence: 0, total: 1 }, &b"END\r\n"[..])]);
//! # Ok::<(), steadfast_protocol::udp::DatagramError>(())
//! ```

use core::error::Error;
use core::fmt;

/// The longest datagram of a reply, frame included: what fits through networks without being cut
/// up on the way. memcached's number.
pub const DATAGRAM_BYTES_MAX: usize = 1400;
/// The longest part of a reply that one datagram carries.
pub const PAYLOAD_BYTES_MAX: usize = DATAGRAM_BYTES_MAX - Header::BYTES;
/// The longest reply: as many datagrams as the frame can count.
pub const MESSAGE_BYTES_MAX: usize = PAYLOAD_BYTES_MAX * u16::MAX as usize;

/// What stands in front of each datagram. The reserved bytes are written as 0 and not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "the fields of the frame")]
pub struct Header {
    /// The client's number for the request, the same in all that belongs to the reply.
    pub request_id: u16,
    /// Which of the datagrams this is, from 0.
    pub sequence: u16,
    /// How many there are. 0 stands for a reply that says nothing.
    pub total: u16,
}

impl Header {
    /// The size of a header.
    pub const BYTES: usize = 8;

    /// The header of a request.
    #[must_use]
    pub const fn request(request_id: u16) -> Self {
        Self {
            request_id,
            sequence: 0,
            total: 1,
        }
    }

    /// Splits a datagram of a reply: header and payload.
    ///
    /// # Errors
    ///
    /// When it is shorter than a header, or beyond the last of its reply.
    pub const fn parse(datagram: &[u8]) -> Result<(Self, &[u8]), DatagramError> {
        let (header, payload) = match Self::split(datagram) {
            Ok(parts) => parts,
            Err(error) => return Err(error),
        };
        if header.sequence >= header.total && !(header.total == 0 && payload.is_empty()) {
            return Err(DatagramError::BeyondTotal {
                sequence: header.sequence,
                total: header.total,
            });
        }
        Ok((header, payload))
    }

    /// Splits a request's datagram: header and payload, which is not empty. The sequence is not
    /// looked at, as in memcached.
    ///
    /// # Errors
    ///
    /// When nothing is behind the header, or the request claims to be in several datagrams. Such
    /// datagrams get no reply.
    pub const fn parse_request(datagram: &[u8]) -> Result<(Self, &[u8]), DatagramError> {
        let (header, payload) = match Self::split(datagram) {
            Ok(parts) => parts,
            Err(error) => return Err(error),
        };
        if payload.is_empty() {
            return Err(DatagramError::TooShort {
                bytes: datagram.len(),
            });
        }
        if header.total != 1 {
            return Err(DatagramError::InParts {
                total: header.total,
            });
        }
        Ok((header, payload))
    }

    /// Writes the header.
    #[must_use]
    pub const fn encode(self) -> [u8; Self::BYTES] {
        let [id, sequence, total] = [
            self.request_id.to_be_bytes(),
            self.sequence.to_be_bytes(),
            self.total.to_be_bytes(),
        ];
        [
            id[0],
            id[1],
            sequence[0],
            sequence[1],
            total[0],
            total[1],
            0,
            0,
        ]
    }

    const fn split(datagram: &[u8]) -> Result<(Self, &[u8]), DatagramError> {
        let Some((header, payload)) = datagram.split_first_chunk::<{ Self::BYTES }>() else {
            return Err(DatagramError::TooShort {
                bytes: datagram.len(),
            });
        };
        let [id0, id1, sequence0, sequence1, total0, total1, ..] = *header;
        let header = Self {
            request_id: u16::from_be_bytes([id0, id1]),
            sequence: u16::from_be_bytes([sequence0, sequence1]),
            total: u16::from_be_bytes([total0, total1]),
        };
        Ok((header, payload))
    }
}

/// Returns how many datagrams a reply of so many bytes needs; `None` if more than can be counted
/// ([`MESSAGE_BYTES_MAX`]).
#[must_use]
pub fn datagram_count(message_bytes: usize) -> Option<u16> {
    u16::try_from(message_bytes.div_ceil(PAYLOAD_BYTES_MAX)).ok()
}

/// Cuts a reply into datagrams: header and payload of each. Empty if the reply is, or if it is
/// longer than [`MESSAGE_BYTES_MAX`].
pub fn datagrams(request_id: u16, message: &[u8]) -> impl Iterator<Item = (Header, &[u8])> {
    let total = datagram_count(message.len()).unwrap_or(0);
    (0..total)
        .zip(message.chunks(PAYLOAD_BYTES_MAX))
        .map(move |(sequence, payload)| {
            let header = Header {
                request_id,
                sequence,
                total,
            };
            (header, payload)
        })
}

/// Why a datagram is none of ours. Nothing is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramError {
    /// There is no room for a header and what it heads.
    TooShort {
        /// The length of the whole.
        bytes: usize,
    },
    /// A request says that it comes in several datagrams, or none.
    InParts {
        /// The number it gives.
        total: u16,
    },
    /// Part of a reply says that it comes behind the last.
    BeyondTotal {
        /// The number of the part, from 0.
        sequence: u16,
        /// How many there are.
        total: u16,
    },
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { bytes } => {
                let header = Header::BYTES;
                write!(
                    f,
                    "datagram of {bytes} bytes does not exceed its header of {header}"
                )
            }
            Self::InParts { total } => {
                write!(f, "request of {total} datagrams is not in one")
            }
            Self::BeyondTotal { sequence, total } => {
                write!(f, "datagram {sequence}, from 0, of a reply of {total}")
            }
        }
    }
}

impl Error for DatagramError {}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_are_one_datagram_with_something_in_it() {
        let short = Err(DatagramError::TooShort { bytes: 8 });
        assert_eq!(Header::parse_request(&[0, 1, 0, 0, 0, 1, 0, 0]), short);
        let parts = |total| Err(DatagramError::InParts { total });
        assert_eq!(
            Header::parse_request(&[0, 1, 0, 0, 0, 2, 0, 0, b'x']),
            parts(2)
        );
        assert_eq!(
            Header::parse_request(&[0, 1, 0, 0, 0, 0, 0, 0, b'x']),
            parts(0)
        );
        // Neither the sequence nor the reserved bytes matter.
        let (header, payload) = Header::parse_request(&[1, 2, 9, 9, 0, 1, 9, 9, b'x']).unwrap();
        assert_eq!((header.request_id, payload), (0x102, &b"x"[..]));
    }

    #[test]
    fn parts_of_a_reply_are_within_its_total() {
        let last = Header {
            request_id: 1,
            sequence: 4,
            total: 5,
        };
        assert_eq!(Header::parse(&last.encode()), Ok((last, &b""[..])));
        let beyond = Header {
            sequence: 5,
            ..last
        };
        let error = Header::parse(&beyond.encode()).unwrap_err();
        assert_eq!(
            error,
            DatagramError::BeyondTotal {
                sequence: 5,
                total: 5
            }
        );
        let nothing = Header {
            sequence: 0,
            total: 0,
            ..last
        };
        assert_eq!(Header::parse(&nothing.encode()), Ok((nothing, &b""[..])));
    }

    #[test]
    fn reply_too_long_to_count_has_no_datagrams() {
        assert_eq!(datagram_count(0), Some(0));
        assert_eq!(datagram_count(PAYLOAD_BYTES_MAX), Some(1));
        assert_eq!(datagram_count(PAYLOAD_BYTES_MAX + 1), Some(2));
        assert_eq!(datagram_count(MESSAGE_BYTES_MAX), Some(u16::MAX));
        assert_eq!(datagram_count(MESSAGE_BYTES_MAX + 1), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn headers_survive(request_id: u16, sequence: u16, total: u16) {
            let header = Header { request_id, sequence, total };
            let bytes = header.encode();
            prop_assert_eq!(Header::split(&bytes), Ok((header, &b""[..])));
        }

        #[test]
        fn datagrams_make_up_the_reply_in_order(
            message in proptest::collection::vec(any::<u8>(), 0..5000),
            request_id: u16,
        ) {
            let mut whole: Vec<u8> = Vec::new();
            let mut count = 0;
            for (index, (header, payload)) in datagrams(request_id, &message).enumerate() {
                let mut datagram = header.encode().to_vec();
                datagram.extend(payload);
                prop_assert!(datagram.len() <= DATAGRAM_BYTES_MAX);
                let (parsed, payload) = Header::parse(&datagram).unwrap();
                prop_assert_eq!((parsed.request_id, usize::from(parsed.sequence)), (request_id, index));
                count = parsed.total;
                whole.extend(payload);
            }
            prop_assert_eq!(&whole, &message);
            prop_assert_eq!(Some(count), datagram_count(message.len()));
        }
    }
}
