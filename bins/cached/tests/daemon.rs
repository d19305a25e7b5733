//! The daemon as a process: exit statuses, messages, signals, files.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, too"
)]

mod peer;
mod process;

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use peer::Client;
use process::{Foreground, await_true, daemon, port};

fn fails(line: &str) -> (Option<i32>, String) {
    ended(&daemon(line).output().unwrap())
}

fn ended(output: &Output) -> (Option<i32>, String) {
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// A process that ends with the test, also with one that fails.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn port_that_is_taken_is_one_clear_line_and_71() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    assert_eq!(
        fails(&format!("-l 127.0.0.1 -p {}", taken.port())),
        (
            Some(71),
            format!("steadfast-cached: cannot listen on {taken}: address already in use\n")
        )
    );
}

#[test]
fn port_of_a_running_daemon_is_taken() {
    let first = Foreground::start("");
    let (status, message) = fails(&format!("-l {}", first.address));
    assert_eq!(status, Some(71));
    assert!(message.contains("address already in use"), "{message}");
}

#[test]
fn address_that_is_not_ours_is_71() {
    let (status, message) = fails("-l 192.0.2.1:11299");
    assert_eq!(status, Some(71));
    assert_eq!(
        message,
        "steadfast-cached: cannot listen on 192.0.2.1:11299: this machine does not have that address\n"
    );
}

#[test]
fn unknown_user_is_67_for_root() {
    let (status, message) = fails("-u no-such-user -l 127.0.0.1:0");
    if geteuid().is_root() {
        assert_eq!(status, Some(67));
        assert_eq!(
            message,
            "steadfast-cached: can't find the user 'no-such-user'\n"
        );
    }
}

#[test]
fn root_must_name_a_user() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast-cached"));
    let output = command.args(["-l", "192.0.2.1:1"]).output().unwrap();
    let expected = match geteuid().is_root() {
        true => (Some(64), "must add '-u root' to start as root"),
        false => (Some(71), "this machine does not have that address"),
    };
    let (status, message) = ended(&output);
    assert_eq!(status, expected.0);
    assert!(message.contains(expected.1), "{message}");
}

#[test]
fn bad_options_are_1_and_impossible_ones_64() {
    assert_eq!(fails("--bogus").0, Some(1));
    assert_eq!(fails("-c").0, Some(1));
    assert_eq!(fails("-Z").0, Some(64));
    assert_eq!(fails("-m 1").0, Some(64));
    let (status, message) = fails("-S");
    assert_eq!(status, Some(64));
    assert_eq!(
        message,
        "steadfast-cached: -S, --enable-sasl: the environment's MEMCACHED_SASL_PWDB must name a file \
         of users, with lines user:password\n"
    );
}

#[test]
fn questions_are_answered_on_standard_output() {
    for (flag, start) in [
        ("-h", "memcached 1.6."),
        ("-V", "memcached 1.6."),
        ("-i", "memcached 1.6."),
    ] {
        let output = daemon(flag).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.starts_with(start.as_bytes()));
        assert!(output.stderr.is_empty());
    }
    assert_eq!(
        daemon("--check-config -m 64")
            .output()
            .unwrap()
            .status
            .code(),
        Some(0)
    );
}

#[test]
fn standard_output_without_a_reader_is_no_failure_and_a_full_one_is() {
    let (output, reader) = UnixStream::pair().unwrap();
    drop(reader);
    let child = daemon("--help")
        .stdout(Stdio::from(OwnedFd::from(output)))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended_quietly = ended(&child.wait_with_output().unwrap());
    assert_eq!(ended_quietly, (Some(0), String::new()));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    assert_eq!(
        ended(&daemon("-V").stdout(full).output().unwrap()),
        (
            Some(71),
            "steadfast-cached: cannot write to standard output: no space left on device\n"
                .to_owned()
        )
    );
}

