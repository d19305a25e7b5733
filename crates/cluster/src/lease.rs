use core::fmt;
use core::time::Duration;
use std::time::Instant;

use crate::copy::Version;

/// The name under which a lock is held: 128 bits that nobody else draws.
///
/// Take them from the system's random source, anew for every operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; 32]);

/// The right to change a session, until it is given back or its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub(crate) token: Token,
    pub(crate) version: Version,
    pub(crate) until: Instant,
}

impl Token {
    /// The token of a random number.
    #[must_use]
    pub fn new(random: u128) -> Self {
        let mut digits = [0; 32];
        for (place, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(random >> (4 * place)) as usize & 15];
        }
        Self(digits)
    }

    /// What is stored under the lock's key: 32 hexadecimal digits.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A number from 0 to 255, different for each attempt: holders that collide must not do so again.
    pub(crate) fn jitter(&self, attempt: u32) -> u32 {
        let digit = |place: u32| u32::from(self.0[place as usize % self.0.len()]);
        digit(2 * attempt)
            .wrapping_mul(31)
            .wrapping_add(digit(2 * attempt + 1))
            % 256
    }
}

/// Not the token itself: who can read it can free the lock.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Lease {
    /// Until when the nodes keep the lock, to the second below, by the caller's clock.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until
    }
}

/// When a lock that was asked for at `began` may be gone: memcached counts whole seconds.
pub(crate) fn end_of_lease(began: Instant, seconds: u32) -> Instant {
    began + Duration::from_secs(u64::from(seconds) - 1)
}
