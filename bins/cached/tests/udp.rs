//! Datagrams, over real sockets.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

mod peer;

use std::net::UdpSocket;
use std::time::Duration;

use peer::{Client, start, value};
use steadfast_cached::Running;
use steadfast_cached::settings::{Listen, Settings};
use steadfast_protocol::udp::{DATAGRAM_BYTES_MAX, Header};

fn start_udp(change: impl FnOnce(&mut Settings)) -> Running {
    start(|settings| {
        settings.udp = vec![Listen::Address("127.0.0.1:0".parse().unwrap())];
        change(settings);
    })
}

/// A client that asks in datagrams.
struct Asker {
    socket: UdpSocket,
    request_id: u16,
}

impl Asker {
    fn of(server: &Running) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server.udp_addresses()[0]).unwrap();
        // Far longer than anything takes; only a hanging test gets there.
        let patience = Some(Duration::from_secs(20));
        socket.set_read_timeout(patience).unwrap();
        Self {
            socket,
            request_id: 6,
        }
    }

    fn send(&mut self, payload: impl AsRef<[u8]>) {
        self.request_id += 1;
        let mut datagram = Header::request(self.request_id).encode().to_vec();
        datagram.extend(payload.as_ref());
        self.socket.send(&datagram).unwrap();
    }

    /// Receives one reply, all its datagrams.
    fn receive(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        let mut expected = 0;
        loop {
            let mut datagram = [0; 2 * DATAGRAM_BYTES_MAX];
            let bytes = self.socket.recv(&mut datagram).unwrap();
            assert!(bytes <= DATAGRAM_BYTES_MAX, "{bytes}");
            let (header, payload) = Header::parse(&datagram[..bytes]).unwrap();
            assert_eq!(
                (header.request_id, header.sequence),
                (self.request_id, expected)
            );
            message.extend(payload);
            expected += 1;
            if expected >= header.total {
                return message;
            }
        }
    }

    fn ask(&mut self, payload: impl AsRef<[u8]>) -> Vec<u8> {
        self.send(payload);
        self.receive()
    }

    fn exchange(&mut self, payload: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
        let payload = payload.as_ref();
        let got = self.ask(payload);
        let (sent, got) = (payload.escape_ascii(), got.escape_ascii());
        assert_eq!(
            got.to_string(),
            reply.as_ref().escape_ascii().to_string(),
            "{sent}"
        );
    }
}

