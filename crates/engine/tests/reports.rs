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

/// The names of `stats settings` of memcached 1.6.45 with its defaults, built without external
/// storage and TLS.
const SETTINGS: &str = "maxbytes maxconns tcpport udpport inter verbosity oldest evictions \
    domain_socket umask shutdown_command growth_factor chunk_size num_threads num_threads_per_udp \
    stat_key_prefix detail_enabled reqs_per_event cas_enabled tcp_backlog binding_protocol \
    auth_enabled_sasl auth_enabled_ascii item_size_max maxconns_fast hashpower_init slab_reassign \
    slab_automove slab_automove_ratio slab_automove_window slab_chunk_max lru_crawler \
    lru_crawler_sleep lru_crawler_tocrawl tail_repair_time flush_enabled dump_enabled \
    hash_algorithm lru_maintainer_thread lru_segmented hot_lru_pct warm_lru_pct hot_max_factor \
    warm_max_factor temp_lru temporary_ttl idle_timeout watcher_logbuf_size worker_logbuf_size \
    read_buf_mem_limit track_sizes inline_ascii_response num_napi_ids memory_file client_flags_size";

/// Its values that differ from ours, and ours: the port of the recording, and the hash that ours
/// has in truth.
const SETTINGS_VALUES: &str = "67108864 1024 11211 0 NULL 0 0 on NULL 700 no 1.25 48 4 4 : no 20 \
    yes 1024 auto-negotiate no no 1048576 yes 0 yes 1 0.80 10 524288 yes 100 0 0 yes yes foldhash \
    yes yes 20 40 0.20 2.00 no 61 0 262144 65536 0 no no 0 (null) 4";

/// The names of a class in `stats items` of memcached 1.6.45 with its defaults.
const ITEMS: &str = "number number_hot number_warm number_cold age_hot age_warm age mem_requested \
    evicted evicted_nonzero evicted_time outofmemory tailrepairs reclaimed expired_unfetched \
    evicted_unfetched evicted_active crawler_reclaimed crawler_items_checked lrutail_reflocked \
    moves_to_cold moves_to_warm moves_within_lru direct_reclaims hits_to_hot hits_to_warm \
    hits_to_cold hits_to_temp";

/// The names of a class in `stats slabs` of memcached 1.6.45.
const SLABS: &str = "chunk_size chunks_per_page total_pages total_chunks used_chunks free_chunks \
    free_chunks_end get_hits cmd_set delete_hits incr_hits decr_hits cas_hits cas_badval touch_hits";

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
fn names_are_left_out_with_the_machinery_that_is_off() {
    let mut settings = steadfast_engine::Settings::default();
    settings.lru.crawler = false;
    settings.lru.maintainer = false;
    let make = |settings| Cache::with(steadfast_store::Settings::default(), settings);
    assert_eq!(report(&mut make(settings.clone()), "").len(), 84);
    settings.slabs.reassign = false;
    settings.refuse_when_full = false;
    assert_eq!(report(&mut make(settings), "").len(), 74);
}

#[test]
fn settings_have_the_newest_names_and_defaults_in_their_order() {
    let (names, values): (Vec<_>, Vec<_>) =
        report(&mut Cache::new(), "settings").into_iter().unzip();
    assert_eq!(names, SETTINGS.split(' ').collect::<Vec<_>>());
    assert_eq!(values, SETTINGS_VALUES.split(' ').collect::<Vec<_>>());
}

