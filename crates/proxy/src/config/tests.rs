use core::net::IpAddr;
use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::log;

/// The file of the guide, as printed.
const GUIDE: &str = include_str!("tests/guide.cfg");

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
fn the_guide_loads_with_one_warning() {
    assert_eq!(
        messages(GUIDE),
        [
            "f:26:13: warning: 'listen http :80' is an old form, which HAProxy refuses since 1.6; \
          write 'bind :80' on a line of its own today."
        ]
    );
    let today = GUIDE.replace("listen http :80\n", "listen http\nbind :80\n");
    assert_eq!(messages(&today), [""; 0]);
}

#[test]
fn the_guides_global_section_means_what_it_says() {
    let global = parse_text(GUIDE).config.unwrap().global;
    assert_eq!(global.chroot.as_deref(), Some("/var/lib/haproxy"));
    assert_eq!(global.pidfile.as_deref(), Some("/var/run/haproxy.pid"));
    assert_eq!(global.maxconn, Some(4096));
    assert!(matches!(&global.user, Some(Account::Name(name, _)) if name == "haproxy"));
    assert!(matches!(&global.group, Some(Account::Name(name, _)) if name == "haproxy"));
    assert!(global.daemon);
    assert_eq!(
        global.stats_sockets[0].address,
        Address::Unix("/var/run/haproxy.cmd".into())
    );
    assert_eq!(global.stats_sockets[0].level, Level::Operator);
    assert_eq!(
        global.log[0].address,
        Address::Inet(Host::Ip(ip("127.0.0.1")), 514)
    );
    assert_eq!(
        global.log[0].facility,
        log::Facility::from_name("local2").unwrap()
    );
}

#[test]
fn the_guides_frontend_means_what_it_says() {
    let config = parse_text(GUIDE).config.unwrap();
    let listen = Proxy::Listen {
        frontend: 0,
        backend: 0,
    };
    assert_eq!(config.proxies, [listen]);
    let frontend = &config.frontends[0];
    assert_eq!((&*frontend.name, frontend.id), ("http", 2));
    assert_eq!(
        (&frontend.binds[0].host, frontend.binds[0].port),
        (&Host::Any4, 80)
    );
    assert_eq!(frontend.maxconn, Some(4096));
    assert_eq!(frontend.connection_mode, ConnectionMode::ServerClose);
    // The section's bare statement cancels the `except` of its defaults.
    let plain = ForwardFor {
        except: None,
        header: "x-forwarded-for".into(),
        if_none: false,
    };
    assert_eq!(frontend.forward_for, Some(plain));
    assert_eq!(frontend.logging.targets, config.global.log);
    assert_eq!(frontend.logging.format, TrafficFormat::Http);
    assert!(frontend.logging.dont_log_null);
    assert_eq!(frontend.default_backend, Some(0));
    let rule = HttpRequestRule::DelHeader(HeaderMatch::Name("Proxy".into()));
    assert_eq!(frontend.http_request, [rule]);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(frontend.timeouts.http_request, seconds(10));
    assert_eq!(frontend.timeouts.queue, seconds(60));
    assert_eq!(frontend.timeouts.connect, seconds(10));
    assert_eq!(frontend.timeouts.client, seconds(45));
    assert_eq!(frontend.timeouts.server, seconds(45));
    assert_eq!(frontend.timeouts.check, seconds(10));
    assert_eq!(frontend.timeouts.http_keep_alive, seconds(3));
}

#[test]
fn the_guides_backend_means_what_it_says() {
    let config = parse_text(GUIDE).config.unwrap();
    let backend = &config.backends[0];
    assert_eq!((&*backend.name, backend.id), ("http", 2));
    assert_eq!(backend.balance, Balance::RoundRobin);
    assert_eq!(
        (backend.retries, backend.redispatch),
        (3, Redispatch::FromLast(1))
    );
    assert_eq!(backend.http_request, []);
    let [web1, web2] = &backend.servers[..] else {
        panic!("two servers")
    };
    assert_eq!(
        (&*web1.name, web1.id, web1.port, web1.weight),
        ("web1", 1, 80, 1)
    );
    assert_eq!((&*web2.name, web2.id), ("web2", 2));
    assert_eq!(web2.host, Host::Ip(ip("10.0.0.95")));
    let check = web1.check.as_ref().unwrap();
    assert_eq!(
        (check.inter, check.rise, check.fall),
        (Duration::from_secs(3), 2, 1)
    );
}

