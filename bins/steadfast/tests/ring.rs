//! `steadfast ring` as its users meet it: the program, its files, its words, its exit status.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What the program said.
#[derive(Debug)]
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

/// Runs `steadfast ring` with the words of `line` and the standard input `keys`.
fn ring(line: &str, keys: &[u8]) -> Said {
    run(
        Command::new(env!("CARGO_BIN_EXE_steadfast")).args(line.split_whitespace()),
        keys,
    )
}

fn run(command: &mut Command, keys: &[u8]) -> Said {
    command.env_remove("MEMCACHE_SERVERS");
    spoken(command, keys)
}

fn spoken(command: &mut Command, keys: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A program that refuses its command line reads no keys.
    let _ = input.write_all(keys);
    drop(input);
    let output = child.wait_with_output().unwrap();
    Said {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A file of that content; its name in the messages is what this returns.
fn file(name: &str, content: &[u8]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ring");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().into()
}

fn answers(line: &str, keys: &[u8]) -> String {
    let said = ring(line, keys);
    assert_eq!((said.status, &*said.err), (Some(0), ""), "{line}");
    said.out
}

/// Asserts that the program refuses, in one line, with status 2 and no answer.
#[track_caller]
fn assert_refused(line: &str, keys: &[u8], message: &str) {
    let said = ring(line, keys);
    assert_eq!(said.err, format!("steadfast: {message}\n"), "{line}");
    assert_eq!((said.status, &*said.out), (Some(2), ""), "{line}");
}

/// The same for a file of that content.
#[track_caller]
fn assert_file_refused(name: &str, content: &str, message: &str) {
    let path = file(name, content.as_bytes());
    assert_refused(
        &format!("ring place --from {path}"),
        b"a\n",
        &format!("{path}{message}"),
    );
}

const GUIDE: &str =
    "--dialect pecl-memcache:consistent-crc32 --node 10.0.0.94:11211 --node 10.0.0.95:11211";

/// The session of the guide: its home is web2, its copy on web1.
const GUIDE_ID: &str = "aeoj7s47i7ke2l0fr7b534v684";

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
    let same = "--dialect pecl-memcache:consistent-fnv --list session --node a:1*3 \
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
        br#"{ // two pools
  "pools": {
    "A": { "servers": ["10.0.0.1:11211:ascii:plain", "10.0.0.2:11211", "10.0.0.3:11211"] },
    "B": { "servers": ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"] },
    "C": { "servers": ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"],
           "weights": [1, 1.0, 0.7] }
  },
  /* and three routes */
  "routes": [
    { "aliases": ["/a/a/"], "route": "PoolRoute|A" },
    { "aliases": ["/b/b/"], "route": { "type": "PoolRoute", "pool": "B", "hash": "Crc32" } },
    { "aliases": ["/c/c/"], "route": { "type": "PoolRoute", "pool": "C" } }
  ]
}"#,
    );
    let keys =
        b"rv7febl8i1sv2jdb6eb2q9gdjg\nbqpu7c1h8b0lfsdu9ci9a6koc6\n590u0adj61gmhran0rrs25l982\n";
    let placed = |pool: &str| answers(&format!("ring place --from {path} --pool {pool}"), keys);
    assert_eq!(placed("A"), "1\n1\n2\n");
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
    command.env(
        "MEMCACHE_SERVERS",
        "127.0.0.1:11311,127.0.0.1:11312:2,127.0.0.1:11313:3",
    );
    let said = spoken(
        &mut command,
        b"rv7febl8i1sv2jdb6eb2q9gdjg\nv7i8jvs6ttdlkssffuoouvo2ll\n",
    );
    assert_eq!((said.status, &*said.out), (Some(0), "2\n0\n"));
    command.env("MEMCACHE_SERVERS", "a:1,b:x");
    let said = spoken(&mut command, b"");
    let wanted = "steadfast: MEMCACHE_SERVERS: column 5: node \"b:x\": port \"x\" is none, allowed are 1 to 65535\n";
    assert_eq!((said.status, &*said.err), (Some(2), wanted));
}

