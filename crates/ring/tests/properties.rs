//! What every dialect promises of its rings, for nodes and keys drawn at random.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use steadfast_ring::{Basis, Dialect, Member, Order, Ring, Server, Weight, Weights, diff};

type Nodes = Vec<(u16, u32)>;

/// Up to 8 nodes, told apart by their port, with weights from `weights`.
fn nodes(weights: impl Strategy<Value = u32>) -> impl Strategy<Value = Nodes> {
    prop::collection::btree_map(11_200..11_300u16, weights, 2..8)
        .prop_map(|nodes| nodes.into_iter().collect())
}

fn dialects(wanted: impl Fn(&Dialect) -> bool) -> impl Strategy<Value = Dialect> {
    prop::sample::select(Dialect::all().filter(wanted).collect::<Vec<_>>())
}

/// A change of any one node moves the keys of that node, and not one more.
fn is_strict(dialect: &Dialect) -> bool {
    dialect.is_consistent() && !dialect.only_appends() && dialect.family() != "maglev"
}

/// A node's points depend on nothing but that node, its weight included.
fn multiplies_weights(dialect: &Dialect) -> bool {
    let name = dialect.name();
    name.starts_with("pecl-memcache:consistent") || name == "uhashring:default"
}

fn keys() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 50)
}

/// Where weights are fractions, weight 4 becomes a quarter.
fn ring(dialect: Dialect, nodes: &[(u16, u32)]) -> Ring<u16> {
    let mut builder = Ring::builder(dialect);
    for &(port, weight) in nodes {
        let weight = match dialect.weights() {
            Weights::Fraction => Weight::fraction(1.0 / f64::from(weight)).unwrap(),
            _ => weight.into(),
        };
        builder = builder.server(port, Server::tcp("127.0.0.1", port).weight(weight));
    }
    builder.build().unwrap()
}

fn ports(members: &[&Member<u16>]) -> Vec<u16> {
    members.iter().map(|member| *member.node()).collect()
}

