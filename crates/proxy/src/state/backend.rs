//! How a backend and its servers begin.

use core::net::SocketAddr;

use super::{Availability, Backend, Counters, Server, slots};
use crate::balance::Balancer;
use crate::config::{self, Host};
use crate::server::{Health, HealthSettings};
use crate::time::{Now, deadline};

/// Where a host and a port of the configuration are.
type Addresses<'a> = &'a dyn Fn(&Host, u16) -> SocketAddr;

impl Backend {
    /// A backend whose servers are all up; `seed` spreads their first checks.
    pub(super) fn new(
        configured: &config::Backend,
        addresses: Addresses<'_>,
        seed: &mut u64,
        now: Now,
    ) -> Self {
        let servers = configured.servers.iter();
        let weights: Vec<_> = servers.clone().map(|server| server.weight).collect();
        let mut balancer = Balancer::new(configured.balance, &weights);
        for (index, server) in servers.clone().enumerate() {
            balancer.set_usable(index, !server.disabled && !server.backup);
        }
        let servers =
            servers.map(|server| Server::new(server, &configured.timeouts, addresses, seed, now));
        Self {
            counters: Counters::default(),
            balancer,
            servers: servers.collect(),
            queue: slots::Queue::default(),
            noun: "backend",
            availability: Availability {
                changed_unix_ms: now.unix_ms,
                downtime_ms: 0,
            },
        }
    }
}

impl Server {
    fn new(
        configured: &config::Server,
        timeouts: &config::Timeouts,
        addresses: Addresses<'_>,
        seed: &mut u64,
        now: Now,
    ) -> Self {
        let check = configured.check.as_ref();
        let health = check.filter(|_| !configured.disabled).map(|check| {
            let wait = check.inter.mul_f64(next_fraction(seed));
            let first = deadline(now.instant, wait).unwrap_or(now.instant);
            Health::new(HealthSettings::new(check, timeouts), first)
        });
        let host = check.and_then(|check| check.host.as_ref());
        let port = check.and_then(|check| check.port);
        Self {
            counters: Counters::default(),
            address: addresses(&configured.host, configured.port),
            check_address: addresses(
                host.unwrap_or(&configured.host),
                port.unwrap_or(configured.port),
            ),
            health,
            changed_unix_ms: now.unix_ms,
            downtime_ms: 0,
        }
    }
}

/// A number from 0 to 1, by the splitmix64 generator.
#[allow(
    clippy::cast_precision_loss,
    reason = "a spread of checks needs no 53 bits"
)]
fn next_fraction(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 32) as f64 / 2_f64.powi(32)
}
