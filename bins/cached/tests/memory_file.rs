//! Items that outlive the daemon, and files that are none.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

mod peer;
mod process;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use peer::{Client, value};
use process::{Foreground, await_true, daemon};

/// A folder for a memory file, and what is in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("memory")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn start(&self, line: &str) -> Foreground {
        Foreground::start(&format!("-e {} {line}", self.file().display()))
    }

    /// Starts, lets `talk` talk, stops as `signal` says, and returns what the daemon said.
    fn live(&self, line: &str, signal: Signal, talk: impl FnOnce(&mut Client)) -> Vec<String> {
        let daemon = self.start(line);
        talk(&mut Client::connect(daemon.address).unwrap());
        daemon.signal(signal);
        let (status, text) = daemon.end();
        assert_eq!(status, Some(0), "{text}");
        text.lines()
            .map(|line| line.strip_prefix("steadfast-cached: ").unwrap().to_owned())
            .collect()
    }
}

fn set(client: &mut Client, key: &str, flags: u32, exptime: u32, value: &[u8]) {
    client.send(format!("set {key} {flags} {exptime} {}\r\n", value.len()));
    client.send(value);
    client.exchange("\r\n", "STORED\r\n");
}

/// The reply to `gets` of one key.
fn gets(client: &mut Client, key: &str) -> Vec<u8> {
    client.send(format!("gets {key}\r\n"));
    let mut reply = Vec::new();
    while !reply.ends_with(b"END\r\n") {
        let mut buffer = [0; 1 << 16];
        let bytes = client.0.read(&mut buffer).unwrap();
        assert!(bytes > 0, "closed");
        reply.extend_from_slice(&buffer[..bytes]);
    }
    reply
}

fn unix_secs() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.unwrap().as_secs()
}

fn starts(lines: &[String], number: usize, start: &str) {
    assert!(
        lines
            .get(number)
            .is_some_and(|line| line.starts_with(start)),
        "{start} in {lines:#?}"
    );
}

#[test]
fn items_come_back_with_values_flags_ids_and_ttl() {
    let place = Place::new();
    let file = place.file();
    let keys = ["empty", "small", "block", "large", "forever", "incremented"];
    let mut before = Vec::new();
    let lines = place.live("-m 64 -t 1", Signal::SIGUSR1, |client| {
        assert_eq!(place.names(), ["memory.new"]);
        set(client, "empty", 0, 1000, b"");
        set(client, "small", 7, 1000, &value(100, 1));
        set(client, "block", u32::MAX, 1000, &value(65_000, 2));
        set(client, "large", 1, 1000, &value(900_000, 3));
        set(client, "forever", 1, 0, &value(3000, 4));
        set(client, "incremented", 0, 0, b"41");
        client.exchange("incr incremented 1\r\n", "42\r\n");
        set(client, "short", 0, 2, b"");
        set(client, "deleted", 0, 0, b"");
        client.exchange("delete deleted\r\n", "DELETED\r\n");
        before = keys.map(|key| gets(client, key)).to_vec();
    });
    starts(
        &lines,
        0,
        &format!("recovered 0 items: there is no {}", file.display()),
    );
    starts(&lines, 1, "saved ");
    assert_eq!(place.names(), ["memory"]);
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let lines = place.live("-m 100 -t 3", Signal::SIGTERM, |client| {
        assert_eq!(place.names(), ["memory.new"], "the file is consumed");
        let after = keys.map(|key| gets(client, key)).to_vec();
        assert!(after == before);
        client.exchange("get deleted\r\n", "END\r\n");
        await_true(|| gets(client, "short") == b"END\r\n");
        // The old id still matches, and the next one is larger.
        let reply = String::from_utf8(gets(client, "incremented")).unwrap();
        let id = reply.split_whitespace().nth(4).unwrap().to_owned();
        client.exchange(format!("cas incremented 0 0 1 {id}\r\n1\r\n"), "STORED\r\n");
        client.exchange(format!("cas incremented 0 0 1 {id}\r\n2\r\n"), "EXISTS\r\n");
    });
    // The short one may be gone by then.
    let counts = ["7 of 7", "6 of 7", "6 of 6"];
    let is_line =
        |count| lines[0].starts_with(&format!("recovered {count} items from {}", file.display()));
    assert!(counts.into_iter().any(is_line), "{lines:#?}");
    assert_eq!(place.names(), [""; 0], "TERM keeps nothing");
}

