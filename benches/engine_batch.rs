//! A whole cache without a socket: batches of commands in, replies out.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use steadfast_engine::{Engine, NoProcess, Now, Output, Session, Settings};
use steadfast_protocol::Limits;
use steadfast_store::Store;

const BATCH: usize = 16;

fn batches(criterion: &mut Criterion) {
    let store = Store::new(steadfast_store::Settings::default()).expect("the settings are valid");
    let mut settings = Settings::default();
    settings.requests_per_call_max = BATCH;
    let engine = Engine::new(store, settings, Box::new(NoProcess));
    let mut session = Session::new(0, Limits::default());
    let mut out = Output::new();
    let now = Now::since_start(10, 1_700_000_000);
    let (mut sets, mut gets) = (String::new(), String::new());
    for index in 0..BATCH {
        let _ = write!(
            sets,
            "set key:{index:028} 0 0 512\r\n{}\r\n",
            "v".repeat(512)
        );
        let _ = write!(gets, "get key:{index:028}\r\n");
    }
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, batch) in [("set/512B/d16", &sets), ("get/512B/d16", &gets)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                let progress =
                    session.handle_input(black_box(batch.as_bytes()), &mut out, &engine, now);
                assert_eq!(progress.consumed, batch.len());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
