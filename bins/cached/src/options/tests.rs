use std::time::Duration;

use super::*;
use crate::settings::{Endpoint, Listen, Protocol};

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
fn what_is_not_implemented_is_an_error_and_says_so() {
    for line in [
        "-A",
        "-S",
        "-Y /x",
        "-D :",
        "-N 2",
        "-o ext_path=x",
        "-o drop_privileges",
    ] {
        let (status, message) = refuse(line);
        assert_eq!(status, 64, "{line}");
        assert!(message.contains("not implemented yet"), "{line}: {message}");
    }
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
            "'--l' is ambiguous: -l, --listen or -b, --listen-backlog?",
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
