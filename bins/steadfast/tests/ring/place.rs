//! Places of many keys, with nodes from every form of list.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::{GUIDE, GUIDE_ID, answers, assert_refused, file, spoken};

#[test]
fn place_agrees_with_what_the_real_clients_answered() {
    let mut checked = 0;
    for part in include_str!("placements.txt").split("\n\n").skip(1) {
        let mut lines = part.lines();
        let line = lines.next().unwrap();
        let pairs: Vec<_> = lines.map(|line| line.rsplit_once(' ').unwrap()).collect();
        let keys: String = pairs.iter().map(|(key, _)| format!("{key}\n")).collect();
        let wanted: String = pairs
            .iter()
            .map(|(_, answer)| format!("{answer}\n"))
            .collect();
        assert_eq!(
            answers(&format!("ring {line}"), keys.as_bytes()),
            wanted,
            "{line}"
        );
        checked += pairs.len();
    }
    assert_eq!(checked, PLACEMENTS);
}

/// How many answers `placements.txt` has.
const PLACEMENTS: usize = 400;

#[test]
fn place_reads_php_ini_of_pecl_memcache_as_the_guide_prints_it() {
    let memcache = file(
        "memcache.ini",
        b"extension=memcache.so\nmemcache.maxreclevel=0\nmemcache.hash_strategy = consistent\n\
          memcache.allow_failover = 1\nmemcache.session_redundancy = 3\n",
    );
    let php = file(
        "php.ini",
        b"[Session]\n; a comment\nsession.save_handler = memcache\n\
          session.save_path = \"tcp://10.0.0.94:11211, tcp://10.0.0.95:11211\"\n",
    );
    let line = format!("ring place --from {php} --from {memcache}");
    assert_eq!(answers(&line, GUIDE_ID.as_bytes()), "1,0\n");
    // The plain key is another's: the pool's list, one copy.
    let line = format!("ring place --from {php} --list pool --copies 1");
    let pool = answers(&line, GUIDE_ID.as_bytes());
    assert_eq!(
        pool,
        answers(&format!("ring place {GUIDE}"), GUIDE_ID.as_bytes())
    );
}

#[test]
fn place_prints_the_whole_list_unless_copies_are_said() {
    let three = "--dialect pecl-memcache:standard-crc32 --node a:1 --node b:1 --node c:1";
    let keys = b"x\ny\nz\n";
    for list in ["pool", "session"] {
        let whole = answers(&format!("ring place {three} --list {list}"), keys);
        let same = answers(
            &format!("ring place {three} --list {list} --copies 3"),
            keys,
        );
        assert_eq!(whole, same);
        assert!(whole.contains(','), "{whole}");
    }
    assert!(!answers(&format!("ring place {three}"), keys).contains(','));
}

#[test]
fn place_reads_weights_sockets_and_prefix_of_pecl_memcache() {
    let path = file(
        "weights.ini",
        b"session.save_handler=memcache\nmemcache.hash_function = FNV\n\
          memcache.session_redundancy=1\nmemcache.session_prefix_static_key=shop_\n\
          session.save_path='tcp://a:1?persistent=1&weight=3 unix:///run/c.sock:0?weight=2'\n",
    );
    let found = answers(
        &format!("ring place --from {path}"),
        b"1\n2\n3\n4\n5\n6\n7\n8\n",
    );
    let same = "--dialect pecl-memcache:consistent-fnv --list session --copies 1 --node a:1*3 \
                --node unix:/run/c.sock*2 --prefix shop_";
    let wanted = answers(&format!("ring place {same}"), b"1\n2\n3\n4\n5\n6\n7\n8\n");
    assert_eq!(found, wanted);
    assert!(wanted.contains('0') && wanted.contains('1'));
}

#[test]
fn place_reads_php_ini_of_php_memcached() {
    let settings = |more: &str| {
        format!(
            "session.save_handler = memcached\nsession.save_path = \"a:11311, b, c:11313:2\"\n{more}"
        )
    };
    let keys = b"rv7febl8i1sv2jdb6eb2q9gdjg\nv7i8jvs6ttdlkssffuoouvo2ll\nx\ny\nz\n";
    for (name, more, dialect, copies) in [
        ("m1.ini", "", "consistent-default", 1),
        (
            "m2.ini",
            "memcached.sess_consistent_hash_type=ketama_weighted\nmemcached.sess_number_of_replicas=1\n",
            "compatible-md5",
            2,
        ),
        (
            "m3.ini",
            "memcached.sess_consistent_hash = Off\n",
            "modula-default",
            1,
        ),
        (
            "m4.ini",
            "memcached.sess_binary_protocol = 0\nmemcached.sess_number_of_replicas=1\n",
            "consistent-default",
            1,
        ),
    ] {
        let path = file(name, settings(more).as_bytes());
        let same = format!(
            "--dialect libmemcached:{dialect} --copies {copies} --servers a:11311,b,c:11313:2"
        );
        // The handler's plain ketama takes no heed of weights.
        let same = if dialect == "consistent-default" {
            same.replace(":2", "")
        } else {
            same
        };
        let wanted = answers(&format!("ring place {same}"), keys);
        assert_eq!(
            answers(&format!("ring place --from {path}"), keys),
            wanted,
            "{name}"
        );
    }
}

