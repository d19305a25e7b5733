//! What rules and options do to a request (facts of HAProxy, section 11).

use super::Sim;
use super::sim::{GUIDE, one_server};

fn seen_by_server(text: &str, client: &str, request: &str) -> String {
    let mut sim = Sim::from_client(text, client);
    sim.client(request);
    sim.connected();
    sim.server_text().to_owned()
}

#[test]
fn proxy_header_goes_the_rest_keeps_case_and_order_and_the_address_is_added() {
    let request = "GET  /x HTTP/1.1\r\nHost: a\r\nPROXY: evil\r\nX-Forwarded-For: 1.2.3.4\r\nAccept:\ta \r\n b\r\n\r\n";
    let expected = "GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nAccept: a    b\r\n\
        x-forwarded-for: 198.51.100.7\r\nconnection: close\r\n\r\n";
    assert_eq!(seen_by_server(GUIDE, "198.51.100.7:1", request), expected);
}

#[test]
fn bare_forwardfor_of_a_section_cancels_the_except_of_its_defaults() {
    let request = "GET / HTTP/1.1\r\n\r\n";
    let with = seen_by_server(GUIDE, "127.0.0.93:1", request);
    assert!(with.contains("x-forwarded-for: 127.0.0.93\r\n"));
    let text = GUIDE.replace("    option forwardfor\n", "");
    assert!(!seen_by_server(&text, "127.0.0.93:1", request).contains("x-forwarded-for"));
    assert!(seen_by_server(&text, "10.9.9.9:1", request).contains("x-forwarded-for: 10.9.9.9\r\n"));
}

#[test]
fn except_of_either_side_counts_and_the_backends_name_wins() {
    let text = one_server("")
        .replace(
            "frontend fe\n",
            "frontend fe\n option forwardfor except 10.0.0.0/8\n",
        )
        .replace(
            "\nbackend be\n",
            "\nbackend be\n option forwardfor header x-client\n",
        );
    let request = "GET / HTTP/1.1\r\n\r\n";
    let seen = seen_by_server(&text, "192.0.2.1:1", request);
    assert_eq!(seen, "GET / HTTP/1.1\r\nx-client: 192.0.2.1\r\n\r\n");
    assert_eq!(seen_by_server(&text, "10.1.1.1:1", request), request);
}

#[test]
fn if_none_leaves_a_present_header_alone_when_all_ask_for_it() {
    let text = one_server("    option forwardfor if-none\n");
    let request = "GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n";
    assert_eq!(seen_by_server(&text, "192.0.2.1:1", request), request);
    let text = text.replace("\nbackend be\n", "\nbackend be\n option forwardfor\n");
    let seen = seen_by_server(&text, "192.0.2.1:1", request);
    assert!(seen.contains("1.1.1.1\r\nx-forwarded-for: 192.0.2.1\r\n"));
}

#[test]
fn client_of_ipv4_is_written_as_such_on_a_socket_of_ipv6() {
    let seen = seen_by_server(GUIDE, "[::ffff:192.0.2.9]:1", "GET / HTTP/1.1\r\n\r\n");
    assert!(seen.contains("x-forwarded-for: 192.0.2.9\r\n"));
}

#[test]
fn set_and_add_header_append() {
    let rules = "frontend fe\n http-request set-header X-A 1\n http-request add-header X-B 2\n";
    let text = one_server("").replace("frontend fe\n", rules);
    let seen = seen_by_server(
        &text,
        "192.0.2.1:1",
        "GET / HTTP/1.1\r\nx-a: 0\r\nx-b: 0\r\n\r\n",
    );
    assert!(seen.contains("x-b: 0\r\n") && !seen.contains("x-a: 0"));
    assert!(
        seen.to_lowercase().ends_with("x-a: 1\r\nx-b: 2\r\n\r\n"),
        "{seen}"
    );
}

fn with_rule(rule: &str) -> String {
    one_server("").replace(
        "frontend fe\n",
        &format!("frontend fe\n http-request {rule}\n"),
    )
}

#[test]
fn rules_do_not_hide_where_a_body_ends() {
    let cases = [
        ("content-length: 5", "hello"),
        ("transfer-encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
    ];
    for rule in ["del-header content-length", "del-header t -m sub"] {
        for (line, body) in cases {
            let request = format!("POST / HTTP/1.1\r\n{line}\r\n\r\n{body}");
            assert_eq!(
                seen_by_server(&with_rule(rule), "192.0.2.1:1", &request),
                request
            );
        }
    }
}

#[test]
fn rule_that_lies_about_the_body_is_500() {
    for (rule, line) in [
        ("set-header content-length 3", "content-length: 5"),
        ("set-header content-length 3", "x: y"),
        ("add-header transfer-encoding chunked", "content-length: 5"),
        (
            "add-header transfer-encoding gzip",
            "transfer-encoding: chunked",
        ),
    ] {
        let mut sim = Sim::new(&with_rule(rule));
        sim.client(format!("POST / HTTP/1.1\r\n{line}\r\n\r\n"));
        assert_eq!(sim.tail(), "be/<NOSRV> 0/-1/-1/-1/0 500 0 IR-- 0");
        assert!(sim.connects.is_empty());
    }
}
