//! Request and response heads: parsed, and written anew.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use steadfast_proxy::http::{Limits, RequestParser, ResponseParser};

const REQUEST: &str = "GET /session.php?visit=1 HTTP/1.1\r\nHost: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
    Connection: keep-alive\r\nCookie: PHPSESSID=aeoj7s47i7ke2l0fr7b534v684\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\n\
    Server: Apache/2.4.62 (Debian)\r\nCache-Control: no-store, no-cache, must-revalidate\r\n\
    Content-Length: 128\r\nContent-Type: text/plain;charset=UTF-8\r\n\r\n";

fn heads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("proxy/head");
    group.throughput(Throughput::Bytes(REQUEST.len() as u64));
    group.bench_function("request", |bencher| {
        bencher.iter_batched_ref(
            || BytesMut::from(REQUEST),
            |input| RequestParser::new(Limits::default()).parse(black_box(input)),
            BatchSize::SmallInput,
        );
    });
    let mut input = BytesMut::from(REQUEST);
    let head = RequestParser::new(Limits::default())
        .parse(&mut input)
        .expect("the head is right")
        .expect("the head is whole");
    let mut out = BytesMut::with_capacity(4096);
    group.bench_function("request/encode", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(&head).encode(&mut out);
            out.len()
        });
    });
    group.throughput(Throughput::Bytes(RESPONSE.len() as u64));
    group.bench_function("response", |bencher| {
        bencher.iter_batched_ref(
            || BytesMut::from(RESPONSE),
            |input| ResponseParser::new(Limits::default()).parse(black_box(input), b"GET"),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, heads);
criterion_main!(benches);