#[test]
fn without_the_bare_statement_the_except_holds() {
    let config = parse_text(&GUIDE.replace("\noption forwardfor\n", "\n"))
        .config
        .unwrap();
    let except = config.frontends[0]
        .forward_for
        .as_ref()
        .unwrap()
        .except
        .unwrap();
    assert!(except.contains(ip("127.9.9.9")));
    assert!(!except.contains(ip("10.0.0.93")));
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

/// A faulty statement of a `listen` section, and what is said after `f:8:`.
const FAULTS: &[(&str, &str)] = &[
    (
        "retires 3",
        "2: error: unknown keyword 'retires' in 'listen' section; did you mean 'retries' maybe ?",
    ),
    ("zzz", "2: error: unknown keyword 'zzz' in 'listen' section"),
    (
        "backand web",
        "2: error: unknown keyword 'backand' in 'listen' section; did you mean 'backend' maybe ?",
    ),
    (
        "acl x path /",
        "2: error: keyword 'acl' in 'listen' section is not implemented by steadfast",
    ),
    (
        "option httplogg",
        "9: error: unknown option 'httplogg'; did you mean 'httplog' maybe ?",
    ),
    (
        "option httpchk",
        "9: error: option 'httpchk' is not implemented by steadfast",
    ),
    ("option", "2: error: 'option' expects an option name."),
    (
        "option httplog clf",
        "17: error: 'option httplog clf' is not implemented by steadfast",
    ),
    (
        "option httplog x",
        "17: error: keyword 'httplog' only supports option 'clf'.",
    ),
    (
        "option dontlognull x",
        "21: error: 'option dontlognull' cannot handle unexpected argument 'x'.",
    ),
    (
        "option redispatch x",
        "20: error: 'option redispatch' expects an integer argument, not 'x'.",
    ),
    (
        "option forwardfor foo",
        "20: error: 'option forwardfor' only supports optional values: 'except', 'header' and 'if-none'.",
    ),
    (
        "option forwardfor except x",
        "27: error: 'option forwardfor except' expects <address>[/mask] as argument. (got 'x')",
    ),
    (
        "option forwardfor header",
        "2: error: 'option forwardfor header' expects <header_name> as argument.",
    ),
    (
        "option forwardfor header a:b",
        "27: error: 'a:b' is not a header name",
    ),
    (
        "no option forwardfor",
        "5: error: negation/default is not supported for option 'forwardfor'.",
    ),
    (
        "no balance",
        "5: error: negation/default currently supported only for options and log.",
    ),
    (
        "mode tcp",
        "7: error: 'mode tcp' is not implemented by steadfast; 'mode http' is",
    ),
    ("mode htp", "7: error: unknown proxy mode 'htp'."),
    (
        "balance leastconn",
        "10: error: algorithm 'leastconn' after 'balance' is not implemented by steadfast; 'roundrobin' is",
    ),
    (
        "balance foo",
        "10: error: unknown algorithm 'foo' after 'balance'",
    ),
    (
        "timeout foo 1",
        "10: error: 'timeout' supports 'client', 'server', 'connect', 'check', 'queue', 'http-keep-alive', 'http-request', 'tunnel', 'client-fin', 'server-fin' (got 'foo')",
    ),
    (
        "timeout client",
        "2: error: 'timeout client' expects an integer value (in milliseconds)",
    ),
    (
        "timeout client 1x",
        "17: error: unexpected character 'x' in 'timeout client'",
    ),
    (
        "timeout client 1 2",
        "19: error: 'timeout client' cannot handle unexpected argument '2'.",
    ),
    (
        "retries -1",
        "10: error: 'retries' value must be between 0 and 100000 (was -1)",
    ),
    (
        "retries x",
        "10: error: 'retries' expects an integer argument, not 'x'.",
    ),
    (
        "maxconn",
        "2: error: 'maxconn' expects an integer argument.",
    ),
    (
        "maxconn 1 2",
        "12: error: 'maxconn' cannot handle unexpected argument '2'.",
    ),
    (
        "id 0",
        "5: error: 'id' value must be between 1 and 2147483647 (was 0)",
    ),
    (
        "bind",
        "2: error: 'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.",
    ),
    ("bind :0", "7: error: 'bind' : invalid port '0'"),
    (
        "bind :1-5000",
        "7: error: 'bind' : more than 4096 listeners in a section",
    ),
    (
        "bind :81 ssl",
        "11: error: 'bind :81' in section 'listen': keyword 'ssl' is not implemented by steadfast",
    ),
    (
        "bind :81 zz",
        "11: error: 'bind :81' in section 'listen': unknown keyword 'zz'",
    ),
    (
        "log",
        "2: error: log : expects <address> and <facility> as arguments",
    ),
    (
        "log 127.0.0.1",
        "2: error: log : expects <address> and <facility> as arguments",
    ),
    (
        "log 127.0.0.1 locl2",
        "16: error: log : unknown log facility 'locl2'",
    ),
    (
        "log 127.0.0.1 local2 foo",
        "23: error: log : unknown optional log level 'foo'",
    ),
    (
        "log 127.0.0.1 format raw local2",
        "16: error: log : 'format raw' is not implemented by steadfast",
    ),
    (
        "log stdout local2",
        "6: error: log : 'log stdout' is not implemented by steadfast; it logs to syslog",
    ),
    (
        "no log x",
        "9: error: log : 'no log' does not expect arguments",
    ),
    (
        "http-request",
        "2: error: 'http-request' expects an action as argument",
    ),
    (
        "http-request deny",
        "15: error: action 'deny' after 'http-request' is not implemented by steadfast",
    ),
    (
        "http-request del-heade x",
        "15: error: unknown action 'del-heade' after 'http-request'; did you mean 'del-header' maybe ?",
    ),
    (
        "http-request del-header",
        "2: error: 'http-request del-header' expects a header name as argument",
    ),
    (
        "http-request del-header a x",
        "28: error: 'http-request del-header' expects either 'if' or 'unless' followed by a condition but found 'x'.",
    ),
    (
        "http-request del-header a if TRUE",
        "28: error: 'if': a condition (ACL) is not implemented by steadfast",
    ),
    (
        "http-request del-header a -m reg",
        "31: error: '-m reg' is not implemented by steadfast",
    ),
    (
        "http-request set-header a %[src]",
        "28: error: a value with '%' (a log format) is not implemented by steadfast: '%[src]'",
    ),
    (
        "http-request set-header a 'b\\n' c",
        "34: error: 'http-request set-header' expects either 'if' or 'unless' followed by a condition but found 'c'.",
    ),
    (
        "http-request set-header a b\\nc",
        "28: error: a header's value can't hold control characters",
    ),
    (
        "default_backend",
        "2: error: 'default_backend' expects a backend name.",
    ),
    (
        "server a",
        "2: error: 'server' expects <name> and <addr>[:<port>] as arguments.",
    ),
    (
        "server a/b h:1",
        "9: error: character '/' is not permitted in server name 'a/b'.",
    ),
    (
        "server a h",
        "11: error: 'server px/a' : 'h' has no port; the port that the client connected to is not implemented by steadfast",
    ),
    (
        "server a h:1 chek",
        "15: error: 'server px/a' : unknown keyword 'chek'; did you mean 'check' maybe ?",
    ),
    (
        "server a h:1 ssl",
        "15: error: 'server px/a' : keyword 'ssl' is not implemented by steadfast",
    ),
    (
        "server a h:1 weight",
        "2: error: 'server px/a' : 'weight' expects an argument.",
    ),
    (
        "server a h:1 weight 300",
        "22: error: 'server px/a' : weight is not within 0 and 256 (300).",
    ),
    (
        "server a h:1 rise 0",
        "20: error: 'server px/a' : 'rise' has to be > 0.",
    ),
    (
        "server a h:1 inter x",
        "21: error: 'server px/a' : unexpected character 'x' in 'inter'",
    ),
    (
        "server a h:1 inter 0",
        "21: error: 'server px/a' : 'inter' has to be > 0.",
    ),
    (
        "server a h:1 port 0",
        "20: error: 'server px/a' : 'port' value must be between 1 and 65535 (was 0)",
    ),
    (
        "default-server h:1",
        "17: error: 'default-server' : unknown keyword 'h:1'",
    ),
    (
        ".if TRUE",
        "2: error: '.if' (a conditional block or message) is not implemented by steadfast",
    ),
];

#[test]
fn every_faulty_statement_is_told() {
    for (line, message) in FAULTS {
        assert_eq!(complaint(line), *message, "{line}");
    }
}

#[test]
fn faults_of_global_are_told() {
    let text = "\
global x
 maxconn
 foo bar
 Listen x
 maxcon 3
 tune.bufsize 3
 daemon x
 nbthread 0
 user
 uid x
 stats timeout 1q
 stats foo
 stats socket
 stats socket /tmp/x mode 9
 stats socket /tmp/x level foo
 stats socket /tmp/x foo
 stats socket fd@3
 no daemon
 log-tag
";
    let expected = "\
f:1:8: error: 'global' cannot handle unexpected argument 'x'.
f:2:2: error: 'maxconn' expects an integer argument.
f:3:2: error: unknown keyword 'foo' in 'global' section
f:4:2: error: unknown keyword 'Listen' in 'global' section; did you mean 'listen' maybe ?
f:5:2: error: unknown keyword 'maxcon' in 'global' section; did you mean 'maxconn' maybe ?
f:6:2: error: keyword 'tune.bufsize' in 'global' section is not implemented by steadfast
f:7:9: error: 'daemon' cannot handle unexpected argument 'x'.
f:8:11: error: 'nbthread' value must be between 1 and 64 (was 0)
f:9:2: error: 'user' expects a name as argument.
f:10:6: error: 'uid' expects an integer argument, not 'x'.
f:11:16: error: unexpected character 'q' in 'stats timeout'
f:12:8: error: 'stats' only supports 'socket', 'maxconn' and 'timeout' (got 'foo')
f:13:2: error: 'stats socket' in global section expects an address or a path to a UNIX socket
f:14:27: error: 'stats socket' : 'mode' : missing or invalid mode '9' (octal integer expected)
f:15:28: error: 'stats socket' : 'level' only supports 'user', 'operator', and 'admin' (got 'foo')
f:16:22: error: 'stats socket' : unknown keyword 'foo'
f:17:15: error: 'stats socket' : 'fd@3': the address family 'fd@' is not implemented by steadfast
f:18:5: error: negation/default currently supported only for options and log.
f:19:2: error: 'log-tag' expects a tag for use in syslog.";
    assert_eq!(messages(text).join("\n"), expected);
}

#[test]
fn faults_of_sections_are_told_and_do_not_cascade() {
    let text = "\
foo
peers p
 peer x 127.0.0.1:1
listen
 bind :80
backend b from zz
 server a h:1
defaults
 bind :80
 http-request del-header x
frontend f
 server a h:1
listen \"a
";
    let expected = "\
f:1:1: error: unknown keyword 'foo' out of section
f:2:1: error: section 'peers' is not implemented by steadfast
f:4:1: error: 'listen' expects an <id> argument
f:6:16: error: defaults section 'zz' not found for backend 'b'.
f:9:2: error: 'bind' not allowed in 'defaults' section.
f:10:2: error: 'http-request' not allowed in anonymous 'defaults' section.
f:12:2: error: 'server' not allowed because frontend 'f' has no backend capability.
f:13:8: error: unmatched quote at position 8:
  listen \"a
         ^";
    assert_eq!(messages(text).join("\n"), expected);
}

#[test]
fn statements_on_the_wrong_side_are_ignored_with_a_warning() {
    let text = format!(
        "{DEFAULTS}frontend f\n bind :80\n option redispatch\n balance roundrobin\n\
         default_backend b\nbackend b\n bind :82\n maxconn 3\n timeout client 1\n"
    );
    let expected = "\
f:8:2: warning: 'option redispatch' ignored because frontend 'f' has no backend capability.
f:9:2: warning: 'balance' ignored because frontend 'f' has no backend capability.
f:12:2: warning: 'bind' ignored because backend 'b' has no frontend capability.
f:13:2: warning: 'maxconn' ignored because backend 'b' has no frontend capability.
f:14:2: warning: 'timeout client' ignored because backend 'b' has no frontend capability.";
    assert_eq!(messages(&text).join("\n"), expected);
}

#[test]
fn what_only_the_whole_shows_is_told() {
    let text = format!(
        "{DEFAULTS}listen a\n default_backend zz\n server s h:1\n server s h:2\n server t h:3 id 1\n\
         server u h:3 id 1\n\
         frontend a\n bind :81\n id 7\nbackend a\nfrontend b\n bind :82\n id 7\n\
         frontend g+h\n bind :83\n"
    );
    let expected = "\
f:19:10: warning: character '+' is not permitted in 'frontend' name 'g+h'.
f:12:1: error: frontend 'a' has the same name as proxy 'a' declared at f:6.
f:15:1: error: backend 'a' has the same name as proxy 'a' declared at f:6.
f:18:5: error: frontend b reuses same custom id as frontend a (declared at f:12).
f:6:1: warning: proxy 'a' has no 'bind' directive. Please declare it as a backend if this was intended.
f:7:18: error: Proxy 'a': unable to find required default_backend: 'zz'.
f:9:2: error: proxy 'a', another server named 's' was already defined at line 8, please use distinct names.
f:11:1: error: proxy 'a', server 'u' reuses the id of an earlier server.";
    assert_eq!(messages(&text).join("\n"), expected);
    // One name for a frontend and a backend is common, and clear.
    let text = format!("{DEFAULTS}frontend a\n bind :81\n default_backend a\nbackend a\n");
    assert_eq!(messages(&text), [""; 0]);
}

#[test]
fn names_that_would_break_lines_are_refused() {
    for name in ["a b", "a,b", "a/b", r"a\nb", r"a\x1bb", "a{b"] {
        let text = format!("{DEFAULTS}backend \"{name}\"\ndefaults \"{name}\"\n");
        let odd = name.replace("x1b", "u{1b}");
        let told = messages(&text);
        let end = format!("is not permitted in 'backend' name '{odd}'.");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("f:6:9: error: character '"), "{told:?}");
        assert!(told[0].ends_with(&end), "{told:?}");
    }
}

