use super::*;

const PHP: &str = "\
[Session]
session.save_handler = memcache
session.save_path = \"tcp://10.0.0.94:11211?weight=2, unix:///run/é.sock:0\" ; home
memcache.hash_strategy = standard
memcache.session_redundancy = 3
";

const PHP_MEMCACHED: &str = "\
session.save_handler = 'memcached'
session.save_path = 'a:1:2,/run/é.sock:0:3,b'
memcached.sess_consistent_hash_type = ketama_weighted
";

const NUTCRACKER: &str = "\
users:
  listen: 127.0.0.1:22121
  hash: murmur
  hash_tag: \"{}\"
  servers:
  - 127.0.0.1:11311:1 gämma
  - /run/c.sock:2
";

const MCROUTER: &str = r#"{ // é
  "pools": { "A": { "servers": ["10.0.0.1:11211:ascii", "[::1]:5000"], "weights": [1, 0.5] } },
  "route": { "type": "PoolRoute", "pool": "A", "hash": { "salt": "é" } }
}"#;

const SETTINGS: &str = "\
dialect = \"libmemcached:spy-md5\"
list = \"pool\"
nodes = [\"a:1*2\", \"unix:/run/é.sock\"] # two
";

type Reader = fn(&Text) -> Result<Pool, Fault>;

/// Those of PHP, twemproxy, mcrouter and ours.
const READERS: [Reader; 4] = [
    |text| php::read(std::slice::from_ref(text)),
    |text| nutcracker::read(text, None),
    |text| mcrouter::read(text, None),
    settings::read,
];

#[test]
fn whole_files_are_read_by_their_own_readers_only() {
    let samples = [PHP, NUTCRACKER, MCROUTER, SETTINGS];
    for (own, content) in samples.iter().enumerate() {
        for (reader, read) in READERS.iter().enumerate() {
            let result = read(&Text::new("f", *content));
            assert_eq!(
                result.is_ok(),
                reader == own,
                "{content} by {reader}: {result:?}"
            );
        }
    }
    let pool = php::read(&[Text::new("f", PHP_MEMCACHED)]).unwrap();
    let nodes: Vec<_> = pool
        .nodes
        .iter()
        .map(|node| node.address.to_string())
        .collect();
    assert_eq!(nodes, ["a:1", "/run/é.sock", "b:11211"]);
}

#[test]
fn damaged_files_are_faults_with_a_name_and_never_a_panic() {
    let samples = [
        (0, PHP),
        (0, PHP_MEMCACHED),
        (1, NUTCRACKER),
        (2, MCROUTER),
        (3, SETTINGS),
    ];
    for (own, content) in samples {
        let places: Vec<usize> = content.char_indices().map(|(at, _)| at).collect();
        for &at in &places {
            let (before, after) = content.split_at(at);
            let rest = after.chars().next().map_or("", |c| &after[c.len_utf8()..]);
            let damaged = ["", "\"", "é", "\n", ":", ",", "0", "]", "\\"];
            let damaged = damaged.map(|wrong| format!("{before}{wrong}{rest}"));
            for content in damaged.iter().map(String::as_str).chain([before]) {
                if let Err(fault) = READERS[own](&Text::new("f", content)) {
                    assert!(fault.to_string().starts_with("f:"), "{fault}");
                }
            }
        }
    }
}
