//! Shares, differences, tags and affinity, where the right answer is known beforehand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use steadfast_ring::{Affinity, Basis, Builder, Dialect, HashTag, Ring, Server, diff};

fn nodes(dialect: &str, hosts: &[&str]) -> Builder<()> {
    let dialect: Dialect = dialect.parse().unwrap();
    hosts.iter().fold(Ring::builder(dialect), |builder, host| {
        builder.node((), host, 11211, 1)
    })
}

fn ring(dialect: &str, hosts: &[&str]) -> Ring<()> {
    nodes(dialect, hosts).build().unwrap()
}

/// The two servers of the guide do not share evenly: 1024 buckets are few.
#[test]
fn shares_of_pecl_memcache_are_whole_buckets() {
    let ring = ring(
        "pecl-memcache:consistent-crc32",
        &["10.0.0.94", "10.0.0.95"],
    );
    let shares = ring.shares();
    let mut buckets: Vec<f64> = shares.iter().map(|share| share * 1024.0).collect();
    buckets.sort_by(f64::total_cmp);
    assert_eq!(buckets, [440.0, 584.0]);
    assert_eq!(shares.basis(), Basis::Exact);
    assert_eq!(ring.circle().unwrap().space(), 1024);
}

/// libmemcached's `crc` has 15 bits, a corner of a circle of 32.
#[test]
fn short_hash_on_a_wide_circle_has_one_owner() {
    let ring = ring("libmemcached:compatible-crc", &["a", "b", "c", "d"]);
    let shares = ring.shares();
    assert_eq!(shares.basis(), Basis::Exact);
    assert_eq!(ring.circle().unwrap().space(), 1 << 15);
    assert!(shares.iter().any(|share| share > 0.95), "{shares:?}");
}

#[test]
fn share_of_a_sampled_dialect_says_so() {
    let shares = ring("jump:xxh3", &["a", "b", "c"]).shares();
    assert_eq!(shares.basis(), Basis::Sampled { keys: 100_000 });
    assert!(shares.iter().all(|share| (share - 1.0 / 3.0).abs() < 0.01));
}

/// Of six hashes in a row, two keep their remainder.
#[test]
fn third_node_moves_two_thirds_of_a_modulo_ring() {
    let old = ring("libmemcached:modula-default", &["a", "b"]);
    let new = ring("libmemcached:modula-default", &["a", "b", "c"]);
    let change = diff(&old, &new);
    assert_eq!(change.basis(), Basis::Exact);
    assert!((change.moved() - 2.0 / 3.0).abs() < 1e-6);
    assert_eq!((change.come(), change.gone()), (&[2][..], &[][..]));
    let shares: Vec<_> = change
        .moves()
        .iter()
        .map(|one| (one.from, one.to))
        .collect();
    assert_eq!(change.moves().len(), 4, "{shares:?}");
    assert!(
        change
            .moves()
            .iter()
            .all(|one| (one.share - 1.0 / 6.0).abs() < 1e-6)
    );
}

#[test]
fn order_matters_to_those_that_number_their_nodes_only() {
    for (dialect, moved) in [
        ("libmemcached:modula-default", 1.0),
        ("libmemcached:compatible-md5", 0.0),
        ("pecl-memcache:consistent-crc32", 0.0),
        ("twemproxy:modula-md5", 0.0),
        ("pymemcache:rendezvous", 0.0),
        ("mcrouter:rendezvous", 0.0),
        ("jump:xxh3", 1.0),
    ] {
        let change = diff(&ring(dialect, &["a", "b"]), &ring(dialect, &["b", "a"]));
        assert!(
            (change.moved() - moved).abs() < 1e-6,
            "{dialect} {}",
            change.moved()
        );
    }
}

#[test]
fn node_under_another_name_is_another_node() {
    let old = ring("spymemcached:ketama", &["a", "localhost"]);
    let new = ring("spymemcached:ketama", &["127.0.0.1", "a"]);
    let change = diff(&old, &new);
    assert_eq!((change.gone(), change.come()), (&[1][..], &[0][..]));
    assert!(change.moved() > 0.2);
}

/// The default port is left out of one name and not of the other; the nodes are the same ones.
#[test]
fn change_of_client_is_compared_by_address() {
    let old = ring("libmemcached:compatible-md5", &["a", "b", "c"]);
    let new = ring("spymemcached:ketama", &["a", "b", "c"]);
    let change = diff(&old, &new);
    assert_eq!(change.basis(), Basis::Exact);
    assert!(change.gone().is_empty() && change.come().is_empty());
    assert!((0.5..0.8).contains(&change.moved()), "{}", change.moved());
    let other_hash = ring("pymemcache:rendezvous", &["a", "b", "c"]);
    assert!(matches!(
        diff(&old, &other_hash).basis(),
        Basis::Sampled { .. }
    ));
}

#[test]
fn alias_keeps_keys_where_they_are_when_the_address_changes() {
    let dialect: Dialect = "twemproxy:ketama-fnv1a_64".parse().unwrap();
    let named = |host: &str| {
        Ring::builder(dialect)
            .server((), Server::tcp("h", 1).alias("alpha"))
            .server((), Server::tcp(host, 2).alias("beta"))
            .build()
            .unwrap()
    };
    let (old, new) = (named("h"), named("elsewhere"));
    for number in 0..1000 {
        let key = format!("key{number}");
        let (before, after) = (old.owner(key.as_bytes()), new.owner(key.as_bytes()));
        assert_eq!(before.name(), after.name());
    }
}

#[test]
fn lock_is_with_its_session_by_affinity_only() {
    let hosts = ["a", "b", "c", "d"];
    let plain = ring("libmemcached:consistent-default", &hosts);
    let bound = nodes("libmemcached:consistent-default", &hosts)
        .affinity(Affinity::session_locks(b"memc.sess.key."))
        .build()
        .unwrap();
    let mut apart = 0;
    for number in 0..200 {
        let session = format!("memc.sess.key.{number:026x}");
        let lock = format!("memc.sess.key.lock.{number:026x}");
        let owner = |ring: &Ring<()>, key: &str| ring.owner(key.as_bytes()).index();
        assert_eq!(owner(&bound, &lock), owner(&bound, &session));
        assert_eq!(owner(&bound, &session), owner(&plain, &session));
        apart += u32::from(owner(&plain, &lock) != owner(&plain, &session));
    }
    assert!(apart > 100, "{apart}");
}

#[test]
fn keys_with_one_tag_are_together() {
    let ring = nodes("twemproxy:ketama-fnv1a_64", &["a", "b", "c", "d"])
        .hash_tag(HashTag::BRACES)
        .build()
        .unwrap();
    for number in 0..200 {
        let home = ring.owner(format!("{number}").as_bytes());
        for kind in ["cart", "name", "seen"] {
            let key = format!("user:{{{number}}}:{kind}");
            assert_eq!(ring.owner(key.as_bytes()), home);
        }
    }
}

/// mcrouter hashes what is before the hash stop.
#[test]
fn keys_with_one_beginning_are_together_behind_a_hash_stop() {
    let ring = ring("mcrouter:ch3", &["a", "b", "c", "d"]);
    assert_eq!(ring.owner(b"foo:key|#|etc"), ring.owner(b"foo:key"));
}
