//! Which cache is a session's home, by pecl-memcache's rule.

use std::net::SocketAddr;

use steadfast_ring::{Dialect, Order, Ring};

use crate::check::{Failure, Outcome};

/// The index in `caches` of the one that the session `id` is read from.
///
/// # Errors
///
/// When the ring cannot be built.
pub fn of_session(id: &str, caches: &[SocketAddr; 2]) -> Outcome<usize> {
    let failure = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let dialect: Dialect = "pecl-memcache:consistent-crc32"
        .parse()
        .map_err(|error| failure(&error))?;
    let mut ring = Ring::builder(dialect);
    for (index, cache) in caches.iter().enumerate() {
        ring = ring.node(index, &cache.ip().to_string(), cache.port(), 1);
    }
    let ring = ring.build().map_err(|error| failure(&error))?;
    let home = ring.replicas(id.as_bytes(), Order::Session, 1);
    home.first()
        .map(|member| *member.node())
        .ok_or_else(|| Failure::new("the ring has no node"))
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
