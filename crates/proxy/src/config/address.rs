//! Addresses as the configuration writes them.

use core::net::IpAddr;

/// A host: numeric, or a name that the daemon resolves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a host is one of these")]
pub enum Host {
    /// Every address of the machine, IPv4: `*`, or nothing before the port.
    Any4,
    /// Every address of the machine, IPv6 (and IPv4): `::`.
    Any6,
    /// A numeric address.
    Ip(IpAddr),
    /// A name.
    Name(String),
}

/// Where a socket is: on the network or in the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A host and a port, 1 to 65535.
    Inet(Host, u16),
    /// A path.
    Unix(String),
}

/// A network: an address and the number of its leading bits that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Network {
    /// The address; bits after the prefix are zero.
    pub address: IpAddr,
    /// 0 to 32, or to 128 for IPv6.
    pub prefix_bits: u8,
}

impl Network {
    /// Tells whether `address` belongs to the network. An IPv4 address that is written as IPv6
    /// (`::ffff:a.b.c.d`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix_bits))
                    .unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix_bits))
                    .unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}
