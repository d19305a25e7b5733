//! Servers that die and clients that misbehave.

use crate::client::{Client, get};
use crate::origin::{Manner, Origin};
use crate::{DEFAULTS, start};

#[tokio::test]
async fn no_client_notices_a_killed_server() {
    let (one, two) = (Origin::start("one").await, Origin::start("two").await);
    let mut stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n option redispatch\n retries 3\n server a {}\n \
         server b {}\n",
        one.address, two.address
    ));
    assert_eq!(get(stand.address, "/").await.body, "one");
    one.stop().await;
    for _ in 0..6 {
        let response = get(stand.address, "/").await;
        assert_eq!((response.status(), response.body.as_str()), ("200", "two"));
    }
    let line = stand.logs.find("/+1 0/0").await;
    assert!(
        line.contains(" web web/b ") && line.contains(" 200 "),
        "{line}"
    );
}

#[tokio::test]
async fn no_server_at_all_is_503() {
    let mut stand = start(&format!("{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n"));
    let response = get(stand.address, "/").await;
    assert_eq!(response.status(), "503");
    assert_eq!(response.body.len(), 107);
    let line = stand.logs.next().await;
    assert!(
        line.contains(" web web/<NOSRV> 0/-1/-1/-1/0 503 0 - - SC-- 1/1/0/0/0 0/0 "),
        "{line}"
    );
}

#[tokio::test]
async fn refused_without_retries_is_503() {
    let gone = Origin::start("gone").await.stop().await;
    let mut stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n retries 0\n server a {gone}\n"
    ));
    assert_eq!(get(stand.address, "/").await.status(), "503");
    let line = stand.logs.next().await;
    assert!(
        line.contains(" web web/a ") && line.contains(" SC-- "),
        "{line}"
    );
}

#[tokio::test]
async fn silent_server_is_504() {
    let one = Origin::with(Manner::Silent).await;
    let mut stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n timeout server 50ms\n server a {}\n",
        one.address
    ));
    let response = get(stand.address, "/").await;
    assert_eq!(response.status(), "504");
    assert!(
        response
            .head
            .starts_with("HTTP/1.1 504 Gateway Time-out\r\n"),
        "{}",
        response.head
    );
    assert!(stand.logs.next().await.contains(" sH-- "));
}

#[tokio::test]
async fn server_that_talks_rubbish_is_502() {
    let one = Origin::with(Manner::Raw("rubbish\r\n\r\n")).await;
    let mut stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        one.address
    ));
    assert_eq!(get(stand.address, "/").await.status(), "502");
    assert!(stand.logs.next().await.contains(" PH-- "));
}

#[tokio::test]
async fn client_that_talks_rubbish_gets_400_and_others_are_served() {
    let one = Origin::start("one").await;
    let mut stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    client.send("rubbish\r\n\r\n").await;
    let answer = client.receive_all().await;
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad request\r\n"),
        "{answer}"
    );
    let line = stand.logs.next().await;
    assert!(
        line.contains(" web web/<NOSRV> -1/-1/-1/-1/") && line.contains(" PR-- "),
        "{line}"
    );
    assert!(line.ends_with("\"<BADREQ>\""), "{line}");
    assert_eq!(get(stand.address, "/").await.body, "one");
}

#[tokio::test]
async fn slow_head_is_408() {
    let mut stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n timeout http-request 50ms\n"
    ));
    let mut client = Client::connect(stand.address).await;
    client.send("GET / HTTP/1.1\r\nHo").await;
    let answer = client.receive_all().await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Time-out\r\n"),
        "{answer}"
    );
    assert!(stand.logs.next().await.contains(" cR-- "));
}

#[tokio::test]
async fn idle_client_is_closed_without_a_word() {
    let one = Origin::start("one").await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n timeout http-keep-alive 50ms\n server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    assert_eq!(client.get("/", "").await.body, "one");
    assert_eq!(client.receive_all().await, "");
}
