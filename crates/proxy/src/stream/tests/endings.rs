//! How exchanges end: pages, termination states, timers, what is logged (facts of HAProxy, sections 13 and 14).

use super::super::Side;
use super::Sim;
use super::sim::one_server;
use crate::state::{BackendId, ServerId};

const GET: &str = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const PAGE_400: &str = "HTTP/1.1 400 Bad request\r\ncontent-length: 90\r\ncache-control: no-cache\r\n\
    content-type: text/html\r\nconnection: close\r\n\r\n<html><body><h1>400 Bad request</h1>\n\
    Your browser sent an invalid request.\n</body></html>\n";

fn sim() -> Sim {
    Sim::new(&one_server(""))
}

#[test]
fn complete_exchange_is_normal() {
    let mut sim = sim();
    sim.client(GET);
    sim.connected();
    sim.advance(4);
    sim.server(OK);
    assert_eq!(sim.client_text(), OK);
    assert_eq!(sim.tail(), "be/s1 0/0/0/4/4 200 43 ---- 0");
    let record = &sim.records[0];
    assert_eq!(&record.request.as_ref().unwrap()[..], b"GET /x HTTP/1.1");
    assert_eq!(
        (record.connections.process, record.connections.frontend),
        (1, 1)
    );
    assert_eq!(
        (record.connections.backend, record.connections.server),
        (0, 0)
    );
    sim.closes(Side::Client);
    assert_eq!(sim.records.len(), 1);
    sim.assert_over();
}

#[test]
fn bad_request_is_answered_with_400_and_closed() {
    let mut sim = sim();
    sim.client("BAD\r\n");
    assert_eq!(sim.client_text(), PAGE_400);
    assert_eq!(sim.tail(), "fe/<NOSRV> -1/-1/-1/-1/0 400 0 PR-- 0");
    assert_eq!(sim.records[0].request, None);
    sim.closes(Side::Client);
    sim.assert_over();
}

