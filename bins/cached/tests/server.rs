//! Servers in this process, talked to over real sockets.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

mod peer;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use peer::{Client, settings, start, value};
use steadfast_cached::settings::{Endpoint, Listen};
use steadfast_cached::{Server, StartError};

#[test]
fn commands_are_answered_as_by_memcached() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    for (send, reply) in [
        ("set a 5 0 5\r\nhello\r\n", "STORED\r\n"),
        ("get a b\r\n", "VALUE a 5 5\r\nhello\r\nEND\r\n"),
        ("add a 0 0 1\r\nx\r\n", "NOT_STORED\r\n"),
        ("replace b 0 0 1\r\nx\r\n", "NOT_STORED\r\n"),
        ("append a 0 0 2\r\n, \r\n", "STORED\r\n"),
        ("prepend a 0 0 1\r\n>\r\n", "STORED\r\n"),
        ("get a\r\n", "VALUE a 5 8\r\n>hello, \r\nEND\r\n"),
        ("set n 0 0 1\r\n7\r\n", "STORED\r\n"),
        ("incr n 5\r\n", "12\r\n"),
        ("decr n 20\r\n", "0\r\n"),
        ("touch n 100\r\n", "TOUCHED\r\n"),
        ("delete n\r\n", "DELETED\r\n"),
        ("delete n\r\n", "NOT_FOUND\r\n"),
        ("cas n 0 0 1 1\r\nx\r\n", "NOT_FOUND\r\n"),
        ("set q 0 0 1 noreply\r\nx\r\n", ""),
        ("get q\r\n", "VALUE q 0 1\r\nx\r\nEND\r\n"),
        ("bogus\r\n", "ERROR\r\n"),
        ("flush_all\r\n", "OK\r\n"),
        ("get a q\r\n", "END\r\n"),
    ] {
        client.exchange(send, reply);
    }
}

#[test]
fn thousands_of_pipelined_commands_answer_in_order() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    let (mut requests, mut replies) = (String::new(), String::new());
    for round in 0..5000 {
        requests.push_str(&format!(
            "set key{round} 0 0 4\r\n{round:04}\r\nget key{round}\r\n"
        ));
        replies.push_str(&format!(
            "STORED\r\nVALUE key{round} 0 4\r\n{round:04}\r\nEND\r\n"
        ));
    }
    let sender = client.0.try_clone().unwrap();
    let writer = thread::spawn(move || (&sender).write_all(requests.as_bytes()).unwrap());
    client.expect(replies);
    writer.join().unwrap();
}

#[test]
fn busy_client_gives_way_and_yields_are_counted() {
    let server = start(|settings| settings.threads = 1);
    // One worker, two clients that ask at the same time, again and again: at some time one of
    // them has more than -R requests waiting while the other is ready, too.
    let mut observer = Client::of(&server);
    let address = server.addresses()[0];
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let mut client = Client::connect(address).unwrap();
                    client.send("get nothing\r\n".repeat(2000));
                    client.expect("END\r\n".repeat(2000));
                }
            });
        }
        let started = Instant::now();
        while observer.stat("conn_yields") == "0" && started.elapsed() < Duration::from_secs(20) {}
        done.store(true, Ordering::Relaxed);
    });
    assert_ne!(observer.stat("conn_yields"), "0");
}

#[test]
fn byte_by_byte_sender_is_understood() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    for byte in b"set a 0 0 5\r\nhello\r\nget a\r\nget a b c\r\n" {
        client.send([*byte]);
    }
    client.expect("STORED\r\nVALUE a 0 5\r\nhello\r\nEND\r\nVALUE a 0 5\r\nhello\r\nEND\r\n");
}

#[test]
fn big_values_among_small_requests_arrive_whole_whatever_the_pieces() {
    let server = start(|_| {});
    for piece_bytes in [1 << 20, 66_000, 40_001, 2_047] {
        let mut client = Client::of(&server);
        let (mut requests, mut replies) = (Vec::new(), Vec::new());
        for (seed, bytes) in [16_384, 70_000, 9, 300_000, 65_536, 65_534, 2_000, 100_000]
            .into_iter()
            .enumerate()
        {
            let value = value(bytes, seed);
            requests.extend(format!("set k{seed} 1 0 {bytes}\r\n").bytes());
            requests.extend(&value);
            requests.extend(format!("\r\nverbosity 1\r\nget k{seed}\r\n").bytes());
            replies.extend(b"STORED\r\n");
            replies.extend(b"OK\r\n");
            replies.extend(format!("VALUE k{seed} 1 {bytes}\r\n").bytes());
            replies.extend(&value);
            replies.extend(b"\r\nEND\r\n");
        }
        thread::scope(|scope| {
            let mut sender = client.0.try_clone().unwrap();
            let requests = &requests;
            scope.spawn(move || {
                for piece in requests.chunks(piece_bytes) {
                    sender.write_all(piece).unwrap();
                }
            });
            client.expect(&replies);
        });
    }
}

