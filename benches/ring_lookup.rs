//! Building rings and finding the owner of a key.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use steadfast_ring::{Dialect, Order, Ring};

const DIALECTS: [Dialect; 4] = [
    Dialect::PECL_CONSISTENT_CRC32,
    Dialect::LIBMEMCACHED_CONSISTENT_DEFAULT,
    Dialect::LIBMEMCACHED_COMPATIBLE_MD5,
    Dialect::LIBMEMCACHED_MODULA_DEFAULT,
];

fn ring(dialect: Dialect, nodes: usize) -> Ring<usize> {
    (0..nodes)
        .fold(Ring::builder(dialect), |builder, node| {
            builder.node(
                node,
                &format!("10.0.{}.{}", node / 256, node % 256),
                11211,
                1,
            )
        })
        .build()
        .expect("distinct nodes make a ring")
}

fn lookups(criterion: &mut Criterion) {
    for dialect in DIALECTS {
        for nodes in [2, 100] {
            let ring = ring(dialect, nodes);
            let key = b"aeoj7s47i7ke2l0fr7b534v684";
            criterion.bench_function(&format!("ring/owner/{dialect}/{nodes}"), |bencher| {
                bencher.iter(|| ring.owner(black_box(key)).index());
            });
            criterion.bench_function(&format!("ring/replicas/{dialect}/{nodes}"), |bencher| {
                bencher.iter(|| ring.replicas(black_box(key), Order::Session, 2).len());
            });
        }
        criterion.bench_function(&format!("ring/build/{dialect}/100"), |bencher| {
            bencher.iter(|| ring(dialect, black_box(100)));
        });
    }
}

criterion_group!(benches, lookups);
criterion_main!(benches);
