//! What operators do to a daemon at work: users, `shutdown`, files of options.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

mod peer;
mod process;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;

use nix::sys::signal::Signal;
use peer::Client;
use process::{Foreground, await_true, daemon};

#[test]
fn client_ends_the_process_where_it_may() {
    for (command, line) in [
        ("shutdown\r\n", "steadfast-cached: stopping\n"),
        (
            "shutdown graceful\r\n",
            "steadfast-cached: USR1: stopping gracefully\n",
        ),
    ] {
        let daemon = Foreground::start("-v -A");
        let mut client = Client::connect(daemon.address).unwrap();
        client.send(command);
        assert_eq!(client.rest(), b"");
        assert_eq!(daemon.end(), (Some(0), line.to_owned()));
    }
}

#[test]
fn client_may_not_end_the_process_unless_asked_for() {
    let daemon = Foreground::start("");
    let mut client = Client::connect(daemon.address).unwrap();
    client.exchange("shutdown\r\n", "SERVER_ERROR: shutdown not enabled\r\n");
    client.exchange("get a\r\n", "END\r\n");
}

#[test]
fn graceful_shutdown_keeps_the_items() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("memory");
    let line = format!("-A -e {}", file.display());
    let daemon = Foreground::start(&line);
    let mut client = Client::connect(daemon.address).unwrap();
    client.exchange("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    client.send("shutdown graceful\r\n");
    assert_eq!(daemon.end().0, Some(0));
    let daemon = Foreground::start(&line);
    let mut client = Client::connect(daemon.address).unwrap();
    client.exchange("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
}

/// Says who it is; returns whether that was believed.
fn is_welcome(daemon: &Foreground, user: &str) -> bool {
    let mut client = Client::connect(daemon.address).unwrap();
    client.send(format!("set x 0 0 {}\r\n{user}\r\nmn\r\n", user.len()));
    let mut line = String::new();
    BufReader::new(&client.0).read_line(&mut line).unwrap();
    line == "STORED\r\n"
}

#[test]
fn hup_reads_the_users_again_and_keeps_them_where_the_file_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    fs::write(&file, "web:one\n").unwrap();
    let mut daemon = Foreground::start(&format!("-v -Y {}", file.display()));
    let mut lines = BufReader::new(daemon.child.stderr.take().unwrap()).lines();
    let mut hup = |daemon: &Foreground, content: &str| {
        fs::write(&file, content).unwrap();
        daemon.signal(Signal::SIGHUP);
        lines.next().unwrap().unwrap()
    };
    assert!(is_welcome(&daemon, "web one") && !is_welcome(&daemon, "web two"));
    let line = hup(&daemon, "web:two\n");
    assert!(line.ends_with("the users as they are now"), "{line}");
    assert!(is_welcome(&daemon, "web two") && !is_welcome(&daemon, "web one"));
    let line = hup(&daemon, "secret without a colon\n");
    assert!(line.contains("the users stay as they were"), "{line}");
    assert!(line.contains("line 1 has no colon") && !line.contains("secret"));
    assert!(is_welcome(&daemon, "web two"));
}

#[test]
fn users_that_can_not_be_read_are_1_and_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    let ends = || {
        let line = format!("-l 127.0.0.1:0 -Y {}", file.display());
        let output = daemon(&line).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(file.to_str().unwrap()), "{text}");
        output.status.code()
    };
    assert_eq!(ends(), Some(1));
    fs::write(&file, "").unwrap();
    assert_eq!(ends(), Some(1));
}

/// Starts as the unit of a package in memcached's place would, from Debian's file where that is
/// installed; only port, user and pid file are others, by options behind it.
#[test]
fn debians_file_as_packaged_serves() {
    let file = "/usr/share/memcached/memcached.conf.default";
    if !Path::new(file).exists() {
        eprintln!("skipped: Debian's memcached is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let user = match nix::unistd::geteuid().is_root() {
        true => "root",
        false => "nobody",
    };
    let line = format!("--config {file} -u {user} -P {}", pid_file.display());
    let mut daemon = Foreground::start(&line);
    await_true(|| pid_file.exists());
    let mut client = Client::connect(daemon.address).unwrap();
    assert_eq!(client.stat("limit_maxbytes"), (64 << 20).to_string());
    // `-d` in the file is for who starts it by hand.
    assert_eq!(daemon.child.try_wait().unwrap(), None);
}
