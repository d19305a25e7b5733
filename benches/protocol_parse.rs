//! Requests and responses: bytes to typed values.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use steadfast_protocol::{Limits, Parsed, RequestParser, ResponseParser};

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("protocol/request");
    let multiget = format!("get{}\r\n", " aeoj7s47i7ke2l0fr7b534v684".repeat(100));
    for (name, line) in [
        ("get", "get aeoj7s47i7ke2l0fr7b534v684\r\n"),
        ("set", "set aeoj7s47i7ke2l0fr7b534v684 0 1700001440 512\r\n"),
        ("incr", "incr aeoj7s47i7ke2l0fr7b534v684.lock 1\r\n"),
        ("get100", &multiget),
    ] {
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_function(name, |bencher| {
            let mut parser = RequestParser::new(Limits::default());
            bencher.iter(|| match parser.parse(black_box(line.as_bytes())) {
                Ok(Parsed::Complete { consumed, .. }) => consumed,
                other => panic!("{other:?}"),
            });
        });
    }
    group.finish();
}

fn responses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("protocol/response");
    for (name, line) in [
        ("stored", "STORED\r\n"),
        ("value", "VALUE aeoj7s47i7ke2l0fr7b534v684 0 512 17\r\n"),
    ] {
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_function(name, |bencher| {
            let mut parser = ResponseParser::new(Limits::default());
            bencher.iter(|| match parser.parse(black_box(line.as_bytes())) {
                Ok(Parsed::Complete { consumed, .. }) => consumed,
                other => panic!("{other:?}"),
            });
        });
    }
    group.finish();
}

criterion_group!(benches, requests, responses);
criterion_main!(benches);
