//! Building rings and finding the owner of a key.
//!
//! `ring/lookup` leaves the hash of the key aside: ours beside `partition_point` over the same
//! points. `ring/owner` and `ring/published` are whole look-ups, the second as the algorithm was
//! published, where that is a formula and not a table.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use steadfast_ring::{Dialect, Order, Ring};
use twox_hash::XxHash3_64;

const KEY: &[u8] = b"aeoj7s47i7ke2l0fr7b534v684";

const OWNERS: [&str; 10] = [
    "pecl-memcache:consistent-crc32",
    "libmemcached:consistent-default",
    "libmemcached:compatible-md5",
    "libmemcached:modula-default",
    "uhashring:default",
    "pymemcache:rendezvous",
    "mcrouter:rendezvous",
    "mcrouter:ch3",
    "jump:xxh3",
    "maglev:xxh64",
];

fn ring(dialect: &str, nodes: usize) -> Ring<usize> {
    let dialect: Dialect = dialect.parse().expect("the dialect is known");
    (0..nodes)
        .fold(Ring::builder(dialect), |builder, node| {
            builder.node(node, &host(node), 11211, 1)
        })
        .build()
        .expect("distinct nodes make a ring")
}

fn host(node: usize) -> String {
    format!("10.0.{}.{}", node / 256, node % 256)
}

/// The points of a ring and their owners, apart, as a look-up by halves wants them.
fn points(ring: &Ring<usize>) -> (Vec<u32>, Vec<u32>) {
    let circle = ring.circle().expect("a ketama ring has points");
    let arcs = circle.arcs().iter();
    arcs.map(|arc| {
        (
            u32::try_from(arc.end - 1).expect("32 bits"),
            arc.index as u32,
        )
    })
    .unzip()
}

fn hashes() -> Vec<u32> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 32) as u32
    };
    (0..1 << 16).map(|_| next()).collect()
}

fn lookups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/lookup");
    let hashes = hashes();
    group.throughput(Throughput::Elements(hashes.len() as u64));
    for nodes in [3, 100, 10_000] {
        let ring = ring("libmemcached:compatible-md5", nodes);
        let (values, owners) = points(&ring);
        group.bench_function(BenchmarkId::new("ours", nodes), |bencher| {
            bencher.iter(|| {
                let owner = |&hash| ring.owner_of_hash(hash).expect("placed by hash").index();
                hashes.iter().map(owner).fold(0, usize::wrapping_add)
            });
        });
        group.bench_function(BenchmarkId::new("partition_point", nodes), |bencher| {
            bencher.iter(|| {
                let owner = |&hash| {
                    let at = values.partition_point(|&value| value < hash);
                    ring.members()[owners[at % owners.len()] as usize].index()
                };
                hashes.iter().map(owner).fold(0, usize::wrapping_add)
            });
        });
    }
}

fn owners(criterion: &mut Criterion) {
    for dialect in OWNERS {
        for nodes in [2, 100] {
            let ring = ring(dialect, nodes);
            criterion.bench_function(&format!("ring/owner/{dialect}/{nodes}"), |bencher| {
                bencher.iter(|| ring.owner(black_box(KEY)).index());
            });
        }
    }
    let ring = ring("pecl-memcache:consistent-crc32", 100);
    criterion.bench_function(
        "ring/replicas/pecl-memcache:consistent-crc32/100",
        |bencher| {
            bencher.iter(|| ring.replicas(black_box(KEY), Order::Session, 2).len());
        },
    );
}

fn published(criterion: &mut Criterion) {
    let names: Vec<String> = (0..100)
        .map(|node| format!("{}:11211", host(node)))
        .collect();
    criterion.bench_function("ring/published/rendezvous-murmur3/100", |bencher| {
        bencher.iter(|| {
            let score =
                |name: &String| murmur3(format!("{name}-{}", text(black_box(KEY))).as_bytes());
            names.iter().max_by_key(|name| score(name)).map(String::len)
        });
    });
    criterion.bench_function("ring/published/jump of XXH3/100", |bencher| {
        bencher.iter(|| jump(XxHash3_64::oneshot(black_box(KEY)), black_box(100)));
    });
}

fn text(key: &[u8]) -> &str {
    std::str::from_utf8(key).expect("a session id is ASCII")
}

/// Lamping and Veach, figure 1.
fn jump(mut key: u64, buckets: i32) -> i32 {
    let (mut bucket, mut next) = (-1i64, 0i64);
    while next < i64::from(buckets) {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = ((bucket + 1) as f64 * ((1i64 << 31) as f64 / ((key >> 33) + 1) as f64)) as i64;
    }
    bucket as i32
}

/// Appleby's `MurmurHash3_x86_32` with seed 0, word by word.
fn murmur3(bytes: &[u8]) -> u32 {
    let stir = |word: u32| {
        word.wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593)
    };
    let words = bytes.chunks_exact(4);
    let tail = words.remainder();
    let mut hash = 0u32;
    for word in words {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        hash = (hash ^ stir(word))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    hash ^= stir(
        tail.iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u32::from(byte)),
    );
    hash ^= bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

fn builds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/build");
    group.sample_size(10);
    for dialect in [
        "pecl-memcache:consistent-crc32",
        "libmemcached:consistent-default",
        "libmemcached:compatible-md5",
        "uhashring:default",
        "maglev:xxh64",
    ] {
        for nodes in [100, 10_000] {
            group.bench_function(format!("{dialect}/{nodes}"), |bencher| {
                bencher.iter(|| ring(dialect, black_box(nodes)));
            });
        }
    }
}

criterion_group!(benches, lookups, owners, published, builds);
criterion_main!(benches);
