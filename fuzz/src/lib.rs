//! The bodies of the fuzz targets, so that the corpora can be replayed without a fuzzer
//! (`tests/corpus.rs`) and the targets stay three lines.
//!
//! Run one with `cargo +nightly fuzz run --features libfuzzer TARGET`.

pub mod binary;
pub mod engine;
pub mod input;
pub mod protocol;
pub mod proxy;
pub mod ring;
pub mod snapshot;
pub mod store;

/// A target: its name, which is also that of its corpus folder, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("engine_model", engine::model),
    ("engine_split", engine::split),
    ("protocol_binary_request_split", binary::request_split),
    ("protocol_binary_response_split", binary::response_split),
    ("protocol_binary_roundtrip", binary::roundtrip),
    ("protocol_request_roundtrip", protocol::request_roundtrip),
    ("protocol_request_split", protocol::request_split),
    ("protocol_response_roundtrip", protocol::response_roundtrip),
    ("protocol_response_split", protocol::response_split),
    ("proxy_config", proxy::config),
    ("proxy_head_differential", proxy::head_differential),
    ("proxy_stream_events", proxy::stream_events),
    ("ring_description", ring::description),
    (
        "ring_removal_moves_only_its_keys",
        ring::removal_moves_only_its_keys,
    ),
    ("snapshot", snapshot::snapshot),
    ("store_model", store::model),
    ("canary", canary),
];

/// Fails on one short word: a harness that cannot find it finds nothing else either.
pub fn canary(data: &[u8]) {
    assert_ne!(data, b"tweet", "the canary sings");
}