fn home(ring: &Ring<u16>, key: &[u8]) -> u16 {
    *ring.owner(key).node()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn replicas_are_distinct_and_begin_with_the_home(
        dialect in dialects(|_| true), nodes in nodes(1..5u32), keys in keys(), copies in 0..10usize,
    ) {
        let ring = ring(dialect, &nodes);
        for key in &keys {
            for order in [Order::Pool, Order::Session] {
                let some = ports(&ring.replicas(key, order, copies));
                let all = ports(&ring.replicas_all(key, order));
                prop_assert!(some.len() <= copies.min(nodes.len()));
                prop_assert!(copies == 0 || !some.is_empty());
                prop_assert!(all.starts_with(&some));
                prop_assert_eq!(all.len(), nodes.len());
                prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), nodes.len());
            }
            let pool = ring.replicas(key, Order::Pool, 1);
            prop_assert_eq!(pool, vec![ring.owner(key)]);
        }
    }

    #[test]
    fn explanation_comes_to_the_same_nodes(
        dialect in dialects(|_| true), nodes in nodes(1..5u32), keys in keys(), copies in 0..10usize,
    ) {
        let ring = ring(dialect, &nodes);
        for key in &keys {
            for order in [Order::Pool, Order::Session] {
                let explanation = ring.explain(key, order, copies);
                let new = explanation.steps().iter().filter(|step| step.is_new);
                let found = ring.replicas(key, order, copies);
                let found = found.iter().map(|member| member.index());
                prop_assert!(new.map(|step| step.index).eq(found));
            }
        }
    }

    #[test]
    fn ring_is_a_function_of_its_description(
        dialect in dialects(|_| true), nodes in nodes(1..5u32), keys in keys(),
    ) {
        let (one, other) = (ring(dialect, &nodes), ring(dialect, &nodes));
        for key in &keys {
            prop_assert_eq!(one.owner(key), other.owner(key));
            prop_assert_eq!(
                one.replicas_all(key, Order::Session),
                other.replicas_all(key, Order::Session)
            );
        }
    }

    #[test]
    fn removal_moves_only_the_keys_of_the_removed_node(
        dialect in dialects(is_strict), mut nodes in nodes(Just(1)), keys in keys(),
        removed in 0..8usize,
    ) {
        let before = ring(dialect, &nodes);
        let (removed, _) = nodes.remove(removed % nodes.len());
        prop_assert!(only_of_removed_moved(&before, &ring(dialect, &nodes), removed, &keys));
    }

    #[test]
    fn removal_moves_only_its_keys_with_weights_that_multiply(
        dialect in dialects(multiplies_weights), mut nodes in nodes(1..5u32), keys in keys(),
        removed in 0..8usize,
    ) {
        let before = ring(dialect, &nodes);
        let (removed, _) = nodes.remove(removed % nodes.len());
        prop_assert!(only_of_removed_moved(&before, &ring(dialect, &nodes), removed, &keys));
    }

    /// For those that number their nodes the new one is at the end of the list.
    #[test]
    fn addition_moves_keys_only_to_the_new_node(
        dialect in dialects(|dialect| is_strict(dialect) || dialect.only_appends()),
        mut nodes in nodes(Just(1)), keys in keys(),
    ) {
        let before = ring(dialect, &nodes);
        nodes.push((11_300, 1));
        let after = ring(dialect, &nodes);
        for key in &keys {
            let home_now = home(&after, key);
            prop_assert!(home_now == 11_300 || home_now == home(&before, key));
        }
    }

    /// Ejecting a node by setting its fraction to nearly nothing moves no other node's keys.
    #[test]
    fn smaller_fraction_moves_only_keys_of_that_node(
        nodes in nodes(1..3u32), keys in keys(), shrunk in 0..8usize,
    ) {
        let dialect = "mcrouter:wch3".parse().unwrap();
        let before = ring(dialect, &nodes);
        let mut less = nodes.clone();
        let shrunk = shrunk % less.len();
        less[shrunk].1 = 1000;
        prop_assert!(only_of_removed_moved(&before, &ring(dialect, &less), nodes[shrunk].0, &keys));
    }

    /// The difference is that of the owners, for equal and for unequal dialects.
    #[test]
    fn diff_agrees_with_the_owners_of_many_keys(
        dialect in dialects(has_whole_hash), old in nodes(1..4u32), new in nodes(1..4u32),
    ) {
        let (old, new) = (ring(dialect, &old), ring(dialect, &new));
        let diff = diff(&old, &new);
        let keys = 4_000u32;
        let moved = (0..keys).filter(|number| {
            let key = session_id(*number);
            old.owner(&key).address() != new.owner(&key).address()
        });
        let sampled = moved.count() as f64 / f64::from(keys);
        prop_assert!((diff.moved() - sampled).abs() < 0.05, "{} {}", diff.moved(), sampled);
        let sum: f64 = diff.moves().iter().map(|change| change.share).sum();
        prop_assert!((sum - diff.moved()).abs() < 1e-9);
        for change in diff.moves() {
            let (from, to) = (&old.members()[change.from], &new.members()[change.to]);
            prop_assert_ne!(from.address(), to.address());
        }
    }

    #[test]
    fn shares_are_those_of_many_keys(
        dialect in dialects(has_whole_hash), nodes in nodes(1..4u32),
    ) {
        let ring = ring(dialect, &nodes);
        let shares = ring.shares();
        prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let keys = 4_000u32;
        let mut counts = vec![0u32; nodes.len()];
        for number in 0..keys {
            counts[ring.owner(&session_id(number)).index()] += 1;
        }
        for (count, share) in counts.into_iter().zip(shares.iter()) {
            let sampled = f64::from(count) / f64::from(keys);
            prop_assert!((share - sampled).abs() < 0.05, "{} {}", share, sampled);
        }
        if let Some(circle) = ring.circle() {
            prop_assert_eq!(shares.basis(), Basis::Exact);
            let mut end = 0;
            for arc in circle.arcs() {
                prop_assert_eq!(arc.start, end);
                prop_assert!(arc.end > arc.start);
                end = arc.end;
            }
            prop_assert_eq!(end, circle.space());
        }
    }

    /// A node of weight 3 among eight of weight 1 has about 3 of 11 parts.
    #[test]
    fn weights_hold_within_statistics(
        dialect in dialects(|dialect| {
            has_whole_hash(dialect) && dialect.weights() == Weights::Whole
        }),
        first_port in 1_000..60_000u16,
    ) {
        let nodes: Nodes = (0..9).map(|node| (first_port + node, if node == 4 { 3 } else { 1 })).collect();
        let share = ring(dialect, &nodes).shares().of(4);
        // 160 points a node are some 8 % of scatter, pecl-memcache's 1024 buckets a little more.
        prop_assert!((share - 3.0 / 11.0).abs() < 0.10, "{dialect} {share}");
    }
}

/// All but the hash that has 15 bits only (it uses a corner of a circle) and the one that is not
/// spread over its 32.
fn has_whole_hash(dialect: &Dialect) -> bool {
    let name = dialect.name();
    let narrow = ["-crc", "-crc16", "ketama-crc32", "modula-crc32"];
    !narrow.iter().any(|ending| name.ends_with(ending))
}

fn session_id(number: u32) -> Vec<u8> {
    format!(
        "{:016x}",
        u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    )
    .into_bytes()
}

fn only_of_removed_moved(
    before: &Ring<u16>,
    after: &Ring<u16>,
    removed: u16,
    keys: &[Vec<u8>],
) -> bool {
    keys.iter().all(|key| {
        let home_before = home(before, key);
        home_before == removed || home_before == home(after, key)
    })
}

#[test]
fn fraction_of_a_node_is_the_part_of_its_keys_that_it_keeps() {
    let dialect = "mcrouter:wch3".parse().unwrap();
    let full = ring(dialect, &[(1, 1), (2, 1), (3, 1), (4, 1)]).shares();
    let half = ring(dialect, &[(1, 1), (2, 2), (3, 1), (4, 1)]).shares();
    // The other half is shared out again, of which it gets a quarter and keeps half, and so on:
    // 1/4 x 1/2 / (1 - 1/4 x 1/2) = 1/7.
    assert!((full.of(1) - 1.0 / 4.0).abs() < 0.01, "{full:?}");
    assert!((half.of(1) - 1.0 / 7.0).abs() < 0.01, "{half:?}");
}
