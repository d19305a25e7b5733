//! Placement.

use steadfast_ring::{Dialect, Order, Ring};

use crate::input::Input;

/// Taking a node away moves no key of the other nodes, on every consistent dialect; replicas are
/// distinct, begin with what a second look finds again, and the completed list has every node once.
pub fn removal_moves_only_its_keys(data: &[u8]) {
    let mut input = Input::new(data);
    let dialect = CONSISTENT[usize::from(input.byte()) % CONSISTENT.len()];
    let nodes = 2 + usize::from(input.byte() % 6);
    let removed = usize::from(input.byte()) % nodes;
    let port = 11211 + u16::from(input.byte());
    let key = input.rest();
    let whole = build(dialect, (0..nodes).collect(), port);
    let less = build(
        dialect,
        (0..nodes).filter(|&node| node != removed).collect(),
        port,
    );
    let owner = *whole.owner(key).node();
    if owner != removed {
        assert_eq!(
            *less.owner(key).node(),
            owner,
            "{dialect} moved a key of another node"
        );
    }
    for order in [Order::Pool, Order::Session] {
        let found = indexes(&whole.replicas(key, order, nodes));
        assert_eq!(found, indexes(&whole.replicas(key, order, nodes)));
        let all = indexes(&whole.replicas_all(key, order));
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..nodes).collect::<Vec<_>>());
    }
}

const CONSISTENT: [Dialect; 4] = [
    Dialect::PECL_CONSISTENT_CRC32,
    Dialect::PECL_CONSISTENT_FNV,
    Dialect::LIBMEMCACHED_CONSISTENT_DEFAULT,
    Dialect::LIBMEMCACHED_COMPATIBLE_MD5,
];

fn build(dialect: Dialect, nodes: Vec<usize>, port: u16) -> Ring<usize> {
    nodes
        .into_iter()
        .fold(Ring::builder(dialect), |builder, node| {
            builder.node(node, &format!("10.0.0.{node}"), port, 1)
        })
        .build()
        .expect("distinct nodes of weight 1 make a ring")
}

fn indexes(members: &[&steadfast_ring::Member<usize>]) -> Vec<usize> {
    members.iter().map(|member| member.index()).collect()
}
