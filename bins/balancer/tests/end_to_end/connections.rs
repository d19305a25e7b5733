//! Limits of connections, and the end.

use std::io::Write as _;
use std::sync::Arc;

use steadfast_balancer::{Balancer, Embedding};
use steadfast_proxy::state::FrontendId;
use tokio::net::TcpStream;

use crate::client::{Client, get};
use crate::origin::{Gate, Manner, Origin};
use crate::{DEFAULTS, config_of, patient, start};

#[tokio::test]
async fn client_beyond_maxconn_waits_and_is_served_after() {
    let gate = Arc::new(Gate::default());
    let one = Origin::with(Manner::Wait(String::from("one"), Arc::clone(&gate))).await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n maxconn 1\n server a {}\n",
        one.address
    ));
    let mut first = Client::connect(stand.address).await;
    first
        .send("GET /first HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        .await;
    one.seen.request().await;
    // The kernel takes the second one in; the balancer does not.
    let mut second = Client::connect(stand.address).await;
    second
        .send("GET /second HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        .await;
    gate.open();
    gate.open();
    assert_eq!(first.receive().await.body, "one");
    assert_eq!(second.receive().await.body, "one");
    let current = stand.balancer.inspect(|state| {
        state
            .frontend(steadfast_proxy::state::FrontendId(0))
            .current_max
    });
    assert_eq!(current, 1);
}

#[tokio::test]
async fn maxconn_holds_for_all_listeners_of_a_frontend_together() {
    let gate = Arc::new(Gate::default());
    let one = Origin::with(Manner::Wait(String::from("one"), Arc::clone(&gate))).await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n bind 127.0.0.1:2\n maxconn 1\n server a {}\n",
        one.address
    ));
    let request = "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    let mut clients = Vec::new();
    for (_, address) in stand.balancer.addresses() {
        let mut client = Client::connect(*address).await;
        client.send(request).await;
        clients.push(client);
    }
    for client in &mut clients {
        gate.open();
        assert_eq!(client.receive().await.body, "one");
    }
    let most = stand
        .balancer
        .inspect(|state| state.frontend(FrontendId(0)).current_max);
    assert_eq!(most, 1);
}

#[tokio::test]
async fn client_keeps_one_server_connection_where_files_are_scarce() {
    let (one, two) = (Origin::start("one").await, Origin::start("two").await);
    let text = |maxconn| {
        format!(
            "global\n maxconn {maxconn}\n{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n \
             server a {}\n server b {}\n",
            one.address, two.address
        )
    };
    // Ample files first: each server is connected to once. Then as many clients as nobody has files for.
    for (maxconn, expected) in [(1, 1), (1_000_000_000, 1 + 2)] {
        let stand = start(&text(maxconn));
        let mut client = Client::connect(stand.address).await;
        for body in ["one", "two", "one", "two"] {
            assert_eq!(client.get("/", "").await.body, body);
        }
        let connections = (one.seen.connections(), two.seen.connections());
        assert_eq!(connections, (expected, expected), "maxconn {maxconn}");
    }
}

#[tokio::test]
async fn request_beyond_a_servers_maxconn_queues() {
    let gate = Arc::new(Gate::default());
    let one = Origin::with(Manner::Wait(String::from("one"), Arc::clone(&gate))).await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {} maxconn 1\n",
        one.address
    ));
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(stand.address).await;
        client
            .send("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
            .await;
        clients.push(client);
    }
    for _ in 0..3 {
        one.seen.request().await;
        gate.open();
    }
    for client in &mut clients {
        assert_eq!(client.receive().await.body, "one");
    }
}

#[tokio::test]
async fn soft_stop_finishes_requests_and_closes_idle_clients() {
    let gate = Arc::new(Gate::default());
    let one = Origin::with(Manner::Wait(String::from("one"), Arc::clone(&gate))).await;
    let mut stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        one.address
    ));
    let mut idle = Client::connect(stand.address).await;
    gate.open();
    assert_eq!(idle.get("/", "").await.body, "one");
    let mut busy = Client::connect(stand.address).await;
    busy.send("GET /busy HTTP/1.1\r\nHost: t\r\n\r\n").await;
    one.seen.request().await;
    one.seen.request().await;
    let drained = tokio::spawn(stand.balancer.drain());
    assert_eq!(idle.receive_all().await, "");
    stand
        .logs
        .find("Proxy web stopped (cumulated conns: FE: 2, BE: 2).")
        .await;
    gate.open();
    let response = busy.receive().await;
    assert_eq!(response.body, "one");
    assert_eq!(response.header("connection"), Some("close"));
    patient(drained).await.unwrap();
    assert!(TcpStream::connect(stand.address).await.is_err());
}

#[tokio::test]
async fn soft_stop_serves_those_who_wait_in_the_backlog() {
    let one = Origin::start("one").await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        one.address
    ));
    // Nothing is awaited, so the balancer does not run until it is told to stop.
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut socket = std::net::TcpStream::connect(stand.address).unwrap();
        socket
            .write_all(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
            .unwrap();
        socket.set_nonblocking(true).unwrap();
        clients.push(Client::from(TcpStream::from_std(socket).unwrap()));
    }
    let drained = tokio::spawn(stand.balancer.drain());
    for client in &mut clients {
        assert_eq!(client.receive().await.body, "one");
    }
    patient(drained).await.unwrap();
}

#[tokio::test]
async fn connection_that_panics_gives_its_place_back() {
    let one = Origin::start("one").await;
    let config = config_of(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n maxconn 1\n server a {} maxconn 1\n",
        one.address
    ));
    let mut embedding = Embedding::default();
    embedding.log = Some(Arc::new(|line: &str| {
        assert!(
            !line.contains("/panic"),
            "this line is too much for the test"
        );
    }));
    let balancer = Balancer::start(config, embedding).unwrap();
    let address = balancer.addresses()[0].1;
    let mut first = Client::connect(address).await;
    first.send("GET /panic HTTP/1.1\r\nHost: t\r\n\r\n").await;
    first.receive_all().await;
    assert_eq!(get(address, "/").await.body, "one");
    assert_eq!(
        balancer.inspect(|state| state.frontend(FrontendId(0)).current_max),
        1
    );
}

#[tokio::test]
async fn hard_stop_after_bounds_the_soft_stop() {
    let one = Origin::with(Manner::Silent).await;
    let stand = start(&format!(
        "global\n hard-stop-after 50ms\n{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n").await;
    one.seen.request().await;
    patient(stand.balancer.drain()).await;
    assert_eq!(client.receive_all().await, "");
}

#[tokio::test]
async fn stop_cuts_everything_and_frees_the_port() {
    let one = Origin::with(Manner::Silent).await;
    let stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
        one.address
    ));
    let mut client = Client::connect(stand.address).await;
    client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n").await;
    one.seen.request().await;
    patient(stand.balancer.stop()).await;
    assert_eq!(client.receive_all().await, "");
    std::net::TcpListener::bind(stand.address).unwrap();
}

#[tokio::test]
async fn two_balancers_live_in_one_process() {
    let (one, two) = (Origin::start("one").await, Origin::start("two").await);
    let configuration = |origin: &Origin| {
        format!(
            "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {}\n",
            origin.address
        )
    };
    let (first, second) = (start(&configuration(&one)), start(&configuration(&two)));
    assert_eq!(get(first.address, "/").await.body, "one");
    first.balancer.stop().await;
    assert_eq!(get(second.address, "/").await.body, "two");
}
