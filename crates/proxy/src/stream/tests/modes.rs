//! Connection modes, reuse, versions, tunnels (facts of HAProxy, section 10).

use super::super::Side;
use super::Sim;
use super::sim::{GUIDE, one_server};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn guide_keeps_the_client_closes_the_servers_and_alternates() {
    let mut sim = Sim::new(GUIDE);
    for visit in 0..4 {
        sim.exchange(GET, OK);
        assert!(sim.server_text().contains("\r\nconnection: close\r\n\r\n"));
        assert!(!sim.server_open);
        assert_eq!(sim.client_text(), OK, "visit {visit}");
        sim.to_client.clear();
    }
    assert_eq!(sim.connects, [0, 1, 0, 1]);
    sim.advance(2999);
    assert!(sim.client_open);
    sim.advance(1);
    assert_eq!((sim.client_text(), sim.records.len()), ("", 4));
    sim.assert_over();
}

#[test]
fn second_request_that_has_started_gets_408() {
    let mut sim = Sim::new(GUIDE);
    sim.exchange(GET, OK);
    sim.advance(2000);
    sim.client("\r\n");
    sim.advance(900);
    sim.client("GET");
    sim.advance(10_000);
    assert!(
        sim.tail().ends_with("-1/-1/-1/-1/10000 408 0 cR-- 0"),
        "{}",
        sim.tail()
    );
}

#[test]
fn empty_lines_do_not_begin_a_second_request() {
    let mut sim = Sim::new(GUIDE);
    sim.exchange(GET, OK);
    sim.advance(2000);
    sim.client("\r\n");
    sim.advance(1000);
    assert_eq!((sim.client_text(), sim.records.len()), (OK, 1));
    assert_eq!(sim.shut, [Side::Client]);
}

#[test]
fn httpclose_in_a_listen_section_closes_both_sides() {
    let mut sim = Sim::new(&GUIDE.replace("option http-server-close", "option httpclose"));
    sim.exchange(GET, OK);
    assert_eq!(
        sim.client_text(),
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
    );
    sim.assert_over();
}

#[test]
fn httpclose_in_the_backend_closes_the_server_only() {
    let text = one_server("").replace("\nbackend be\n", "\nbackend be\n option httpclose\n");
    let mut sim = Sim::new(&text);
    sim.exchange(GET, OK);
    assert!(sim.server_text().contains("connection: close\r\n"));
    assert!(sim.client_open && sim.parked.is_empty());
}

#[test]
fn httpclose_in_the_frontend_closes_the_client_only() {
    let text = one_server("").replace("frontend fe\n", "frontend fe\n option httpclose\n");
    let mut sim = Sim::new(&text);
    sim.exchange(GET, OK);
    assert!(!sim.server_text().contains("connection:"));
    assert!(sim.client_text().contains("connection: close\r\n"));
    assert_eq!(sim.parked.len(), 1);
    sim.assert_over();
}

#[test]
fn kept_server_is_parked_and_taken_again() {
    let mut sim = Sim::new(&one_server(""));
    sim.exchange(GET, OK);
    assert_eq!(sim.parked.len(), 1);
    sim.client(GET);
    sim.connected_reused();
    assert_eq!(sim.server_text(), GET);
    sim.server(OK);
    assert_eq!(sim.records.len(), 2);
    let backend = crate::state::BackendId(0);
    assert_eq!(
        (
            sim.state.backend(backend).reuses,
            sim.state.backend(backend).connects
        ),
        (1, 2)
    );
}

#[test]
fn stale_parked_server_is_asked_again_on_a_fresh_connection() {
    let put = "PUT / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc";
    let mut sim = Sim::new(&one_server(""));
    sim.exchange(GET, OK);
    sim.client(put);
    sim.connected_reused();
    sim.resets(Side::Server);
    assert!(!sim.reuse);
    sim.connected();
    assert_eq!(sim.server_text(), put);
    sim.server(OK);
    assert!(sim.tail().ends_with("200 40 ---- 0"));

    // A POST may have been carried out: it is not sent twice.
    sim.client(put.replace("PUT", "POST"));
    sim.connected_reused();
    sim.resets(Side::Server);
    assert!(sim.tail().ends_with("502 0 SH-- 0"));
}

