//! `watch`: what is told to whom, and what it costs nobody else.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

mod sessions;

use proptest::prelude::*;
use sessions::{Client, engine};
use steadfast_engine::{CloseReason, Engine, Next, NoProcess, Settings};
use steadfast_store::Store;

fn watcher(streams: &str, engine: &Engine) -> Client {
    let mut client = Client::new(7, 70);
    let answer = client.ask(format!("watch {streams}\r\n"), engine);
    assert_eq!(answer, "OK\r\n");
    assert!(client.is_watching() && client.next == Next::Read);
    client
}

/// The lines without their time, which is checked, and number, which must rise.
fn told(client: &mut Client, engine: &Engine) -> Vec<String> {
    let text = client.ask("", engine);
    assert!(text.is_empty() || text.ends_with('\n'));
    let mut number_before = 0;
    let shorten = |line: &str| {
        let Some(line) = line.strip_prefix("ts=1700000000.") else {
            return line.to_owned();
        };
        let (micros, line) = line.split_once(" gid=").unwrap();
        assert_eq!(micros.len(), 6);
        let (number, line) = line.split_once(" type=").unwrap();
        let number: u64 = number.parse().unwrap();
        assert!(number > number_before);
        number_before = number;
        line.to_owned()
    };
    text.lines().map(shorten).collect()
}

#[test]
fn lines_are_those_that_memcached_writes() {
    let (engine, _) = engine(|_| {});
    let mut watcher = watcher("fetchers mutations deletions", &engine);
    let mut client = Client::new(0, 27);
    for &(ask, lines) in CONVERSATION {
        client.ask(ask, &engine);
        assert_eq!(told(&mut watcher, &engine), lines, "{ask}");
    }
}

/// Commands, and the lines that memcached 1.6.45 writes about each; -1 and 0 stand where it
/// writes numbers that mean nothing.
const CONVERSATION: &[(&str, &[&str])] = &[
    (
        "set a 5 0 1\r\nx\r\n",
        &[
            "item_get key=a status=not_found clsid=0 cfd=27 size=0",
            "item_store key=a status=stored cmd=set ttl=0 clsid=1 cfd=27 size=1",
        ],
    ),
    (
        "add a 0 100 10\r\n0123456789\r\n",
        &[
            "item_get key=a status=found clsid=1 cfd=27 size=1",
            "item_store key=a status=not_stored cmd=add ttl=100 clsid=1 cfd=27 size=10",
        ],
    ),
    (
        "append a 0 0 3\r\nyyy\r\n",
        &[
            "item_get key=a status=found clsid=1 cfd=27 size=1",
            "item_store key=a status=stored cmd=append ttl=0 clsid=1 cfd=27 size=4",
        ],
    ),
    (
        "cas a 0 0 2 1\r\n01\r\n",
        &[
            "item_get key=a status=found clsid=1 cfd=27 size=4",
            "item_store key=a status=exists cmd=cas ttl=0 clsid=1 cfd=27 size=2",
        ],
    ),
    (
        "cas b 0 0 2 1\r\n01\r\n",
        &[
            "item_get key=b status=not_found clsid=0 cfd=27 size=0",
            "item_store key=b status=not_found cmd=cas ttl=0 clsid=1 cfd=27 size=2",
        ],
    ),
    (
        "get a b\r\n",
        &[
            "item_get key=a status=found clsid=1 cfd=27 size=4",
            "item_get key=b status=not_found clsid=0 cfd=27 size=0",
        ],
    ),
    (
        "gat 10 a\r\n",
        &["item_get key=a status=found clsid=1 cfd=27 size=4"],
    ),
    (
        "touch a 0\r\n",
        &["item_get key=a status=found clsid=1 cfd=27 size=4"],
    ),
    (
        "incr sp%\x01 1\r\n",
        &["item_get key=sp%25%01 status=not_found clsid=0 cfd=27 size=0"],
    ),
    (
        "set n 0 -1 1\r\n1\r\n",
        &[
            "item_get key=n status=not_found clsid=0 cfd=27 size=0",
            "item_store key=n status=stored cmd=set ttl=-1 clsid=1 cfd=27 size=1",
        ],
    ),
    (
        "get n\r\n",
        &["item_get key=n status=expired clsid=0 cfd=27 size=0"],
    ),
    (
        "delete a\r\ndelete a\r\n",
        &[
            "item_get key=a status=found clsid=1 cfd=27 size=4",
            "deleted key=a cmd=delete clsid=1 size=4",
            "item_get key=a status=not_found clsid=0 cfd=27 size=0",
        ],
    ),
    (
        "set big 0 0 2000000\r\n",
        &[
            "item_get key=big status=not_found clsid=0 cfd=27 size=0",
            "item_store key=big status=too_large cmd=set ttl=0 clsid=0 cfd=27 size=2000000",
        ],
    ),
];

