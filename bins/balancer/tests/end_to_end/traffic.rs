//! Requests that go well.

use crate::client::{Client, get, header};
use crate::origin::{Manner, Origin};
use crate::{DEFAULTS, start};

async fn bodies(address: std::net::SocketAddr, count: usize) -> Vec<String> {
    let mut bodies = Vec::new();
    for _ in 0..count {
        bodies.push(get(address, "/").await.body);
    }
    bodies
}

#[tokio::test]
async fn servers_take_turns() {
    let (one, two) = (Origin::start("one").await, Origin::start("two").await);
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n server b {}\n",
        one.address, two.address
    ));
    assert_eq!(bodies(stand.address, 4).await, ["one", "two", "one", "two"]);
}

#[tokio::test]
async fn weights_share_the_turns() {
    let (one, two) = (Origin::start("1").await, Origin::start("2").await);
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n balance roundrobin\n server a {} weight 3\n \
         server b {} weight 1\n",
        one.address, two.address
    ));
    assert_eq!(bodies(stand.address, 8).await.concat(), "11121112");
}

#[tokio::test]
async fn server_close_keeps_the_client_and_not_the_server() {
    let one = Origin::start("one").await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n option httpclose\n option http-server-close\n \
         server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    for _ in 0..3 {
        let response = client.get("/", "").await;
        assert_eq!((response.status(), response.body.as_str()), ("200", "one"));
        assert_eq!(response.header("connection"), None);
    }
    assert_eq!(one.seen.connections(), 3);
    assert_eq!(header(&one.seen.last(), "connection"), Some("close"));
}

#[tokio::test]
async fn keep_alive_keeps_both() {
    let one = Origin::start("one").await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n option http-keep-alive\n server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    for _ in 0..3 {
        assert_eq!(client.get("/", "").await.body, "one");
    }
    assert_eq!(one.seen.connections(), 1);
}

#[tokio::test]
async fn httpclose_closes_the_client() {
    let one = Origin::start("one").await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n option httpclose\n server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    let response = client.get("/", "").await;
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(client.receive_all().await, "");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (one, two) = (Origin::start("one").await, Origin::start("two").await);
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n server b {}\n",
        one.address, two.address
    ));
    let mut client = Client::connect(stand.address).await;
    client
        .send("GET /1 HTTP/1.1\r\nHost: t\r\n\r\nGET /2 HTTP/1.1\r\nHost: t\r\n\r\n")
        .await;
    assert_eq!(client.receive().await.body, "one");
    assert_eq!(client.receive().await.body, "two");
}

#[tokio::test]
async fn client_address_is_told_and_the_proxy_header_removed() {
    let one = Origin::start("one").await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n option forwardfor\n \
         http-request del-header Proxy\n server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    client
        .get("/", "Proxy: evil\r\nX-Forwarded-For: 192.0.2.7\r\n")
        .await;
    let head = one.seen.last();
    assert!(!head.to_ascii_lowercase().contains("evil"), "{head}");
    let told: Vec<&str> = head
        .lines()
        .filter(|line| line.to_ascii_lowercase().starts_with("x-forwarded-for"))
        .collect();
    assert_eq!(
        told,
        ["X-Forwarded-For: 192.0.2.7", "x-forwarded-for: 127.0.0.1"]
    );
}

#[tokio::test]
async fn excepted_client_is_not_told() {
    let one = Origin::start("one").await;
    let stand = start(&format!(
        "{DEFAULTS}    option forwardfor except 127.0.0.0/8\nlisten web\n bind 127.0.0.1:1\n \
         server a {}\n",
        one.address
    ));
    get(stand.address, "/").await;
    assert_eq!(header(&one.seen.last(), "x-forwarded-for"), None);
}

#[tokio::test]
async fn large_bodies_pass_in_both_directions() {
    let body = "0123456789abcdef".repeat(512 * 1024);
    let one = Origin::with(Manner::Say(body.clone())).await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        one.address
    ));
    let upload = vec![b'u'; 3_000_000];
    let mut client = Client::connect(stand.address).await;
    for round in 1..=2 {
        client
            .send(format!(
                "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n",
                upload.len()
            ))
            .await;
        client.send(&upload).await;
        assert!(
            client.receive().await.body == body,
            "the body arrives unchanged"
        );
        assert_eq!(one.seen.body_bytes(), round * upload.len());
    }
}

#[tokio::test]
async fn body_without_length_ends_with_the_connection() {
    let one = Origin::with(Manner::Raw("HTTP/1.1 200 OK\r\nX: y\r\n\r\nto the end")).await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    let answer = client.get("/", "").await;
    assert!(answer.body.contains("to the end"), "{answer:?}");
}

#[tokio::test]
async fn chunks_pass() {
    let one = Origin::with(Manner::Raw(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n3\r\nped\r\n0\r\n\r\n",
    ))
    .await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    client
        .send("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        .await;
    let answer = client.receive_all().await;
    assert!(
        answer.ends_with("4\r\nwiki\r\n3\r\nped\r\n0\r\n\r\n"),
        "{answer}"
    );
}
