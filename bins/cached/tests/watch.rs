//! Watching and dumping over real sockets.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

mod peer;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

use peer::{Client, start, value};
use steadfast_cached::Running;

/// Reads lines of a log until `wanted` finds one; fails when the server closes.
fn line_until(log: &mut BufReader<TcpStream>, wanted: impl Fn(&str) -> bool) -> String {
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "closed");
        if wanted(&line) {
            return line;
        }
    }
}

fn watch(server: &Running, streams: &str) -> BufReader<TcpStream> {
    let mut client = Client::of(server);
    client.send(format!("watch {streams}\r\n"));
    client.expect("OK\r\n");
    BufReader::new(client.0)
}

fn set(client: &mut Client, key: &str, bytes: usize) {
    client.send(format!("set {key} 0 0 {bytes}\r\n"));
    client.send(value(bytes, 0));
    client.send("\r\n");
    client.expect("STORED\r\n");
}

#[test]
fn watchers_hear_of_clients_of_every_worker() {
    let server = start(|settings| settings.threads = 4);
    let mut log = watch(&server, "fetchers mutations connevents");
    for number in 0..8 {
        let mut client = Client::of(&server);
        let port = client.0.local_addr().unwrap().port();
        let opened = line_until(&mut log, |line| line.contains("type=conn_new"));
        assert!(
            opened.contains(&format!("rip=127.0.0.1 rport={port} transport=tcp cfd=")),
            "{opened}"
        );
        set(&mut client, &format!("key{number}"), 4);
        let stored = line_until(&mut log, |line| line.contains("type=item_store"));
        assert!(
            stored.contains(&format!("key=key{number} status=stored cmd=set ttl=0 ")),
            "{stored}"
        );
        // The same descriptor by which the client is known elsewhere.
        let descriptor = opened.trim_end().rsplit('=').next().unwrap();
        assert!(stored.contains(&format!(" cfd={descriptor} ")), "{stored}");
        drop(client);
        let closed = line_until(&mut log, |line| line.contains("type=conn_close"));
        let end = format!("rport={port} transport=tcp reason=normal cfd={descriptor}\n");
        assert!(closed.ends_with(&end), "{closed}");
    }
}

#[test]
fn times_of_lines_have_microseconds_in_full() {
    let server = start(|_| {});
    let mut log = watch(&server, "fetchers");
    Client::of(&server).exchange("get a\r\n", "END\r\n");
    let line = line_until(&mut log, |_| true);
    let time = line.strip_prefix("ts=").unwrap();
    let (secs, behind) = time.split_once('.').unwrap();
    assert!(secs.parse::<u64>().unwrap() > 1_600_000_000);
    assert_eq!(behind.find(' '), Some(6), "{line}");
}

#[test]
fn a_watcher_that_does_not_read_costs_others_nothing_and_is_told() {
    let server = start(|_| {});
    let mut log = watch(&server, "fetchers");
    let mut client = Client::of(&server);
    let key = "k".repeat(200);
    let batch = format!("get {key}\r\n").repeat(500);
    let ends = "END\r\n".repeat(500);
    // Until the sockets' buffers and the watcher's queue are full, whatever their size.
    let mut rounds = 0;
    while client.stat("log_watcher_skipped") == "0" {
        client.send(&batch);
        client.expect(&ends);
        rounds += 1;
        assert!(rounds < 1000, "nothing is ever skipped");
    }
    let skipped = line_until(&mut log, |line| line.starts_with("skipped="));
    assert!(
        skipped.trim_end()["skipped=".len()..]
            .parse::<u64>()
            .unwrap()
            > 0
    );
    // All is well again.
    client.exchange("get later\r\n", "END\r\n");
    line_until(&mut log, |line| line.contains("key=later "));
}

fn connections(client: &mut Client) -> String {
    client.send("stats conns\r\n");
    let mut report = Vec::new();
    while !report.ends_with(b"END\r\n") {
        let mut part = [0; 4096];
        let bytes = client.0.read(&mut part).unwrap();
        assert!(bytes > 0, "closed");
        report.extend_from_slice(&part[..bytes]);
    }
    String::from_utf8(report).unwrap()
}

#[test]
fn a_watcher_that_leaves_is_gone_and_another_takes_its_place() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    for _ in 0..3 {
        let watchers: Vec<_> = (0..20).map(|_| watch(&server, "evictions")).collect();
        client.exchange(
            "watch\r\n",
            "WATCHER_TOO_MANY log watcher limit reached\r\n",
        );
        assert_eq!(client.stat("log_watchers"), "20");
        // A worker notes what a client does when its turn is over.
        while connections(&mut client)
            .matches(":state conn_watch\r\n")
            .count()
            < 20
        {}
        drop(watchers);
        while client.stat("log_watchers") != "0" {}
    }
}

#[test]
fn what_a_watcher_says_is_not_heard_but_its_end_is() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    let mut deaf = Client::of(&server);
    deaf.send("watch mutations\r\n");
    deaf.expect("OK\r\n");
    for _ in 0..100 {
        deaf.send(value(10_000, 0));
    }
    deaf.send("\r\nset a 0 0 1\r\nx\r\n");
    set(&mut client, "b", 1);
    let mut log = BufReader::new(deaf.0);
    let line = line_until(&mut log, |_| true);
    assert!(line.contains("key=b "), "{line}");
    client.exchange("get a\r\n", "END\r\n");
    log.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    while client.stat("log_watchers") != "0" {}
}

#[test]
fn watchers_end_with_the_server() {
    let server = start(|_| {});
    let mut log = watch(&server, "fetchers");
    server.stop();
    let mut rest = Vec::new();
    log.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
}

#[test]
fn a_dump_of_many_items_leaves_others_their_turns() {
    const ITEMS: usize = 50_000;
    let server = start(|settings| settings.threads = 1);
    let mut client = Client::of(&server);
    let mut sets = String::new();
    for number in 0..ITEMS {
        sets.push_str(&format!("set item%{number:05} 7 0 1 noreply\r\nx\r\n"));
    }
    client.exchange(sets, "");
    // One who asks for the dump ten times and reads nothing.
    let mut rude = Client::of(&server);
    for _ in 0..10 {
        rude.send("lru_crawler metadump all\r\n");
    }
    let mut dumper = Client::of(&server);
    dumper.send("lru_crawler metadump all\r\n");
    for _ in 0..100 {
        client.exchange("get item%00000\r\n", "VALUE item%00000 7 1\r\nx\r\nEND\r\n");
    }
    let mut dump = BufReader::new(dumper.0);
    let mut line = String::new();
    dump.read_line(&mut line).unwrap();
    assert_eq!(line, "OK\r\n");
    let mut seen = vec![false; ITEMS];
    loop {
        line.clear();
        assert!(dump.read_line(&mut line).unwrap() > 0, "closed");
        if line == "END\r\n" {
            break;
        }
        let number = line.strip_prefix("key=item%25").unwrap()[..5].parse::<usize>();
        assert!(
            !std::mem::replace(&mut seen[number.unwrap()], true),
            "{line}"
        );
        assert!(line.ends_with(" cls=1 size=74 flags=7 \n"), "{line}");
    }
    assert!(seen.iter().all(|&seen| seen));
}