#[test]
fn items_whose_time_is_over_meanwhile_stay_away() {
    let place = Place::new();
    let mut end = 0;
    place.live("", Signal::SIGUSR1, |client| {
        set(client, "short", 0, 1, b"");
        set(client, "long", 0, 1000, b"");
        end = unix_secs() + 2;
    });
    await_true(|| unix_secs() > end);
    let lines = place.live("", Signal::SIGTERM, |client| {
        client.exchange("get short\r\n", "END\r\n");
        client.exchange("get long\r\n", "VALUE long 0 0\r\n\r\nEND\r\n");
    });
    assert!(lines[0].starts_with("recovered 1 of "), "{lines:#?}");
}

#[test]
fn crash_brings_nothing_back() {
    let place = Place::new();
    place.live("", Signal::SIGUSR1, |client| set(client, "a", 0, 0, b"old"));
    let daemon = place.start("");
    let mut client = Client::connect(daemon.address).unwrap();
    client.exchange("get a\r\n", "VALUE a 0 3\r\nold\r\nEND\r\n");
    set(&mut client, "a", 0, 0, b"new");
    daemon.signal(Signal::SIGKILL);
    daemon.end();
    let lines = place.live("", Signal::SIGTERM, |client| {
        client.exchange("get a\r\n", "END\r\n");
    });
    starts(&lines, 0, "recovered 0 items: there is no ");
}

#[test]
fn term_keeps_the_items_where_asked_to() {
    let place = Place::new();
    let lines = place.live("-v --save-on-term", Signal::SIGTERM, |client| {
        set(client, "a", 0, 0, b"");
    });
    starts(&lines, 1, "TERM: stopping gracefully");
    starts(&lines, 2, "saved 1 items, ");
    let lines = place.live("--save-on-term", Signal::SIGINT, |client| {
        client.exchange("get a\r\n", "VALUE a 0 0\r\n\r\nEND\r\n");
    });
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert_eq!(place.names(), [""; 0], "INT keeps nothing");
}

/// As systemd does: the stop command (`kill -USR1`), and a TERM behind it at once.
#[test]
fn term_behind_usr1_does_not_keep_the_items_from_being_saved() {
    let place = Place::new();
    let daemon = place.start("");
    let mut client = Client::connect(daemon.address).unwrap();
    for number in 0..20 {
        set(
            &mut client,
            &number.to_string(),
            0,
            0,
            &value(500_000, number),
        );
    }
    // A client that is owed replies holds up the graceful stop.
    let mut slow = Client::connect(daemon.address).unwrap();
    slow.send("get 1\r\n".repeat(100));
    await_true(|| client.stat("get_hits").parse::<u32>().unwrap() > 0);
    daemon.signal(Signal::SIGUSR1);
    daemon.signal(Signal::SIGTERM);
    let (status, text) = daemon.end();
    assert_eq!(status, Some(0));
    assert!(text.contains("saved 20 items, "), "{text}");
    let lines = place.live("", Signal::SIGTERM, |client| {
        for number in 0..20 {
            let reply = [
                b"VALUE n 0 500000\r\n",
                &value(500_000, number)[..],
                b"\r\nEND\r\n",
            ];
            let name = number.to_string();
            let head = format!("VALUE {name} 0 500000\r\n");
            let reply = [head.as_bytes(), reply[1], reply[2]].concat();
            client.exchange(format!("get {name}\r\n"), reply);
        }
    });
    starts(&lines, 0, "recovered 20 of 20 items");
}