#[test]
fn a_watcher_hears_only_the_streams_that_it_asked_for() {
    let (engine, _) = engine(|_| {});
    let mut fetchers = watcher("", &engine);
    let mut deletions = watcher("deletions", &engine);
    let mut silent = watcher("sysevents proxyreqs proxyevents proxyuser", &engine);
    let mut client = Client::new(0, 1);
    client.ask("set a 0 0 1\r\nx\r\nget a\r\ndelete a\r\n", &engine);
    assert_eq!(told(&mut fetchers, &engine).len(), 3);
    let deleted = ["deleted key=a cmd=delete clsid=1 size=1"];
    assert_eq!(told(&mut deletions, &engine), deleted);
    assert!(told(&mut silent, &engine).is_empty());
}

#[test]
fn commands_are_told_before_what_comes_of_them() {
    let (engine, _) = engine(|_| {});
    let mut watcher = watcher("rawcmds fetchers", &engine);
    let mut client = Client::new(0, 5);
    client.ask("get a\r\ntouch b 0\r\n", &engine);
    assert_eq!(
        told(&mut watcher, &engine),
        [
            "rawcmd cfd=5 cmd=get%20a",
            "item_get key=a status=not_found clsid=0 cfd=5 size=0",
            "rawcmd cfd=5 cmd=touch%20b%200",
            "item_get key=b status=not_found clsid=0 cfd=5 size=0",
        ]
    );
}

#[test]
fn clients_that_come_and_go_are_told() {
    let (engine, _) = engine(|_| {});
    engine.handle_connection_opened(1, "tcp:127.0.0.1:1");
    let mut watcher = watcher("connevents", &engine);
    engine.handle_connection_opened(29, "tcp:127.0.0.1:44790");
    engine.handle_connection_opened(30, "unix:/run/cache");
    engine.handle_connection_closed(29, "tcp:127.0.0.1:44790", CloseReason::Normal);
    engine.handle_connection_closed(30, "unix:/run/cache", CloseReason::IdleTimeout);
    assert_eq!(
        told(&mut watcher, &engine),
        [
            "conn_new rip=127.0.0.1 rport=44790 transport=tcp cfd=29",
            "conn_new rip=unix rport=0 transport=local cfd=30",
            "conn_close rip=127.0.0.1 rport=44790 transport=tcp reason=normal cfd=29",
            "conn_close rip=unix rport=0 transport=local reason=idle_timeout cfd=30",
        ]
    );
}

#[test]
fn a_client_that_leaves_is_told_from_one_that_speaks_something_else() {
    let (engine, _) = engine(|_| {});
    let (mut polite, mut browser) = (Client::new(0, 1), Client::new(0, 2));
    polite.ask("quit\r\n", &engine);
    browser.ask("OPTIONS * HTTP/1.1\r\n", &engine);
    assert_eq!((polite.next, browser.next), (Next::Close, Next::Close));
    assert!(!polite.is_broken() && browser.is_broken());
}

#[test]
fn evictions_are_told_with_what_left() {
    let mut store = steadfast_store::Settings::default();
    store.memory_bytes_max = 8 << 20;
    store.stripes = 1;
    let store = Store::new(store).unwrap();
    let engine = Engine::new(store, Settings::default(), Box::new(NoProcess));
    let mut client = Client::new(0, 1);
    let value = "v".repeat(10_000);
    let fill = |from: usize, client: &mut Client| {
        for number in from..from + 1000 {
            let set = format!("set key{number} 0 1000 10000 noreply\r\n{value}\r\n");
            assert_eq!(client.ask(set, &engine), "");
        }
    };
    fill(0, &mut client);
    let mut watcher = watcher("evictions", &engine);
    assert!(told(&mut watcher, &engine).is_empty());
    fill(1000, &mut client);
    let lines = watcher.ask("", &engine);
    let line = lines.lines().next().unwrap();
    assert!(line.starts_with("ts=1700000000.000000 gid="), "{line}");
    assert!(line.contains(" type=eviction key=key"), "{line}");
    assert!(
        line.ends_with(" fetch=no ttl=1000 la=0 clsid=22 size=10000"),
        "{line}"
    );
}

