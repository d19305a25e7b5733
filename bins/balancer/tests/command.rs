//! The daemon as a process: flags, messages, exit statuses, signals.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

fn balancer(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast-balancer"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A folder with one configuration file.
struct Folder {
    folder: TempDir,
    file: PathBuf,
}

impl Folder {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.cfg");
        std::fs::write(&file, text).unwrap();
        Self { folder, file }
    }

    fn file(&self) -> &str {
        self.file.to_str().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

const DEFAULTS: &str = "defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
";

fn valid(global: &str, port: u16) -> String {
    format!("global\n{global}\n{DEFAULTS}\nlisten web\n    bind 127.0.0.1:{port}\n")
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[test]
fn valid_file_is_accepted_in_silence_or_aloud() {
    let folder = Folder::new(&valid("", 1));
    let silent = balancer(&["-c", "-f", folder.file()]);
    assert_eq!(silent.status.code(), Some(0));
    assert_eq!(
        (stdout(&silent).as_str(), stderr(&silent).as_str()),
        ("", "")
    );
    let aloud = balancer(&["-c", "-V", "-f", folder.file()]);
    assert_eq!(aloud.status.code(), Some(0));
    assert_eq!(stdout(&aloud), "Configuration file is valid\n");
}

#[test]
fn every_fault_of_a_file_is_told_with_its_line() {
    let folder = Folder::new("global\n    foo\ndefaults\n    mode http\nlisten a\n    bindd :80\n");
    let output = balancer(&["-c", "-f", folder.file()]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    let at = |line| {
        format!(
            "config : parsing [{}:{line}] : unknown keyword",
            folder.file()
        )
    };
    assert!(text.contains(&at(2)) && text.contains(&at(6)), "{text}");
    assert!(text.contains("did you mean 'bind' maybe ?"), "{text}");
    let mut lines = text.lines();
    assert!(
        lines.all(|line| line.starts_with("[ALERT]    (")) && text.lines().count() == 2,
        "{text}"
    );
}

#[test]
fn warning_is_an_error_only_if_asked() {
    let folder = Folder::new("defaults\n mode http\nlisten a\n bind 127.0.0.1:1\n");
    let output = balancer(&["-c", "-f", folder.file()]);
    assert_eq!(
        (output.status.code(), stdout(&output).as_str()),
        (Some(0), "Warnings were found.\n")
    );
    assert!(stderr(&output).contains("missing timeouts for proxy 'a'"));
    let output = balancer(&["-c", "-dW", "-f", folder.file()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("Some warnings were found and 'zero-warning' is set. Aborting.")
    );
}

#[test]
fn folder_of_files_is_read_in_order_of_names() {
    let folder = Folder::new("listen web\n    bind 127.0.0.1:1\n");
    std::fs::write(folder.path("a.cfg"), DEFAULTS).unwrap();
    std::fs::write(folder.path(".hidden.cfg"), "rubbish\n").unwrap();
    std::fs::write(folder.path("other.txt"), "rubbish\n").unwrap();
    let output = balancer(&["-c", "-V", "-f", folder.folder.path().to_str().unwrap()]);
    // Defaults that came later would leave the proxy without timeouts: a warning.
    assert_eq!(
        stdout(&output),
        "Configuration file is valid\n",
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_cant_be_had_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let cases = [
        (
            valid("", port),
            "cannot bind socket (Address already in use) for [127.0.0.1:",
        ),
        (
            valid("", 1).replace("127.0.0.1", "192.0.2.1"),
            "cannot bind socket (Cannot assign requested address) for [192.0.2.1:1]",
        ),
        (
            valid("user no-such-user", 1),
            "cannot find user id for 'no-such-user'",
        ),
        (
            valid("group no-such-group", 1),
            "cannot find group id for 'no-such-group'",
        ),
        (
            valid("stats socket /nonexistent/socket", free_port()),
            "for [/nonexistent/socket]",
        ),
        (
            valid("", 1).replace("127.0.0.1", "no.such.host.invalid"),
            "could not resolve address",
        ),
        (
            valid("log no.such.host.invalid local0", 1),
            "cfg:2] : could not resolve address 'no.such.host.invalid'",
        ),
    ];
    for (text, expected) in cases {
        let folder = Folder::new(&text);
        let output = balancer(&["-f", folder.file()]);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(
            stderr(&output).contains(expected) && stderr(&output).lines().count() == 1,
            "{expected}: {}",
            stderr(&output)
        );
    }
    let output = balancer(&["-f", "/nonexistent"]);
    assert_eq!(output.status.code(), Some(1));
    let expected =
        "Cannot open configuration file/directory /nonexistent : No such file or directory";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}

#[test]
fn background_failures_reach_whoever_started_it() {
    for (global, expected) in [
        (
            "pidfile /nonexistent/pid\n daemon",
            "Cannot create pidfile /nonexistent/pid",
        ),
        (
            "chroot /nonexistent\n daemon",
            "Cannot chroot(/nonexistent).",
        ),
    ] {
        let folder = Folder::new(&valid(global, free_port()));
        let output = balancer(&["-f", folder.file()]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    }
}

#[test]
fn flags_that_have_no_meaning_here_or_anywhere_are_refused_in_one_line() {
    for flag in ["-W", "-Ws", "-m", "-S", "-x", "-cc"] {
        let output = balancer(&[flag, "1", "-f", "x"]);
        assert_eq!(output.status.code(), Some(1), "{flag}");
        assert!(
            stderr(&output).contains(&format!("'{flag}' is not supported: ")),
            "{flag}"
        );
    }
    for arguments in [&["-f"][..], &["--what"], &["-f", "x", "y"]] {
        let output = balancer(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    }
    for arguments in [&[][..], &["-h"]] {
        let output = balancer(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains("Usage: "), "{arguments:?}");
    }
    let help = balancer(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(stdout(&help).contains("Usage: steadfast-balancer -f FILE|DIR"));
    let version = balancer(&["-v"]);
    assert_eq!(version.status.code(), Some(0));
    assert!(stdout(&version).contains(env!("CARGO_PKG_VERSION")));
}

/// A process in the foreground, ended with the test.
struct Foreground(Child);

impl Foreground {
    /// Starts it and returns when it says that it serves.
    fn start(folder: &Folder, arguments: &[&str]) -> Self {
        Self::spawn(folder, command(arguments))
    }

    fn spawn(folder: &Folder, mut command: Command) -> Self {
        let path = folder.path(&format!("ready{}", command.get_args().count()));
        let ready = UnixDatagram::bind(&path).unwrap();
        ready.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = command
            .env("NOTIFY_SOCKET", &path)
            .stderr(Stdio::null())
            .spawn();
        let running = Self(child.unwrap());
        let said = receive(|buffer| ready.recv(buffer));
        assert!(said.starts_with("READY=1\n"), "{said}");
        running
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for a datagram. A test that was stopped and goes on is interrupted in its wait.
fn receive(mut socket: impl FnMut(&mut [u8]) -> io::Result<usize>) -> String {
    let mut buffer = [0; 2048];
    loop {
        match socket(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            len => return String::from_utf8(buffer[..len.unwrap()].to_vec()).unwrap(),
        }
    }
}

/// Asks for a page and returns the connection: its end is the end of the process.
fn visit(port: u16) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 503 "), "{line}");
    reader
}

/// The longest that any event may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn term_ends_it_by_that_signal_and_usr1_with_status_0() {
    for (signal, code, by) in [
        (Signal::SIGTERM, None, Some(15)),
        (Signal::SIGINT, None, Some(2)),
        (Signal::SIGUSR1, Some(0), None),
    ] {
        let port = free_port();
        let folder = Folder::new(&valid("", port));
        let mut running = Foreground::start(&folder, &["-db", "-f", folder.file()]);
        running.signal(signal);
        let status = running.0.wait().unwrap();
        assert_eq!((status.code(), status.signal()), (code, by));
    }
}

#[test]
fn signals_of_a_failed_successor_do_not_suspend_it() {
    let port = free_port();
    let folder = Folder::new(&valid("", port));
    let running = Foreground::start(&folder, &["-f", folder.file()]);
    running.signal(Signal::SIGTTOU);
    running.signal(Signal::SIGTTIN);
    visit(port);
}

#[test]
fn hup_writes_the_state_of_every_server_to_the_logs() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let target = receiver.local_addr().unwrap();
    let text = valid(
        &format!("log {target} local0\n{DEFAULTS}    log global"),
        free_port(),
    );
    let folder = Folder::new(&format!("{text}    server a 127.0.0.1:1\n    log global\n"));
    let running = Foreground::start(&folder, &["-f", folder.file()]);
    running.signal(Signal::SIGHUP);
    let line = || receive(|buffer| receiver.recv(buffer));
    let server = line();
    let expected = "SIGHUP: Server web/a is no check. Conn: 0 act, 0 pend, 0 tot.\n";
    assert!(
        server.starts_with("<133>") && server.ends_with(expected),
        "{server}"
    );
    let proxy = line();
    assert!(
        proxy.contains("SIGHUP: Proxy web has 1 active servers and 0 backup"),
        "{proxy}"
    );
}

/// A file of the time zone database: always `XYZ`, three hours and 17 minutes ahead (RFC 8536).
fn zone_file() -> Vec<u8> {
    const AHEAD: i32 = (3 * 60 + 17) * 60;
    let mut block = b"TZif2".to_vec();
    block.resize(20, 0);
    for count in [0_u32, 0, 0, 0, 1, 4] {
        block.extend(count.to_be_bytes());
    }
    block.extend(AHEAD.to_be_bytes());
    block.extend(b"\0\0XYZ\0");
    [&block[..], &block, b"\nXYZ-3:17\n"].concat()
}

#[test]
fn zone_by_name_dates_the_log_lines() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let target = receiver.local_addr().unwrap();
    let text = valid(&format!("log {target} local0"), free_port());
    let folder = Folder::new(&format!("{text}    log global\n"));
    std::fs::create_dir(folder.path("Some")).unwrap();
    std::fs::write(folder.path("Some/Where"), zone_file()).unwrap();
    let mut command = command(&["-f", folder.file()]);
    command
        .env("TZDIR", folder.folder.path())
        .env("TZ", "Some/Where");
    let running = Foreground::spawn(&folder, command);
    running.signal(Signal::SIGHUP);
    // `<133>Nov 24 17:43:21 ...`
    let line = receive(|buffer| receiver.recv(buffer));
    let time: Vec<u64> = line[12..17]
        .split(':')
        .map(|part| part.parse().unwrap())
        .collect();
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 60;
    let found = time[0] * 60 + time[1];
    let possible = [since, since - 1].map(|minute| (minute + 3 * 60 + 17) % (24 * 60));
    assert!(possible.contains(&found), "{line}");
}

#[test]
fn successor_takes_the_port_over() {
    let port = free_port();
    let folder = Folder::new(&valid("", port));
    let mut old = Foreground::start(&folder, &["-f", folder.file()]);
    let refused = balancer(&["-f", folder.file()]);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "the port is not shared by accident"
    );
    let pid = old.0.id().to_string();
    let _new = Foreground::start(&folder, &["-f", folder.file(), "-sf", &pid]);
    assert_eq!(old.0.wait().unwrap().code(), Some(0));
    visit(port);
}

#[test]
fn daemon_writes_its_pid_and_lets_go_of_the_terminal() {
    let port = free_port();
    let folder = Folder::new(&valid("", port));
    let pid_file = folder.path("pid");
    // `output` returns only when nobody holds the pipes any more.
    let started = balancer(&["-D", "-p", pid_file.to_str().unwrap(), "-f", folder.file()]);
    assert_eq!(started.status.code(), Some(0), "{}", stderr(&started));
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    let pid = Pid::from_raw(pid.strip_suffix('\n').unwrap().parse().unwrap());
    let mut visit = visit(port);
    assert_eq!(
        std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap(),
        Path::new("/")
    );
    kill(pid, Signal::SIGTERM).unwrap();
    let mut rest = Vec::new();
    // Whether it is closed or reset: it ends.
    let _ = visit.read_to_end(&mut rest);
}
