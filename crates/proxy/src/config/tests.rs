use core::net::IpAddr;
use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::log;

/// The file of the guide, as printed.
const GUIDE: &str = include_str!("tests/guide.cfg");

/// What is said about files that are wrong.
mod faults;
/// What the guide's file means.
mod guide;
/// How much a file may hold.
mod limits;

/// What most files begin with.
const DEFAULTS: &str = "\
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
";

fn parse_text(text: &str) -> Parsed {
    parse(&[("f", text.as_bytes())], &|_| None)
}

/// The configuration of `text`, which must be without a fault or a warning.
fn config(text: &str) -> Config {
    let parsed = parse_text(text);
    assert_eq!(parsed.diagnostics, [], "{text}");
    parsed.config.unwrap()
}

/// The configuration of `lines` in a `listen` section that has all it needs.
fn listen(lines: &str) -> Config {
    config(&format!("{DEFAULTS}listen px\n    bind :80\n{lines}\n"))
}

/// All messages about `text`, a line each.
fn messages(text: &str) -> Vec<String> {
    let parsed = parse_text(text);
    let has_error = parsed
        .diagnostics
        .iter()
        .any(|one| one.severity == Severity::Error);
    assert_eq!(parsed.config.is_none(), has_error);
    parsed.diagnostics.iter().map(ToString::to_string).collect()
}