#[test]
fn messages_hold_no_control_characters_of_the_file() {
    for line in [
        r"a\nb",
        r"server \x1b[2J h:1",
        r"option \n",
        r"balance a\r",
        r"log \x1b local0",
        r"http-request set-header a\rb c",
    ] {
        let told = complaint(line);
        assert!(!told.contains(char::is_control), "{told:?}");
    }
}

#[test]
fn a_listen_section_can_not_lead_to_itself() {
    let text = format!("{DEFAULTS}listen a\n bind :80\n default_backend a\n");
    let expected = "f:8:18: error: Proxy 'a': loop detected for default_backend: 'a'.";
    assert_eq!(messages(&text), [expected]);
}

#[test]
fn missing_modes_and_timeouts_are_told() {
    let text = "listen a\n bind :80\n server s h:1\nbackend b\n mode http\n";
    let expected = "\
f:1:1: error: proxy 'a' has no 'mode http', and 'mode tcp', the default, is not implemented by steadfast.
f:1:1: warning: missing timeouts for proxy 'a'.
   | While not properly invalid, you will certainly encounter various problems
   | with such a configuration. To fix this, please ensure that all following
   | timeouts are set to a non-zero value: 'client', 'connect', 'server'.";
    assert_eq!(messages(text).join("\n"), expected);
}