#[test]
fn classes_have_the_newest_names_in_their_order() {
    let mut cache = Cache::new();
    cache.ask(b"set a 0 0 1\r\nx\r\nset b 0 0 100\r\n");
    cache.ask(&[&[b'x'; 100][..], b"\r\n"].concat());
    let names = |prefix: &str, names: &str| -> Vec<String> {
        names
            .split(' ')
            .map(|name| format!("{prefix}{name}"))
            .collect()
    };
    let found = |report: Vec<(String, String)>| -> Vec<String> {
        report.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(
        found(report(&mut cache, "items")),
        [names("items:1:", ITEMS), names("items:4:", ITEMS)].concat()
    );
    assert_eq!(
        found(report(&mut cache, "slabs")),
        [
            names("1:", SLABS),
            names("4:", SLABS),
            names("", "active_slabs total_malloced")
        ]
        .concat()
    );
}

#[test]
fn requests_are_counted_by_the_class_of_their_item() {
    let mut cache = Cache::new();
    cache.ask(b"set a 0 0 1\r\n1\r\nset b 0 0 1\r\nxx\r\nget a a\r\ngat 0 a\r\ntouch a 0\r\n");
    cache.ask(b"incr a 1\r\ndecr a 1\r\ncas a 0 0 1 0\r\n1\r\ndelete a\r\nget a\r\n");
    cache.ask(&[&b"set c 0 0 200\r\n"[..], &[b'x'; 200], b"\r\nget c\r\n"].concat());
    let slabs = report(&mut cache, "slabs");
    for (name, number) in [
        ("1:get_hits", "2"),
        ("1:cmd_set", "3"),
        ("1:delete_hits", "1"),
        ("1:incr_hits", "1"),
        ("1:decr_hits", "1"),
        ("1:cas_hits", "0"),
        ("1:cas_badval", "1"),
        ("1:touch_hits", "2"),
        ("1:used_chunks", "0"),
        ("6:get_hits", "1"),
        ("6:cmd_set", "1"),
        ("active_slabs", "2"),
    ] {
        assert!(slabs.contains(&(name.into(), number.into())), "{name}");
    }
    assert_eq!(stat(&mut cache, "get_hits"), 3);
    assert_eq!(stat(&mut cache, "cmd_set"), 4);
    assert!(report(&mut cache, "items").contains(&("items:6:hits_to_cold".into(), "1".into())));
}

#[test]
fn sizes_are_counted_in_steps_where_that_is_on() {
    let mut settings = steadfast_engine::Settings::default();
    settings.track_sizes = true;
    let mut cache = Cache::with(steadfast_store::Settings::default(), settings);
    for number in 0..5000 {
        let value_bytes = number % 3 * 100;
        let value = "x".repeat(value_bytes);
        let set = format!("set {number:04} 0 0 {value_bytes} noreply\r\n{value}\r\n");
        cache.ask(set.as_bytes());
    }
    // 63, 163 and 263 bytes, and what is asked behind it is answered behind it.
    assert_eq!(
        cache.ask(b"stats sizes\r\nget x\r\n"),
        "STAT 64 1667\r\nSTAT 192 1667\r\nSTAT 288 1666\r\nEND\r\nEND\r\n"
    );
    assert!(report(&mut cache, "settings").contains(&("track_sizes".into(), "yes".into())));
}

#[test]
fn prefixes_are_counted_while_that_is_on() {
    let mut cache = Cache::new();
    cache.ask(b"get a:1\r\n");
    assert_eq!(cache.ask(b"stats detail on\r\n"), "OK\r\n");
    cache.ask(b"set a:1 0 0 1\r\nx\r\nget a:1 a:2 plain\r\ngat 0 a:1\r\nincr a:1 1\r\n");
    cache.ask(b"delete a:1\r\nadd b:1 0 0 1\r\nx\r\ntouch b:1 0\r\ndelete :\r\n");
    let dump = "PREFIX  get 0 hit 0 set 0 del 1\r\nPREFIX a get 3 hit 2 set 1 del 1\r\n\
        PREFIX b get 0 hit 0 set 1 del 0\r\nEND\r\n";
    assert_eq!(cache.ask(b"stats detail dump\r\n"), dump);
    assert_eq!(cache.ask(b"stats detail off\r\n"), "OK\r\n");
    cache.ask(b"get a:1\r\n");
    assert_eq!(cache.ask(b"stats detail dump\r\n"), dump);
    let usage = "CLIENT_ERROR usage: stats detail on|off|dump\r\n";
    assert_eq!(cache.ask(b"stats detail\r\n"), usage);
    assert_eq!(cache.ask(b"stats detail of\r\n"), usage);
    cache.ask(b"stats reset\r\n");
    assert_eq!(cache.ask(b"stats detail dump\r\n"), "END\r\n");

    let mut settings = steadfast_engine::Settings::default();
    settings.dump_enabled = false;
    let mut cache = Cache::with(steadfast_store::Settings::default(), settings);
    assert_eq!(
        cache.ask(b"stats detail dump\r\n"),
        "CLIENT_ERROR stats detail not allowed\r\n"
    );
}

#[test]
fn metrics_are_the_reports_under_the_exporters_names() {
    let mut cache = Cache::new();
    cache.ask(b"set a 0 0 1\r\n1\r\ncas a 0 0 1 0\r\n1\r\nget a b\r\nflush_all\r\n");
    let mut metrics = String::new();
    cache.engine.metrics(cache.now, &mut metrics);
    for line in [
        "memcached_up 1",
        "memcached_commands_total{command=\"get\",status=\"hit\"} 1",
        "memcached_commands_total{command=\"get\",status=\"miss\"} 1",
        "memcached_commands_total{command=\"cas\",status=\"badval\"} 1",
        "memcached_commands_total{command=\"set\",status=\"hit\"} 1",
        "memcached_commands_total{command=\"flush\",status=\"hit\"} 1",
        "memcached_limit_bytes 67108864",
        "memcached_max_connections 1024",
        "memcached_lru_crawler_enabled 1",
        "memcached_lru_crawler_hot_max_factor 0.20",
        "memcached_slab_commands_total{slab=\"1\",command=\"set\",status=\"hit\"} 1",
        "memcached_slab_lru_hits_total{slab=\"1\",lru=\"cold\"} 1",
        "memcached_slab_chunk_size_bytes{slab=\"1\"} 96",
        "# TYPE memcached_commands_total counter",
        "# TYPE memcached_current_items gauge",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}\n{metrics}"
        );
    }
    // All samples of a name stand together, behind one header.
    let names: Vec<&str> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(['{', ' ']).next().unwrap())
        .collect();
    let mut groups = names.clone();
    groups.dedup();
    let headers = metrics.matches("# TYPE ").count();
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!((groups.len(), headers), (distinct.len(), distinct.len()));
}

