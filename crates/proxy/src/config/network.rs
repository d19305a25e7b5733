//! Networks as the configuration writes them.

use core::net::{IpAddr, Ipv4Addr};

/// A network: an address and the number of its leading bits that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Network {
    /// The address. Bits after the prefix do not matter.
    pub address: IpAddr,
    /// 0 to 32, or to 128 for IPv6.
    pub prefix_bits: u8,
}

impl Network {
    /// Tells whether `address` belongs to the network. An IPv4 address that is written as IPv6
    /// (`::ffff:a.b.c.d`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let ignored_bits = |all: u32| all.saturating_sub(u32::from(self.prefix_bits));
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(ignored_bits(32)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(ignored_bits(128)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

/// Reads `ADDRESS`, `ADDRESS/BITS` or `ADDRESS/MASK`.
pub(super) fn parse_network(text: &str) -> Option<Network> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits_max: u8 = if address.is_ipv4() { 32 } else { 128 };
    let prefix_bits = match length {
        None => bits_max,
        Some(length) => parse_prefix(length, address.is_ipv4())?,
    };
    (prefix_bits <= bits_max).then_some(Network {
        address,
        prefix_bits,
    })
}

fn parse_prefix(text: &str, is_ipv4: bool) -> Option<u8> {
    if let Ok(bits) = text.parse() {
        return Some(bits);
    }
    let mask: Ipv4Addr = text.parse().ok()?;
    let ones = mask.to_bits().leading_ones();
    let is_prefix = mask.to_bits().count_ones() == ones;
    (is_ipv4 && is_prefix).then(|| u8::try_from(ones).expect("32 bits at most"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_what_their_prefix_says() {
        let contains = |network: &str, address: &str| {
            parse_network(network)
                .unwrap()
                .contains(address.parse().unwrap())
        };
        assert!(contains("127.0.0.0/8", "127.1.2.3"));
        assert!(contains("127.0.0.0/8", "::ffff:127.1.2.3"));
        assert!(!contains("127.0.0.0/8", "128.0.0.1"));
        assert!(contains("10.0.0.0/255.255.0.0", "10.0.9.9"));
        assert!(!contains("10.0.0.1", "10.0.0.2"));
        assert!(contains("0.0.0.0/0", "1.2.3.4"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(contains("::/0", "::1"));
        for text in [
            "",
            "x",
            "10.0.0.0/33",
            "10.0.0.0/255.0.255.0",
            "::/129",
            "::/255.0.0.0",
        ] {
            assert_eq!(parse_network(text), None, "{text}");
        }
    }
}
