//! What every dialect promises of its rings, for nodes and keys drawn at random.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use steadfast_ring::{Dialect, Order, Ring};

type Nodes = Vec<(u16, u32)>;

/// Up to 8 nodes, told apart by their port, with weights from `weights`.
fn nodes(weights: impl Strategy<Value = u32>) -> impl Strategy<Value = Nodes> {
    prop::collection::btree_map(11_200..11_300u16, weights, 2..8)
        .prop_map(|nodes| nodes.into_iter().collect())
}

fn dialect() -> impl Strategy<Value = Dialect> {
    prop::sample::select(Dialect::ALL)
}

fn keys() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 50)
}

fn ring(dialect: Dialect, nodes: &[(u16, u32)]) -> Ring<u16> {
    let mut builder = Ring::builder(dialect);
    for &(port, weight) in nodes {
        builder = builder.node(port, "127.0.0.1", port, weight);
    }
    builder.build().unwrap()
}

fn ports(members: &[&steadfast_ring::Member<u16>]) -> Vec<u16> {
    members.iter().map(|member| *member.node()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn replicas_are_distinct_and_begin_with_the_home(
        dialect in dialect(), nodes in nodes(1..5u32), keys in keys(), copies in 0..10usize,
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
    fn ring_is_a_function_of_its_description(
        dialect in dialect(), nodes in nodes(1..5u32), keys in keys(),
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

    /// Holds to the byte wherever a node's points depend on that node alone: all consistent
    /// dialects without weights, and pecl-memcache's with them.
    #[test]
    fn removal_moves_only_the_keys_of_the_removed_node(
        dialect in consistent(), mut nodes in nodes(Just(1)), keys in keys(), removed in 0..8usize,
    ) {
        let before = ring(dialect, &nodes);
        let (removed, _) = nodes.remove(removed % nodes.len());
        prop_assert!(only_of_removed_moved(&before, &ring(dialect, &nodes), removed, &keys));
    }

    #[test]
    fn removal_moves_only_its_keys_with_weights_that_multiply(
        mut nodes in nodes(1..5u32), keys in keys(), removed in 0..8usize, fnv in any::<bool>(),
    ) {
        let dialect =
            if fnv { Dialect::PECL_CONSISTENT_FNV } else { Dialect::PECL_CONSISTENT_CRC32 };
        let before = ring(dialect, &nodes);
        let (removed, _) = nodes.remove(removed % nodes.len());
        prop_assert!(only_of_removed_moved(&before, &ring(dialect, &nodes), removed, &keys));
    }

    #[test]
    fn addition_moves_keys_only_to_the_new_node(
        dialect in consistent(), mut nodes in nodes(Just(1)), keys in keys(),
    ) {
        let before = ring(dialect, &nodes);
        nodes.push((11_300, 1));
        let after = ring(dialect, &nodes);
        for key in &keys {
            let home = *after.owner(key).node();
            prop_assert!(home == 11_300 || home == *before.owner(key).node());
        }
    }

    #[test]
    fn every_node_gets_a_share(dialect in dialect(), nodes in nodes(1..3u32)) {
        let ring = ring(dialect, &nodes);
        let homes: BTreeSet<u16> =
            (0..2_000u32).map(|n| *ring.owner(format!("key{n}").as_bytes()).node()).collect();
        prop_assert_eq!(homes.len(), nodes.len());
    }
}

fn only_of_removed_moved(
    before: &Ring<u16>,
    after: &Ring<u16>,
    removed: u16,
    keys: &[Vec<u8>],
) -> bool {
    keys.iter().all(|key| {
        let home = *before.owner(key).node();
        home == removed || home == *after.owner(key).node()
    })
}

fn consistent() -> impl Strategy<Value = Dialect> {
    let consistent: Vec<_> = Dialect::ALL
        .iter()
        .copied()
        .filter(|dialect| dialect.is_consistent())
        .collect();
    prop::sample::select(consistent)
}
