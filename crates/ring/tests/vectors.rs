//! Every key of every recorded answer of the real clients.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use steadfast_ring::{Dialect, Order, Ring, Server, Weight};
use steadfast_ring_vectors::{Answer, Configuration, List, Report, check_files};

#[test]
fn pecl_memcache_agrees_with_every_answer() {
    assert_agrees("pecl-memcache", 108, 496_916);
}

#[test]
fn libmemcached_agrees_with_every_answer() {
    assert_agrees("libmemcached", 147, 1_470_000);
}

#[test]
fn twemproxy_agrees_with_every_answer() {
    assert_agrees("twemproxy", 108, 540_000);
}

#[test]
fn spymemcached_agrees_with_every_answer() {
    assert_agrees("spymemcached", 1, 2_841);
}

#[test]
fn uhashring_agrees_with_every_answer() {
    assert_agrees("uhashring", 12, 40_008);
}

#[test]
fn pymemcache_agrees_with_every_answer() {
    assert_agrees("pymemcache", 4, 13_336);
}

/// All but the one of 8,388,608 nodes, which `furc` checks without building them.
#[test]
fn mcrouter_agrees_with_every_answer() {
    assert_agrees("mcrouter", 14, 59_740);
}

fn assert_agrees(family: &str, columns: usize, keys: usize) {
    let report = report(family);
    assert_eq!(report.wrong, 0, "{report}");
    assert_eq!((report.columns, report.keys), (columns, keys));
}

fn report(family: &str) -> Report {
    check_files(
        |file| file.starts_with(family),
        |configuration, name| {
            let dialect: Dialect = name.parse().unwrap();
            let is_small = configuration.count() < 100_000;
            is_small.then(|| placing(configuration, dialect))
        },
    )
}

fn placing(configuration: &Configuration, dialect: Dialect) -> impl FnMut(&[u8]) -> Answer + use<> {
    let ring = ring(configuration, dialect);
    let list = configuration.list();
    move |key| match list {
        List::Owner => ring.owner(key).index().into(),
        List::Pool => copies(&ring, key, Order::Pool).into(),
        List::Session => copies(&ring, key, Order::Session).into(),
    }
}

/// The whole list. The part of it that fewer copies give must be a beginning, growing one by one.
fn copies(ring: &Ring<()>, key: &[u8], order: Order) -> Vec<usize> {
    let found = |copies| -> Vec<usize> {
        let members = ring.replicas(key, order, copies);
        members.iter().map(|member| member.index()).collect()
    };
    let list = found(usize::MAX);
    let mut found_before = 0;
    for copies in 0..=ring.members().len() {
        let found = found(copies);
        assert!(list.starts_with(&found), "{}", key.escape_ascii());
        assert!(found.len() <= copies && found.len() <= found_before + 1);
        found_before = found.len();
    }
    list
}

fn ring(configuration: &Configuration, dialect: Dialect) -> Ring<()> {
    let mut builder = Ring::builder(dialect);
    for node in configuration.nodes() {
        let weight = Weight::fraction(node.weight).unwrap();
        let mut server = Server::tcp(&node.host, node.port).weight(weight);
        if let Some(alias) = &node.alias {
            server = server.alias(alias);
        }
        builder = builder.server((), server);
    }
    builder.build().unwrap()
}