#[test]
fn where_says_home_copies_and_why() {
    let line = format!("ring where {GUIDE} --list session --copies 2 {GUIDE_ID}");
    let told = answers(&line, b"");
    assert!(
        told.starts_with(&format!("{GUIDE_ID} lives on node 1, 10.0.0.95:11211.\n")),
        "{told}"
    );
    assert!(
        told.contains("Copy 2 is on node 0, 10.0.0.94:11211.\n"),
        "{told}"
    );
    assert!(
        told.contains(
            "Rules: pecl-memcache:consistent-crc32, the list of PHP's sessions, 2 copies"
        )
    );
    let row = told.lines().find(|line| line.contains("home")).unwrap();
    assert!(row.contains(&format!("{GUIDE_ID}-0")), "{row}");
    assert!(
        row.contains("3f5c639f") && row.contains("927 of 1024"),
        "{row}"
    );
}

#[test]
fn where_says_that_the_lock_of_php_memcached_lives_elsewhere() {
    let line = "ring where --dialect libmemcached:consistent-default --list session --servers a,b,c,d some-id";
    let told = answers(line, b"");
    let place = answers(
        "ring place --dialect libmemcached:consistent-default --servers a,b,c,d",
        b"some-id\nlock.some-id\n",
    );
    let (home, lock) = place.trim().split_once('\n').unwrap();
    assert!(
        told.contains(&format!("some-id lives on node {home}, ")),
        "{told}"
    );
    assert!(
        told.contains(&format!(
            "Its lock, hashed as lock.some-id, is on node {lock}, "
        )),
        "{told}"
    );
}

#[test]
fn shares_are_those_of_the_facts() {
    let told = answers(&format!("ring shares {GUIDE}"), b"");
    // 440 and 584 of the 1024 buckets.
    assert!(told.contains("43.0 %") && told.contains("57.0 %"), "{told}");
    assert!(told.contains("Exact"), "{told}");
}

#[test]
fn diff_says_what_moves_and_which_rule_differs() {
    let old = "10.0.0.94:11211,10.0.0.95:11211";
    let dialect = "--dialect pecl-memcache:consistent-crc32";
    let told = answers(&format!("ring diff {dialect} {old} {old}"), b"");
    assert!(
        told.contains("No rule differs.\n\n0.0 % of all keys move, 100.0 % stay."),
        "{told}"
    );
    let told = answers(
        &format!("ring diff {dialect} {old} {old},10.0.0.96:11211"),
        b"",
    );
    assert!(told.contains("The first rule that differs: nodes: 10.0.0.96:11211 after, not before"));
    // Whatever moves, moves to the new node.
    let moves: Vec<_> = told.lines().filter(|line| line.contains(" %  ")).collect();
    assert!(
        !moves.is_empty()
            && moves
                .iter()
                .all(|line| line.ends_with("2, 10.0.0.96:11211")),
        "{told}"
    );
}

