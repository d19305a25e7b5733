//! Encrypted connections, over real sockets.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

mod authority;
#[path = "../peer/mod.rs"]
mod peer;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use authority::{Authority, Folder, Identity};
use peer::{Client, start, value};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, StreamOwned, SupportedProtocolVersion,
};
use steadfast_cached::settings::{
    ClientCertificate, Endpoint, KeyFormat, Listen, Security, Tls, TlsVersion,
};
use steadfast_cached::{Running, Server, StartError};

const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// A server with a plain and an encrypted listener, and whoever vouches for both sides.
struct House {
    authority: Authority,
    folder: Folder,
    server: Running,
}

impl House {
    fn new(certificate: ClientCertificate, change: impl FnOnce(&mut Tls)) -> Self {
        let authority = Authority::new();
        let folder = Folder::new();
        let chain = folder.write_identity("server.pem", &authority.vouch_for("localhost"));
        let mut tls = Tls::new(chain);
        tls.client_authorities = Some(folder.write("authorities.pem", authority.pem()));
        change(&mut tls);
        let server = start(|settings| {
            settings.listen.push(encrypted(certificate));
            settings.tls = Some(tls);
        });
        Self {
            authority,
            folder,
            server,
        }
    }

    fn place(&self) -> SocketAddr {
        self.server.addresses()[1]
    }

    /// A client without a certificate.
    fn client(&self) -> Secure {
        Secure::connect(self.place(), self.authority.client(None, BOTH))
    }

    fn client_as(&self, identity: &Identity) -> Secure {
        Secure::connect(self.place(), self.authority.client(Some(identity), BOTH))
    }

    fn stat(&self, name: &str) -> String {
        Client::of(&self.server).stat(name)
    }
}

fn encrypted(certificate: ClientCertificate) -> Endpoint {
    let mut endpoint = Endpoint::from(Listen::Address("127.0.0.1:0".parse().unwrap()));
    endpoint.security = Security::Tls(certificate);
    endpoint
}

/// A client that speaks TLS.
struct Secure(StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    fn connect(place: SocketAddr, config: Arc<ClientConfig>) -> Self {
        let socket = Client::connect(place).unwrap().0;
        let tls = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
        Self(StreamOwned::new(tls, socket))
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
        self.0.flush().unwrap();
    }

    fn expect(&mut self, reply: impl AsRef<[u8]>) {
        let reply = reply.as_ref();
        let mut read = vec![0; reply.len()];
        self.0.read_exact(&mut read).unwrap();
        assert!(
            read == reply,
            "got {}",
            read[..read.len().min(200)].escape_ascii()
        );
    }

    fn exchange(&mut self, send: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
        self.send(send);
        self.expect(reply);
    }

    /// Asks for something, and returns why that fails.
    fn refusal(mut self) -> String {
        let asked = self.0.write_all(b"get a\r\n").and_then(|()| self.0.flush());
        let answered = asked.and_then(|()| self.0.read_exact(&mut [0; 5]));
        answered.unwrap_err().to_string()
    }

    /// The certificate that the server has shown.
    fn certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().unwrap()[0].to_vec()
    }
}

#[test]
fn both_versions_carry_text_and_binary() {
    let house = House::new(ClientCertificate::Ignored, |_| {});
    for version in BOTH {
        let config = house.authority.client(None, &[version]);
        let mut client = Secure::connect(house.place(), Arc::clone(&config));
        client.exchange("set a 0 0 5\r\nhello\r\n", "STORED\r\n");
        client.exchange("get a\r\n", "VALUE a 0 5\r\nhello\r\nEND\r\n");
        assert_eq!(client.0.conn.protocol_version(), Some(version.version));
        let mut client = Secure::connect(house.place(), config);
        let mut noop = [0; 24];
        noop[..2].copy_from_slice(&[0x80, 0x0a]);
        client.send(noop);
        noop[0] = 0x81;
        client.expect(noop);
    }
    // The plain listener beside it is plain.
    Client::of(&house.server).exchange("get a\r\n", "VALUE a 0 5\r\nhello\r\nEND\r\n");
}

