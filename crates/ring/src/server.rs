use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// A node as a client's configuration names it: a TCP address or a Unix socket, a weight, perhaps
/// a name of its own.
///
/// ```
/// use steadfast_ring::{Server, Weight};
///
/// let plain = Server::tcp("10.0.0.94", 11211);
/// let heavy = Server::tcp("10.0.0.95", 11211).weight(3).alias("alpha");
/// let slow = Server::tcp("10.0.0.96", 11211).weight("0.7".parse::<Weight>()?);
/// # Ok::<(), steadfast_ring::BadWeight>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Server {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) weight: Weight,
    pub(crate) alias: Option<String>,
}

impl Server {
    /// A node reached over TCP, of weight 1.
    ///
    /// Host and port are taken as the client is given them: they are names to be hashed, and
    /// `localhost` is another place than `127.0.0.1`. spymemcached hashes `host/ip` for a host name:
    /// give it so.
    pub fn tcp(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port: Some(port),
            weight: Weight::ONE,
            alias: None,
        }
    }

    /// A node reached over the Unix socket `path`, which each client writes in its own way.
    pub fn unix(path: &str) -> Self {
        Self {
            port: None,
            ..Self::tcp(path, 0)
        }
    }

    /// Sets the weight. Dialects that ignore weights keep it, but place without it.
    pub fn weight(self, weight: impl Into<Weight>) -> Self {
        Self {
            weight: weight.into(),
            ..self
        }
    }

    /// Gives the node a name that is hashed in place of its address: twemproxy's server name,
    /// mcrouter's tag. Other clients know no such name; their dialects refuse one.
    pub fn alias(self, alias: &str) -> Self {
        Self {
            alias: Some(alias.to_owned()),
            ..self
        }
    }
}

/// A node's weight: finite and not negative.
///
/// Most clients count in whole numbers from 1; mcrouter's `WeightedCh3` takes fractions from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Weight(f64);

// Never NaN: `fraction` refuses it.
impl Eq for Weight {}

impl Weight {
    /// The weight of a node for which none is given.
    pub const ONE: Self = Self(1.0);

    /// A weight that need not be whole.
    ///
    /// # Errors
    /// When it is negative, infinite or not a number.
    pub fn fraction(weight: f64) -> Result<Self, BadWeight> {
        if weight.is_finite() && weight >= 0.0 {
            Ok(Self(weight))
        } else {
            Err(BadWeight(()))
        }
    }

    /// The weight as a number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// The weight if it is a whole number of 32 bits.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast that loses anything is compared and dropped"
    )]
    pub fn whole(self) -> Option<u32> {
        let whole = self.0 as u32;
        (f64::from(whole) == self.0).then_some(whole)
    }
}

impl From<u32> for Weight {
    fn from(weight: u32) -> Self {
        Self(weight.into())
    }
}

/// Reads `3` or `0.7`.
impl FromStr for Weight {
    type Err = BadWeight;

    fn from_str(text: &str) -> Result<Self, BadWeight> {
        let is_plain = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = text.parse().ok().filter(|_| is_plain);
        number.map_or(Err(BadWeight(())), Self::fraction)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number that is no weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadWeight(());

impl fmt::Display for BadWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a weight is a decimal number, not negative")
    }
}

impl core::error::Error for BadWeight {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn weights_are_read_as_plain_decimals() {
        for (text, value) in [("3", 3.0), ("0.7", 0.7), ("0", 0.0), (".5", 0.5)] {
            assert_eq!(text.parse::<Weight>().map(Weight::value), Ok(value));
        }
        for text in ["", "-1", "1e3", "inf", "NaN", "1.2.3", "+1", " 1"] {
            assert_eq!(text.parse::<Weight>(), Err(BadWeight(())), "{text}");
        }
    }

    #[test]
    fn whole_weights_are_known_as_such() {
        assert_eq!(Weight::from(7).whole(), Some(7));
        assert_eq!(Weight::from(u32::MAX).whole(), Some(u32::MAX));
        assert_eq!("0.5".parse::<Weight>().ok().and_then(Weight::whole), None);
        assert_eq!(
            "5000000000".parse::<Weight>().ok().and_then(Weight::whole),
            None
        );
        assert_eq!(Weight::from(7).to_string(), "7");
    }
}