#[test]
fn bad_chunk_that_comes_with_the_head_reaches_no_server() {
    let mut sim = sim();
    sim.client("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
    assert_eq!(sim.tail(), "fe/<NOSRV> -1/-1/-1/-1/0 400 0 PR-- 0");
    assert!(sim.connects.is_empty());
    sim.closes(Side::Client);
    sim.assert_over();
}

#[test]
fn bad_chunk_that_comes_later_is_ph_and_ends_the_request() {
    let mut sim = sim();
    sim.client("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    sim.connected();
    sim.client("zz\r\n");
    assert_eq!(sim.tail(), "be/s1 0/0/0/-1/0 400 0 PH-- 0");
    assert!(!sim.server_open);
}

#[test]
fn pages_have_the_lengths_of_haproxy() {
    let long_uri = format!("GET /{} HTTP/1.1\r\n", "x".repeat(16000));
    let long_head = format!("GET / HTTP/1.1\r\nx: {}\r\n", "x".repeat(16000));
    let cases = [
        ("GET / HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc", 413, 106),
        (&long_uri, 414, 110),
        (
            "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            422,
            116,
        ),
        (&long_head, 431, 105),
    ];
    for (request, status, length) in cases {
        let mut sim = sim();
        sim.client(request);
        let text = sim.client_text();
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
        assert!(
            text.contains(&format!("content-length: {length}\r\n")),
            "{text}"
        );
        assert!(text.contains("connection: close\r\n"));
        let body = text.split("\r\n\r\n").nth(1).unwrap();
        assert_eq!(body.len(), length);
    }
}

#[test]
fn client_that_closes_before_or_within_its_request_is_cr() {
    let mut sim = sim();
    sim.closes(Side::Client);
    assert_eq!(sim.tail(), "fe/<NOSRV> -1/-1/-1/-1/0 400 0 CR-- 0");
    assert_eq!(sim.client_text(), PAGE_400);
    sim.assert_over();

    let mut sim = self::sim();
    sim.client("GET / HT");
    sim.resets(Side::Client);
    assert_eq!(sim.tail(), "fe/<NOSRV> -1/-1/-1/-1/0 400 0 CR-- 0");
    assert_eq!(sim.client_text(), "");
    sim.assert_over();
}

#[test]
fn connection_without_a_byte_is_not_logged_with_dontlognull() {
    let mut sim = Sim::new(&one_server("    option dontlognull\n"));
    sim.closes(Side::Client);
    assert!(sim.records.is_empty());
    sim.assert_over();

    let mut sim = Sim::new(&one_server("    option dontlognull\n"));
    sim.advance(600);
    assert!(
        sim.client_text()
            .starts_with("HTTP/1.1 408 Request Time-out\r\ncontent-length: 110\r\n")
    );
    assert!(sim.records.is_empty());
    sim.assert_over();
}

#[test]
fn slow_request_is_answered_with_408() {
    let mut sim = sim();
    sim.client("GET / HTTP/1.1\r\n");
    sim.advance(599);
    assert!(sim.records.is_empty());
    sim.client("x: y\r\n");
    sim.advance(1);
    assert_eq!(sim.tail(), "fe/<NOSRV> -1/-1/-1/-1/600 408 0 cR-- 0");
    assert!(sim.client_text().contains("connection: close\r\n"));
}

#[test]
fn no_server_is_503_sc_and_the_client_stays() {
    let mut sim = Sim::new(
        &one_server("")
            .replace(":80\n", ":80 disabled\n")
            .replace("bind :80 disabled", "bind :80"),
    );
    sim.client(GET);
    assert_eq!(sim.tail(), "be/<NOSRV> 0/-1/-1/-1/0 503 0 SC-- 0");
    let text = sim.client_text();
    assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 107\r\n"));
    assert!(!text.contains("connection:"));
    assert!(sim.client_open);
    sim.client(GET);
    assert_eq!(sim.records.len(), 2);
    sim.closes(Side::Client);
    sim.assert_over();
}

#[test]
fn server_that_closes_before_its_head_is_502_sh() {
    for by_reset in [false, true] {
        let mut sim = sim();
        sim.client(GET);
        sim.connected();
        sim.advance(2);
        if by_reset {
            sim.resets(Side::Server);
        } else {
            sim.closes(Side::Server);
        }
        assert_eq!(sim.tail(), "be/s1 0/0/0/-1/2 502 0 SH-- 0");
        assert!(
            sim.client_text()
                .starts_with("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 107\r\n")
        );
        assert!(sim.client_open && !sim.server_open);
    }
}

#[test]
fn junk_from_the_server_is_502_ph() {
    let junk = [
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\nbad : x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ];
    for junk in junk {
        let mut sim = sim();
        sim.exchange(GET, junk);
        assert_eq!(sim.tail(), "be/s1 0/0/0/-1/0 502 0 PH-- 0", "{junk}");
    }
}

#[test]
fn silent_server_is_504_sh() {
    let mut sim = sim();
    sim.client(GET);
    sim.connected();
    sim.advance(700);
    assert_eq!(sim.tail(), "be/s1 0/0/0/-1/700 504 0 sH-- 0");
    assert!(
        sim.client_text()
            .starts_with("HTTP/1.1 504 Gateway Time-out\r\ncontent-length: 92\r\n")
    );
}

#[test]
fn body_that_the_server_cuts_is_sd() {
    let mut sim = sim();
    sim.exchange(GET, "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello");
    sim.server("more");
    sim.closes(Side::Server);
    assert_eq!(sim.tail(), "be/s1 0/0/0/0/0 200 48 SD-- 0");
    assert!(sim.client_text().ends_with("\r\n\r\nhellomore"));
    sim.assert_over();
}

#[test]
fn bad_chunk_in_a_body_is_pd() {
    let mut sim = sim();
    sim.exchange(
        GET,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    );
    sim.server("zz\r\n");
    assert!(sim.tail().ends_with(" 200 55 PD-- 0"), "{}", sim.tail());
    assert!(sim.client_text().ends_with("\r\n\r\n3\r\nabc\r\n"));
    sim.assert_over();
}

#[test]
fn body_that_the_server_stalls_is_sd_in_lower_case() {
    let mut sim = sim();
    sim.exchange(GET, "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n");
    sim.advance(500);
    sim.server("a");
    sim.advance(700);
    assert_eq!(sim.tail(), "be/s1 0/0/0/0/1200 200 40 sD-- 0");
    sim.assert_over();
}

#[test]
fn client_that_leaves_is_cc_while_connecting_ch_while_waiting_cd_while_receiving() {
    let mut sim = sim();
    sim.client(GET);
    sim.resets(Side::Client);
    assert_eq!(sim.tail(), "be/s1 0/0/-1/-1/0 -1 0 CC-- 0");
    assert_eq!(sim.client_text(), "");
    sim.assert_over();

    let mut sim = self::sim();
    sim.client(GET);
    sim.connected();
    sim.resets(Side::Client);
    assert_eq!(sim.tail(), "be/s1 0/0/0/-1/0 400 0 CH-- 0");
    sim.assert_over();

    let mut sim = self::sim();
    sim.exchange(GET, "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n");
    sim.resets(Side::Client);
    assert_eq!(sim.tail(), "be/s1 0/0/0/0/0 200 39 CD-- 0");
    sim.assert_over();
}

#[test]
fn client_that_closes_its_half_is_answered_all_that_it_has_asked_for() {
    let post = "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n";
    let mut sim = sim();
    sim.client(format!("{post}ab"));
    sim.client(format!("c{GET}"));
    sim.closes(Side::Client);
    sim.connected();
    assert_eq!(sim.server_text(), format!("{post}abc"));
    sim.server(OK);
    assert_eq!(sim.client_text(), OK);
    sim.connected_reused();
    sim.server(OK);
    let last = OK.replace("5\r\n\r\n", "5\r\nconnection: close\r\n\r\n");
    assert_eq!(sim.client_text(), format!("{OK}{last}"));
    assert!(sim.tail().ends_with(" 200 43 ---- 0"), "{}", sim.tail());
    sim.assert_over();

    // What follows is no request: the close comes first.
    let mut sim = self::sim();
    sim.client(format!("{GET}\r\n"));
    sim.connected();
    sim.closes(Side::Client);
    sim.server(OK);
    assert_eq!((sim.client_text(), sim.records.len()), (OK, 1));
    sim.assert_over();
}

#[test]
fn client_that_closes_its_half_in_a_body_is_not_waited_for() {
    for (framing, body) in [
        ("content-length: 3", "ab"),
        ("transfer-encoding: chunked", "3\r\nab"),
    ] {
        let mut sim = sim();
        sim.client(format!("POST / HTTP/1.1\r\n{framing}\r\n\r\n"));
        sim.client(body);
        sim.closes(Side::Client);
        assert_eq!(sim.tail(), "be/s1 0/0/-1/-1/0 -1 0 CC-- 0");
        sim.assert_over();
    }
}

#[test]
fn server_counts_its_own_answers_only() {
    let mut sim = sim();
    sim.client(GET);
    sim.connected();
    sim.closes(Side::Server);
    sim.exchange(GET, OK);
    sim.client(GET);
    sim.connected_reused();
    sim.server("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello");
    sim.closes(Side::Server);
    let backend = BackendId(0);
    let server = sim.state.server(ServerId { backend, index: 0 });
    assert_eq!(server.counters.statuses.classes, [0, 2, 0, 0, 0]);
    let proxy = sim.state.backend(backend);
    assert_eq!(proxy.statuses.classes, [0, 2, 0, 0, 1]);
    // One that closed before its answer, one in it.
    assert_eq!((proxy.response_errors, proxy.server_aborts), (2, 1));
    assert_eq!(server.counters.response_errors, 2);
}

#[test]
fn client_that_does_not_read_is_cd_in_lower_case() {
    let mut sim = sim();
    sim.client(GET);
    sim.connected();
    sim.client_stalls = true;
    sim.server(OK);
    assert!(sim.records.is_empty());
    sim.advance(600);
    assert_eq!(sim.tail(), "be/s1 0/0/0/0/600 200 43 cD-- 0");
    sim.assert_over();
}

#[test]
fn client_that_reads_late_is_waited_for() {
    let mut sim = sim();
    sim.client(GET);
    sim.connected();
    sim.client_stalls = true;
    sim.server(OK);
    sim.advance(599);
    sim.client_reads();
    assert_eq!(sim.tail(), "be/s1 0/0/0/0/599 200 43 ---- 0");
    assert!(sim.client_open);
}

#[test]
fn client_body_that_stalls_or_ends_is_ch() {
    let post = "POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc";
    let mut sim = sim();
    sim.client(post);
    sim.connected();
    assert!(sim.server_text().ends_with("\r\n\r\nabc"));
    sim.advance(600);
    assert_eq!(sim.tail(), "be/s1 0/0/0/-1/600 400 0 cH-- 0");

    let mut sim = self::sim();
    sim.client(post);
    sim.connected();
    sim.client("de");
    sim.closes(Side::Client);
    assert_eq!(sim.tail(), "be/s1 0/0/0/-1/0 400 0 CH-- 0");
    sim.assert_over();
}

#[test]
fn client_that_is_still_sending_is_read_on_for_a_second() {
    let mut sim = sim();
    sim.client("BAD\r\nmore to come");
    assert_eq!(sim.shut, [Side::Client]);
    assert!(sim.client_open);
    assert!(sim.stream.wants(Side::Client));
    sim.client("and more");
    sim.advance(999);
    assert!(sim.client_open);
    sim.advance(1);
    sim.assert_over();
}

#[test]
fn head_request_gets_a_page_without_its_body() {
    let mut sim = sim();
    sim.client("HEAD / HTTP/1.1\r\n\r\n");
    sim.connected();
    sim.closes(Side::Server);
    assert!(sim.client_text().contains("content-length: 107\r\n"));
    assert!(sim.client_text().ends_with("\r\n\r\n"));
}

#[test]
fn connect_line_is_asked_for_with_a_request_where_httplog_is_not_set() {
    use super::super::{Action, Event};
    use super::sim::{config, open, start, state};
    let text = one_server("").replace("    option httplog\n", "");
    let now = start();
    let mut state = state(&config(&text), now);
    let mut stream = open(&mut state, "198.51.100.7:5000", 9, now);
    assert_eq!(stream.poll_action(), None);
    let event = Event::Received {
        from: Side::Client,
        bytes: GET.as_bytes(),
    };
    stream.handle_event(event, &mut state, now);
    let Some(Action::LogConnect(record)) = stream.poll_action() else {
        panic!("a connect line comes first");
    };
    assert_eq!(&*record.frontend, "fe");
}