#[test]
fn diff_names_the_first_rule_that_differs() {
    let differs = |old: &str, new: &str| {
        let told = answers(&format!("ring diff {old} {new}"), b"");
        let first = told
            .lines()
            .find_map(|line| line.strip_prefix("The first rule that differs: "));
        first.unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    let php = "pecl-memcache:consistent-crc32=a:1,b:2";
    assert_eq!(
        differs(php, "libmemcached:consistent-default=a:1,b:2"),
        "dialect: pecl-memcache:consistent-crc32 before, libmemcached:consistent-default after"
    );
    assert_eq!(
        differs(php, "pecl-memcache:consistent-crc32=b:2,a:1"),
        "node order: a:1 stands before b:2, after it in the new list \
         (these rules place without it, but answers of `place` are numbered by it)"
    );
    assert_eq!(
        differs(php, "pecl-memcache:consistent-crc32=a:1,b:2*3"),
        "weight of b:2: 1 before, 3 after"
    );
    assert_eq!(
        differs(
            "libmemcached:modula-default=a:1,b:2",
            "libmemcached:modula-default=b:2,a:1"
        ),
        "node order: a:1 stands before b:2, after it in the new list (these rules number nodes by it)"
    );
    assert_eq!(
        differs(
            "twemproxy:ketama-md5=a:1,b:2",
            "twemproxy:ketama-md5=a:1,b:2=beta"
        ),
        "name of b:2: hashed as \"b:2\" before, as \"beta\" after"
    );
}

#[test]
fn diff_counts_sessions_that_keep_no_copy() {
    let list = |nodes: &str| {
        file(
            &format!("{}.toml", nodes.len()),
            format!(
                "dialect = \"pecl-memcache:consistent-crc32\"\nlist = \"session\"\ncopies = 2\nnodes = [{nodes}]\n"
            )
            .as_bytes(),
        )
    };
    let (old, new) = (
        list("\"a:1\", \"b:2\", \"c:3\""),
        list("\"a:1\", \"b:2\", \"c:3\", \"d:4\""),
    );
    let told = answers(&format!("ring diff {old} {new}"), b"");
    let line = told
        .lines()
        .find(|line| line.contains("have no copy left"))
        .unwrap();
    let lost: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
    assert!(lost < 20.0, "{told}");
}

#[test]
fn pictures_stand_alone() {
    let svg = file("ring.svg", b"");
    answers(&format!("ring shares {GUIDE} --svg {svg}"), b"");
    let drawn = fs::read_to_string(&svg).unwrap();
    assert!(drawn.starts_with("<svg ") && drawn.contains("10.0.0.94:11211"));
    let new = "10.0.0.94:11211,10.0.0.95:11211,10.0.0.96:11211";
    let old = "10.0.0.94:11211,10.0.0.95:11211";
    answers(
        &format!("ring diff --dialect libmemcached:compatible-md5 {old} {new} --svg {svg}"),
        b"",
    );
    assert!(
        fs::read_to_string(&svg)
            .unwrap()
            .contains("class=\"moved\"")
    );
    let said = ring(&format!("ring shares {GUIDE} --svg /nowhere/ring.svg"), b"");
    assert_eq!((said.status, &*said.out), (Some(1), ""));
    assert!(
        said.err
            .starts_with("steadfast: cannot write the answer: /nowhere/ring.svg: ")
    );
}

#[test]
fn help_lists_every_dialect_by_family() {
    let said = ring("ring --help", b"");
    assert_eq!(said.status, Some(0));
    for dialect in steadfast_ring::Dialect::all() {
        let (family, column) = dialect
            .name()
            .split_once(':')
            .map(|(f, c)| (f.to_owned(), c.to_owned()))
            .unwrap();
        assert!(said.out.contains(&family), "{family}");
        let is_listed = said
            .out
            .split_whitespace()
            .any(|word| column == word || column.starts_with(&format!("{word}-")));
        assert!(is_listed, "{dialect} is not in\n{}", said.out);
    }
    for command in ["place", "where", "shares", "diff"] {
        let said = ring(&format!("ring {command} --help"), b"");
        assert!(
            said.out.contains("Examples:") && said.out.contains("Exit status: 0"),
            "{command}"
        );
    }
}

#[test]
fn key_that_is_none_ends_with_its_line_and_column() {
    let refused = |keys: &[u8], out: &str, message: &str| {
        let said = ring(&format!("ring place {GUIDE}"), keys);
        assert_eq!(said.err, format!("steadfast: standard input:{message}\n"));
        assert_eq!((said.status, &*said.out), (Some(2), out));
    };
    let allowed = "allowed are bytes above 0x20";
    let first = answers(&format!("ring place {GUIDE}"), b"one\n");
    refused(
        b"one\ntwo words\nthree\n",
        &first,
        &format!("2:4: key with a space, {allowed}"),
    );
    refused(
        b"tab\there\n",
        "",
        &format!("1:4: key with the control character 0x09, {allowed}"),
    );
    refused(
        "é\u{1}\n".as_bytes(),
        "",
        &format!("1:2: key with the control character 0x01, {allowed}"),
    );
    refused(
        b"dos\r\n",
        "",
        &format!("1:4: key with a carriage return at the end of the line, {allowed}"),
    );
    refused(
        b"one\n\n",
        &first,
        "2:1: an empty key, allowed are 1 to 250 bytes",
    );
    refused(&[b'x'; 251], "", "1:251: key of 251 bytes exceeds 250");
    let said = ring(&format!("ring place {GUIDE}"), &[b'x'; 250]);
    assert_eq!((said.status, said.out.len()), (Some(0), 2));
    let long = "x".repeat(251);
    assert_refused(
        &format!("ring where {GUIDE} {long}"),
        b"",
        "KEY: column 251: key of 251 bytes exceeds 250",
    );
}

#[test]
fn wrong_options_are_told_in_one_line() {
    let place = |options: &str, message: &str| {
        assert_refused(&format!("ring place {options}"), b"a\n", message);
    };
    let dialect = "--dialect pecl-memcache:consistent-crc32";
    place(
        dialect,
        "no node at all: give --node, --from or --servers, or set MEMCACHE_SERVERS",
    );
    place(
        "--dialect pecl-memcache:consistent_crc --node a:1",
        "unknown dialect \"pecl-memcache:consistent_crc\", the nearest is \"pecl-memcache:consistent-crc32\"",
    );
    place(
        "--node a:1",
        "the command line: no dialect: whose rules count? Give --dialect, see steadfast ring --help",
    );
    place(
        &format!("{dialect} --node a"),
        "--node: node \"a\" has no port, as in HOST:PORT",
    );
    place(
        &format!("{dialect} --node a:1*0"),
        "--node: node \"a:1*0\": weight 0: leave the node out, or give it 1 and above",
    );
    place(
        &format!("{dialect} --node a:1 --node a:1*2"),
        "node \"a:1\" is named twice",
    );
    place(
        &format!("{dialect} --servers a:1,,b:1"),
        "--servers: column 5: a node is empty",
    );
    place(
        &format!("{dialect} --servers a,b,a:11211"),
        "node \"a:11211\" is named twice",
    );
    place(
        "--from /nowhere/ring.toml",
        "/nowhere/ring.toml: No such file or directory (os error 2)",
    );
    place(
        "--hash-tag x --dialect twemproxy:ketama-md5 --node a:1",
        "--hash-tag \"x\": allowed are two characters",
    );
    let said = ring("ring place --node a:1 --servers b:1", b"");
    assert_eq!((said.status, &*said.out), (Some(2), ""));
    let said = ring("ring diff a:1", b"");
    assert_eq!((said.status, &*said.out), (Some(2), ""));
}

#[test]
fn lists_that_diff_cannot_read_are_told() {
    let diff = |old: &str, new: &str, message: &str| {
        assert_refused(&format!("ring diff {old} {new}"), b"", message);
    };
    diff(
        "nowhere.yml",
        "a:1",
        "nowhere.yml: no such file, and as a list of nodes: node \"nowhere.yml\" has no port, as in HOST:PORT",
    );
    diff(
        "pecl-memcache:consistent-crc=a:1",
        "a:1",
        "unknown dialect \"pecl-memcache:consistent-crc\", the nearest is \"pecl-memcache:consistent-crc32\"",
    );
    diff(
        "a:1",
        "b:1",
        "a:1: no dialect: whose rules count? Give --dialect, see steadfast ring --help",
    );
}

#[test]
fn php_ini_that_names_no_ring_is_told_with_its_place() {
    let handler = "session.save_handler = memcache\n";
    for (name, content, message) in [
        (
            "p1.ini",
            "x = 1\n".into(),
            ": no session.save_handler, allowed are memcache and memcached",
        ),
        (
            "p2.ini",
            "\nsession.save_handler = files\n".into(),
            ":2:24: session.save_handler is \"files\", allowed are memcache and memcached",
        ),
        (
            "p3.ini",
            handler.to_owned(),
            ":1:24: no session.save_path names its nodes",
        ),
        (
            "p4.ini",
            format!("{handler}session.save_path = \"\"\n"),
            ":2:22: no node at all, a ring needs at least one",
        ),
        (
            "p5.ini",
            format!("{handler}session.save_path = \"tcp://a:1, tcp://b\"\n"),
            ":2:33: \"tcp://b\": the port is missing",
        ),
        (
            "p6.ini",
            format!("{handler}session.save_path = \"tcp://a:1?weight=0\"\n"),
            ":2:22: \"tcp://a:1?weight=0\": weight 0: leave the node out, or give it 1 and above",
        ),
        (
            "p7.ini",
            format!("{handler}session.save_path = \"tcp://a:1,tcp://b:1,tcp://a:1?weight=2\"\n"),
            ":2:42: node \"a:1\" is named twice, first in line 2, column 22",
        ),
        (
            "p8.ini",
            format!("{handler}session.save_path = tcp://a:1?weight=1\n"),
            ":2:21: session.save_path holds ?, which PHP does not take as it is: quote it",
        ),
        (
            "p9.ini",
            format!("{handler}session.save_path = \"tcp://a:1\nmore\n"),
            ":2:21: a quote \" that nothing ends",
        ),
        (
            "p10.ini",
            format!("{handler}session.save_path = \"a:1,b:1\"\n"),
            ":2:22: \"a:1\": allowed is tcp://HOST:PORT or unix:///PATH",
        ),
        (
            "p11.ini",
            format!("{handler}memcache.hash_function = crc23\nsession.save_path = \"tcp://a:1\"\n"),
            ":2:26: unknown dialect \"pecl-memcache:consistent-crc23\", the nearest is \"pecl-memcache:consistent-crc32\"",
        ),
        (
            "p12.ini",
            format!(
                "{handler}memcache.session_prefix_host_key = On\nsession.save_path = \"tcp://a:1\"\n"
            ),
            ":2:36: memcache.session_prefix_host_key is \"On\", allowed is 0: the key depends on the name under which each visitor asks",
        ),
        (
            "p13.ini",
            "session.save_handler = memcached\nsession.save_path = \"a:1, tcp://b:1\"\n".into(),
            ":2:27: node \"tcp://b:1\": a URL, allowed is HOST[:PORT[:WEIGHT]]",
        ),
        (
            "p14.ini",
            "session.save_handler = memcached\nsession.save_path = \"a,b,a:11211\"\n".into(),
            ":2:26: node \"a:11211\" is named twice, first in line 2, column 22",
        ),
        (
            "p15.ini",
            "[HOST=shop.example]\nsession.save_handler = memcached\n".into(),
            ":2:24: session.save_handler under [HOST=shop.example] counts only there, which is not read",
        ),
    ] {
        assert_file_refused(name, &content, message);
    }
}

#[test]
fn nutcracker_yml_that_names_no_ring_is_told_with_its_place() {
    let pool = "p:\n  listen: 127.0.0.1:1\n";
    for (name, content, message) in [
        ("n1.yml", String::new(), ": the file is empty"),
        ("n2.yml", pool.to_owned(), ":2:3: the pool has no servers"),
        (
            "n3.yml",
            format!("{pool}  servers: []\n"),
            ":3:12: no server at all, a ring needs at least one node",
        ),
        (
            "n4.yml",
            format!("{pool}  servers:\n  - a:1:0\n"),
            ":4:5: server \"a:1:0\": weight 0: leave the node out, or give it 1 and above",
        ),
        (
            "n5.yml",
            format!("{pool}  servers:\n  - a:1\n"),
            ":4:5: server \"a:1\": allowed is HOST:PORT:WEIGHT [NAME] or PATH:WEIGHT [NAME]",
        ),
        (
            "n6.yml",
            format!("{pool}  servers:\n  - a:1:1 x\n  - b:1:1 x\n"),
            ":5:5: node \"x\" is named twice, first in line 4, column 5",
        ),
        (
            "n7.yml",
            format!("{pool}  hash: fnv1a-64\n  servers:\n  - a:1:1\n"),
            ":3:9: unknown dialect \"twemproxy:ketama-fnv1a-64\", the nearest is \"twemproxy:ketama-fnv1a_64\"",
        ),
        (
            "n8.yml",
            format!("{pool}  distribution: random\n  servers:\n  - a:1:1\n"),
            ":3:17: distribution random: any server can get any key",
        ),
        (
            "n9.yml",
            format!("{pool}  server: [a]\n"),
            ":3:11: \"server\" is no directive of a pool",
        ),
        (
            "n10.yml",
            format!("{pool}  hash_tag: x\n  servers: [\"a:1:1\"]\n"),
            ":3:13: hash_tag is \"x\", allowed are two characters",
        ),
        (
            "n11.yml",
            "p: 1\n".into(),
            ":1:4: a pool is \"1\", allowed is a map",
        ),
    ] {
        assert_file_refused(name, &content, message);
    }
    let path = file("n12.yml", b"p:\n  servers: [\n");
    let said = ring(&format!("ring place --from {path}"), b"a\n");
    assert!(
        said.err.starts_with(&format!("steadfast: {path}:")) && said.err.contains("no YAML: "),
        "{said:?}"
    );
    assert_eq!((said.status, &*said.out), (Some(2), ""));
}

#[test]
fn mcrouter_json_that_names_no_ring_is_told_with_its_place() {
    let pool = |servers: &str, route: &str| {
        format!("{{\"pools\": {{\"A\": {{\"servers\": {servers}}}}},\n\"route\": {route}}}\n")
    };
    let plain = "\"PoolRoute|A\"";
    for (name, content, message) in [
        (
            "j1.json",
            "{}".into(),
            ":1:1: no pools in the configuration",
        ),
        (
            "j2.json",
            "[]".into(),
            ":1:1: the file is a list, allowed is a map",
        ),
        (
            "j3.json",
            pool("[]", plain),
            ":1:29: no server at all, a ring needs at least one node",
        ),
        (
            "j4.json",
            pool("[\"a\"]", plain),
            ":1:30: server \"a\": the port is missing",
        ),
        (
            "j5.json",
            pool("[\"a:1\", \"a:1\"]", plain),
            ":1:37: node \"a:1\" is named twice, first in line 1, column 30",
        ),
        (
            "j6.json",
            pool(
                "[\"a:1\"]",
                "{\"type\": \"PoolRoute\", \"pool\": \"A\", \"hash\": \"Ch4\"}",
            ),
            ":2:53: hash_func is \"Ch4\", read here are Ch3, WeightedCh3, Crc32 and Rendezvous",
        ),
        (
            "j7.json",
            pool(
                "[\"a:1\"]",
                "{\"type\": \"PoolRoute\", \"pool\": \"A\", \"hash\": {\"hash_func\": \"WeightedCh3\", \"weights\": [2]}}",
            ),
            ":2:94: weight is \"2\", allowed are 0 to 1",
        ),
        (
            "j8.json",
            pool(
                "[\"a:1\"]",
                "{\"type\": \"PoolRoute\", \"pool\": \"A\", \"hash\": {\"hash_func\": \"WeightedCh3\", \"weights\": [1, 1]}}",
            ),
            ":2:93: 2 weights for 1 servers",
        ),
        (
            "j9.json",
            "{\"macros\": {}, \"pools\": {}}".into(),
            ":1:12: macros are not read here: give the expanded configuration",
        ),
    ] {
        assert_file_refused(name, &content, message);
    }
    let path = file("j10.json", b"{\"pools\": {\n  \"A\": }\n}");
    let said = ring(&format!("ring place --from {path}"), b"a\n");
    assert!(
        said.err
            .starts_with(&format!("steadfast: {path}:2:8: no JSON: ")),
        "{said:?}"
    );
    assert_eq!((said.status, &*said.out), (Some(2), ""));
}

#[test]
fn toml_that_names_no_ring_is_told_with_its_place() {
    for (name, content, message) in [
        ("t1.toml", "", ": no node at all, a ring needs at least one"),
        (
            "t2.toml",
            "dialect = \"pecl-memcache:consistent-crc32\"\nnodes = [\"a:1\", \"b\"]\n",
            ":2:17: node \"b\" has no port, as in HOST:PORT",
        ),
        (
            "t3.toml",
            "nodes = [\"a:1*0\"]\n",
            ":1:10: node \"a:1*0\": weight 0: leave the node out, or give it 1 and above",
        ),
        (
            "t4.toml",
            "nodes = [\n  \"a:1\",\n  \"a:1\",\n]\n",
            ":3:3: node \"a:1\" is named twice, first in line 2, column 3",
        ),
        (
            "t5.toml",
            "dialect = \"libmemcached\"\n",
            ":1:11: unknown dialect \"libmemcached\", the nearest is ",
        ),
        (
            "t6.toml",
            "node = []\n",
            ":1:8: \"node\" is unknown, there is dialect, list, copies, prefix, salt, hash_tag, nodes",
        ),
        (
            "t7.toml",
            "copies = 0\n",
            ":1:10: copies is \"0\", allowed are 1 and above",
        ),
        (
            "t8.toml",
            "list = \"pools\"\n",
            ":1:8: list is \"pools\", allowed is pool or session",
        ),
        (
            "t9.toml",
            "nodes = \"a:1\"\n",
            ":1:9: nodes is \"a:1\", allowed is a list",
        ),
    ] {
        let path = file(name, content.as_bytes());
        let said = ring(&format!("ring place --from {path}"), b"a\n");
        assert!(
            said.err.starts_with(&format!("steadfast: {path}{message}")),
            "{said:?}"
        );
        assert_eq!(
            (said.status, &*said.out, said.err.lines().count()),
            (Some(2), "", 1)
        );
    }
    let path = file("latin.toml", b"nodes = [\"a\xe9:1\"]\n");
    let message = format!("{path}:1:12: no UTF-8 from here on");
    assert_refused(&format!("ring place --from {path}"), b"a\n", &message);
    let path = file("nodes.txt", b"a:1\n");
    let message = format!(
        "{path}: the name does not tell what it is: end it in .ini, .yml, .json or .toml, or write \
         php:FILE, nutcracker:FILE, mcrouter:FILE, toml:FILE"
    );
    assert_refused(&format!("ring place --from {path}"), b"a\n", &message);
}