#[test]
fn the_last_line_needs_a_line_feed() {
    let text = format!("{DEFAULTS}listen a\n bind :80");
    let expected = "f:7:10: error: Missing LF on last line, file might have been truncated at \
                    position 10.";
    assert_eq!(messages(&text), [expected]);
    assert_eq!(parse_text("").config, Some(Config::default()));
}

#[test]
fn sizes_are_limited_and_named() {
    let long = format!("#{}\n", "x".repeat(16 * 1024));
    assert_eq!(
        messages(&long),
        ["f:1:1: error: line of 16385 bytes exceeds 16384"]
    );
    let big = "\n".repeat(16 * 1024 * 1024 + 1);
    assert_eq!(
        messages(&big),
        ["f:1:1: error: file of 16777217 bytes exceeds 16777216"]
    );
    let faulty = messages(&"x\n".repeat(5000));
    assert_eq!(faulty.len(), 1001);
    let last = "f:1001:1: error: too many messages; this and later ones are not listed";
    assert_eq!(faulty[1000], last);
    let ranges: String = (0..17)
        .map(|index| format!("listen l{index} 127.0.0.{index}:1-4096\n"))
        .collect();
    let told = messages(&ranges);
    assert_eq!(told[17], "f:17:1: error: more than 65536 listeners");
    let proxies: String = (0..5000)
        .map(|index| format!("backend b{index}\n"))
        .collect();
    assert_eq!(
        messages(&proxies)[0],
        "f:4097:1: error: more than 4096 sections"
    );
}

#[test]
fn an_error_after_many_warnings_is_not_lost() {
    let warnings = "backend b :80\n".to_owned() + &" bind :80\n".repeat(5000);
    let text = format!("{DEFAULTS}{warnings}");
    let told = messages(&text);
    assert_eq!(told.len(), 1001);
    let note = "f:1006:2: warning: too many messages; this and later ones are not listed";
    assert_eq!(told[1000], note);
    let told = messages(&format!("{text} nosuch\n"));
    assert_eq!(told.len(), 1001);
    assert_eq!(told[1000], note.replace("warning", "error"));
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