#[test]
fn half_closed_client_still_gets_all_replies() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    let big = value(100_000, 1);
    client.send(format!("set a 0 0 {}\r\n", big.len()));
    client.send(&big);
    client.send("\r\nget a\r\nget a\r\nget b");
    client.finish();
    let reply = [
        format!("VALUE a 0 {}\r\n", big.len()).as_bytes(),
        &big,
        b"\r\nEND\r\n",
    ]
    .concat();
    assert!(client.rest() == [&b"STORED\r\n"[..], &reply, &reply].concat());
}

#[test]
fn quit_flushes_replies_and_drops_what_follows() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    client.send("get a\r\nversion\r\nquit\r\nget b\r\n");
    let rest = String::from_utf8(client.rest()).unwrap();
    assert!(rest.starts_with("END\r\nVERSION 1.6."), "{rest}");
    assert_eq!(rest.lines().count(), 2);
}

#[test]
fn client_above_the_limit_is_told_and_a_free_seat_is_given_again() {
    let server = start(|settings| settings.connections_max = 2);
    let mut first = Client::of(&server);
    let mut second = Client::of(&server);
    first.exchange("get a\r\n", "END\r\n");
    second.exchange("get a\r\n", "END\r\n");
    let mut third = Client::of(&server);
    assert_eq!(third.rest(), b"ERROR Too many open connections\r\n");
    assert_eq!(first.stat("rejected_connections"), "1");
    second.finish();
    assert_eq!(second.rest(), b"");
    // The server has closed the second, so its seat is free.
    Client::of(&server).exchange("get a\r\n", "END\r\n");
}

#[test]
fn clients_wait_for_a_seat_where_refusing_is_off() {
    let server = start(|settings| {
        settings.connections_max = 1;
        settings.refuse_when_full = false;
    });
    let mut first = Client::of(&server);
    first.exchange("get a\r\n", "END\r\n");
    let mut second = Client::of(&server);
    second.send("get a\r\n");
    while first.stat("accepting_conns") == "1" {}
    assert_eq!(first.stat("listen_disabled_num"), "1");
    first.finish();
    second.expect("END\r\n");
}

#[test]
fn rubbish_harms_nobody_else() {
    let server = start(|_| {});
    let mut bystander = Client::of(&server);
    bystander.exchange("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    for seed in 0..50 {
        let mut vandal = Client::of(&server);
        vandal.send(value(3000, seed));
        vandal.finish();
        vandal.rest();
    }
    let mut endless = Client::of(&server);
    endless.send("x".repeat(5000));
    assert_eq!(endless.rest(), b"");
    bystander.exchange("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
    while bystander.stat("curr_connections") != "1" {}
}

#[test]
fn value_too_large_is_refused_and_swallowed() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    client.exchange("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    let large = 3 << 20;
    client.send(format!("set a 0 0 {large}\r\n"));
    client.send(value(large, 0));
    client.exchange(
        "\r\nget a\r\n",
        "SERVER_ERROR object too large for cache\r\nEND\r\n",
    );
    assert_eq!(client.stat("store_too_large"), "1");
}

#[test]
fn values_of_every_size_come_back_unchanged() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    for bytes in [
        0, 1, 100, 4096, 16_383, 16_384, 16_385, 65_535, 65_536, 300_000, 1_000_000,
    ] {
        let data = value(bytes, bytes);
        client.send(format!("set big 0 0 {bytes}\r\n"));
        client.send(&data);
        client.send("\r\nget big\r\n");
        client.expect(format!("STORED\r\nVALUE big 0 {bytes}\r\n"));
        client.expect(&data);
        client.expect("\r\nEND\r\n");
    }
}