#[test]
fn place_reads_nutcracker_yml() {
    let path = file(
        "nutcracker.yml",
        b"users:\n  listen: 127.0.0.1:22121\n  hash: fnv1a_64\n  hash_tag: \"{}\"\n  distribution: ketama\n  servers:\n   - 127.0.0.1:11311:1 gamma\n   - 127.0.0.1:11312:1 al\n   - 127.0.0.1:11313:1 beta\nother:\n  listen: /tmp/s\n  servers: [\"/run/c.sock:2\"]\n",
    );
    let keys =
        b"rv7febl8i1sv2jdb6eb2q9gdjg\n0tc44m1duodgf3dobaugtuegnc\n{0tc44m1duodgf3dobaugtuegnc}x\n";
    let line = format!("ring place --from {path} --pool users");
    assert_eq!(answers(&line, keys), "1\n2\n2\n");
    assert_eq!(
        answers(&format!("ring place --from {path} --pool other"), b"a\n"),
        "0\n"
    );
    let message = format!("{path}: several pools, choose one with --pool: \"users\", \"other\"");
    assert_refused(&format!("ring place --from {path}"), b"a\n", &message);
    let message = format!("{path}: no pool \"user\", there is \"users\", \"other\"");
    assert_refused(
        &format!("ring place --from {path} --pool user"),
        b"a\n",
        &message,
    );
}

#[test]
fn place_reads_mcrouter_json() {
    let path = file(
        "mcrouter.json",
        br#"{ // five pools
  "pools": {
    "A": { "servers": ["10.0.0.1:11211:ascii:plain", "10.0.0.2:11211", "10.0.0.3:11211"] },
    "B": { "servers": ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"] },
    "C": { "servers": ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"],
           "weights": [1, 1.0, 0.7] },
    "D": { "servers": ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211", ] },
    "E": { "servers": ["10.0.0.1:11211"] }
  },
  /* and four routes */
  "routes": [
    { "aliases": ["/a/a/"], "route": "PoolRoute|A" },
    { "aliases": ["/b/b/"], "route": { "type": "PoolRoute", "pool": "B", "hash": "Crc32" } },
    { "aliases": ["/c/c/"], "route": { "type": "PoolRoute", "pool": "C" } },
    { "aliases": ["/d/d/"], "route": { "type": "HashRoute", "children": "Pool|D",
      "hash_func": "Crc32" } },
  ]
}"#,
    );
    let keys =
        b"rv7febl8i1sv2jdb6eb2q9gdjg\nbqpu7c1h8b0lfsdu9ci9a6koc6\n590u0adj61gmhran0rrs25l982\n";
    let placed = |pool: &str| answers(&format!("ring place --from {path} --pool {pool}"), keys);
    assert_eq!(placed("A"), "1\n1\n2\n");
    assert_eq!(placed("D"), placed("B"));
    let message =
        format!("{path}: no dialect: whose rules count? Give --dialect, see steadfast ring --help");
    assert_refused(
        &format!("ring place --from {path} --pool E"),
        keys,
        &message,
    );
    assert_eq!(placed("C"), "1\n1\n2\n");
    let same = "--dialect mcrouter:crc32 --node 10.0.0.1:11211 --node 10.0.0.2:11211 --node 10.0.0.3:11211";
    assert_eq!(placed("B"), answers(&format!("ring place {same}"), keys));
}

#[test]
fn place_reads_our_toml() {
    let path = file(
        "ring.toml",
        b"dialect = \"pecl-memcache:consistent-crc32\"\nlist = \"session\"\ncopies = 2\n\
          nodes = [\n  \"10.0.0.94:11211\", # web1\n  \"10.0.0.95:11211\",\n]\n",
    );
    assert_eq!(
        answers(&format!("ring place --from {path}"), GUIDE_ID.as_bytes()),
        "1,0\n"
    );
    // What the command line says counts.
    let line = format!("ring place --from {path} --copies 1 --dialect libmemcached:modula-default");
    assert_eq!(answers(&line, GUIDE_ID.as_bytes()).trim().len(), 1);
}

#[test]
fn place_reads_memcache_servers() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast"));
    command.args([
        "ring",
        "place",
        "--dialect",
        "libmemcached:consistent-default",
    ]);
    command.env_remove("MEMCACHED_SERVERS");
    command.env(
        "MEMCACHE_SERVERS",
        "127.0.0.1:11311,127.0.0.1:11312:2,127.0.0.1:11313:3",
    );
    let said = spoken(
        &mut command,
        b"rv7febl8i1sv2jdb6eb2q9gdjg\nv7i8jvs6ttdlkssffuoouvo2ll\n",
    );
    assert_eq!((said.status, &*said.out), (Some(0), "2\n0\n"));
    command.env("MEMCACHED_SERVERS", "a");
    let said = spoken(&mut command, b"");
    let wanted =
        "steadfast: MEMCACHE_SERVERS and MEMCACHED_SERVERS name different nodes: give --servers\n";
    assert_eq!((said.status, &*said.err), (Some(2), wanted));
    command.env_remove("MEMCACHE_SERVERS");
    assert_eq!(spoken(&mut command, b"x\n").out, "0\n");
    command.env_remove("MEMCACHED_SERVERS");
    command.env("MEMCACHE_SERVERS", "a:1,b:x");
    let said = spoken(&mut command, b"");
    let wanted = "steadfast: MEMCACHE_SERVERS: column 5: node \"b:x\": port \"x\" is none, allowed are 1 to 65535\n";
    assert_eq!((said.status, &*said.err), (Some(2), wanted));
}

#[test]
fn place_answers_each_key_while_the_next_is_still_to_come() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast"));
    command.args(format!("ring place {GUIDE}").split_whitespace());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for key in ["one", "two", "three"] {
        writeln!(keys, "{key}").unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert!(["0", "1"].contains(&&*answer), "{answer}");
    }
    drop(keys);
    assert!(answers.next().is_none());
    assert!(child.wait().unwrap().success());
}