#[test]
fn big_values_and_long_pipelines_arrive_whole() {
    let house = House::new(ClientCertificate::Ignored, |tls| {
        tls.write_buffer_bytes = 1 << 10
    });
    let mut client = house.client();
    for bytes in [16_384, 1_000_000, 70_000, 9] {
        let value = value(bytes, bytes);
        let mut request = format!("set big 0 0 {bytes}\r\n").into_bytes();
        request.extend(&value);
        request.extend(b"\r\nget big\r\n");
        client.send(request);
        client.expect(format!("STORED\r\nVALUE big 0 {bytes}\r\n"));
        client.expect(&value);
        client.expect("\r\nEND\r\n");
    }
    client.exchange("get nothing\r\n".repeat(5000), "END\r\n".repeat(5000));
}

#[test]
fn reader_that_takes_its_time_gets_everything_and_holds_up_nobody() {
    let house = House::new(ClientCertificate::Ignored, |_| {});
    let mut slow = house.client();
    let value = value(900_000, 1);
    slow.send(b"set big 0 0 900000\r\n");
    slow.send(&value);
    slow.exchange("\r\n", "STORED\r\n");
    // Far more than sockets hold.
    slow.send("get big\r\n".repeat(30));
    for _ in 0..50 {
        house.client().exchange("get nothing\r\n", "END\r\n");
    }
    for _ in 0..30 {
        slow.expect("VALUE big 0 900000\r\n");
        slow.expect(&value);
        slow.expect("\r\nEND\r\n");
    }
}

#[test]
fn byte_by_byte_sender_is_understood() {
    let house = House::new(ClientCertificate::Ignored, |_| {});
    let config = house.authority.client(None, BOTH);
    let mut tls = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let mut socket = Client::connect(house.place()).unwrap().0;
    while tls.is_handshaking() {
        send_bytewise(&mut tls, &mut socket);
        if tls.wants_read() {
            tls.read_tls(&mut socket).unwrap();
            tls.process_new_packets().unwrap();
        }
    }
    tls.writer()
        .write_all(b"set a 0 0 5\r\nhello\r\nget a\r\n")
        .unwrap();
    send_bytewise(&mut tls, &mut socket);
    Secure(StreamOwned::new(tls, socket)).expect("STORED\r\nVALUE a 0 5\r\nhello\r\nEND\r\n");
}

fn send_bytewise(tls: &mut ClientConnection, socket: &mut TcpStream) {
    let mut records = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut records).unwrap();
    }
    for byte in records {
        socket.write_all(&[byte]).unwrap();
    }
}

