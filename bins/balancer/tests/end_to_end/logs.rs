//! Log lines that leave the process.

use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;

use crate::client::get;
use crate::origin::Origin;
use crate::{PATIENCE, start};

fn configuration(target: &str, origin: &Origin) -> String {
    format!(
        "global\n log {target} local2\ndefaults\n mode http\n log global\n option httplog\n \
         timeout connect 5s\n timeout client 5s\n timeout server 5s\nlisten web\n bind 127.0.0.1:1\n \
         server a {}\n",
        origin.address
    )
}

/// `<150>Nov 24 13:00:00 haproxy[PID]: 127.0.0.1:PORT [24/Nov/2026:13:00:00.123] web web/a ...`
fn check(line: &str) {
    let line = line
        .strip_suffix('\n')
        .expect("a line ends with a line feed");
    let line = line.strip_prefix("<150>").expect("local2.info");
    let (date, line) = line.split_at("Nov 24 13:00:00 ".len());
    assert!(
        date.as_bytes()[3] == b' ' && date.as_bytes()[9] == b':',
        "{date}"
    );
    let tag = format!("haproxy[{}]: ", std::process::id());
    let line = line.strip_prefix(&tag).unwrap_or_else(|| panic!("{line}"));
    let fields: Vec<&str> = line.split(' ').collect();
    assert!(fields[0].starts_with("127.0.0.1:"), "{line}");
    assert!(
        fields[1].starts_with('[') && fields[1].ends_with(']'),
        "{line}"
    );
    assert_eq!(fields[2..4], ["web", "web/a"], "{line}");
    assert_eq!(fields[4].split('/').count(), 5, "{line}");
    assert_eq!(fields[5], "200", "{line}");
    assert_eq!(fields[7..10], ["-", "-", "----"], "{line}");
    assert_eq!(fields[10..12], ["1/1/0/0/0", "0/0"], "{line}");
    assert!(line.ends_with(" \"GET /page?q=1 HTTP/1.1\""), "{line}");
}

#[tokio::test]
async fn request_is_logged_over_udp() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let one = Origin::start("one").await;
    let stand = start(&configuration(
        &receiver.local_addr().unwrap().to_string(),
        &one,
    ));
    get(stand.address, "/page?q=1").await;
    let line = tokio::task::spawn_blocking(move || {
        let mut buffer = [0; 2048];
        let len = receiver.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    });
    check(&line.await.unwrap());
}

#[tokio::test]
async fn request_is_logged_to_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let receiver = UnixDatagram::bind(&path).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let one = Origin::start("one").await;
    let stand = start(&configuration(path.to_str().unwrap(), &one));
    get(stand.address, "/page?q=1").await;
    let line = tokio::task::spawn_blocking(move || {
        let mut buffer = [0; 2048];
        let len = receiver.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    });
    check(&line.await.unwrap());
}
