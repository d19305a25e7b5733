//! Every key of every answer file, against answers taken from the real clients.
//!
//! The files in `vectors/` are gzipped text. `keys` holds the keys, one a line, that all files but
//! one use; `edge-keys-hex` the awkward ones, as the application has them. Each other file says what
//! it is, then which keys it asks about, which list of copies it means, the nodes in order, and for
//! each dialect the answers: the index of each key's node, or its list of nodes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use steadfast_ring::{Dialect, Order, Ring};

#[test]
fn pecl_memcache_owners_agree_with_every_key() {
    let checked = check(|name| name.starts_with("pecl-memcache-n"));
    assert_eq!(
        checked,
        Checked {
            files: 10,
            columns: 40,
            keys: 400_000
        }
    );
}

#[test]
fn pecl_memcache_owners_of_awkward_keys_agree() {
    let checked = check(|name| name == "pecl-memcache-edge-keys");
    assert_eq!(
        checked,
        Checked {
            files: 1,
            columns: 4,
            keys: 4 * 229
        }
    );
}

#[test]
fn pecl_memcache_pool_replicas_agree_with_every_key() {
    let checked = check(|name| name.starts_with("pecl-memcache-pool-replicas-"));
    assert_eq!(
        checked,
        Checked {
            files: 8,
            columns: 32,
            keys: 64_000
        }
    );
}

#[test]
fn pecl_memcache_session_order_agrees_with_every_key() {
    let checked = check(|name| name.starts_with("pecl-memcache-session-order-"));
    assert_eq!(
        checked,
        Checked {
            files: 8,
            columns: 32,
            keys: 32_000
        }
    );
}

#[test]
fn libmemcached_owners_agree_with_every_key() {
    let checked = check(|name| name.starts_with("libmemcached-n"));
    assert_eq!(
        checked,
        Checked {
            files: 7,
            columns: 21,
            keys: 210_000
        }
    );
}

/// What was compared, so that a test cannot pass by comparing nothing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Checked {
    files: usize,
    columns: usize,
    keys: usize,
}

fn check(is_wanted: impl Fn(&str) -> bool) -> Checked {
    let mut checked = Checked::default();
    for name in names().iter().filter(|name| is_wanted(name)) {
        let text = String::from_utf8(unpacked(name)).unwrap();
        check_file(name, &text, &mut checked);
        checked.files += 1;
    }
    checked
}

fn check_file(name: &str, text: &str, checked: &mut Checked) {
    let mut keys = Vec::new();
    let mut order = Order::Pool;
    let mut nodes = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["keys", "edge"] => keys = edge_keys(),
            ["keys", "every", step] => {
                keys = common_keys()
                    .into_iter()
                    .step_by(step.parse().unwrap())
                    .collect();
            }
            ["keys", "first", count] => {
                keys = common_keys();
                keys.truncate(count.parse().unwrap());
            }
            ["list", list] => {
                order = if list == "session" {
                    Order::Session
                } else {
                    Order::Pool
                }
            }
            ["node", host, port, weight] => {
                nodes.push((host, port.parse().unwrap(), weight.parse().unwrap()));
            }
            ["column", dialect, "owners", owners] => {
                let ring = ring(dialect, &nodes);
                assert_eq!(owners.len(), keys.len(), "{name} {dialect}");
                for (key, owner) in keys.iter().zip(owners.bytes()) {
                    let found = ring.owner(key).index();
                    assert_eq!(
                        found,
                        index(owner),
                        "{name} {dialect} {}",
                        key.escape_ascii()
                    );
                }
                checked.columns += 1;
                checked.keys += owners.len();
            }
            ["column", dialect, "lists", ..] => {
                let ring = ring(dialect, &nodes);
                assert_eq!(words[3..].len(), keys.len(), "{name} {dialect}");
                for (key, list) in keys.iter().zip(&words[3..]) {
                    let list: Vec<usize> = list.bytes().map(index).collect();
                    check_list(&ring, key, order, &list, &format!("{name} {dialect}"));
                }
                checked.columns += 1;
                checked.keys += words[3..].len();
            }
            _ => panic!("{name}: {line:.80}"),
        }
    }
}

/// The whole list, and the part of it that fewer copies give: a beginning, growing one by one.
fn check_list(ring: &Ring<()>, key: &[u8], order: Order, list: &[usize], place: &str) {
    let found = |copies| -> Vec<usize> {
        ring.replicas(key, order, copies)
            .iter()
            .map(|member| member.index())
            .collect()
    };
    assert_eq!(found(usize::MAX), list, "{place} {}", key.escape_ascii());
    let mut found_before = 0;
    for copies in 0..=ring.members().len() {
        let found = found(copies);
        assert!(list.starts_with(&found), "{place} {}", key.escape_ascii());
        assert!(found.len() <= copies && found.len() <= found_before + 1);
        found_before = found.len();
    }
}

fn ring(dialect: &str, nodes: &[(&str, u16, u32)]) -> Ring<()> {
    let mut builder = Ring::builder(dialect.parse::<Dialect>().unwrap());
    for &(host, port, weight) in nodes {
        builder = builder.node((), host, port, weight);
    }
    builder.build().unwrap()
}

fn index(digit: u8) -> usize {
    usize::from(digit - b'0')
}

fn common_keys() -> Vec<Vec<u8>> {
    unpacked("keys")
        .split_inclusive(|&byte| byte == b'\n')
        .map(|key| key.strip_suffix(b"\n").unwrap().to_vec())
        .collect()
}

fn edge_keys() -> Vec<Vec<u8>> {
    let text = String::from_utf8(unpacked("edge-keys-hex")).unwrap();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.lines()
        .map(|hex| hex.as_bytes().chunks(2).map(byte).collect())
        .collect()
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".gz").unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn unpacked(name: &str) -> Vec<u8> {
    let packed = std::fs::read(folder().join(format!("{name}.gz"))).unwrap();
    let mut text = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut text).unwrap();
    text
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}
