//! Placement.

use steadfast_ring::{Affinity, Dialect, HashTag, Order, Ring, Server, Weight, diff};

use crate::input::Input;

/// Taking a node away moves no key of the other nodes, on every consistent dialect; replicas are
/// distinct, begin with what a second look finds again, and the completed list has every node once.
pub fn removal_moves_only_its_keys(data: &[u8]) {
    let mut input = Input::new(data);
    let consistent: Vec<Dialect> = Dialect::all().filter(is_strict).collect();
    let dialect = consistent[usize::from(input.byte()) % consistent.len()];
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

/// Any description makes a ring that holds together, or is refused in words.
///
/// The first line names the dialect, the second holds the two characters of a tag and the prefix of
/// an affinity; then comes a line for each node (host, port, weight, alias, blanks between), an empty
/// line, and the key.
pub fn description(data: &[u8]) {
    let (head, key) = split(data, b"\n\n");
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split('\n');
    let dialect: Dialect = match lines.next().unwrap_or_default().parse() {
        Ok(dialect) => dialect,
        Err(error) => {
            assert!(error.to_string().len() < 1000);
            error.nearest()
        }
    };
    assert_eq!(dialect.name().parse(), Ok(dialect));
    let mut builder = Ring::builder(dialect);
    if let [open, close, prefix @ ..] = lines.next().unwrap_or_default().as_bytes() {
        builder = builder
            .hash_tag(HashTag::new(*open, *close))
            .affinity(Affinity::session_locks(prefix));
        let part = HashTag::new(*open, *close).part_of(key);
        assert!(part.len() <= key.len() && (part.is_empty() == key.is_empty()));
    }
    for line in lines.take(NODES_MAX) {
        let Some(server) = server(line) else { return };
        builder = builder.server((), server);
    }
    match builder.build() {
        Ok(ring) => holds_together(&ring, key),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn server(line: &str) -> Option<Server> {
    let mut words = line.split(' ');
    let host = words.next()?;
    let server = match words.next()?.parse() {
        Ok(port) => Server::tcp(host, port),
        Err(_) => Server::unix(host),
    };
    let weight: Weight = words.next()?.parse().ok()?;
    assert_eq!(weight.to_string().parse(), Ok(weight));
    if weight.value() > WEIGHT_MAX {
        return None;
    }
    let server = server.weight(weight);
    Some(match words.next() {
        Some(alias) => server.alias(alias),
        None => server,
    })
}

fn holds_together(ring: &Ring<()>, key: &[u8]) {
    let owner = ring.owner(key).index();
    assert_eq!(owner, ring.replicas_all(key, Order::Pool)[0].index());
    if let Some(hash) = ring.hash_of(key) {
        let by_hash = ring.owner_of_hash(hash).map(|member| member.index());
        assert_eq!(by_hash, Some(owner));
    }
    for order in [Order::Pool, Order::Session] {
        let explanation = ring.explain(key, order, NODES_MAX);
        let steps = explanation.steps().iter().filter(|step| step.is_new);
        let told: Vec<usize> = steps.map(|step| step.index).collect();
        assert_eq!(told, indexes(&ring.replicas(key, order, NODES_MAX)));
    }
    // Sampling is a matter of milliseconds, and of nothing that an input could change.
    if let Some(circle) = ring.circle() {
        assert_eq!(
            circle.arcs().last().map(|arc| arc.end),
            Some(circle.space())
        );
        let sum: f64 = ring.shares().iter().sum();
        assert!((sum - 1.0).abs() < 1e-9);
        assert_eq!(diff(ring, ring).moves(), []);
    }
}

/// What is before the first `mark`, and what is behind it.
fn split<'a>(data: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = data.windows(mark.len()).position(|window| window == mark);
    at.map_or((data, &[]), |at| (&data[..at], &data[at + mark.len()..]))
}

/// A change of any node moves the keys of that node, and not one more.
fn is_strict(dialect: &Dialect) -> bool {
    dialect.is_consistent() && !dialect.only_appends() && dialect.family() != "maglev"
}

fn build(dialect: Dialect, nodes: Vec<usize>, port: u16) -> Ring<usize> {
    nodes
        .into_iter()
        .fold(Ring::builder(dialect), |builder, node| {
            builder.node(node, &format!("10.0.0.{node}"), port, 1)
        })
        .build()
        .expect("distinct nodes of weight 1 make a ring")
}

fn indexes<N>(members: &[&steadfast_ring::Member<N>]) -> Vec<usize> {
    members.iter().map(|member| member.index()).collect()
}

const NODES_MAX: usize = 6;
/// Heavier nodes only cost time: 160 points a node and weight.
const WEIGHT_MAX: f64 = 20.0;
