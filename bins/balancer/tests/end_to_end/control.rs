//! The stats socket.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::client::get;
use crate::origin::Origin;
use crate::{DEFAULTS, patient, start};

async fn ask(path: &Path, command: &str) -> String {
    let mut socket = patient(UnixStream::connect(path)).await.unwrap();
    patient(socket.write_all(format!("{command}\n").as_bytes()))
        .await
        .unwrap();
    let mut answer = String::new();
    patient(socket.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn process_and_proxies_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats");
    let one = Origin::start("one").await;
    let stand = start(&format!(
        "global\n stats socket {} mode 600 level admin\n maxconn 77\n{DEFAULTS}\nlisten web\n \
         bind 127.0.0.1:1\n server a {}\n",
        path.display(),
        one.address
    ));
    get(stand.address, "/").await;
    let info = ask(&path, "show info").await;
    assert!(
        info.starts_with("Name: HAProxy\n") && info.ends_with("\n\n"),
        "{info}"
    );
    for line in [
        format!("Pid: {}", std::process::id()),
        String::from("Maxconn: 77"),
    ] {
        assert!(
            info.lines().any(|found| found == line),
            "{line} is not in {info}"
        );
    }
    let table = ask(&path, "show stat").await;
    let header = table.lines().next().unwrap();
    let column = header
        .trim_start_matches("# ")
        .split(',')
        .position(|name| name == "stot");
    for row in ["web,FRONTEND,", "web,a,", "web,BACKEND,"] {
        let line = table.lines().find(|line| line.starts_with(row)).expect(row);
        assert_eq!(line.split(',').nth(column.unwrap()), Some("1"), "{line}");
    }
    assert!(
        ask(&path, "what is this")
            .await
            .to_lowercase()
            .contains("unknown command")
    );
    assert!(ask(&path, "help").await.contains("show stat"));
}

#[tokio::test]
async fn socket_has_the_mode_that_was_asked_for_and_silence_ends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats");
    let _stand = start(&format!(
        "global\n stats socket {} mode 620\n stats timeout 50ms\n{DEFAULTS}\nlisten web\n \
         bind 127.0.0.1:1\n",
        path.display()
    ));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o620);
    let mut silent = patient(UnixStream::connect(&path)).await.unwrap();
    assert_eq!(patient(silent.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn one_place_serves_clients_at_every_door() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let _stand = start(&format!(
        "global\n stats maxconn 1\n stats socket {}\n stats socket {}\n{DEFAULTS}\nlisten web\n \
         bind 127.0.0.1:1\n",
        first.display(),
        second.display()
    ));
    for path in [&second, &second, &first, &first, &second] {
        assert!(ask(path, "show info").await.starts_with("Name: "));
    }
}