#[test]
fn file_that_is_no_good_is_moved_away_and_the_start_is_empty() {
    let place = Place::new();
    let file = place.file();
    place.live("", Signal::SIGUSR1, |client| {
        set(client, "a", 0, 0, &value(5000, 1));
        set(client, "large", 0, 0, &value(300_000, 2));
    });
    let good = fs::read(&file).unwrap();
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        bytes
    };
    for (bytes, message) in [
        (
            changed(200, good[200] ^ 1),
            "damaged: the check fails for the part at byte ",
        ),
        (
            changed(8, 3),
            "format 3 is newer than 2, the newest known here",
        ),
        (
            changed(8, 0),
            "format 0 is older than 1, the oldest known here",
        ),
        (good[..good.len() - 1].to_vec(), "cut off after byte "),
        (Vec::new(), "cut off after byte 0, before its end mark"),
        (
            [&good[..], b"more"].concat(),
            "something follows the end mark, at byte ",
        ),
        (vec![0; 1 << 20], "not a snapshot of a steadfast store"),
        (
            b"root:x:0:0\n".to_vec(),
            "not a snapshot of a steadfast store",
        ),
    ] {
        fs::write(&file, &bytes).unwrap();
        let lines = place.live("", Signal::SIGUSR1, |client| {
            client.exchange("get a large\r\n", "END\r\n");
            set(client, "b", 0, 0, b"");
        });
        let start = format!(
            "recovered 0 items: {} is refused: {message}",
            file.display()
        );
        starts(&lines, 0, &start);
        assert!(lines[0].ends_with("memory.refused"), "{lines:#?}");
        // Nothing is destroyed, and the next life has its file.
        assert_eq!(place.names(), ["memory", "memory.refused"]);
        assert!(fs::read(place.0.path().join("memory.refused")).unwrap() == bytes);
        starts(&lines, 1, "saved 1 items, ");
    }
}

#[test]
fn smaller_memory_keeps_what_fits_and_says_so() {
    let place = Place::new();
    place.live("-m 16", Signal::SIGUSR1, |client| {
        for number in 0..100 {
            set(client, &number.to_string(), 0, 0, &value(100_000, number));
        }
    });
    let mut kept = 0;
    let lines = place.live("-m 4 -t 1", Signal::SIGTERM, |client| {
        kept = client.stat("curr_items").parse().unwrap();
        assert!((1..50).contains(&kept), "{kept}");
    });
    starts(&lines, 0, &format!("recovered {kept} of 100 items from "));
    let lost = format!(" ({} found no room), saved ", 100 - kept);
    assert!(lines[0].contains(&lost), "{lines:#?}");
}

fn fails(path: &Path) -> (Option<i32>, String) {
    let output = daemon("-l 127.0.0.1:0 -e").arg(path).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text)
}

#[test]
fn file_that_can_not_be_had_is_71_at_the_start() {
    let place = Place::new();
    let folder = place.0.path();
    let _other = place.start("");
    for (path, reason) in [
        (folder.join("none/memory"), "no such file or directory"),
        (folder.to_owned(), "it is not a regular file"),
        (place.file(), "another process uses it"),
        (PathBuf::from("/proc/memory"), "no such file or directory"),
    ] {
        let shown = path.display();
        let message = format!("steadfast-cached: cannot use the memory file {shown}: {reason}\n");
        assert_eq!(fails(&path), (Some(71), message));
    }
}

#[test]
fn file_that_can_not_be_written_at_the_end_is_71_and_no_file() {
    let place = Place::new();
    let daemon = place.start("");
    let mut client = Client::connect(daemon.address).unwrap();
    set(&mut client, "a", 0, 0, b"");
    fs::remove_file(place.0.path().join("memory.new")).unwrap();
    daemon.signal(Signal::SIGUSR1);
    let (status, text) = daemon.end();
    assert_eq!(status, Some(71));
    let message = "memory: no such file or directory\n";
    assert!(text.ends_with(message), "{text}");
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn relative_name_is_meant_from_where_the_daemon_was_started() {
    let place = Place::new();
    for start in ["recovered 0", "recovered 1 of 1"] {
        let ports = place.0.path().join("ports");
        let log = fs::File::create(place.0.path().join("log")).unwrap();
        // -v keeps standard error open in the background.
        let status = daemon("-d -v -l 127.0.0.1 -p -1 -e memory -P pid")
            .current_dir(place.0.path())
            .env("MEMCACHED_PORT_FILENAME", &ports)
            .stderr(log)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(0));
        let address = ([127, 0, 0, 1], process::port(&ports)).into();
        set(&mut Client::connect(address).unwrap(), "a", 0, 0, b"");
        let pid = fs::read_to_string(place.0.path().join("pid")).unwrap();
        let pid = nix::unistd::Pid::from_raw(pid.trim().parse().unwrap());
        nix::sys::signal::kill(pid, Signal::SIGUSR1).unwrap();
        await_true(|| !place.names().contains(&"pid".to_owned()));
        let log = fs::read_to_string(place.0.path().join("log")).unwrap();
        assert!(log.contains(start), "{log}");
        fs::remove_file(ports).unwrap();
    }
}
