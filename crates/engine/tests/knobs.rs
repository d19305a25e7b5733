//! What operators turn: answers, effects, and what `stats settings` says then.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cache;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use cache::{Cache, converse, talk};
use steadfast_engine::{
    ConnectionFacts, NoProcess, Process, ProcessFacts, Settings, Shutdown, TlsFacts, TlsSettings,
};

/// The value in `stats settings`.
fn setting(cache: &mut Cache, name: &str) -> String {
    let settings = cache.ask(b"stats settings\r\n");
    let mut lines = settings.split("\r\n");
    let value = lines.find_map(|line| line.strip_prefix(&format!("STAT {name} ")));
    value.unwrap_or("missing").to_string()
}

#[test]
fn lists_are_tuned_as_in_memcached() {
    talk(&[
        (b"lru\r\n", b"ERROR\r\n"),
        (b"lru mode flat\r\n", b"OK\r\n"),
        (b"lru mode foo\r\n", b"ERROR\r\n"),
        (b"lru tune 10 20 0.1 1.0\r\n", b"OK\r\n"),
        (
            b"lru tune 50 40 1 1\r\n",
            b"ERROR hot and warm pcts must not exceed 80\r\n",
        ),
        (
            b"lru tune 10 10 0 1\r\n",
            b"ERROR hot/warm age factors must be greater than 0\r\n",
        ),
        (b"lru tune 10 10 x 1\r\n", b"ERROR\r\n"),
        (b"lru temp_ttl 5\r\n", b"OK\r\n"),
        (b"lru temp_ttl x\r\n", b"ERROR\r\n"),
        (b"lru mode flat noreply\r\nget x\r\n", b"END\r\n"),
    ]);
}

#[test]
fn pages_never_move() {
    talk(&[
        (
            b"slabs reassign 1 2\r\n",
            b"NOSPARE source class has no spare pages\r\n",
        ),
        (
            b"slabs reassign 1 1\r\n",
            b"SAME src and dst class are identical\r\n",
        ),
        (
            b"slabs reassign -1 2\r\n",
            b"BADCLASS invalid src or dst class id\r\n",
        ),
        (
            b"slabs reassign 99 1\r\n",
            b"BADCLASS invalid src or dst class id\r\n",
        ),
        (
            b"slabs reassign a b\r\n",
            b"CLIENT_ERROR bad command line format\r\n",
        ),
        (b"slabs automove 2\r\n", b"OK\r\n"),
        (b"slabs automove 3\r\n", b"ERROR\r\n"),
        (
            b"slabs automove x\r\n",
            b"CLIENT_ERROR bad command line format\r\n",
        ),
        (b"slabs automove ratio 0.5\r\n", b"OK\r\n"),
        (b"slabs automove freeratio 0.1\r\n", b"OK\r\n"),
        (b"slabs automove window 20\r\n", b"OK\r\n"),
        (
            b"slabs automove window 2\r\n",
            b"CLIENT_ERROR automove window too low or too high\r\n",
        ),
    ]);
    let mut settings = Settings::default();
    settings.slabs.reassign = false;
    let mut cache = Cache::with(steadfast_store::Settings::default(), settings);
    assert_eq!(
        cache.ask(b"slabs reassign 1 2\r\n"),
        "CLIENT_ERROR slab reassignment disabled\r\n"
    );
}

#[test]
fn the_crawler_is_switched_and_started() {
    talk(&[
        (
            b"lru_crawler enable\r\n",
            b"ERROR failed to start lru crawler thread\r\n",
        ),
        (
            b"lru_crawler crawl all\r\n",
            b"NOTSTARTED no items to crawl\r\n",
        ),
        (b"set a 0 0 1\r\nx\r\n", b"STORED\r\n"),
        (b"lru_crawler crawl 1,2\r\n", b"OK\r\n"),
        (b"lru_crawler crawl 0\r\n", b"BADCLASS invalid class id\r\n"),
        (
            b"lru_crawler crawl hash\r\n",
            b"ERROR an unknown error happened\r\n",
        ),
        (b"lru_crawler disable\r\n", b"OK\r\n"),
        (
            b"lru_crawler crawl all\r\n",
            b"CLIENT_ERROR lru crawler disabled\r\n",
        ),
        (b"lru_crawler enable\r\n", b"OK\r\n"),
        (b"lru_crawler sleep 1000000\r\n", b"OK\r\n"),
        (
            b"lru_crawler sleep 1000001\r\n",
            b"CLIENT_ERROR sleep must be one second or less\r\n",
        ),
        (b"lru_crawler tocrawl 10\r\n", b"OK\r\n"),
        (
            b"lru_crawler tocrawl x\r\n",
            b"CLIENT_ERROR bad command line format\r\n",
        ),
    ]);
}

