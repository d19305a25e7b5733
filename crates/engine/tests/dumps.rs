//! `lru_crawler metadump`, `mgdump` and `stats cachedump`.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

mod sessions;

use std::collections::BTreeSet;

use sessions::{Client, NOW, engine};
use steadfast_engine::{Engine, Next};
use steadfast_store::{Attributes, Condition, Expiry, Marks, NewItem, Timestamp};

fn put(engine: &Engine, key: &[u8], value: &[u8], attributes: Attributes) {
    let item = NewItem::new(value, attributes);
    let stored = engine
        .store()
        .put(key, item, Condition::Always, NOW.timestamp);
    assert!(stored.is_ok());
}

/// The lines between the first and the last, sorted, and these two.
fn parts(dump: &str) -> (&str, Vec<&str>, &str) {
    let mut lines: Vec<_> = dump.split_inclusive('\n').collect();
    let (last, first) = (lines.pop().unwrap(), lines.remove(0));
    lines.sort_unstable();
    (first, lines, last)
}

#[test]
fn metadump_shows_each_item_as_the_newest_memcached_does() {
    let (engine, _) = engine(|_| {});
    let mut client = Client::new(0, 1);
    assert_eq!(
        client.ask("lru_crawler metadump all\r\n", &engine),
        "OK\r\nEND\r\n"
    );
    let later = Expiry::at(Timestamp::from_secs(NOW.timestamp.as_secs() + 60));
    put(&engine, b"a", b"x", Attributes::new(5, Expiry::NEVER));
    put(&engine, b"sp%\x01\xffk", b"x", Attributes::new(0, later));
    put(
        &engine,
        b"big",
        &[b'v'; 1000],
        Attributes::new(0, Expiry::PAST),
    );
    assert_eq!(
        client.ask("get a\r\n", &engine),
        "VALUE a 5 1\r\nx\r\nEND\r\n"
    );
    let dump = client.ask("lru_crawler metadump hash\r\n", &engine);
    let (first, lines, last) = parts(&dump);
    assert_eq!((first, last), ("OK\r\n", "END\r\n"));
    let cas = |line: &str| -> String {
        let (_, behind) = line.split_once(" cas=").unwrap();
        behind.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(
        lines,
        [
            format!(
                "key=a exp=-1 la=1700000000 cas={} fetch=yes cls=1 size=65 flags=5 \n",
                cas(lines[0])
            ),
            format!(
                "key=sp%25%01%FFk exp=1700000060 la=1700000000 cas={} fetch=no cls=1 size=66 \
                 flags=0 \n",
                cas(lines[1])
            ),
        ]
    );
    // A dump is no use.
    let again = client.ask("lru_crawler metadump all\r\n", &engine);
    assert_eq!(parts(&again).1, lines);
}

#[test]
fn mgdump_shows_commands_that_read_each_item() {
    let (engine, _) = engine(|_| {});
    let mut client = Client::new(0, 1);
    put(&engine, b"plain", b"x", Attributes::default());
    let marked = Attributes::default().with_marks(Marks::number(2));
    put(&engine, b"foo", b"x", marked);
    let dump = client.ask("lru_crawler mgdump all\r\n", &engine);
    let (first, lines, last) = parts(&dump);
    assert_eq!((first, last), ("OK\r\n", "EN\r\n"));
    assert_eq!(lines, ["mg Zm9v b\r\n", "mg plain\r\n"]);
}

#[test]
fn only_the_classes_that_were_named_are_dumped() {
    let (engine, _) = engine(|_| {});
    let mut client = Client::new(0, 1);
    put(&engine, b"small", b"x", Attributes::default());
    put(&engine, b"large", &[b'v'; 1000], Attributes::default());
    for (classes, keys) in [
        ("all", vec!["mg large\r\n", "mg small\r\n"]),
        ("1", vec!["mg small\r\n"]),
        ("2,3", vec![]),
        ("1,,12,", vec!["mg large\r\n", "mg small\r\n"]),
        ("63", vec![]),
    ] {
        let dump = client.ask(format!("lru_crawler mgdump {classes}\r\n"), &engine);
        assert_eq!(parts(&dump).1, keys, "{classes}");
    }
}

#[test]
fn cachedump_is_bounded_and_hides_binary_keys() {
    let (engine, _) = engine(|_| {});
    let mut client = Client::new(0, 1);
    let later = Expiry::at(Timestamp::from_secs(NOW.timestamp.as_secs() + 60));
    put(&engine, b"a", b"xyz", Attributes::new(5, later));
    let marked = Attributes::default().with_marks(Marks::number(2));
    put(&engine, b"foo", b"x", marked);
    assert_eq!(
        client.ask("stats cachedump 1 0\r\n", &engine),
        "ITEM a [3 b; 1700000060 s]\r\nEND\r\n"
    );
    assert_eq!(client.ask("stats cachedump 2 0\r\n", &engine), "END\r\n");
    for number in 0..10 {
        put(
            &engine,
            format!("key{number}").as_bytes(),
            b"x",
            Attributes::default(),
        );
    }
    let some = client.ask("stats cachedump 1 4\r\n", &engine);
    assert_eq!(some.matches("ITEM ").count(), 4);
    assert!(some.ends_with("END\r\n"));
    for number in 0..60_000 {
        put(
            &engine,
            format!("a-key-of-{number:030}").as_bytes(),
            b"x",
            Attributes::default(),
        );
    }
    let most = client.ask("stats cachedump 2 0\r\n", &engine);
    assert!(most.ends_with(" s]\r\nEND\r\n"));
    assert!((2_000_000..=(2 << 20) + 5).contains(&most.len()));
}

#[test]
fn dumps_are_refused_as_in_memcached() {
    let (engine, _) = engine(|_| {});
    let mut client = Client::new(0, 1);
    for (ask, answer) in [
        (
            "lru_crawler metadump 64\r\n",
            "BADCLASS invalid class id\r\n",
        ),
        (
            "lru_crawler metadump foo\r\n",
            "BADCLASS invalid class id\r\n",
        ),
        ("lru_crawler metadump\r\n", "ERROR\r\n"),
        ("lru_crawler metadump all more\r\n", "ERROR\r\n"),
        ("stats cachedump 1\r\n", "CLIENT_ERROR bad command line\r\n"),
        (
            "stats cachedump 64 0\r\n",
            "CLIENT_ERROR Illegal slab id\r\n",
        ),
        (
            "get a\r\nlru_crawler metadump all\r\nget a\r\n",
            "END\r\nERROR cannot pipeline other commands before metadump\r\nEND\r\n",
        ),
        (
            "get a\r\nlru_crawler mgdump all\r\n",
            "END\r\nERROR cannot pipeline other commands before mgdump\r\n",
        ),
        ("lru_crawler disable\r\n", "OK\r\n"),
        (
            "lru_crawler metadump all\r\n",
            "CLIENT_ERROR lru crawler disabled\r\n",
        ),
        (
            "lru_crawler mgdump all\r\n",
            "CLIENT_ERROR lru crawler disabled\r\n",
        ),
    ] {
        assert_eq!(client.ask(ask, &engine), answer, "{ask}");
    }
}

#[test]
fn dumps_are_refused_where_the_operator_does_not_want_them() {
    let (engine, _) = engine(|settings| settings.dump_enabled = false);
    let mut client = Client::new(0, 1);
    for (ask, answer) in [
        (
            "lru_crawler metadump all\r\n",
            "ERROR metadump not allowed\r\n",
        ),
        (
            "lru_crawler mgdump all\r\n",
            "ERROR key dump not allowed\r\n",
        ),
        (
            "stats cachedump 1 0\r\n",
            "CLIENT_ERROR stats cachedump not allowed\r\n",
        ),
    ] {
        assert_eq!(client.ask(ask, &engine), answer, "{ask}");
    }
}

#[test]
fn long_dumps_go_in_bounded_steps_while_others_write() {
    let (engine, _) = engine(|_| {});
    let (mut dumper, mut writer) = (Client::new(0, 1), Client::new(1, 2));
    for number in 0..30_000 {
        let key = format!("lasting-{number:05}-{:0100}", 0);
        put(&engine, key.as_bytes(), b"x", Attributes::default());
    }
    dumper.hold("lru_crawler metadump all\r\nget none\r\n");
    let (mut dump, mut steps) = (String::new(), 0);
    loop {
        let said = dumper.step(&engine);
        assert!(said.len() < 256 << 10, "{} bytes in one step", said.len());
        dump += &said;
        if dumper.next == Next::Read {
            break;
        }
        steps += 1;
        let set = format!(
            "set passing-{steps} 0 0 1\r\nx\r\ndelete passing-{}\r\n",
            steps - 1
        );
        assert!(writer.ask(set, &engine).starts_with("STORED\r\n"));
    }
    assert!(steps > 10, "{steps} steps");
    let dump = dump
        .strip_suffix("END\r\nEND\r\n")
        .expect("the command behind the dump is answered");
    let mut keys = BTreeSet::new();
    let mut count = 0;
    for line in dump.lines().filter(|line| line.starts_with("key=lasting-")) {
        count += 1;
        keys.insert(&line["key=lasting-".len()..][..5]);
    }
    assert_eq!((count, keys.len()), (30_000, 30_000));
}
