//! The stats reports.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cache;

use cache::Cache;

/// The names that the guide shows (memcached 1.4.15), in its order.
const GUIDE: &str = "pid uptime time version libevent pointer_size rusage_user rusage_system \
    curr_connections total_connections connection_structures reserved_fds cmd_get cmd_set \
    cmd_flush cmd_touch get_hits get_misses delete_misses delete_hits incr_misses incr_hits \
    decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses auth_cmds \
    auth_errors bytes_read bytes_written limit_maxbytes accepting_conns listen_disabled_num threads \
    conn_yields hash_power_level hash_bytes hash_is_expanding bytes curr_items total_items \
    expired_unfetched evicted_unfetched evictions reclaimed";

/// The names of memcached 1.6.45 in its order.
const NEWEST: &str = "pid uptime time version libevent pointer_size rusage_user rusage_system \
    max_connections curr_connections total_connections rejected_connections connection_structures \
    response_obj_oom response_obj_count response_obj_bytes read_buf_count read_buf_bytes \
    read_buf_bytes_free read_buf_oom reserved_fds cmd_get cmd_set cmd_flush cmd_touch cmd_meta \
    get_hits get_misses get_expired get_flushed delete_misses delete_hits incr_misses incr_hits \
    decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses store_too_large \
    store_no_memory auth_cmds auth_errors bytes_read bytes_written limit_maxbytes accepting_conns \
    listen_disabled_num time_in_listen_disabled_us threads conn_yields hash_power_level hash_bytes \
    hash_is_expanding slab_reassign_rescues slab_reassign_chunk_rescues \
    slab_reassign_inline_reclaim slab_reassign_busy_items slab_reassign_busy_deletes \
    slab_reassign_busy_nomem slab_reassign_last_busy_status slab_reassign_running slabs_moved \
    lru_crawler_running lru_crawler_starts lru_maintainer_juggles malloc_fails log_worker_dropped \
    log_worker_written log_watcher_skipped log_watcher_sent log_watchers unexpected_napi_ids \
    round_robin_fallback bytes curr_items total_items slab_global_page_pool expired_unfetched \
    evicted_unfetched evicted_active evictions reclaimed crawler_reclaimed crawler_items_checked \
    lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru direct_reclaims \
    lru_bumps_dropped";

/// Names and values of a report, whose form is checked.
fn report(cache: &mut Cache, topic: &str) -> Vec<(String, String)> {
    let answer = cache.ask(format!("stats {topic}\r\n").as_bytes());
    let lines = answer.strip_suffix("END\r\n").expect("a report ends");
    let line = |line: &str| {
        let (name, value) = line.strip_prefix("STAT ").unwrap().split_once(' ').unwrap();
        (name.to_string(), value.to_string())
    };
    lines.split_terminator("\r\n").map(line).collect()
}

fn stat(cache: &mut Cache, name: &str) -> u64 {
    let stats = report(cache, "");
    stats
        .into_iter()
        .find(|(found, _)| found == name)
        .unwrap()
        .1
        .parse()
        .unwrap()
}

#[test]
fn the_general_report_has_the_newest_names_in_their_order() {
    let names: Vec<String> = report(&mut Cache::new(), "")
        .into_iter()
        .map(|(n, _)| n)
        .collect();
    assert_eq!(names, NEWEST.split(' ').collect::<Vec<_>>());
    assert_eq!(names.len(), 93);
    let mut names = names.into_iter();
    for name in GUIDE.split(' ') {
        assert!(
            names.any(|found| found == name),
            "{name} is missing or out of order"
        );
    }
}

#[test]
fn commands_are_counted_by_outcome() {
    let mut cache = Cache::new();
    for request in [
        &b"get a b\r\n"[..],
        b"set a 0 0 1\r\n1\r\nadd a 0 0 1\r\n1\r\nset b 0 0 1\r\nxx\r\n",
        b"get a a\r\ngat 0 a c\r\ntouch a 0\r\n",
        b"incr a 1\r\nincr c 1\r\ndecr a 1\r\ndecr c 1\r\n",
        b"cas c 0 0 1 1\r\n1\r\ncas a 0 0 1 0\r\n1\r\n",
        b"delete c\r\ndelete a\r\nflush_all\r\n",
        b"set a 0 0 9999999\r\n",
        &[b'x'; 10_000_001],
    ] {
        cache.ask(request);
    }
    for (name, number) in [
        ("cmd_get", 4),
        ("get_hits", 2),
        ("get_misses", 2),
        ("cmd_set", 5),
        ("cmd_touch", 3),
        ("touch_hits", 2),
        ("touch_misses", 1),
        ("incr_hits", 1),
        ("incr_misses", 1),
        ("decr_hits", 1),
        ("decr_misses", 1),
        ("cas_misses", 1),
        ("cas_badval", 1),
        ("cas_hits", 0),
        ("delete_hits", 1),
        ("delete_misses", 1),
        ("cmd_flush", 1),
        ("store_too_large", 1),
        ("curr_items", 0),
    ] {
        assert_eq!(stat(&mut cache, name), number, "{name}");
    }
}

