//! Connections that end, stop or change in the middle.

use crate::client::{Client, get};
use crate::origin::{Manner, Origin};
use crate::{DEFAULTS, start};

fn one_server(origin: &Origin) -> String {
    format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        origin.address
    )
}

#[tokio::test]
async fn answer_that_comes_before_the_body_was_taken_arrives() {
    let one = Origin::with(Manner::Early(
        "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much",
    ))
    .await;
    let stand = start(&one_server(&one));
    let mut client = Client::connect(stand.address).await;
    client
        .send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 50000\r\n\r\nthe first bytes")
        .await;
    let response = client.receive().await;
    assert_eq!(
        (response.status(), response.body.as_str()),
        ("413", "too much")
    );
}

#[tokio::test]
async fn body_that_the_server_cuts_is_cut_for_the_client() {
    let one = Origin::with(Manner::Raw(
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
    ))
    .await;
    let mut stand = start(&one_server(&one));
    let mut client = Client::connect(stand.address).await;
    client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n").await;
    let all = client.receive_all().await;
    assert!(all.ends_with("\r\n\r\nonly this"), "{all}");
    assert!(stand.logs.next().await.contains(" SD-- "));
}

#[tokio::test]
async fn client_that_leaves_while_it_waits_is_noticed() {
    let one = Origin::with(Manner::Silent).await;
    let mut stand = start(&one_server(&one));
    let mut client = Client::connect(stand.address).await;
    client
        .send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf")
        .await;
    one.seen.request().await;
    drop(client);
    let line = stand.logs.next().await;
    assert!(
        line.contains(" web web/a ") && line.contains(" CH-- "),
        "{line}"
    );
}

#[tokio::test]
async fn client_that_leaves_within_a_large_answer_is_noticed_and_others_are_served() {
    let one = Origin::with(Manner::Say("x".repeat(8_000_000))).await;
    let mut stand = start(&one_server(&one));
    let mut client = Client::connect(stand.address).await;
    client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n").await;
    one.seen.request().await;
    drop(client);
    let line = stand.logs.next().await;
    assert!(line.contains(" CD-- "), "{line}");
    assert_eq!(get(stand.address, "/").await.body.len(), 8_000_000);
}

#[tokio::test]
async fn reader_that_begins_late_gets_every_byte() {
    let one = Origin::with(Manner::Say("0123456789".repeat(1_000_000))).await;
    let stand = start(&one_server(&one));
    let mut slow = Client::connect(stand.address).await;
    slow.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n").await;
    one.seen.request().await;
    // Another client is served in full meanwhile.
    assert_eq!(get(stand.address, "/").await.body.len(), 10_000_000);
    let body = slow.receive().await.body;
    assert!(
        body == "0123456789".repeat(1_000_000),
        "the body arrives unchanged"
    );
}

#[tokio::test]
async fn upgrade_becomes_a_tunnel_until_either_side_ends_it() {
    let one = Origin::with(Manner::Echo(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
    ))
    .await;
    let mut stand = start(&one_server(&one));
    let mut client = Client::connect(stand.address).await;
    let switch = "GET / HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    client.send(format!("{switch}ping ")).await;
    client.expect("HTTP/1.1 101 Switching Protocols\r\n").await;
    client.send("GET / not HTTP at all\r\n\r\n").await;
    client.finish().await;
    let all = client.receive_all().await;
    assert!(
        all.ends_with("\r\n\r\nping GET / not HTTP at all\r\n\r\n"),
        "{all}"
    );
    let line = stand.logs.next().await;
    assert!(line.contains(" 101 ") && line.contains(" ---- "), "{line}");
}

#[tokio::test]
async fn client_is_told_to_go_on_before_it_sends_a_body() {
    let one = Origin::with(Manner::Raw(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ))
    .await;
    let stand = start(&one_server(&one));
    let mut client = Client::connect(stand.address).await;
    client
        .send("GET / HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        .await;
    let all = client.receive_all().await;
    assert!(
        all.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"),
        "{all}"
    );
    assert!(all.ends_with("\r\n\r\nok"), "{all}");
}