#[test]
fn big_value_in_dribbles_is_stored_whole_or_not_at_all() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    let data = value(200_000, 3);
    client.send("set a 0 0 200000\r\n");
    for piece in data.chunks(777) {
        client.send(piece);
    }
    client.exchange("\r\n", "STORED\r\n");
    // One that never completes leaves the old value, and no memory behind.
    let mut quitter = Client::of(&server);
    quitter.send("set a 0 0 200000\r\nonly this much");
    quitter.finish();
    assert_eq!(quitter.rest(), b"");
    client.send("get a\r\n");
    client.expect("VALUE a 0 200000\r\n");
    client.expect(&data);
    client.expect("\r\nEND\r\n");
}

#[test]
fn slow_reader_of_big_values_holds_up_nobody_and_loses_nothing() {
    let server = start(|settings| settings.threads = 1);
    let data = value(1_000_000, 9);
    let mut slow = Client::of(&server);
    slow.send("set a 0 0 1000000\r\n");
    slow.send(&data);
    slow.send("\r\n");
    slow.expect("STORED\r\n");
    slow.send("get a\r\n".repeat(60));
    let mut other = Client::of(&server);
    // The values in flight stay as they were when they were asked for.
    for _ in 0..100 {
        other.exchange("get b\r\n", "END\r\n");
    }
    for _ in 0..60 {
        slow.expect("VALUE a 0 1000000\r\n");
        slow.expect(&data);
        slow.expect("\r\nEND\r\n");
    }
}

#[test]
fn long_multiget_spans_many_buffers() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    client.exchange("set here 0 0 1\r\nx\r\n", "STORED\r\n");
    let keys = "absent_key_of_some_length ".repeat(20_000);
    client.send(format!("get {keys}here\r\n"));
    client.expect("VALUE here 0 1\r\nx\r\nEND\r\n");
}

#[test]
fn long_requests_have_a_budget_that_is_given_back() {
    let server = start(|settings| settings.long_request_bytes_max = 300_000);
    let multiget = |bytes: usize| format!("get {}", "k ".repeat(bytes / 2));
    let mut client = Client::of(&server);
    for _ in 0..5 {
        client.exchange(multiget(100_000) + "\r\n", "END\r\n");
    }
    let mut endless = Client::of(&server);
    // The server closes in the midst of it.
    let _ = endless.0.write_all(multiget(1_000_000).as_bytes());
    assert_eq!(
        endless.rest(),
        b"SERVER_ERROR out of memory reading request\r\n"
    );
    client.exchange(multiget(100_000) + "\r\n", "END\r\n");
}

#[test]
fn a_thousand_clients_are_served_side_by_side() {
    steadfast_host::limits::raise_open_files(2500).unwrap();
    let server = start(|_| {});
    let mut clients: Vec<_> = (0..1000).map(|_| Client::of(&server)).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(format!(
            "set k{index} 0 0 4\r\n{index:04}\r\nget k{index}\r\n"
        ));
    }
    for (index, client) in clients.iter_mut().enumerate() {
        client.expect(format!(
            "STORED\r\nVALUE k{index} 0 4\r\n{index:04}\r\nEND\r\n"
        ));
    }
    assert_eq!(clients[0].stat("curr_connections"), "1000");
}

#[test]
fn stop_under_load_ends_connections_and_frees_the_port() {
    // An address of its own, so that no other test takes the port when it is free.
    let server = start(|settings| {
        settings.listen = vec![Listen::Address("127.0.77.1:0".parse().unwrap()).into()];
    });
    let address = server.addresses()[0];
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 65_536];
                let mut rounds = 0;
                while stream
                    .write_all(&b"set a 0 0 1\r\nx\r\nget a\r\n".repeat(100))
                    .is_ok()
                    && stream.read(&mut buffer).is_ok_and(|bytes| bytes > 0)
                {
                    rounds += 1;
                }
                rounds
            })
        })
        .collect();
    let mut observer = Client::of(&server);
    while observer.stat("cmd_get").parse::<u64>().unwrap() < 2000 {}
    server.stop();
    assert_eq!(observer.rest(), b"");
    for client in clients {
        assert!(client.join().unwrap() > 0);
    }
    assert!(TcpStream::connect(address).is_err());
    // A node that starts again starts empty, at the same place.
    let again = start(|settings| settings.listen = vec![Listen::Address(address).into()]);
    Client::of(&again).exchange("get a\r\n", "END\r\n");
}