#[test]
fn json_is_one_word_of_all_reports() {
    let mut cache = Cache::new();
    cache.ask(b"set a 0 0 1\r\n1\r\n");
    let answer = cache.ask(b"stats json\r\n");
    let object = answer
        .strip_prefix("STAT json ")
        .and_then(|rest| rest.strip_suffix("\r\nEND\r\n"))
        .unwrap();
    assert!(!object.contains([' ', '\r', '\n']));
    for part in [
        r#"{"general":{"pid":0,"uptime":10,"#,
        r#","curr_items":1,"#,
        r#"},"settings":{"maxbytes":67108864,"#,
        r#""memory_file":"(null)","#,
        r#"},"items":{"1":{"number":1,"#,
        r#"}},"slabs":{"1":{"chunk_size":96,"#,
        r#"},"active_slabs":1,"total_malloced":"#,
    ] {
        assert!(object.contains(part), "{part}\n{object}");
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

#[test]
fn the_manual_explains_every_name() {
    const MANUAL: &str = include_str!("../../../docs/stats.md");
    let all = [
        NEWEST,
        SETTINGS,
        ITEMS,
        SLABS,
        "active_slabs total_malloced",
    ]
    .join(" ");
    for name in all.split(' ') {
        assert!(MANUAL.contains(&format!("`{name}`")), "{name}");
    }
}
