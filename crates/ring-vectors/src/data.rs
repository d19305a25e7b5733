//! The files as they are stored: gzipped text.

use std::io::Read;

use flate2::read::GzDecoder;

macro_rules! packed {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../data/", $name, ".gz")).as_slice(),
        )
    };
}

/// Every file of answers: its name and its content.
pub(crate) const FILES: &[(&str, &[u8])] = &[
    packed!("libmemcached-n10"),
    packed!("libmemcached-n10w"),
    packed!("libmemcached-n2"),
    packed!("libmemcached-n3"),
    packed!("libmemcached-n3host"),
    packed!("libmemcached-n3w"),
    packed!("libmemcached-n5"),
    packed!("mcrouter-ch3-crc32"),
    packed!("mcrouter-wch3"),
    packed!("pecl-memcache-edge-keys"),
    packed!("pecl-memcache-n10"),
    packed!("pecl-memcache-n10w"),
    packed!("pecl-memcache-n2"),
    packed!("pecl-memcache-n2lo"),
    packed!("pecl-memcache-n2w"),
    packed!("pecl-memcache-n3"),
    packed!("pecl-memcache-n3host"),
    packed!("pecl-memcache-n3w"),
    packed!("pecl-memcache-n5"),
    packed!("pecl-memcache-n5w"),
    packed!("pecl-memcache-pool-replicas-n10"),
    packed!("pecl-memcache-pool-replicas-n10w"),
    packed!("pecl-memcache-pool-replicas-n2lo"),
    packed!("pecl-memcache-pool-replicas-n2w"),
    packed!("pecl-memcache-pool-replicas-n3"),
    packed!("pecl-memcache-pool-replicas-n3w"),
    packed!("pecl-memcache-pool-replicas-n5"),
    packed!("pecl-memcache-pool-replicas-n5w"),
    packed!("pecl-memcache-session-order-n10"),
    packed!("pecl-memcache-session-order-n10w"),
    packed!("pecl-memcache-session-order-n2lo"),
    packed!("pecl-memcache-session-order-n2w"),
    packed!("pecl-memcache-session-order-n3"),
    packed!("pecl-memcache-session-order-n3w"),
    packed!("pecl-memcache-session-order-n5"),
    packed!("pecl-memcache-session-order-n5w"),
    packed!("pymemcache-n10"),
    packed!("pymemcache-n2"),
    packed!("pymemcache-n3"),
    packed!("pymemcache-n5"),
    packed!("spymemcached-libketama-compat-two"),
    packed!("twemproxy-n10"),
    packed!("twemproxy-n10w"),
    packed!("twemproxy-n2lo"),
    packed!("twemproxy-n3"),
    packed!("twemproxy-n3alias"),
    packed!("twemproxy-n3rev"),
    packed!("twemproxy-n3w"),
    packed!("uhashring-n10"),
    packed!("uhashring-n10w"),
    packed!("uhashring-n2"),
    packed!("uhashring-n3"),
    packed!("uhashring-n3w"),
    packed!("uhashring-n5"),
];

/// The keys that most files ask about, one a line.
pub(crate) const KEYS: &[u8] = packed!("keys").1;

/// The awkward keys, in hexadecimal, one a line.
pub(crate) const EDGE_KEYS: &[u8] = packed!("edge-keys-hex").1;

/// Unpacks one of them.
pub(crate) fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    GzDecoder::new(packed)
        .read_to_end(&mut text)
        .expect("the files are whole: a test unpacks each");
    text
}