#[test]
fn graceful_stop_sends_what_is_due() {
    let server = start(|settings| settings.threads = 1);
    let data = value(1_000_000, 5);
    let mut slow = Client::of(&server);
    slow.send("set a 0 0 1000000\r\n");
    slow.send(&data);
    slow.send("\r\n");
    slow.expect("STORED\r\n");
    slow.send("get a\r\n".repeat(8));
    let mut idle = Client::of(&server);
    while !conns(&mut idle).contains("conn_mwrite") {}
    let stopper = thread::spawn(move || server.stop_gracefully());
    assert_eq!(idle.rest(), b"");
    let rest = slow.rest();
    // One batch at least is whole; nothing is torn.
    let reply = [&b"VALUE a 0 1000000\r\n"[..], &data, b"\r\nEND\r\n"].concat();
    assert!(
        !rest.is_empty() && rest.len() % reply.len() == 0,
        "{} bytes",
        rest.len()
    );
    assert!(rest.chunks(reply.len()).all(|chunk| chunk == reply));
    stopper.join().unwrap();
}

fn conns(client: &mut Client) -> String {
    client.send("stats conns\r\n");
    let mut report = Vec::new();
    while !report.ends_with(b"END\r\n") {
        let mut piece = [0; 4096];
        let bytes = client.0.read(&mut piece).unwrap();
        report.extend_from_slice(&piece[..bytes]);
    }
    String::from_utf8(report).unwrap()
}

#[test]
fn two_servers_in_one_process_share_nothing() {
    let (one, two) = (start(|_| {}), start(|_| {}));
    Client::of(&one).exchange("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    Client::of(&two).exchange("get a\r\n", "END\r\n");
    one.stop();
    Client::of(&two).exchange("get a\r\n", "END\r\n");
}

#[test]
fn idle_client_is_closed_and_one_within_a_value_is_not() {
    let server = start(|settings| settings.idle_timeout = Some(Duration::from_secs(1)));
    let mut sending = Client::of(&server);
    sending.send("set a 0 0 5\r\nhel");
    let mut idle = Client::of(&server);
    let mut half = Client::of(&server);
    half.send("get a");
    assert_eq!(idle.rest(), b"");
    assert_eq!(half.rest(), b"");
    sending.exchange("lo\r\n", "STORED\r\n");
    assert_eq!(sending.stat("idle_kicks"), "2");
}

#[test]
fn unix_socket_serves_all_workers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let server = start(|settings| {
        let mode = 0o600;
        let path = path.clone();
        settings.listen = vec![Listen::Unix { path, mode }.into()];
    });
    assert!(server.addresses().is_empty());
    let mut clients: Vec<_> = (0..20)
        .map(|_| UnixStream::connect(&path).unwrap())
        .collect();
    for client in &mut clients {
        client.write_all(b"set a 0 0 1\r\nx\r\nget a\r\n").unwrap();
    }
    let reply = b"STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n";
    for client in &mut clients {
        let mut read = vec![0; reply.len()];
        client.read_exact(&mut read).unwrap();
        assert_eq!(read, reply);
    }
}

#[test]
fn taken_port_is_an_error_that_names_it_and_leaves_nothing_behind() {
    let server = start(|_| {});
    let taken = server.addresses()[0];
    let mut settings = settings();
    settings.listen = vec![
        Listen::Address("127.0.0.1:0".parse().unwrap()).into(),
        Listen::Address(taken).into(),
    ];
    let error = Server::start(settings).unwrap_err();
    assert!(matches!(error, StartError::Listen(_)));
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {taken}: address already in use")
    );
}

#[test]
fn place_that_is_asked_for_twice_is_bound_once() {
    // An address of its own, so that no other test takes the port when it is free.
    let settings = |places: Vec<Listen>| {
        start(|settings| settings.listen = places.into_iter().map(Endpoint::from).collect())
    };
    let first = settings(vec![Listen::Address("127.0.77.2:0".parse().unwrap())]);
    let address = first.addresses()[0];
    first.stop();
    let server = settings(vec![
        Listen::Address(address),
        Listen::Host("127.0.77.2".to_owned(), address.port()),
    ]);
    assert_eq!(server.addresses(), [address]);
}

#[test]
fn every_client_shows_in_stats_conns() {
    let server = start(|_| {});
    let mut client = Client::of(&server);
    let report = conns(&mut client);
    let here = format!("tcp:{}", client.0.local_addr().unwrap());
    let there = format!("tcp:{}", server.addresses()[0]);
    assert!(report.contains(&format!("addr {here}\r\n")), "{report}");
    assert!(
        report.contains(&format!("listen_addr {there}\r\n")),
        "{report}"
    );
    assert!(report.contains("conn_listening"), "{report}");
}