#[test]
fn a_crawl_looks_at_every_item_and_a_disabled_crawler_at_none() {
    let mut cache = Cache::new();
    for number in 0..20_000 {
        cache.ask(format!("set key{number} 0 1 1 noreply\r\nx\r\n").as_bytes());
    }
    cache.ask(b"lru_crawler disable\r\n");
    cache.wait(5);
    cache.engine.sweep(cache.now);
    assert_eq!(cache.engine.store().stats().items, 20_000);
    cache.ask(b"lru_crawler enable\r\nlru_crawler crawl all\r\n");
    assert!(
        cache
            .ask(b"stats\r\n")
            .contains("STAT lru_crawler_running 1\r\n")
    );
    cache.engine.sweep(cache.now);
    let stats = cache.ask(b"stats\r\n");
    for line in [
        "curr_items 0",
        "crawler_reclaimed 20000",
        "lru_crawler_starts 1",
        "lru_crawler_running 0",
    ] {
        assert!(stats.contains(&format!("STAT {line}\r\n")), "{line}");
    }
}

#[test]
fn settings_show_what_was_turned() {
    let mut cache = Cache::new();
    cache.ask(
        b"lru mode flat\r\nlru tune 10 20 0.1 1.0\r\nlru temp_ttl 5\r\n\
        slabs automove 2\r\nslabs automove ratio 0.5\r\nslabs automove window 20\r\n\
        lru_crawler sleep 7\r\nlru_crawler tocrawl 8\r\nlru_crawler disable\r\n\
        stats detail on\r\ncache_memlimit 100\r\n",
    );
    for (name, value) in [
        ("maxbytes", "104857600"),
        ("detail_enabled", "yes"),
        ("slab_automove", "2"),
        ("slab_automove_ratio", "0.50"),
        ("slab_automove_window", "20"),
        ("lru_crawler", "no"),
        ("lru_crawler_sleep", "7"),
        ("lru_crawler_tocrawl", "8"),
        ("lru_segmented", "no"),
        ("hot_lru_pct", "10"),
        ("warm_lru_pct", "20"),
        ("hot_max_factor", "0.10"),
        ("warm_max_factor", "1.00"),
        ("temp_lru", "yes"),
        ("temporary_ttl", "5"),
    ] {
        assert_eq!(setting(&mut cache, name), value, "{name}");
    }
    cache.ask(b"lru temp_ttl -1\r\n");
    assert_eq!(setting(&mut cache, "temp_lru"), "no");
}

#[test]
fn the_memory_limit_moves_within_its_bounds() {
    let answers: &[(&[u8], &[u8])] = &[
        (
            b"cache_memlimit 4\r\n",
            b"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n",
        ),
        (
            b"cache_memlimit 1000000001\r\n",
            b"MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n",
        ),
        (b"cache_memlimit x\r\n", b"ERROR\r\n"),
        (b"cache_memlimit 4 noreply\r\nget x\r\n", b"END\r\n"),
        (b"cache_memlimit 8\r\n", b"OK\r\n"),
    ];
    talk(answers);
    let mut settings = Settings::default();
    settings.memory_fixed = true;
    let mut cache = Cache::with(steadfast_store::Settings::default(), settings);
    assert_eq!(
        cache.ask(b"cache_memlimit 100\r\n"),
        "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n"
    );
}

#[test]
fn a_lowered_limit_is_reached_by_sweeping_whether_or_not_the_crawler_is_on() {
    let mut cache = Cache::new();
    let value = "x".repeat(1000);
    for number in 0..40_000 {
        let set = format!("set key{number} 0 0 1000 noreply\r\n{value}\r\n");
        cache.ask(set.as_bytes());
    }
    let before = cache.engine.store().stats();
    assert!(before.memory_bytes > 32 << 20);
    cache.ask(b"lru_crawler disable\r\ncache_memlimit 16\r\n");
    for _ in 0..100 {
        cache.engine.sweep(cache.now);
    }
    let after = cache.engine.store().stats();
    assert_eq!(after.memory_bytes_max, 16 << 20);
    assert!(after.memory_bytes <= 16 << 20, "{}", after.memory_bytes);
    assert!(after.items > 8000 && after.evictions > 0);
}

/// Notes what it was asked to do.
#[derive(Debug, Default)]
struct Notes {
    shutdown: Mutex<Option<Shutdown>>,
    refreshed: AtomicU32,
}

#[derive(Debug)]
struct Noting(Arc<Notes>);

impl Process for Noting {
    fn facts(&self) -> ProcessFacts {
        let mut tls = TlsFacts::default();
        tls.sessions_new = Some(3);
        tls.protocol_errors = 2;
        let mut facts = NoProcess.facts();
        facts.tls = Some(tls);
        facts
    }