#[test]
fn a_store_without_room_is_counted_once_whatever_its_size() {
    for value_bytes in [1000, 100_000] {
        let mut store = steadfast_store::Settings::default();
        store.memory_bytes_max = 4 << 20;
        store.evict = false;
        let mut cache = Cache::with(store, steadfast_engine::Settings::default());
        let mut stored = 0;
        loop {
            let header = format!("add key{stored} 0 0 {value_bytes}\r\n");
            let body = vec![b'x'; value_bytes];
            // In two pieces: a big value is refused by its header, a small one when it is there.
            let answer = cache.send([header.as_bytes(), &[&body[..], b"\r\n"].concat()]);
            if answer != b"STORED\r\n" {
                break;
            }
            stored += 1;
        }
        assert_eq!(stat(&mut cache, "cmd_set"), stored);
        assert_eq!(stat(&mut cache, "store_no_memory"), 1);
    }
}

#[test]
fn bytes_are_counted_both_ways() {
    let mut cache = Cache::new();
    let body = vec![b'x'; 100_000];
    let set = [&b"set a 0 0 100000\r\n"[..], &body, b"\r\n"].concat();
    cache.send(set.chunks(30_000));
    let got = cache.send([&b"get a\r\n"[..]]);
    let stats = "stats \r\n".len();
    assert_eq!(
        stat(&mut cache, "bytes_written"),
        ("STORED\r\n".len() + got.len()) as u64
    );
    assert_eq!(
        stat(&mut cache, "bytes_read"),
        (set.len() + 7 + stats) as u64
    );
}

#[test]
fn items_are_sized_as_memcached_does() {
    let mut cache = Cache::new();
    cache.ask(b"set a 0 0 1\r\nx\r\n");
    assert_eq!(stat(&mut cache, "bytes"), 61);
    assert_eq!(stat(&mut cache, "curr_items"), 1);
    assert_eq!(stat(&mut cache, "total_items"), 1);
    let items = report(&mut cache, "items");
    assert!(
        items.contains(&("items:1:number".into(), "1".into())),
        "{items:?}"
    );
    let slabs = report(&mut cache, "slabs");
    assert!(
        slabs.contains(&("1:chunk_size".into(), "96".into())),
        "{slabs:?}"
    );
    assert!(
        slabs.contains(&("active_slabs".into(), "1".into())),
        "{slabs:?}"
    );
}

#[test]
fn an_empty_cache_has_no_classes() {
    assert_eq!(Cache::new().ask(b"stats items\r\n"), "END\r\n");
}

#[test]
fn a_reset_forgets_what_happened_but_not_what_is_there() {
    let mut cache = Cache::new();
    cache.ask(b"set a 0 0 1\r\nx\r\nget a\r\n");
    assert_eq!(cache.ask(b"stats reset\r\n"), "RESET\r\n");
    assert_eq!(stat(&mut cache, "cmd_set"), 0);
    assert_eq!(stat(&mut cache, "get_hits"), 0);
    assert_eq!(stat(&mut cache, "total_items"), 0);
    assert_eq!(stat(&mut cache, "curr_items"), 1);
}

#[test]
fn settings_follow_the_operator() {
    let mut cache = Cache::new();
    assert_eq!(cache.ask(b"verbosity 7\r\n"), "OK\r\n");
    let settings = report(&mut cache, "settings");
    for (name, value) in [
        ("maxbytes", "67108864"),
        ("maxconns", "1024"),
        ("tcpport", "11211"),
        ("inter", "NULL"),
        ("verbosity", "2"),
        ("evictions", "on"),
        ("umask", "700"),
        ("reqs_per_event", "20"),
        ("cas_enabled", "yes"),
        ("item_size_max", "1048576"),
    ] {
        assert!(settings.contains(&(name.into(), value.into())), "{name}");
    }
    assert_eq!(cache.engine.verbosity(), 2);
}

#[test]
fn other_topics_are_answered_or_refused() {
    let mut cache = Cache::new();
    assert_eq!(
        cache.ask(b"stats sizes\r\n"),
        "STAT sizes_status disabled\r\nEND\r\n"
    );
    assert_eq!(cache.ask(b"stats conns\r\n"), "END\r\n");
    assert_eq!(cache.ask(b"stats nonsense\r\n"), "ERROR\r\n");
    assert_eq!(
        cache.ask(b"stats s\r\n"),
        "ERROR\r\n",
        "no prefixes: `stats r` would reset"
    );
}

#[test]
fn a_session_yields_after_its_share() {
    use steadfast_engine::{Next, Output, Session};
    let cache = Cache::new();
    let mut session = Session::new(0, steadfast_protocol::Limits::default());
    let mut out = Output::new();
    // Bad requests are requests.
    for line in [&b"get a\r\n"[..], b"foo a\r\n"] {
        let input = line.repeat(45);
        let mut calls = 0;
        let mut consumed = 0;
        loop {
            let progress =
                session.handle_input(&input[consumed..], &mut out, &cache.engine, cache.now);
            consumed += progress.consumed;
            calls += 1;
            if progress.next != Next::Again {
                break;
            }
            assert_eq!(progress.consumed, 20 * 7);
        }
        assert_eq!((calls, consumed), (3, input.len()));
    }
}