#[test]
fn more_clients_than_there_can_be_files_is_71() {
    let most = u64::MAX;
    assert_eq!(
        fails(&format!("-l 127.0.0.1:0 -c {most}")),
        (
            Some(71),
            format!(
                "steadfast-cached: cannot have {most} open files for {most} clients (-c): \
                 permission denied\n"
            )
        )
    );
}

#[test]
fn term_cuts_a_graceful_stop_short() {
    let mut daemon = Foreground::start("-v -t 1");
    let mut lines = BufReader::new(daemon.child.stderr.take().unwrap()).lines();
    let mut slow = Client::connect(daemon.address).unwrap();
    slow.send("set a 0 0 1000000\r\n");
    slow.send(vec![b'x'; 1_000_000]);
    slow.send("\r\n");
    slow.expect("STORED\r\n");
    slow.send("get a\r\n".repeat(60));
    let mut observer = Client::connect(daemon.address).unwrap();
    while observer.stat("bytes_written").parse::<u64>().unwrap() < 1_000_000 {}
    daemon.signal(Signal::SIGUSR1);
    let line = lines.next().unwrap().unwrap();
    assert_eq!(line, "steadfast-cached: USR1: stopping gracefully");
    daemon.signal(Signal::SIGTERM);
    let line = lines.next().unwrap().unwrap();
    assert_eq!(line, "steadfast-cached: stopping");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
}

#[test]
fn term_and_int_end_at_once_with_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let daemon = Foreground::start("");
        let mut client = Client::connect(daemon.address).unwrap();
        client.exchange("get a\r\n", "END\r\n");
        daemon.signal(signal);
        assert_eq!(daemon.end(), (Some(0), String::new()));
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn usr1_ends_gracefully_and_hup_does_nothing() {
    let daemon = Foreground::start("-v");
    let mut client = Client::connect(daemon.address).unwrap();
    daemon.signal(Signal::SIGHUP);
    client.exchange("get a\r\n", "END\r\n");
    daemon.signal(Signal::SIGUSR1);
    let (status, text) = daemon.end();
    assert_eq!(status, Some(0));
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "steadfast-cached: HUP: there is nothing to reload",
            "steadfast-cached: USR1: stopping gracefully",
        ]
    );
}

#[test]
fn second_verbosity_tells_who_comes_and_goes() {
    let mut daemon = Foreground::start("-vv");
    let mut lines = BufReader::new(daemon.child.stderr.take().unwrap()).lines();
    let mut client = Client::connect(daemon.address).unwrap();
    let line = lines.next().unwrap().unwrap();
    let from = client.0.local_addr().unwrap();
    assert!(
        line.ends_with(&format!(" new connection from tcp:{from}")),
        "{line}"
    );
    client.finish();
    let line = lines.next().unwrap().unwrap();
    assert!(line.ends_with(" closed"), "{line}");
}

#[test]
fn pid_file_that_cannot_be_written_is_only_a_warning() {
    let daemon = Foreground::start("-P /nonexistent/cached.pid");
    Client::connect(daemon.address)
        .unwrap()
        .exchange("get a\r\n", "END\r\n");
    daemon.signal(Signal::SIGTERM);
    let (status, text) = daemon.end();
    assert_eq!(status, Some(0));
    assert_eq!(
        text,
        "steadfast-cached: warning: cannot write the pid file /nonexistent/cached.pid: \
         no such file or directory\n"
    );
}

#[test]
fn pid_file_stays_without_d_and_a_live_owner_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cached.pid");
    fs::write(&path, "1\n").unwrap();
    let daemon = Foreground::start(&format!("-P {}", path.display()));
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!("{}\n", daemon.child.id())
    );
    daemon.signal(Signal::SIGTERM);
    let (_, text) = daemon.end();
    assert!(text.contains("names a live process, 1\n"), "{text}");
    assert!(path.exists());
}