#[test]
fn evictions_for_a_lowered_limit_are_told_without_any_request() {
    let (engine, host) = engine(|_| {});
    let mut client = Client::new(0, 1);
    let value = "v".repeat(10_000);
    for number in 0..3000 {
        let set = format!("set key{number} 0 0 10000 noreply\r\n{value}\r\n");
        assert_eq!(client.ask(set, &engine), "");
    }
    let mut watcher = watcher("evictions", &engine);
    assert_eq!(client.ask("cache_memlimit 16\r\n", &engine), "OK\r\n");
    assert!(told(&mut watcher, &engine).is_empty() && host.wakes().is_empty());
    // Some of it comes free without.
    let mut sweeps = 0;
    while engine.store().stats().evictions == 0 {
        engine.sweep(sessions::NOW);
        sweeps += 1;
        assert!(sweeps < 100, "nothing is ever evicted");
    }
    assert_eq!(host.wakes(), [7]);
    let lines = told(&mut watcher, &engine);
    assert!(lines[0].starts_with("eviction key=key"), "{}", lines[0]);
}

#[test]
fn who_does_not_read_loses_lines_and_holds_up_nobody() {
    let (engine, host) = engine(|settings| settings.watcher_log_bytes_max = 1000);
    let mut slow = watcher("fetchers", &engine);
    let mut client = Client::new(0, 1);
    for _ in 0..1000 {
        assert_eq!(client.ask("get a\r\n", &engine), "END\r\n");
    }
    assert_eq!(host.wakes(), [7], "woken once, until it is heard");
    let stats = client.ask("stats\r\n", &engine);
    let lines = told(&mut slow, &engine);
    let sent = lines.len() - 1;
    assert!(sent > 5);
    assert_eq!(lines[sent], format!("skipped={}", 1000 - sent));
    for stat in [
        "log_worker_dropped 0".to_owned(),
        "log_worker_written 1000".to_owned(),
        format!("log_watcher_skipped {}", 1000 - sent),
        format!("log_watcher_sent {sent}"),
        "log_watchers 1".to_owned(),
    ] {
        assert!(stats.contains(&format!("STAT {stat}\r\n")), "{stat}");
    }
    client.ask("get a\r\n", &engine);
    assert_eq!(host.wakes(), [7]);
    assert_eq!(told(&mut slow, &engine).len(), 1);
}

#[test]
fn one_call_tells_no_more_than_its_worker_may_hold() {
    let (engine, _) = engine(|settings| settings.worker_log_bytes_max = 500);
    let mut watcher = watcher("fetchers", &engine);
    let mut client = Client::new(0, 1);
    client.ask("get a b c d e f g h i j k l m n o p\r\n", &engine);
    let told = told(&mut watcher, &engine).len();
    assert!((1..10).contains(&told), "{told} lines");
    let stats = client.ask("stats\r\n", &engine);
    assert!(stats.contains(&format!("STAT log_worker_dropped {}\r\n", 16 - told)));
}

#[test]
fn twenty_may_watch_and_a_place_is_free_when_one_leaves() {
    let (engine, _) = engine(|_| {});
    let mut watchers: Vec<_> = (0..20).map(|_| watcher("evictions", &engine)).collect();
    let mut client = Client::new(0, 1);
    assert_eq!(
        client.ask("watch\r\nget a\r\n", &engine),
        "WATCHER_TOO_MANY log watcher limit reached\r\nEND\r\n"
    );
    drop(watchers.pop());
    assert_eq!(client.ask("watch\r\n", &engine), "OK\r\n");
    watchers.clear();
    drop(client);
    let stats = Client::new(0, 1).ask("stats\r\n", &engine);
    assert!(stats.contains("STAT log_watchers 0\r\n"));
}

#[test]
fn nothing_is_written_when_the_last_watcher_has_left() {
    let (engine, _) = engine(|_| {});
    drop(watcher("fetchers mutations", &engine));
    let mut client = Client::new(0, 1);
    client.ask("set a 0 0 1\r\nx\r\nget a\r\n", &engine);
    let stats = client.ask("stats\r\n", &engine);
    assert!(stats.contains("STAT log_worker_written 0\r\n"));
}

