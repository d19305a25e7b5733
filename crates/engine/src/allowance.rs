//! How much an address may get by UDP beyond what it pays for.

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv6Addr};
use core::sync::atomic::{AtomicU64, Ordering};
use std::boxed::Box;
use std::hash::DefaultHasher;

/// How much each address may get by UDP beyond [`FREE_RATIO`] times what comes from it: so many
/// bytes per second, and [`BURST_SECS`] times that at once.
///
/// Whoever sends a datagram may write any address in it. A cache that answers a request of twenty
/// bytes with a megabyte floods the owner of that address, at the cost of twenty bytes
/// (CVE-2018-1000115: 51,000-fold, 1.7 Tb/s). Under this limit one server sends the victim no more
/// than this, however many forge requests; what is up to four times the request is not worth
/// forging. Addresses are known by their hash, 4096 of them: two that collide share, which
/// errs on the side of the victim. An IPv6 address stands for its /64, which is one customer.
///
/// Shared by all workers. 32 KB.
#[derive(Debug)]
pub struct Allowance {
    bytes_per_sec: u32,
    seed: u64,
    /// The second of the last payment in the upper half, what is owed since in the lower.
    slots: Box<[AtomicU64]>,
}

impl Allowance {
    /// An allowance of `bytes_per_sec`; 0 is no limit. `seed` should not be known to anybody, or
    /// addresses that collide can be found.
    #[must_use]
    pub fn new(bytes_per_sec: u32, seed: u64) -> Self {
        let slots = match bytes_per_sec {
            0 => 0,
            _ => SLOTS,
        };
        Self {
            bytes_per_sec,
            seed,
            slots: (0..slots).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Takes `bytes` from the allowance of `address`, or nothing, and tells whether they were
    /// there. `now_secs` must not run backwards.
    #[must_use]
    pub fn take(&self, address: IpAddr, bytes: usize, now_secs: u32) -> bool {
        if self.slots.is_empty() || bytes == 0 {
            return true;
        }
        let most = u64::from(self.bytes_per_sec) * u64::from(BURST_SECS);
        let most = most.min(u64::from(u32::MAX));
        let slot = &self.slots[self.slot(address)];
        let taken = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            let (since_secs, owed) = ((word >> 32) as u32, word & u64::from(u32::MAX));
            let elapsed = u64::from(now_secs.saturating_sub(since_secs));
            let owed = owed.saturating_sub(elapsed.saturating_mul(self.bytes_per_sec.into()));
            let owed = owed.checked_add(bytes as u64)?;
            (owed <= most).then_some(u64::from(now_secs) << 32 | owed)
        });
        taken.is_ok()
    }

    fn slot(&self, address: IpAddr) -> usize {
        let mut hasher = DefaultHasher::new();
        self.seed.hash(&mut hasher);
        match address.to_canonical() {
            IpAddr::V4(address) => address.hash(&mut hasher),
            IpAddr::V6(address) => network(address).hash(&mut hasher),
        }
        hasher.finish() as usize % self.slots.len()
    }
}

fn network(address: Ipv6Addr) -> [u16; 4] {
    let [a, b, c, d, ..] = address.segments();
    [a, b, c, d]
}

/// How many times the length of a request its reply may be, at any rate.
pub const FREE_RATIO: usize = 4;
/// Seconds for which an allowance adds up.
pub const BURST_SECS: u32 = 5;
/// Addresses that are told apart at best.
const SLOTS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn allowance_adds_up_to_five_seconds_and_comes_back_with_time() {
        let allowance = Allowance::new(100, 1);
        assert!(allowance.take(address(1), 500, 10));
        assert!(!allowance.take(address(1), 1, 10));
        assert!(!allowance.take(address(1), 101, 11));
        assert!(allowance.take(address(1), 100, 11));
        assert!(!allowance.take(address(1), 501, 1000));
        assert!(allowance.take(address(1), 500, 1000));
    }

    #[test]
    fn addresses_have_an_allowance_each_and_a_network_of_ipv6_has_one() {
        let allowance = Allowance::new(100, 1);
        assert!(allowance.take(address(1), 500, 10) && allowance.take(address(2), 500, 10));
        let [one, other, far] = ["2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"];
        assert!(allowance.take(one.parse().unwrap(), 500, 10));
        assert!(!allowance.take(other.parse().unwrap(), 1, 10));
        assert!(allowance.take(far.parse().unwrap(), 1, 10));
        assert!(!allowance.take("::ffff:192.0.2.1".parse().unwrap(), 1, 10));
    }

    #[test]
    fn nothing_is_refused_without_a_limit() {
        let allowance = Allowance::new(0, 1);
        assert!(allowance.take(address(1), usize::MAX, 10));
    }
}