/// Starts in the background, and returns the process number when it serves.
fn background(folder: &Path, line: &str) -> (Pid, SocketAddr) {
    let pid_file = folder.join("cached.pid");
    let ports = folder.join("ports");
    let status = daemon(line)
        .args(["-d", "-l", "127.0.0.1", "-p", "-1", "-P"])
        .arg(&pid_file)
        .env("MEMCACHED_PORT_FILENAME", &ports)
        .status()
        .unwrap();
    // No waiting: when the first process has ended, the daemon serves.
    assert_eq!(status.code(), Some(0));
    let pid = fs::read_to_string(&pid_file)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    (
        Pid::from_raw(pid),
        SocketAddr::from(([127, 0, 0, 1], port(&ports))),
    )
}

#[test]
fn daemon_serves_when_its_parent_exits_and_cleans_up_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (pid, address) = background(folder.path(), "");
    Client::connect(address)
        .unwrap()
        .exchange("get a\r\n", "END\r\n");
    let process = PathBuf::from(format!("/proc/{pid}"));
    assert_eq!(fs::read_link(process.join("cwd")).unwrap(), Path::new("/"));
    assert_eq!(
        fs::read_link(process.join("fd/2")).unwrap(),
        Path::new("/dev/null")
    );
    kill(pid, Signal::SIGTERM).unwrap();
    await_true(|| !folder.path().join("cached.pid").exists());
}

#[test]
fn pid_file_with_a_relative_path_is_found_again_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let status = daemon("-d -l 127.0.0.1:0 -P cached.pid")
        .current_dir(&folder)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    let path = folder.path().join("cached.pid");
    let pid = fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    await_true(|| !path.exists());
}

#[test]
fn start_that_came_to_nothing_leaves_no_pid_file() {
    if !geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cached.pid");
    // Root without the power to become another.
    let output = Command::new("setpriv")
        .args(["--bounding-set", "-all", "--inh-caps", "-all"])
        .arg(env!("CARGO_BIN_EXE_steadfast-cached"))
        .args(["-d", "-u", "nobody", "-l", "127.0.0.1:0", "-P"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(
        ended(&output),
        (
            Some(71),
            "steadfast-cached: cannot set the supplementary groups: permission denied\n".to_owned()
        )
    );
    assert!(!path.exists());
}

#[test]
fn daemon_that_cannot_start_fails_in_the_foreground() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (status, message) = fails(&format!("-d -l {}", taken.local_addr().unwrap()));
    assert_eq!(status, Some(71));
    assert!(message.contains("address already in use"), "{message}");
}

#[test]
fn service_manager_is_told_when_it_serves_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let child = daemon("-l 127.0.0.1:0")
        .env("NOTIFY_SOCKET", &path)
        .spawn()
        .unwrap();
    let mut child = Ended(child);
    let receive = || {
        let mut buffer = [0; 256];
        loop {
            match manager.recv(&mut buffer) {
                // A receive with a timeout is not taken up again after a signal.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                bytes => return String::from_utf8_lossy(&buffer[..bytes.unwrap()]).into_owned(),
            }
        }
    };
    let message = receive();
    assert!(message.starts_with("READY=1\n"), "{message}");
    assert!(
        message.contains(&format!("MAINPID={}\n", child.0.id())),
        "{message}"
    );
    kill(Pid::from_raw(child.0.id() as i32), Signal::SIGTERM).unwrap();
    assert!(receive().starts_with("STOPPING=1"));
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
}

#[test]
fn root_becomes_the_user_and_has_no_groups_left() {
    if !geteuid().is_root() {
        return;
    }
    let daemon = Foreground::start("-u nobody");
    Client::connect(daemon.address)
        .unwrap()
        .exchange("get a\r\n", "END\r\n");
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let ids = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..]
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(ids("Uid:").iter().all(|id| id == "65534"), "{status}");
    assert!(
        ids("Gid:")
            .iter()
            .chain(&ids("Groups:"))
            .all(|id| id == "65534"),
        "{status}"
    );
}
