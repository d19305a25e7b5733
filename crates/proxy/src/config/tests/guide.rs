use super::*;

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