#[test]
fn extra_bytes_after_a_response_are_dropped_and_the_server_closed() {
    let mut sim = Sim::new(&one_server(""));
    sim.exchange(GET, &format!("{OK}HTTP/1.1 200 extra"));
    assert_eq!(sim.client_text(), OK);
    assert!(sim.parked.is_empty() && !sim.server_open);
}

#[test]
fn clients_close_is_its_own_affair() {
    let mut sim = Sim::new(&one_server(""));
    sim.exchange("GET / HTTP/1.1\r\nConnection: close, x\r\n\r\n", OK);
    assert_eq!(sim.server_text(), "GET / HTTP/1.1\r\nConnection: x\r\n\r\n");
    assert!(sim.client_text().contains("connection: close\r\n"));
    assert_eq!(sim.parked.len(), 1);
    sim.assert_over();
}

#[test]
fn client_of_http_1_0_is_told_what_becomes_of_its_connection() {
    let mut sim = Sim::new(&one_server(""));
    sim.exchange("GET / HTTP/1.0\r\n\r\n", OK);
    assert_eq!(
        sim.server_text(),
        "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"
    );
    assert!(sim.client_text().starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(sim.client_text().contains("connection: close\r\n"));
    sim.assert_over();

    let mut sim = Sim::new(&one_server(""));
    sim.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", OK);
    assert!(sim.client_text().contains("connection: keep-alive\r\n"));
    assert!(sim.client_open);
}

#[test]
fn newer_versions_become_1_1_and_a_server_of_1_0_stays_1_0() {
    let mut sim = Sim::new(&one_server(""));
    sim.exchange(
        "GET / HTTP/3.1\r\n\r\n",
        "HTTP/1.0 200\r\ncontent-length: 0\r\n\r\n",
    );
    assert!(sim.server_text().starts_with("GET / HTTP/1.1\r\n"));
    let answer = "HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n";
    assert_eq!(sim.client_text(), answer);
    assert_eq!(
        &sim.records[0].request.as_ref().unwrap()[..],
        b"GET / HTTP/3.1"
    );
}

#[test]
fn body_until_close_ends_with_the_server_and_closes_the_client() {
    let mut sim = Sim::new(&one_server(""));
    sim.exchange(GET, "HTTP/1.1 200 OK\r\n\r\nabc");
    sim.server("def");
    sim.closes(Side::Server);
    assert_eq!(
        sim.client_text(),
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcdef"
    );
    assert!(sim.tail().ends_with("200 25 ---- 0"), "{}", sim.tail());
    sim.assert_over();
}

#[test]
fn interim_responses_are_passed_on() {
    let mut sim = Sim::new(&one_server(""));
    sim.client("POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    sim.connected();
    assert!(sim.server_text().contains("expect: 100-continue\r\n"));
    sim.server("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(sim.client_text(), "HTTP/1.1 100 Continue\r\n\r\n");
    sim.client("hi");
    assert!(sim.server_text().ends_with("\r\n\r\nhi"));
    sim.server(OK);
    assert!(sim.tail().ends_with("200 65 ---- 0"), "{}", sim.tail());
}

#[test]
fn server_that_never_comes_to_its_answer_is_left() {
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let mut sim = Sim::new(&one_server(""));
    sim.client(GET);
    sim.connected();
    for _ in 0..100 {
        sim.server(interim);
    }
    assert!(sim.server_open);
    sim.server(interim);
    assert!(!sim.server_open);
    assert!(sim.tail().ends_with(" 502 2800 PH-- 0"), "{}", sim.tail());
}

#[test]
fn pipelined_requests_answer_in_order() {
    let mut sim = Sim::new(GUIDE);
    sim.client(GET.repeat(3));
    for _ in 0..3 {
        sim.connected();
        sim.server(OK);
    }
    assert_eq!(sim.client_text(), OK.repeat(3));
    assert_eq!(sim.connects, [0, 1, 0]);
    assert!(sim.client_open);
}

#[test]
fn chunked_bodies_are_written_anew_both_ways() {
    let mut sim = Sim::new(&one_server(""));
    sim.client("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhel");
    sim.connected();
    sim.client("lo\r\n0\r\nT: v\r\n\r\n");
    assert!(
        sim.server_text()
            .ends_with("\r\n\r\n5\r\nhello\r\n0\r\nT: v\r\n\r\n")
    );
    sim.server("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n003\r\na");
    sim.server("bc\r\n");
    sim.server("0\r\n\r\n");
    assert!(sim.client_text().ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
    assert_eq!(sim.parked.len(), 1);
    assert!(sim.client_open);
}

#[test]
fn upgrade_becomes_a_tunnel_until_both_sides_have_closed() {
    let ask = "GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: x\r\n\r\n";
    let mut sim = Sim::new(GUIDE);
    sim.client(ask);
    sim.connected();
    assert!(sim.server_text().contains("connection: upgrade\r\n"));
    sim.server("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nfirst");
    assert!(
        sim.client_text()
            .ends_with("connection: upgrade\r\n\r\nfirst")
    );
    sim.client("ping");
    assert!(sim.server_text().ends_with("\r\n\r\nping"));
    sim.server("pong");
    assert!(sim.client_text().ends_with("firstpong"));
    sim.closes(Side::Client);
    assert_eq!(sim.shut, [Side::Server]);
    sim.closes(Side::Server);
    assert!(
        sim.tail().contains(" 101 ") && sim.tail().contains("----"),
        "{}",
        sim.tail()
    );
    sim.assert_over();
}

#[test]
fn idle_tunnel_ends_after_the_tunnel_timeout() {
    let mut sim = Sim::new(&one_server("    timeout tunnel 5s\n"));
    sim.exchange(
        "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello",
    );
    assert_eq!(sim.client_text(), "HTTP/1.1 200 OK\r\n\r\nhello");
    sim.advance(4999);
    assert!(sim.client_open);
    sim.advance(1);
    sim.assert_over();
}

#[test]
fn draining_closes_idle_clients_and_lets_requests_end() {
    let mut sim = Sim::new(GUIDE);
    sim.exchange(GET, OK);
    sim.event(super::super::Event::Draining);
    sim.assert_over();

    // Its first request may be on its way.
    let mut sim = Sim::new(GUIDE);
    sim.event(super::super::Event::Draining);
    sim.exchange(GET, OK);
    assert!(sim.client_text().contains("connection: close\r\n"));
    sim.assert_over();

    let mut sim = Sim::new(GUIDE);
    sim.client(GET);
    sim.event(super::super::Event::Draining);
    sim.connected();
    sim.server(OK);
    assert!(sim.client_text().contains("connection: close\r\n"));
    sim.assert_over();
}

#[test]
fn early_answer_to_an_unfinished_request_closes_the_client() {
    let mut sim = Sim::new(&one_server(""));
    sim.client("POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc");
    sim.connected();
    sim.server(OK);
    assert_eq!(sim.shut, [Side::Client]);
    assert!(sim.tail().ends_with("200 40 ---- 0"));
    sim.closes(Side::Client);
    sim.assert_over();
}

#[test]
fn long_body_is_relayed_by_length() {
    let mut sim = Sim::new(&one_server(""));
    sim.client(format!(
        "POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n",
        1 << 20
    ));
    sim.connected();
    assert!(!sim.stream.wants(Side::Client));
    sim.client(vec![b'x'; 1 << 20]);
    assert!(sim.stream.wants(Side::Client));
    sim.server(OK);
    assert!(sim.client_open);
    assert_eq!(
        sim.state.backend(crate::state::BackendId(0)).bytes_in,
        (1 << 20) + 44
    );
}

#[test]
fn doubtful_framing_of_a_request_ends_both_connections() {
    for request in [
        "POST / HTTP/1.0\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let mut sim = Sim::new(&one_server(""));
        sim.client(request);
        sim.connected();
        assert!(!sim.server_text().contains("keep-alive"));
        sim.server(OK);
        assert!(sim.parked.is_empty());
        assert!(sim.client_text().contains("connection: close\r\n"));
        sim.assert_over();
    }
}

#[test]
fn client_that_may_not_find_the_end_of_chunks_is_closed() {
    let old = "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
    for (request, version) in [(old, "1.1"), (GET, "1.0")] {
        let mut sim = Sim::new(&one_server(""));
        let head = "connection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n";
        sim.exchange(
            request,
            &format!("HTTP/{version} 200 OK\r\n{head}0\r\n\r\n"),
        );
        assert!(!sim.client_text().contains("keep-alive"));
        sim.assert_over();
    }
}