#[test]
fn commands_in_datagrams_are_answered_in_datagrams() {
    let server = start_udp(|_| {});
    let mut asker = Asker::of(&server);
    for (request, reply) in [
        ("set a 5 0 5\r\nhello\r\n", "STORED\r\n"),
        ("get a\r\n", "VALUE a 5 5\r\nhello\r\nEND\r\n"),
        (
            "get a b a\r\n",
            "VALUE a 5 5\r\nhello\r\nVALUE a 5 5\r\nhello\r\nEND\r\n",
        ),
        ("mg a v\r\n", "VA 5\r\nhello\r\n"),
        ("bogus\r\n", "ERROR\r\n"),
        ("delete a\r\nget a\r\n", "DELETED\r\nEND\r\n"),
        ("quit\r\n", ""),
    ] {
        asker.exchange(request, reply);
    }
    // What is stored one way is there the other way.
    asker.exchange("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    Client::of(&server).exchange("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
}

#[test]
fn binary_requests_are_told_by_their_first_byte() {
    let server = start_udp(|_| {});
    let mut noop = [0; 24];
    noop[..2].copy_from_slice(&[0x80, 0x0a]);
    noop[12..16].copy_from_slice(b"mark");
    let reply = Asker::of(&server).ask(noop);
    assert_eq!(
        (reply.len(), &reply[..2], &reply[12..16]),
        (24, &[0x81, 0x0a][..], &b"mark"[..])
    );
}

#[test]
fn what_is_no_request_gets_no_reply() {
    let server = start_udp(|_| {});
    let mut asker = Asker::of(&server);
    // Too short, in parts, without an end, noreply; then one that is answered, and alone.
    asker.socket.send(&[0, 1, 0, 0, 0, 1, 0]).unwrap();
    asker.socket.send(&[0, 1, 0, 0, 0, 1, 0, 0]).unwrap();
    asker.socket.send(b"\0\x01\0\0\0\x02\0\0get a\r\n").unwrap();
    asker.socket.send(b"\0\x01\0\0\0\0\0\0get a\r\n").unwrap();
    asker.send("get a");
    asker.send("set a 0 0 1 noreply\r\nx\r\n");
    asker.exchange("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
}

#[test]
fn value_in_another_datagram_is_refused_and_not_misread() {
    let server = start_udp(|_| {});
    let mut asker = Asker::of(&server);
    asker.exchange("set a 0 0 5\r\nhel", "CLIENT_ERROR bad data chunk\r\n");
    asker.exchange("lo\r\n", "ERROR\r\n");
    let header = "set a 0 0 100000\r\n";
    asker.exchange(header, "CLIENT_ERROR bad data chunk\r\n");
    asker.exchange("get a\r\n", "END\r\n");
}

#[test]
fn big_values_go_in_and_out_whole() {
    let server = start_udp(|_| {});
    let mut asker = Asker::of(&server);
    for bytes in [1391, 1392, 1393, 5000, 60_000] {
        let value = value(bytes, bytes);
        let mut request = format!("set big 0 0 {bytes}\r\n").into_bytes();
        request.extend(&value);
        request.extend(b"\r\n");
        asker.exchange(request, "STORED\r\n");
        let mut reply = format!("VALUE big 0 {bytes}\r\n").into_bytes();
        reply.extend(&value);
        reply.extend(b"\r\nEND\r\n");
        asker.exchange("get big\r\n", reply);
    }
}

#[test]
fn reply_far_larger_than_its_request_is_paid_from_an_allowance() {
    let server = start_udp(|settings| settings.udp_bytes_per_sec = 1000);
    let value = "v".repeat(4000);
    Client::of(&server).exchange(format!("set big 0 0 4000\r\n{value}\r\n"), "STORED\r\n");
    let mut asker = Asker::of(&server);
    let reply = format!("VALUE big 0 4000\r\n{value}\r\nEND\r\n");
    asker.exchange("get big\r\n", &reply);
    // The allowance of five seconds is used up, give or take what comes back meanwhile.
    let refused = (0..20).filter(|_| asker.ask("get big\r\n") == b"SERVER_ERROR UDP limit\r\n");
    assert!(refused.count() > 10);
    // A request that is large enough itself is answered at any rate: spaces at its end do not count.
    let padded = format!("get big{}\r\n", " ".repeat(1010));
    asker.exchange(padded, &reply);
    // And so is what is small.
    asker.exchange("get none\r\n", "END\r\n");
}

#[test]
fn reply_without_end_is_refused() {
    let server = start_udp(|settings| settings.udp_bytes_per_sec = 0);
    let value = "v".repeat(1_000_000);
    Client::of(&server).exchange(format!("set big 0 0 1000000\r\n{value}\r\n"), "STORED\r\n");
    let mut asker = Asker::of(&server);
    asker.exchange("get big big big big\r\n", "SERVER_ERROR UDP limit\r\n");
}

#[test]
fn udp_sockets_show_in_stats_conns() {
    let server = start_udp(|_| {});
    let address = server.udp_addresses()[0];
    let report = String::from_utf8(Asker::of(&server).ask("stats conns\r\n")).unwrap();
    assert!(
        report.contains(&format!(":addr udp:{address}\r\n")),
        "{report}"
    );
    assert!(report.contains(":UDP UDP\r\n"), "{report}");
}

#[test]
fn udp_is_off_unless_it_is_asked_for() {
    let server = start(|_| {});
    assert!(server.udp_addresses().is_empty());
    let place = server.addresses()[0];
    // Nobody has the port, or this would fail.
    UdpSocket::bind(place).unwrap();
}
