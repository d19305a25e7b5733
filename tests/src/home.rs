//! Which cache is a session's home, by the rules of PHP's two extensions.

use std::net::SocketAddr;

use steadfast_ring::{Dialect, Order, Ring};

use crate::check::{Failure, Outcome};

/// The index in `caches` of the one that pecl-memcache reads the session `id` from.
///
/// # Errors
///
/// When the ring cannot be built.
pub fn of_session(id: &str, caches: &[SocketAddr; 2]) -> Outcome<usize> {
    let ring = ring("pecl-memcache:consistent-crc32", caches)?;
    let home = ring.replicas(id.as_bytes(), Order::Session, 1);
    home.first()
        .map(|member| *member.node())
        .ok_or_else(|| Failure::new("the ring has no node"))
}

/// The index in `caches` of the one that php-memcached keeps a key on.
///
/// It hashes the key without `memc.sess.key.`: the bare id for a session, `lock.` and the id for its lock.
///
/// # Errors
///
/// When the ring cannot be built.
pub fn of_memcached_key(key: &str, caches: &[SocketAddr; 2]) -> Outcome<usize> {
    let ring = ring("libmemcached:consistent-default", caches)?;
    Ok(*ring.owner(key.as_bytes()).node())
}

fn ring(dialect: &str, caches: &[SocketAddr; 2]) -> Outcome<Ring<usize>> {
    let failure = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let dialect: Dialect = dialect.parse().map_err(|error| failure(&error))?;
    let mut ring = Ring::builder(dialect);
    for (index, cache) in caches.iter().enumerate() {
        ring = ring.node(index, &cache.ip().to_string(), cache.port(), 1);
    }
    ring.build().map_err(|error| failure(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_printed_in_the_guide_lives_where_the_guide_s_stats_show_it() {
        let caches = ["10.0.0.94:11211", "10.0.0.95:11211"].map(|text| text.parse().unwrap());
        assert_eq!(of_session("aeoj7s47i7ke2l0fr7b534v684", &caches), Ok(1));
    }
}
