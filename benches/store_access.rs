//! One thread on one store: reads, overwrites, inserts that evict.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use steadfast_store::{Attributes, Condition, NewItem, Outcome, Settings, Store, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(10);
const KEYS: u64 = 100_000;

/// Cheap to make: formatting a number takes 600 instructions, twice what a hit takes.
fn key(index: u64) -> [u8; 32] {
    let mut key = *b"key:........0000000000000000....";
    key[4..12].copy_from_slice(&index.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key
}

fn store(memory_bytes_max: usize) -> Store {
    let mut settings = Settings::default();
    settings.memory_bytes_max = memory_bytes_max;
    Store::new(settings).expect("the settings are valid")
}

fn put(store: &Store, key: &[u8], value: &[u8]) {
    let item = NewItem::new(value, Attributes::default());
    let outcome = store.put(key, item, Condition::Always, NOW);
    assert!(matches!(outcome, Ok(Outcome::Stored(_))));
}

fn access(criterion: &mut Criterion) {
    for (size, value_bytes) in [("64B", 64), ("1K", 1024)] {
        let value = vec![b'v'; value_bytes];
        let full = store(1 << 30);
        (0..KEYS).for_each(|index| put(&full, &key(index), &value));
        let mut index = 0;
        let mut next = || {
            index = (index + 7919) % KEYS;
            index
        };
        criterion.bench_function(&format!("store/get/hit/{size}"), |bencher| {
            bencher.iter(|| {
                let lookup = full.read(black_box(&key(next())), NOW, |entry| entry.value()[0]);
                assert!(lookup.hit().is_some());
            });
        });
        criterion.bench_function(&format!("store/get/held/{size}"), |bencher| {
            bencher.iter(|| {
                full.get(black_box(&key(next())), NOW)
                    .expect("the key is there")
            });
        });
        criterion.bench_function(&format!("store/set/overwrite/{size}"), |bencher| {
            bencher.iter(|| put(&full, black_box(&key(next())), &value));
        });
        let small = store(16 << 20);
        let mut fresh = KEYS;
        criterion.bench_function(&format!("store/set/evict/{size}"), |bencher| {
            bencher.iter(|| {
                fresh += 1;
                put(&small, black_box(&key(fresh)), &value);
            });
        });
        criterion.bench_function(&format!("store/get/miss/{size}"), |bencher| {
            bencher.iter(|| full.read(black_box(&key(KEYS + next())), NOW, |_| ()).hit());
        });
    }
}

criterion_group!(benches, access);
criterion_main!(benches);