#[test]
fn watching_is_refused_as_in_memcached() {
    let (engine, _) = engine(|_| {});
    let mut client = Client::new(0, 1);
    for ask in [
        "watch birds\r\n",
        "watch fetchers birds\r\n",
        "watch fetch\r\n",
    ] {
        assert_eq!(client.ask(ask, &engine), "ERROR\r\n", "{ask}");
    }
    assert_eq!(
        client.ask("get a\r\nwatch\r\n", &engine),
        "END\r\nERROR cannot pipeline other commands before watch\r\n"
    );
    assert!(!client.is_watching());
    let (engine, _) = sessions::engine(|settings| settings.watch_enabled = false);
    assert_eq!(
        client.ask("watch\r\n", &engine),
        "CLIENT_ERROR watch commands not allowed\r\n"
    );
}

#[test]
fn who_watches_is_not_heard() {
    let (engine, _) = engine(|_| {});
    let mut client = Client::new(0, 1);
    assert_eq!(client.ask("watch\r\nget a\r\n", &engine), "OK\r\n");
    assert_eq!(client.ask("set a 0 0 1\r\nx\r\nquit\r\n", &engine), "");
    assert!(client.is_watching());
}

/// What one of three clients or two watchers does next.
#[derive(Debug, Clone)]
enum Act {
    Ask(usize, &'static str),
    Listen(usize),
    Leave(usize),
    Join(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let asks = [
        "get a b\r\n",
        "set a 0 0 1\r\nx\r\n",
        "delete a\r\n",
        "mg b v N30\r\n",
        "ma n N0\r\n",
        "get a\r\nget b\r\nget c\r\ntouch a 0\r\n",
        "lru_crawler metadump all\r\n",
        "bogus\r\n",
    ];
    prop_oneof![
        8 => (0..3usize, 0..asks.len()).prop_map(move |(who, ask)| Act::Ask(who, asks[ask])),
        2 => (0..2usize).prop_map(Act::Listen),
        1 => (0..2usize).prop_map(Act::Leave),
        1 => (0..2usize).prop_map(Act::Join),
    ]
}

fn stat(name: &str, engine: &Engine) -> u64 {
    let stats = Client::new(0, 1).ask("stats\r\n", engine);
    let line = stats.lines().find_map(|line| {
        let line = line.strip_prefix("STAT ")?;
        line.strip_prefix(name)
    });
    line.unwrap().trim().parse().unwrap()
}

/// Adds up what a watcher hears, and what it is told that it missed.
fn listen(watcher: &mut Client, engine: &Engine, heard: &mut u64, lost: &mut u64) {
    let text = watcher.ask("", engine);
    assert!(text.len() <= QUEUE_BYTES_MAX + "skipped=18446744073709551615\n".len());
    for line in text.lines() {
        match line.strip_prefix("skipped=") {
            Some(lines) => *lost += lines.parse::<u64>().unwrap(),
            None => *heard += 1,
        }
    }
}

const QUEUE_BYTES_MAX: usize = 700;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_line_is_heard_or_counted_as_lost(acts in prop::collection::vec(act(), 1..60)) {
        let (engine, host) = engine(|settings| {
            settings.watcher_log_bytes_max = QUEUE_BYTES_MAX as u32;
            settings.worker_log_bytes_max = 300;
        });
        let mut clients: Vec<_> = (0..3).map(|number| Client::new(number, 1)).collect();
        let mut watchers = [None, None];
        let (mut heard, mut lost, mut unknown) = (0, 0, false);
        for act in acts {
            match act {
                Act::Ask(who, ask) => {
                    clients[who].ask(ask, &engine);
                }
                Act::Listen(who) => {
                    if let Some(seat) = &mut watchers[who] {
                        listen(seat, &engine, &mut heard, &mut lost);
                    }
                }
                // What it has not heard by then is lost with it.
                Act::Leave(who) => unknown |= watchers[who].take().is_some(),
                Act::Join(who) => {
                    if watchers[who].is_none() {
                        watchers[who] = Some(watcher("fetchers mutations deletions", &engine));
                    }
                }
            }
        }
        for seat in watchers.iter_mut().flatten() {
            listen(seat, &engine, &mut heard, &mut lost);
        }
        prop_assert!(host.wakes().iter().all(|&worker| worker == 7));
        let (sent, skipped) = (stat("log_watcher_sent", &engine), stat("log_watcher_skipped", &engine));
        if unknown {
            prop_assert!(heard <= sent && lost <= skipped);
        } else {
            prop_assert_eq!((heard, lost), (sent, skipped));
        }
        let there = watchers.iter().flatten().count() as u64;
        prop_assert_eq!(stat("log_watchers", &engine), there);
    }
}