    fn visit_connections(&self, visit: &mut dyn FnMut(&ConnectionFacts<'_>)) {
        // The sessions of these tests have the number 0.
        visit(&ConnectionFacts {
            id: 0,
            address: "tcp:127.0.0.1:4000",
            listen_address: Some("tcp:127.0.0.1:11211"),
            state: "conn_read",
            idle_secs: 0,
        });
        visit(&ConnectionFacts {
            id: 7,
            address: "udp:127.0.0.1:11211",
            listen_address: None,
            state: "conn_read",
            idle_secs: 1,
        });
        visit(&ConnectionFacts {
            id: 9,
            address: "tcp:127.0.0.1:5000",
            listen_address: Some("tcp:127.0.0.1:11211"),
            state: "conn_mwrite",
            idle_secs: 0,
        });
    }

    fn handle_reset(&self) {}

    fn handle_shutdown(&self, how: Shutdown) {
        *self.0.shutdown.lock().unwrap() = Some(how);
    }

    fn refresh_certificates(&self) -> Result<(), String> {
        match self.0.refreshed.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err("Error loading the certificate".into()),
        }
    }
}

fn noting(settings: Settings) -> (Cache, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    let process = Box::new(Noting(Arc::clone(&notes)));
    let cache = Cache::in_process(steadfast_store::Settings::default(), settings, process);
    (cache, notes)
}

#[test]
fn nobody_ends_the_process_unless_that_is_allowed() {
    converse(
        Cache::new,
        &[
            (b"shutdown\r\n", b"SERVER_ERROR: shutdown not enabled\r\n"),
            (
                b"shutdown now\r\n",
                b"SERVER_ERROR: shutdown not enabled\r\n",
            ),
            (b"get x\r\n", b"END\r\n"),
        ],
    );
    let mut settings = Settings::default();
    settings.shutdown_enabled = true;
    for (words, how) in [
        ("shutdown", Shutdown::Now),
        ("shutdown graceful", Shutdown::Graceful),
    ] {
        let (mut cache, notes) = noting(settings.clone());
        assert_eq!(
            cache.ask(b"shutdown now\r\n"),
            "CLIENT_ERROR invalid shutdown mode\r\n"
        );
        assert!(!cache.closed);
        assert_eq!(cache.ask(format!("{words}\r\nget x\r\n").as_bytes()), "");
        assert!(cache.closed);
        assert_eq!(*notes.shutdown.lock().unwrap(), Some(how));
    }
}

#[test]
fn certificates_are_refreshed_by_the_process() {
    assert_eq!(
        Cache::new().ask(b"refresh_certs\r\n"),
        "Error TLS not enabled\r\n"
    );
    let (mut cache, _) = noting(Settings::default());
    assert_eq!(cache.ask(b"refresh_certs\r\n"), "OK\r\n");
    assert_eq!(
        cache.ask(b"refresh_certs\r\n"),
        "Error loading the certificate\r\n"
    );
}

#[test]
fn connections_are_shown_with_the_asking_one_at_work_and_datagram_sockets_marked() {
    let (mut cache, _) = noting(Settings::default());
    assert_eq!(
        cache.ask(b"stats conns\r\n"),
        "STAT 0:addr tcp:127.0.0.1:4000\r\nSTAT 0:listen_addr tcp:127.0.0.1:11211\r\n\
        STAT 0:state conn_parse_cmd\r\nSTAT 0:secs_since_last_cmd 0\r\nSTAT 7:UDP UDP\r\nSTAT 7:addr udp:127.0.0.1:11211\r\nSTAT 7:state conn_read\r\n\
        STAT 7:secs_since_last_cmd 1\r\nSTAT 9:addr tcp:127.0.0.1:5000\r\n\
        STAT 9:listen_addr tcp:127.0.0.1:11211\r\nSTAT 9:state conn_mwrite\r\n\
        STAT 9:secs_since_last_cmd 0\r\nEND\r\n"
    );
}

#[test]
fn tls_has_its_lines_where_there_is_tls() {
    let mut settings = Settings::default();
    let mut tls = TlsSettings::default();
    tls.chain_file = "/etc/chain.pem".into();
    settings.tls = Some(tls);
    let (mut cache, _) = noting(settings);
    let stats = cache.ask(b"stats\r\n");
    assert!(
        stats.contains(
            "STAT log_watchers 0\r\nSTAT ssl_new_sessions 3\r\nSTAT ssl_handshake_errors 0\r\n\
            STAT ssl_proto_errors 2\r\nSTAT time_since_server_cert_refresh 0\r\n\
            STAT unexpected_napi_ids 0\r\n"
        ),
        "{stats}"
    );
    let settings = cache.ask(b"stats settings\r\n");
    assert!(
        settings.contains(
            "STAT inline_ascii_response no\r\nSTAT ssl_enabled yes\r\n\
            STAT ssl_chain_cert /etc/chain.pem\r\nSTAT ssl_key NULL\r\nSTAT ssl_verify_mode 0\r\n\
            STAT ssl_keyformat 1\r\nSTAT ssl_ciphers NULL\r\nSTAT ssl_ca_cert NULL\r\n\
            STAT ssl_wbuf_size 16384\r\nSTAT ssl_session_cache no\r\nSTAT ssl_kernel_tls no\r\n\
            STAT ssl_min_version tlsv1.2\r\nSTAT num_napi_ids 0\r\n"
        ),
        "{settings}"
    );
}