/// The message about the last of `lines` in a `listen` section, after its place.
fn complaint(line: &str) -> String {
    let messages = messages(&format!("{DEFAULTS}listen px\n bind :80\n {line}\n"));
    assert_eq!(messages.len(), 1, "{line}: {messages:?}");
    let rest = messages[0]
        .strip_prefix("f:8:")
        .unwrap_or_else(|| panic!("{}", messages[0]));
    rest.to_owned()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn the_last_connection_option_of_a_section_wins() {
    let mode = |lines: &str| listen(lines).frontends[0].connection_mode;
    assert_eq!(mode(""), ConnectionMode::KeepAlive);
    assert_eq!(
        mode("option httpclose\noption http-server-close"),
        ConnectionMode::ServerClose
    );
    assert_eq!(
        mode("option http-server-close\noption httpclose"),
        ConnectionMode::Close
    );
    assert_eq!(
        mode("option httpclose\noption http-keep-alive"),
        ConnectionMode::KeepAlive
    );
    assert_eq!(
        mode("option httpclose\nno option httpclose"),
        ConnectionMode::KeepAlive
    );
    assert_eq!(
        mode("option httpclose\nno option http-server-close"),
        ConnectionMode::Close
    );
}

#[test]
fn sections_inherit_from_the_last_or_the_named_defaults() {
    let config = config(
        "defaults a\n mode http\n timeout client 1s\n retries 1\n\
         defaults b from a\n retries 2\n\
         defaults rules from a\n http-request del-header x\n\
         defaults\n mode http\n timeout client 9s\n\
         frontend f\n bind :1\n default_backend x\n\
         backend x\n\
         frontend g from rules\n bind :2\n\
         backend y from b\n\
         backend z from a\n no option redispatch\n",
    );
    let retries: Vec<_> = config
        .backends
        .iter()
        .map(|backend| backend.retries)
        .collect();
    assert_eq!(retries, [3, 2, 1]);
    assert_eq!(
        config.frontends[0].timeouts.client,
        Some(Duration::from_secs(9))
    );
    assert_eq!(
        config.frontends[1].timeouts.client,
        Some(Duration::from_secs(1))
    );
    assert_eq!(config.frontends[1].http_request.len(), 1);
    assert_eq!(config.frontends[0].default_backend, Some(0));
    assert_eq!(config.frontends[1].default_backend, None);
    let ids: Vec<_> = config.backends.iter().map(|backend| backend.id).collect();
    assert_eq!(ids, [3, 5, 6]);
    assert_eq!(
        config.proxies,
        [
            Proxy::Frontend(0),
            Proxy::Backend(0),
            Proxy::Frontend(1),
            Proxy::Backend(1),
            Proxy::Backend(2)
        ]
    );
}

#[test]
fn rules_of_defaults_belong_to_one_side() {
    let rules = "defaults r\n mode http\n timeout client 1s\n http-request del-header x\n";
    let one_side = format!("{rules}frontend f\n bind :1\nfrontend g from r\n bind :2\n");
    assert_eq!(config(&one_side).frontends[1].http_request.len(), 1);
    for (heir, told) in [
        (
            "listen l",
            "a listen section cannot inherit from a defaults section defining TCP/HTTP rules",
        ),
        (
            "defaults d from r",
            "a defaults section cannot inherit from a defaults section defining TCP/HTTP rules",
        ),
        (
            "backend b",
            "frontends and backends cannot inherit from the same defaults section if it defines \
             TCP/HTTP rules",
        ),
    ] {
        assert_eq!(
            messages(&format!("{one_side}{heir}\n")),
            [format!("f:9:1: error: {told} (defaults section at f:1).")]
        );
    }
}

#[test]
fn a_name_of_two_defaults_is_ambiguous() {
    let text = "defaults d\ndefaults d\nbackend b from d\n";
    let expected = "f:3:16: error: ambiguous defaults section name 'd' referenced by backend 'b' \
                    exists at least at f:1 and f:2.";
    assert_eq!(messages(text), [expected]);
}

#[test]
fn given_ids_are_kept_and_the_others_go_around_them() {
    let config = config(&format!(
        "{DEFAULTS}listen a\n bind :1\nlisten b\n bind :2\n id 2\n\
         server s1 h:1\n server s2 h:2 id 1\n server s3 h:3\n"
    ));
    let ids: Vec<_> = config
        .frontends
        .iter()
        .map(|frontend| frontend.id)
        .collect();
    assert_eq!(ids, [3, 2]);
    let ids: Vec<_> = config.backends[1]
        .servers
        .iter()
        .map(|server| server.id)
        .collect();
    assert_eq!(ids, [2, 1, 3]);
}

#[test]
fn global_sections_add_up() {
    let config = config(
        "global\n log 127.0.0.1 local0\n user a\n uid 3\n nbthread 2\n ulimit-n 500\n\
         global\n log /dev/log len 2048 format local local1 notice alert\n gid 4\n log-tag lb\n\
         log-send-hostname\n hard-stop-after 30s\n stats timeout 2m\n stats maxconn 5\n\
         stats socket /run/s.sock mode 660 level admin user root gid 0\n\
         stats socket ipv4@127.0.0.1:9999 level user\n stats socket unix@rel\n",
    );
    let global = config.global;
    assert_eq!(global.log.len(), 2);
    assert_eq!(global.log[1].address, Address::Unix("/dev/log".into()));
    assert_eq!(global.log[1].line_bytes_max, 2048);
    assert_eq!(global.log[1].level_max, log::Level::Notice);
    assert_eq!(global.log[1].level_min, log::Level::Alert);
    assert_eq!(global.log[1].position.to_string(), "f:8:2");
    assert_eq!(
        (&global.user, &global.group),
        (&Some(Account::Id(3)), &Some(Account::Id(4)))
    );
    assert_eq!(global.log_tag, "lb");
    assert_eq!(global.log_send_hostname, Some(LogHostname::System));
    assert_eq!((global.nbthread, global.ulimit_n), (Some(2), Some(500)));
    assert_eq!(global.hard_stop_after, Some(Duration::from_secs(30)));
    assert_eq!(
        (global.stats_timeout, global.stats_maxconn),
        (Duration::from_secs(120), 5)
    );
    let [path, tcp, relative] = &global.stats_sockets[..] else {
        panic!("three sockets")
    };
    assert_eq!((path.mode, path.level), (Some(0o660), Level::Admin));
    assert!(matches!(&path.user, Some(Account::Name(name, _)) if name == "root"));
    assert_eq!(path.group, Some(Account::Id(0)));
    assert_eq!(tcp.address, Address::Inet(Host::Ip(ip("127.0.0.1")), 9999));
    assert_eq!(relative.address, Address::Unix("rel".into()));
}

#[test]
fn server_settings_come_from_default_server_and_the_line() {
    let config = listen(
        "default-server check inter 1s fastinter 200 weight 5 maxconn 10\n\
         server a h:80\n\
         server b h:80 no-check weight 0 maxconn 0 backup disabled\n\
         server c h:80 downinter 5s port 81 addr 127.0.0.1 maxqueue 7\n",
    );
    let [a, b, c] = &config.backends[0].servers[..] else {
        panic!("three servers")
    };
    assert_eq!(
        (a.weight, a.maxconn, a.backup, a.disabled),
        (5, Some(10), false, false)
    );
    let ms = Duration::from_millis;
    let check = a.check.as_ref().unwrap();
    assert_eq!(
        (check.inter, check.fast_inter, check.down_inter),
        (ms(1000), ms(200), ms(1000))
    );
    assert_eq!((check.rise, check.fall), (2, 3));
    assert_eq!((b.check.as_ref(), b.weight, b.maxconn), (None, 0, None));
    assert!(b.backup && b.disabled);
    let check = c.check.as_ref().unwrap();
    assert_eq!((check.down_inter, check.port), (ms(5000), Some(81)));
    assert_eq!(check.host, Some(Host::Ip(ip("127.0.0.1"))));
    assert_eq!(c.maxqueue, Some(7));
}

#[test]
fn bind_ranges_and_lists_are_expanded() {
    let config = listen("bind 127.0.0.1:8000-8002,[::1]:81\nbind lb1.example:82\n");
    let binds: Vec<_> = config.frontends[0]
        .binds
        .iter()
        .map(|bind| format!("{} {} {}", bind.host, bind.port, bind.position))
        .collect();
    assert_eq!(
        binds,
        [
            "0.0.0.0 80 f:7:5",
            "127.0.0.1 8000 f:8:1",
            "127.0.0.1 8001 f:8:1",
            "127.0.0.1 8002 f:8:1",
            "::1 81 f:8:1",
            "lb1.example 82 f:9:1"
        ]
    );
}

#[test]
fn rules_match_names_as_told() {
    let config = listen(
        "http-request del-header Proxy\n\
         http-request del-header x- -m beg\n\
         http-request del-header -id -m end\n\
         http-request del-header trace -m sub\n\
         http-request del-header Via -m str\n\
         http-request set-header X-Proto http\n\
         http-request add-header X-Note \"a b\"\n",
    );
    let deletes = |name: &str| -> Vec<bool> {
        let matches = config.frontends[0]
            .http_request
            .iter()
            .map(|rule| match rule {
                HttpRequestRule::DelHeader(header) => header.matches(name.as_bytes()),
                _ => false,
            });
        matches.take(5).collect()
    };
    assert_eq!(deletes("proxy"), [true, false, false, false, false]);
    assert_eq!(deletes("Proxy-Connection"), [false; 5]);
    assert_eq!(deletes("X-Trace-ID"), [false, true, true, true, false]);
    assert_eq!(deletes("VIA"), [false, false, false, false, true]);
    assert_eq!(deletes(""), [false; 5]);
    let add = HttpRequestRule::AddHeader {
        name: "X-Note".into(),
        value: "a b".into(),
    };
    assert_eq!(config.frontends[0].http_request[6], add);
}

#[test]
fn log_sources_are_inherited_added_to_and_cleared() {
    let global = "global\n log 127.0.0.1 local0\n log 127.0.0.2 local1\n";
    let targets = |lines: &str| -> usize {
        let text = format!("{global}{DEFAULTS} log global\nlisten a\n bind :1\n{lines}");
        config(&text).frontends[0].logging.targets.len()
    };
    assert_eq!(targets(""), 2);
    assert_eq!(targets("log global\n"), 2);
    assert_eq!(targets("log 127.0.0.3:1514 daemon info\n"), 3);
    assert_eq!(targets("no log\n"), 0);
    assert_eq!(targets("no log\nlog 127.0.0.3 user\n"), 1);
}

#[test]
fn redispatch_counts_retries() {
    let redispatch = |line: &str| listen(line).backends[0].redispatch;
    assert_eq!(redispatch(""), Redispatch::Never);
    assert_eq!(redispatch("option redispatch"), Redispatch::FromLast(1));
    assert_eq!(redispatch("option redispatch 2"), Redispatch::Every(2));
    assert_eq!(redispatch("option redispatch -2"), Redispatch::FromLast(2));
    assert_eq!(redispatch("option redispatch 0"), Redispatch::Never);
    assert_eq!(
        redispatch("option redispatch\nno option redispatch"),
        Redispatch::Never
    );
}

#[test]
fn effective_timeouts_fall_back() {
    let timeouts = listen("").frontends[0].timeouts;
    let second = Some(Duration::from_secs(1));
    assert_eq!(timeouts.queue_or_connect(), second);
    assert_eq!(timeouts.keep_alive_or_request(), second);
    assert_eq!(timeouts.request_or_client(), second);
    assert_eq!(
        listen("timeout queue 0\n").frontends[0].timeouts.queue,
        None
    );
}

#[test]
fn environment_is_asked_inside_weak_quotes() {
    let text = format!(
        "{DEFAULTS}listen a\n bind \"${{ADDRESS}}:80\"\n timeout queue \"${{Q-7s}}\"\n http-request del-header $X\n"
    );
    let environment = |name: &str| (name == "ADDRESS").then(|| "127.0.0.1".to_owned());
    let parsed = parse(&[("f", text.as_bytes())], &environment);
    let config = parsed.config.unwrap();
    assert_eq!(config.frontends[0].binds[0].host, Host::Ip(ip("127.0.0.1")));
    assert_eq!(
        config.frontends[0].timeouts.queue,
        Some(Duration::from_secs(7))
    );
    let rule = HttpRequestRule::DelHeader(HeaderMatch::Name("$X".into()));
    assert_eq!(config.frontends[0].http_request, [rule]);
}

#[test]
fn old_forms_load_with_a_warning() {
    let text = format!(
        "{DEFAULTS}frontend f 127.0.0.1:81,:82\n clitimeout 5s\n option forceclose\n\
         default_backend b\nbackend b :80\n contimeout 6s\n srvtimeout 7s\n redispatch\n"
    );
    let expected = "\
f:6:12: warning: 'frontend f 127.0.0.1:81,:82' is an old form, which HAProxy refuses since 1.6; \
write 'bind 127.0.0.1:81,:82' on a line of its own today.
f:7:2: warning: 'clitimeout' is an old form; write 'timeout client' today.
f:8:2: warning: 'option forceclose' is an old form; write 'option httpclose' today.
f:10:11: warning: 'backend b :80': the address is ignored, a backend has no listener.
f:11:2: warning: 'contimeout' is an old form; write 'timeout connect' today.
f:12:2: warning: 'srvtimeout' is an old form; write 'timeout server' today.
f:13:2: warning: 'redispatch' is an old form; write 'option redispatch' today.";
    assert_eq!(messages(&text).join("\n"), expected);
    let config = parse_text(&text).config.unwrap();
    assert_eq!(config.frontends[0].binds.len(), 2);
    assert_eq!(config.frontends[0].connection_mode, ConnectionMode::Close);
    assert_eq!(
        config.frontends[0].timeouts.client,
        Some(Duration::from_secs(5))
    );
    assert_eq!(
        config.backends[0].timeouts.connect,
        Some(Duration::from_secs(6))
    );
    assert_eq!(
        config.backends[0].timeouts.server,
        Some(Duration::from_secs(7))
    );
    assert_eq!(config.backends[0].redispatch, Redispatch::FromLast(1));
}

#[test]
fn a_section_ends_with_its_file() {
    let files: [(&str, &[u8]); 2] = [("a.cfg", b"global\n"), ("b.cfg", b"daemon\n")];
    let parsed = parse(&files, &|_| None);
    assert_eq!(
        parsed.diagnostics[0].to_string(),
        "b.cfg:1:1: error: unknown keyword 'daemon' out of section"
    );
}

#[test]
fn messages_have_the_shape_that_tools_read() {
    let parsed = parse_text("frontend f\n zzz\n");
    assert_eq!(
        parsed.diagnostics[0].to_haproxy(42),
        "[ALERT]    (42) : config : parsing [f:2] : unknown keyword 'zzz' in 'frontend' section"
    );
    let parsed = parse_text(GUIDE);
    let line = parsed.diagnostics[0].to_haproxy(42);
    assert!(line.starts_with("[WARNING]  (42) : config : parsing [f:26] : 'listen http :80'"));
}

/// Words that parsers stumble on, often enough to build statements that get somewhere.
fn any_line() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => prop::sample::select(vec![
            "global", "defaults", "listen", "frontend", "backend", "bind", ":80", "server", "a",
            "option", "forwardfor", "except", "timeout", "client", "1s", "no", "log", "global",
            "http-request", "del-header", "-m", "beg", "from", "127.0.0.1:80", "check", "inter",
            "stats", "socket", "id", "1", "mode", "http", "default_backend", "#", "\"$X\"",
        ]).prop_map(str::to_owned),
        1 => ".{0,8}",
    ];
    prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..300)) {
        let parsed = parse(&[("f", &content)], &|_| Some("v w".into()));
        prop_assert!(parsed.config.is_some() || !parsed.diagnostics.is_empty());
    }

    #[test]
    fn arbitrary_statements_never_panic(lines in prop::collection::vec(any_line(), 0..30)) {
        let text = lines.join("\n") + "\n";
        let parsed = parse_text(&text);
        if let Some(config) = &parsed.config {
            for frontend in &config.frontends {
                prop_assert!(frontend.default_backend.is_none_or(|index| index < config.backends.len()));
            }
        }
        for diagnostic in &parsed.diagnostics {
            prop_assert!(!diagnostic.to_haproxy(1).is_empty());
        }
    }
}