#[test]
fn half_closed_client_still_gets_its_replies() {
    let house = House::new(ClientCertificate::Ignored, |_| {});
    let mut client = house.client();
    client.send("get nothing\r\n".repeat(100));
    client.0.sock.shutdown(Shutdown::Write).unwrap();
    client.expect("END\r\n".repeat(100));
    // The server says good-bye: an end without it would be an error.
    assert_eq!(client.0.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn plain_text_at_an_encrypted_listener_is_dropped_and_counted() {
    let house = House::new(ClientCertificate::Ignored, |_| {});
    let mut plain = Client::connect(house.place()).unwrap();
    plain.send("get a\r\n");
    let rest = plain.rest();
    // An alert at most, no reply.
    assert!(rest.len() <= 7 && !rest.starts_with(b"E"), "{rest:?}");
    assert_eq!(house.stat("ssl_proto_errors"), "1");
    assert_eq!(house.stat("ssl_handshake_errors"), "0");
    house.client().exchange("get a\r\n", "END\r\n");
}

#[test]
fn silent_client_is_closed_in_time() {
    let house = House::new(ClientCertificate::Ignored, |tls| {
        tls.handshake_max = Duration::from_millis(100);
    });
    let mut done = house.client();
    done.exchange("get a\r\n", "END\r\n");
    // One says nothing, one a part of the first record.
    let mut silent = Client::connect(house.place()).unwrap();
    let mut slow = Client::connect(house.place()).unwrap();
    slow.send([0x16, 3, 1]);
    assert_eq!((silent.rest(), slow.rest()), (Vec::new(), Vec::new()));
    assert_eq!(house.stat("ssl_handshake_errors"), "2");
    done.exchange("get a\r\n", "END\r\n");
}

#[test]
fn clients_show_certificates_as_far_as_they_are_asked() {
    let stranger = Authority::new().vouch_for("client");
    for certificate in [
        ClientCertificate::Ignored,
        ClientCertificate::Wanted,
        ClientCertificate::Required,
    ] {
        let house = House::new(certificate, |_| {});
        let friend = house.authority.vouch_for("client");
        house.client_as(&friend).exchange("get a\r\n", "END\r\n");
        match certificate {
            ClientCertificate::Required => drop(house.client().refusal()),
            _ => house.client().exchange("get a\r\n", "END\r\n"),
        }
        match certificate {
            ClientCertificate::Ignored => {
                house.client_as(&stranger).exchange("get a\r\n", "END\r\n")
            }
            _ => drop(house.client_as(&stranger).refusal()),
        }
        let refused = match certificate {
            ClientCertificate::Ignored => "0",
            ClientCertificate::Wanted => "1",
            ClientCertificate::Required => "2",
        };
        assert_eq!(house.stat("ssl_handshake_errors"), refused);
    }
}

#[test]
fn lowest_version_and_ciphers_are_as_said() {
    let house = House::new(ClientCertificate::Ignored, |tls| {
        tls.version_min = TlsVersion::Tls13;
    });
    let old = house.authority.client(None, &[&TLS12]);
    Secure::connect(house.place(), old).refusal();
    house.client().exchange("get a\r\n", "END\r\n");
    let house = House::new(ClientCertificate::Ignored, |tls| {
        tls.ciphers = Some("ECDHE-ECDSA-AES128-GCM-SHA256".to_owned());
    });
    let old = house.authority.client(None, &[&TLS12]);
    let mut client = Secure::connect(house.place(), old);
    client.exchange("get a\r\n", "END\r\n");
    let suite = client.0.conn.negotiated_cipher_suite().unwrap().suite();
    assert_eq!(
        suite,
        rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
    );
}

#[test]
fn new_certificates_are_for_new_connections_and_bad_ones_for_nobody() {
    let house = House::new(ClientCertificate::Ignored, |_| {});
    let mut open = house.client();
    open.exchange("get a\r\n", "END\r\n");
    let first = open.certificate();
    let second = house.authority.vouch_for("localhost");
    house.folder.write_identity("server.pem", &second);
    let mut operator = Client::of(&house.server);
    operator.exchange("refresh_certs\r\n", "OK\r\n");
    open.exchange("get a\r\n", "END\r\n");
    let mut new = house.client();
    new.exchange("get a\r\n", "END\r\n");
    assert_ne!(new.certificate(), first);
    // A key of somebody else's.
    let key = house.authority.vouch_for("localhost").key.serialize_pem();
    let path = house
        .folder
        .write("server.pem", format!("{}{key}", second.certificate));
    let error = house.server.refresh_certificates().unwrap().unwrap_err();
    let start = format!("no usable certificate in {}: ", path.display());
    assert!(error.to_string().starts_with(&start), "{error}");
    operator.exchange("refresh_certs\r\n", format!("Error {error}\r\n"));
    let mut other = house.client();
    other.exchange("get a\r\n", "END\r\n");
    assert_eq!(other.certificate(), new.certificate());
}

#[test]
fn sessions_are_resumed_where_that_is_asked_for() {
    for (cache, kind) in [(true, HandshakeKind::Resumed), (false, HandshakeKind::Full)] {
        let house = House::new(ClientCertificate::Ignored, |tls| tls.session_cache = cache);
        for version in BOTH {
            let config = house.authority.client(None, &[version]);
            for expected in [HandshakeKind::Full, kind] {
                let mut client = Secure::connect(house.place(), Arc::clone(&config));
                client.exchange("get a\r\n", "END\r\n");
                assert_eq!(client.0.conn.handshake_kind(), Some(expected));
            }
        }
        let mut client = Client::of(&house.server);
        client.send("stats\r\nget none\r\n");
        let report = String::from_utf8(until_end(&mut client)).unwrap();
        match cache {
            true => assert!(report.contains("STAT ssl_new_sessions 2\r\n"), "{report}"),
            false => assert!(!report.contains("ssl_new_sessions"), "{report}"),
        }
    }
}

fn until_end(client: &mut Client) -> Vec<u8> {
    let mut report = Vec::new();
    while !report.ends_with(b"END\r\nEND\r\n") {
        let mut piece = [0; 4096];
        let bytes = client.0.read(&mut piece).unwrap();
        assert!(bytes > 0);
        report.extend(&piece[..bytes]);
    }
    report
}

#[test]
fn key_may_be_a_file_of_its_own_in_either_form() {
    for format in [KeyFormat::Pem, KeyFormat::Der] {
        let house = House::new(ClientCertificate::Ignored, |tls| {
            let authority = Authority::new();
            let identity = authority.vouch_for("localhost");
            let folder = tls.chain.parent().unwrap().to_owned();
            std::fs::write(&tls.chain, &identity.certificate).unwrap();
            let key = match format {
                KeyFormat::Pem => identity.key.serialize_pem().into_bytes(),
                KeyFormat::Der => identity.key.serialize_der(),
            };
            std::fs::write(folder.join("key"), key).unwrap();
            tls.key = Some(folder.join("key"));
            tls.key_format = format;
        });
        // The client does not know who vouched; the server came up all the same.
        let refusal = house.client().refusal();
        assert!(
            refusal.contains("UnknownIssuer") || refusal.contains("BadSignature"),
            "{refusal}"
        );
    }
}

#[test]
fn what_can_not_be_used_is_an_error_before_anything_is_served() {
    let authority = Authority::new();
    let folder = Folder::new();
    let good = folder.write_identity("good.pem", &authority.vouch_for("localhost"));
    let keyless = folder.write("keyless.pem", authority.pem());
    let missing = folder.path("missing.pem");
    let start = |certificate, tls: Option<Tls>| {
        let mut settings = peer::settings();
        settings.listen.push(encrypted(certificate));
        settings.tls = tls;
        match Server::start(settings).unwrap_err() {
            StartError::Tls(error) => error.to_string(),
            other => panic!("{other}"),
        }
    };
    let ignored = ClientCertificate::Ignored;
    assert_eq!(
        start(ignored, None),
        "an endpoint in TLS needs a certificate"
    );
    let error = start(ignored, Some(Tls::new(missing.clone())));
    let what = missing.display();
    assert_eq!(
        error,
        format!("cannot read {what}: no such file or directory")
    );
    let error = start(ignored, Some(Tls::new(keyless.clone())));
    let what = keyless.display();
    assert_eq!(
        error,
        format!("no usable private key in {what}: there is none in PEM form")
    );
    let error = start(ClientCertificate::Required, Some(Tls::new(good.clone())));
    assert!(error.contains("ssl_ca_cert"), "{error}");
    let mut tls = Tls::new(good);
    tls.ciphers = Some("RC4-MD5".to_owned());
    let error = start(ignored, Some(tls));
    assert!(error.starts_with("the cipher 'RC4-MD5'"), "{error}");
}

#[test]
fn many_clients_shake_hands_at_once() {
    let house = House::new(ClientCertificate::Wanted, |_| {});
    thread::scope(|scope| {
        for round in 0..4 {
            let house = &house;
            scope.spawn(move || {
                let config = house.authority.client(None, BOTH);
                let mut clients: Vec<_> = (0..10)
                    .map(|_| Secure::connect(house.place(), Arc::clone(&config)))
                    .collect();
                for (index, client) in clients.iter_mut().enumerate() {
                    let key = format!("k{round}_{index}");
                    client.exchange(format!("set {key} 0 0 1\r\nx\r\n"), "STORED\r\n");
                }
            });
        }
    });
    assert_eq!(house.stat("curr_items"), "40");
}
