use std::time::Duration;

use super::*;
use crate::settings::{Authentication, Endpoint, Listen, Protocol};

fn run(line: &str) -> Options {
    match parse(line.split_whitespace()) {
        Ok(Request::Run(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

fn refuse(line: &str) -> (u8, String) {
    let error = parse(line.split_whitespace()).expect_err(line);
    (error.status().code(), error.to_string())
}

fn address(text: &str) -> Endpoint {
    Listen::Address(text.parse().unwrap()).into()
}

#[test]
fn nothing_given_means_memcacheds_defaults() {
    let options = run("");
    assert_eq!(options.settings, Settings::default());
    assert_eq!(options.settings.listen, [Listen::Everywhere(11211).into()]);
    assert!(!options.daemon && options.user.is_none() && options.pid_file.is_none());
}

#[test]
fn sysconfig_line_of_the_guide_is_understood() {
    let options = run("-p 11211 -u memcached -m 256 -c 1024 -l 10.0.0.95");
    assert_eq!(options.settings.listen, [address("10.0.0.95:11211")]);
    assert_eq!(options.settings.memory_bytes, 256 << 20);
    assert_eq!(options.settings.connections_max, 1024);
    assert_eq!(options.user.as_deref(), Some("memcached"));
}

#[test]
fn values_come_bundled_separate_or_behind_equals() {
    for line in [
        "-m 128 -vv -M -d",
        "-m128 -v -v -dM",
        "--memory-limit=128 -dMvv",
        "--memory-limit 128 --verb -vdM",
    ] {
        let options = run(line);
        assert_eq!(options.settings.memory_bytes, 128 << 20, "{line}");
        assert_eq!(options.settings.verbosity, 2, "{line}");
        assert!(options.daemon && !options.settings.evict, "{line}");
    }
}

#[test]
fn every_flag_that_does_something_arrives() {
    let options =
        run("-t 2 -R5 -b 7 -C -F -k -r -I 2m -P /run/x.pid -o idle_timeout=9,no_maxconns_fast");
    let settings = &options.settings;
    assert_eq!(
        (
            settings.threads,
            settings.requests_per_event,
            settings.backlog
        ),
        (2, 5, 7)
    );
    assert!(!settings.cas && !settings.flush_all && !settings.refuse_when_full);
    assert_eq!(settings.item_bytes_max, 2 << 20);
    assert_eq!(settings.idle_timeout, Some(Duration::from_secs(9)));
    assert!(options.lock_memory && options.core_dumps);
    assert_eq!(options.pid_file, Some("/run/x.pid".into()));
}

#[test]
fn listen_takes_lists_repeats_ports_and_both_families() {
    let options = run("-l 127.0.0.1,127.0.0.2:5 -l [::1]:6;::1 -l localhost:7 -p 4 -l 127.0.0.1");
    assert_eq!(
        options.settings.listen,
        [
            address("127.0.0.1:4"),
            address("127.0.0.2:5"),
            address("[::1]:6"),
            address("[::1]:4"),
            Listen::Host("localhost".into(), 7).into(),
        ]
    );
    // memcached drops a repeated -l that is part of an earlier one. We do not.
    let options = run("-l 127.0.0.11 -l 127.0.0.1");
    assert_eq!(options.settings.listen.len(), 2);
}

#[test]
fn unix_socket_replaces_the_network() {
    let options = run("-s /tmp/x -a 660 -p 5 -l 127.0.0.1");
    assert_eq!(
        options.settings.listen,
        [Listen::Unix {
            path: "/tmp/x".into(),
            mode: 0o660
        }
        .into()]
    );
}

#[test]
fn port_minus_one_is_any_and_zero_is_none() {
    assert_eq!(run("-p -1").settings.listen, [Listen::Everywhere(0).into()]);
    assert_eq!(refuse("-p 0").0, 64);
    assert_eq!(run("-p 0 -s /tmp/x").settings.listen.len(), 1);
}

#[test]
fn knobs_without_meaning_are_accepted() {
    run("-f 1.1 -n 96 -L -X -W -U 0 -B auto -o modern,hashpower=20,no_lru_crawler,slab_automove=2");
    run("-o no_drop_privileges -o no_modern,no_hashexpand,resp_obj_mem_limit=3 --protocol=ascii");
}

#[test]
fn memory_for_long_requests_comes_in_megabytes_and_zero_is_no_limit() {
    for (line, bytes) in [
        ("", 64 << 20),
        ("-o read_buf_mem_limit=3", 3 << 20),
        ("-o read_buf_mem_limit=0", usize::MAX),
    ] {
        assert_eq!(run(line).settings.long_request_bytes_max, bytes);
    }
}

#[test]
fn what_is_not_here_is_an_error_and_says_what_instead() {
    for (line, part) in [
        ("-o ext_path=/x:1g", "items are kept in memory only"),
        ("-o proxy_config=/x", "there is no proxy in here"),
        ("-o drop_privileges", "by its unit"),
        ("-o sock_cookie_id=5", "by the firewall"),
    ] {
        let (status, message) = refuse(line);
        assert_eq!(status, 64, "{line}");
        assert!(message.contains(part), "{line}: {message}");
    }
}

#[test]
fn what_clients_may_do_is_for_the_engine_to_know() {
    let engine = run("-A -X -W -D / -L -o track_sizes,watcher_logbuf_size=8,worker_logbuf_size=4")
        .settings
        .engine;
    assert!(engine.shutdown_enabled && !engine.dump_enabled && !engine.watch_enabled);
    assert!(engine.detail_enabled && engine.memory_fixed && engine.track_sizes);
    assert_eq!(engine.prefix_delimiter, b'/');
    assert_eq!(engine.watcher_log_bytes_max, 8192);
    assert_eq!(engine.worker_log_bytes_max, 4096);
}

#[test]
fn knobs_that_turn_nothing_are_kept_to_be_shown() {
    let engine = run(concat!(
        "-f 1.5 -n 96 -N 2 -o hashpower=20,tail_repair_time=60,lru_crawler_sleep=5 ",
        "-o lru_crawler_tocrawl=6,hot_lru_pct=30,warm_lru_pct=50,hot_max_factor=0.5 ",
        "-o warm_max_factor=3,temporary_ttl=30,slab_chunk_max=256,slab_automove=2 ",
        "-o slab_automove_ratio=0.5,slab_automove_window=30,no_lru_crawler,no_slab_reassign",
    ))
    .settings
    .engine;
    let (lru, slabs) = (engine.lru, engine.slabs);
    assert_eq!((engine.hash_power, engine.tail_repair_secs), (20, 60));
    assert_eq!(engine.napi_ids, 2);
    assert_eq!((lru.crawler_sleep_us, lru.crawler_items_max), (5, 6));
    assert_eq!((lru.hot_percent, lru.warm_percent), (30, 50));
    assert_eq!((lru.hot_factor, lru.warm_factor), (0.5, 3.0));
    assert!(lru.temporary && lru.temporary_ttl_secs == 30 && !lru.crawler && lru.maintainer);
    assert_eq!((slabs.growth_factor, slabs.chunk_bytes_min), (1.5, 96));
    assert_eq!((slabs.chunk_bytes_max, slabs.automove), (256 << 10, 2));
    assert_eq!((slabs.automove_ratio, slabs.automove_window), (0.5, 30));
    assert!(!slabs.reassign);
}

#[test]
fn no_modern_is_what_1_4_had_and_words_behind_it_count() {
    let settings = run("-o no_modern,lru_crawler").settings;
    assert!(settings.engine.lru.crawler && !settings.engine.lru.maintainer);
    assert!(!settings.engine.lru.segmented && !settings.engine.slabs.reassign);
    assert_eq!(settings.engine.slabs.automove, 0);
    assert!(!settings.refuse_when_full);
}

#[test]
fn bad_values_of_words_exit_as_in_memcached() {
    for (word, status) in [
        ("hashpower=11", 1),
        ("hashpower=33", 1),
        ("tail_repair_time=9", 1),
        ("hash_algorithm=md5", 1),
        ("lru_crawler_sleep=1000001", 1),
        ("hot_lru_pct=0", 1),
        ("hot_max_factor=0", 1),
        ("slab_automove=3", 1),
        ("slab_automove_ratio=1", 1),
        ("slab_automove_window=2", 1),
        ("slab_chunk_max=2048", 1),
        ("slab_sizes=8", 64),
        ("slab_sizes=100-50", 64),
        ("hot_lru_pct=50,warm_lru_pct=31", 64),
        ("no_lru_maintainer,temporary_ttl=10", 64),
        ("no_track_sizes", 1),
        ("read_buf_mem_limit=x", 1),
    ] {
        assert_eq!(refuse(&format!("-o {word}")).0, status, "{word}");
    }
    run("-o hashpower=12 -o hashpower=32 -o slab_automove,slab_sizes=100-200-300");
    assert_eq!(run("-o resp_obj_mem_limit=5").warnings.len(), 1);
}

#[test]
fn whoever_authenticates_speaks_one_protocol_and_no_udp() {
    let settings = run("-Y /users -l 127.0.0.1:1").settings;
    assert_eq!(settings.listen[0].protocol, Protocol::Text);
    assert_eq!(
        settings.authentication,
        Some(Authentication::Text("/users".into()))
    );
    let settings = run("-S -s /tmp/x").settings;
    assert_eq!(settings.listen[0].protocol, Protocol::Binary);
    assert_eq!(
        settings.authentication,
        Some(Authentication::Sasl("".into()))
    );
    run("-Y /users -B ascii");
    for line in [
        "-Y /users -B binary",
        "-B auto -Y /users",
        "-Y /users -l proto[binary]:127.0.0.1",
        "-Y /users -U 5",
        "-S -B ascii",
        "-S -U 5",
        "-S -Y /users",
    ] {
        assert_eq!(refuse(line).0, 64, "{line}");
    }
}

#[test]
fn file_of_options_counts_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("memcached.conf");
    std::fs::write(&file, "-d\n-m 128\n-c 5\nlogfile /x\n").unwrap();
    let name = file.to_str().unwrap();
    let options = run(&format!("-m 64 --config {name} -c 7"));
    assert_eq!(options.settings.memory_bytes, 128 << 20);
    assert_eq!(options.settings.connections_max, 7);
    assert!(!options.daemon);
    assert_eq!(refuse("--config /nowhere/at/all").0, 71);
    std::fs::write(&file, "-m ten").unwrap();
    let (status, message) = refuse(&format!("--config={name}"));
    assert!(status == 1 && message.contains(name), "{message}");
    std::fs::write(&file, format!("--config {name}")).unwrap();
    assert_eq!(refuse(&format!("--config={name}")).0, 64);
}

#[test]
fn bad_words_and_values_exit_with_1_and_name_the_flag() {
    for (line, message) in [
        ("--tcp=1", "unknown option '--tcp'; see --help"),
        ("-q", "unknown option '-q'; see --help"),
        ("serve", "unexpected argument 'serve'; see --help"),
        ("-c", "-c, --conn-limit requires a value; see --help"),
        ("-c 0", "-c, --conn-limit: '0' is not a number of 1 or more"),
        ("-t 0", "-t, --threads: '0' is not a number of 1 or more"),
        (
            "-f 1",
            "-f, --slab-growth-factor: '1' is not a number above 1",
        ),
        (
            "-n x",
            "-n, --slab-min-size: 'x' is not a number of 1 or more",
        ),
        ("-p 70000", "-p, --port: '70000' is not a port number"),
        (
            "-a 9",
            "-a, --unix-mask: '9' is not an octal mode of 0 to 777",
        ),
        (
            "-m ten",
            "-m, --memory-limit: 'ten' is not a number of 1 or more",
        ),
        (
            "-m 99999999999",
            "-m, --memory-limit: 99999999999 megabytes is more than a machine has",
        ),
        (
            "-o tachyons",
            "-o, --extended: illegal suboption 'tachyons'; see --help",
        ),
        (
            "-o idle_timeout",
            "-o, --extended: 'idle_timeout' requires a value",
        ),
        ("-l [::1", "-l, --listen: missing ']' in '[::1'"),
        ("-l ,", "-l, --listen: no address given"),
        (
            "--l=x",
            "'--l' is ambiguous: -l, --listen or -k, --lock-memory?",
        ),
        ("--daemon=yes", "--daemon takes no value"),
    ] {
        assert_eq!(refuse(line), (1, message.to_owned()), "{line}");
    }
}

#[test]
fn contradictions_exit_with_64() {
    assert_eq!(refuse("-m 1").0, 64);
    assert_eq!(refuse("-I 33m").0, 64);
    assert_eq!(refuse("-I 1023").0, 64);
    assert_eq!(refuse("-I 1025m").0, 64);
    assert_eq!(refuse("-B morse").0, 64);
    run("-I 32m");
}

#[test]
fn questions_are_answered_whatever_else_is_asked() {
    assert_eq!(parse(["-m", "64", "-h", "--bogus"]), Ok(Request::Help));
    assert_eq!(parse(["-V"]), Ok(Request::Version));
    assert_eq!(parse(["--license"]), Ok(Request::Licence));
    assert_eq!(parse(["--check-config", "-m", "64"]), Ok(Request::Check));
    assert_eq!(
        parse(["--check-config", "-m", "x"]).unwrap_err().status(),
        Status::Failure
    );
}

#[test]
fn memory_file_has_a_name_and_is_what_save_on_term_needs() {
    let options = run("-e /x/memory");
    assert_eq!(options.settings.memory_file, Some("/x/memory".into()));
    assert!(!options.save_on_term);
    assert!(run("--save-on-term --memory-file=relative -C -M -L").save_on_term);
    assert_eq!(
        parse(["-e", ""]).unwrap_err().to_string(),
        "-e, --memory-file: the name of the file is empty"
    );
    assert_eq!(refuse("-e").0, 1);
    assert_eq!(
        refuse("--save-on-term"),
        (
            64,
            "--save-on-term needs a memory file (-e) to save to".to_owned()
        )
    );
}

#[test]
fn help_shows_every_flag_and_fits_a_terminal() {
    let text = help();
    assert!(text.starts_with(&version()));
    for flag in
        "-p -s -a -l -d -u -m -M -c -t -R -P -v -b -I -C -F -k -r -h -V -i -U -B -e".split(' ')
    {
        assert!(text.contains(&format!("  {flag}, --")), "{flag}");
    }
    for line in text.lines() {
        assert!(line.len() < 80, "{line}");
        assert_eq!(line.trim_end(), line);
    }
}

#[test]
fn too_many_threads_warn() {
    assert_eq!(run("-t 64").warnings.len(), 0);
    assert_eq!(run("-t 65").warnings.len(), 1);
}

#[test]
fn protocol_is_for_all_listeners_that_do_not_say_their_own() {
    let options =
        run("-B binary -l 127.0.0.1:1 -l proto[ascii]:127.0.0.1:2,proto[negotiating]:[::1]:3");
    let protocols = options
        .settings
        .listen
        .iter()
        .map(|endpoint| endpoint.protocol);
    assert_eq!(
        protocols.collect::<Vec<_>>(),
        [Protocol::Binary, Protocol::Text, Protocol::Negotiate]
    );
    assert_eq!(run("-B ascii").settings.listen[0].protocol, Protocol::Text);
    let unix = run("-B binary -s /tmp/x").settings.listen;
    assert_eq!(unix[0].protocol, Protocol::Binary);
}

#[test]
fn prefixes_come_in_any_order_and_once_each() {
    let endpoint = &run("-l tag[ab]:proto[ascii]:127.0.0.1:1").settings.listen[0];
    assert_eq!(endpoint.tag.as_deref(), Some("ab"));
    assert_eq!(endpoint.protocol, Protocol::Text);
    let endpoint = &run("-l tag_a_b_:127.0.0.1").settings.listen[0];
    assert_eq!(endpoint.tag.as_deref(), Some("a_b"));
    for (line, message) in [
        (
            "-l proto[morse]:x",
            "'morse' is none of ascii, binary, negotiating",
        ),
        ("-l tag[]:x", "tag of 0 bytes is not within 1 and 8"),
        (
            "-l tag[123456789]:x",
            "tag of 9 bytes is not within 1 and 8",
        ),
        (
            "-l tag[a]:tag_b_:x",
            "'tag[a]:tag_b_:x' has two prefixes of a kind",
        ),
    ] {
        let message = format!("-l, --listen: {message}");
        assert_eq!(refuse(line), (1, message), "{line}");
    }
    let (status, message) = refuse("-l notls:127.0.0.1:1");
    assert!(status == 64 && message.contains("TLS (-Z)"), "{message}");
}

#[test]
fn udp_goes_where_tcp_goes_and_takes_it_along_without_p() {
    let settings = run("-U 5").settings;
    assert_eq!(settings.udp, [Listen::Everywhere(5)]);
    assert_eq!(settings.listen, [Listen::Everywhere(5).into()]);
    // A port of its own goes before that of -U, as in memcached.
    let settings = run("-U 5 -p 6 -l 127.0.0.1 -l 127.0.0.2:7").settings;
    let place = |text: &str| Listen::Address(text.parse().unwrap());
    assert_eq!(settings.udp, [place("127.0.0.1:5"), place("127.0.0.2:7")]);
    assert_eq!(
        settings.listen,
        [address("127.0.0.1:6"), address("127.0.0.2:7")]
    );
    let settings = run("-U -1 -p 0").settings;
    assert_eq!(
        (settings.udp, settings.listen),
        (vec![Listen::Everywhere(0)], Vec::new())
    );
    assert!(run("-U 5 -s /tmp/x").settings.udp.is_empty());
    assert_eq!(run("-o udp_rate_limit=2").settings.udp_bytes_per_sec, 2048);
}

#[test]
#[cfg(not(feature = "tls"))]
fn tls_that_is_not_built_in_is_an_error_and_says_so() {
    let (status, message) = refuse("-Z -o ssl_chain_cert=/x");
    assert!(
        status == 64 && message.contains("built without TLS"),
        "{message}"
    );
}

#[test]
#[cfg(feature = "tls")]
fn words_about_tls_arrive() {
    use crate::settings::{ClientCertificate, KeyFormat, Security, TlsVersion};
    let settings = run(concat!(
        "-Z -o ssl_chain_cert=/c,ssl_key=/k,ssl_keyformat=2,ssl_verify_mode=1 ",
        "-o ssl_ca_cert=/a,ssl_ciphers=ECDHE-RSA-AES128-GCM-SHA256,ssl_min_version=3 ",
        "-o ssl_session_cache,ssl_wbuf_size=4 ",
        "-l 127.0.0.1:1,notls:127.0.0.1:2,btls:127.0.0.1:3,mtls:127.0.0.1:4",
    ))
    .settings;
    let tls = settings.tls.unwrap();
    assert_eq!((tls.chain, tls.key), ("/c".into(), Some("/k".into())));
    assert_eq!(
        (tls.key_format, tls.version_min),
        (KeyFormat::Der, TlsVersion::Tls13)
    );
    assert_eq!(tls.client_authorities, Some("/a".into()));
    assert_eq!(tls.ciphers.as_deref(), Some("ECDHE-RSA-AES128-GCM-SHA256"));
    assert!(tls.session_cache && tls.write_buffer_bytes == 4096);
    let securities = settings.listen.iter().map(|endpoint| endpoint.security);
    assert_eq!(
        securities.collect::<Vec<_>>(),
        [
            Security::Tls(ClientCertificate::Wanted),
            Security::Plain,
            Security::Tls(ClientCertificate::Ignored),
            Security::Tls(ClientCertificate::Required),
        ]
    );
}

#[test]
#[cfg(feature = "tls")]
fn what_tls_can_not_have_is_an_error() {
    for (line, status, part) in [
        ("-Z", 64, "needs a certificate"),
        ("-o ssl_min_version=1", 64, "TLS 1.1 is not safe"),
        ("-o ssl_min_version=4", 1, "'4' is none of"),
        ("-o ssl_verify_mode=4", 1, "'4' is none of"),
        ("-o ssl_keyformat=0", 1, "'0' is none of"),
        ("-o ssl_kernel_tls", 64, "can't be had"),
        ("-o ssl_wbuf_size=0", 1, "not a number of 1 or more"),
        ("-o ssl_wbuf_size=1025", 1, "exceed 1024"),
    ] {
        let (found, message) = refuse(line);
        assert!(
            found == status && message.contains(part),
            "{line}: {message}"
        );
    }
}

#[test]
fn words_about_tls_without_tls_are_warned_of() {
    assert_eq!(
        run("-o ssl_key=/k").warnings,
        ["ssl_key (-o) has no effect without TLS (-Z)"]
    );
}
