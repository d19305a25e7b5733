//! `steadfast up` as its users meet it: the program, its script, its page.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

fn steadfast() -> Command {
    Command::new(env!("CARGO_BIN_EXE_steadfast"))
}

/// Runs a script to its end.
fn script(lines: &str) -> Output {
    let mut child = steadfast()
        .args(["--script", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// The counters of all visits of a script's output: 0 is a first visit.
fn counters(output: &Output) -> Vec<u64> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| {
            let line = line.trim().strip_prefix("| ")?;
            if line == "Globo.Tech welcomes you as a first time visitor on this server" {
                return Some(0);
            }
            line.strip_prefix("This server has seen you ")?
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A cluster that runs until it is dropped.
struct Cluster {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    address: String,
    /// Where the nodes are: balancer, web1, web2, cache1, cache2.
    places: Vec<String>,
}

impl Cluster {
    fn start(arguments: &[&str]) -> Self {
        let mut child = steadfast()
            .args(arguments)
            .stdin(if arguments.is_empty() {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        let mut places = Vec::new();
        while places.len() < 5 {
            let mut line = String::new();
            assert!(stdout.read_line(&mut line).unwrap() > 0, "it says more");
            places.extend(line.split_whitespace().nth(1).map(str::to_owned));
        }
        let address = first
            .trim()
            .strip_prefix("http://")
            .and_then(|rest| rest.strip_suffix("/session.php"))
            .unwrap_or_else(|| panic!("the first line is the page's URL, not {first:?}"))
            .to_owned();
        Self {
            child,
            stdout,
            address,
            places,
        }
    }

    /// Reads its output up to `start` of a line; returns the rest of that line.
    fn word_after(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "{start}");
            let line = line.trim_start_matches([' ', '|']);
            if let Some(rest) = line.strip_prefix(start) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Fetches the page; `extra` is further header lines. Returns head and body.
    fn get(&self, extra: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "GET /session.php HTTP/1.1\r\nHost: {}\r\n{extra}Connection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Sends a signal and returns the exit status.
    fn end(mut self, signal: &str) -> Option<i32> {
        let kill = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(kill.success());
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let child = &mut self.child;
            scope.spawn(move || {
                // The receiver gives up first only if the test fails anyway.
                let _ = sender.send(child.wait().unwrap().code());
            });
            receiver.recv_timeout(PATIENCE).expect("it ends")
        })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It has ended already where a test ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn the_counter_goes_on_whatever_single_cache_and_web_node_is_stopped() {
    for cache in ["cache1", "cache2"] {
        for web in ["web1", "web2"] {
            let output = script(&format!(
                "visit\nvisit\nstop {cache}\nvisit\nstop {web}\nvisit\nvisit\nstart {web}\n\
                 start {cache}\nvisit\nvisit\n"
            ));
            assert!(output.status.success(), "{}", stderr(&output));
            assert_eq!(
                counters(&output),
                [0, 1, 2, 3, 4, 5, 6],
                "{}",
                stdout(&output)
            );
        }
    }
}

#[test]
fn one_visit_between_is_enough_to_lose_the_other_cache() {
    for (first, second) in [("cache1", "cache2"), ("cache2", "cache1")] {
        let output = script(&format!(
            "visit\nstop {first}\nvisit\nstart {first}\nvisit\nstop {second}\nvisit\nvisit\n"
        ));
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(counters(&output), [0, 1, 2, 3, 4], "{}", stdout(&output));
        assert!(stdout(&output).contains("no session is lost"));
    }
}

#[test]
fn without_a_visit_between_the_session_is_lost_and_up_says_so() {
    let output = script("visit\nvisit\nstop cache1\nstart cache1\nstop cache2\nvisit\n");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(counters(&output), [0, 1, 0]);
    let text = stdout(&output);
    assert!(
        text.contains("One session has no copy on it until the next visit"),
        "{text}"
    );
    assert!(text.contains("One session is lost"), "{text}");
}

#[test]
fn the_page_is_the_guides() {
    let cluster = Cluster::start(&[]);
    let (head, body) = cluster.get("");
    assert!(body.starts_with("Globo.Tech welcomes you as a first time visitor on this server\n"));
    assert!(body.ends_with("Array\n(\n)\n"), "{body}");
    let id = head
        .lines()
        .find_map(|line| line.strip_prefix("Set-Cookie: PHPSESSID="))
        .and_then(|rest| rest.split(';').next())
        .expect("a first visit brings a cookie")
        .to_owned();
    let cookie = format!("Cookie: PHPSESSID={id}\r\n");
    let mut servers = Vec::new();
    for count in 1..=4 {
        let (head, body) = cluster.get(&cookie);
        assert!(!head.contains("Set-Cookie"), "the session id stays");
        let mut lines = body.lines();
        assert_eq!(
            lines.next(),
            Some(&*format!("This server has seen you {count} times "))
        );
        servers.push(
            lines
                .next()
                .unwrap()
                .strip_prefix("Server IP: ")
                .unwrap()
                .to_owned(),
        );
        assert!(lines.next().unwrap().starts_with("Client IP: 127.0.0."));
        let rest: Vec<_> = lines.collect();
        assert_eq!(
            rest,
            ["Array", "(", &format!("    [PHPSESSID] => {id}"), ")"]
        );
    }
    assert_ne!(servers[0], servers[1]);
    assert_eq!(servers[..2], servers[2..], "web nodes take turns");
    let (_, other) = cluster.get("");
    assert!(
        other.starts_with("Globo.Tech welcomes you"),
        "a second browser has its own counter"
    );
}

#[test]
fn term_and_int_end_it_cleanly() {
    for signal in ["-TERM", "-INT"] {
        assert_eq!(Cluster::start(&[]).end(signal), Some(0), "{signal}");
    }
}

#[test]
fn a_second_cluster_finds_ports_of_its_own() {
    let (one, two) = (Cluster::start(&[]), Cluster::start(&[]));
    assert_ne!(one.address, two.address);
    assert!(one.get("").1.starts_with("Globo.Tech"));
    assert!(two.get("").1.starts_with("Globo.Tech"));
}

#[test]
fn a_port_that_was_asked_for_and_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.93:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = steadfast()
        .args(["--port", &port.to_string()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.starts_with("steadfast: balancer: "), "{text}");
    assert!(text.contains(&format!("127.0.0.93:{port}")), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn mistakes_in_a_script_are_named_and_end_it() {
    for (lines, message) in [
        (
            "stp cache1\n",
            "unknown command 'stp'; did you mean 'stop'? ('help' lists all)",
        ),
        (
            "stop cache3\n",
            "there is no node 'cache3'; there are balancer, web1, web2, cache1, cache2",
        ),
        ("start web1\n", "web1: runs already"),
        ("stop web1\nstop web1\n", "web1: does not run"),
        (
            "stop balancer\nvisit\n",
            "the page cannot be reached: Connection refused (os error 111)",
        ),
    ] {
        let output = script(lines);
        assert_eq!(output.status.code(), Some(1), "{lines}");
        let last = lines.lines().count();
        assert_eq!(
            stderr(&output),
            format!("steadfast: line {last}: {message}\n")
        );
    }
}

#[test]
fn a_missing_script_is_an_error_before_anything_starts() {
    let output = steadfast()
        .args(["--script", "/nonexistent/script"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).starts_with("steadfast: cannot read the script /nonexistent/script: "));
}

#[test]
fn a_script_that_is_no_script_is_an_error_too() {
    let output = steadfast().args(["--script", "/"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).starts_with("steadfast: cannot read the script /: "));
    let mut child = steadfast()
        .args(["--script", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"status\n\xff\xfe\x1b\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "rubbish is no end");
    let text = stderr(&output);
    assert!(
        text.starts_with("steadfast: line 2: unknown command '"),
        "{text}"
    );
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn a_crowd_is_served_though_no_cache_takes_so_many_connections() {
    let cluster = Cluster::start(&[]);
    // Not before: the cluster is to raise its own limit.
    steadfast_host::limits::raise_open_files(4096).unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        cluster.address
    );
    let mut crowd: Vec<_> = (0..1300)
        .map(|_| {
            let mut stream = TcpStream::connect(&cluster.address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    for stream in &mut crowd {
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 200");
    }
}

#[test]
fn a_visit_under_way_is_answered_by_a_web_node_that_stops() {
    let mut cluster = Cluster::start(&["--script", "-"]);
    let mut stdin = cluster.child.stdin.take().unwrap();
    let mut stream = TcpStream::connect(&cluster.places[1]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
    stdin.write_all(b"stop web1\n").unwrap();
    while TcpStream::connect(&cluster.places[1]).is_ok() {}
    stream.write_all(b"\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
}

#[test]
fn an_answer_reaches_a_client_that_sends_far_too_much() {
    let cluster = Cluster::start(&[]);
    let mut stream = TcpStream::connect(&cluster.places[1]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&[b'x'; 200_000]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 414 "), "{answer}");
}

#[test]
fn a_page_that_cannot_be_posted_to_says_what_can_be_done() {
    let cluster = Cluster::start(&[]);
    let mut stream = TcpStream::connect(&cluster.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.contains("\r\nAllow: GET, HEAD\r\n"), "{answer}");
}

#[test]
fn a_signal_ends_a_visit_that_hangs() {
    let mut cluster = Cluster::start(&["--script", "-"]);
    let mut stdin = cluster.child.stdin.take().unwrap();
    stdin.write_all(b"visit\nvisit\n").unwrap();
    let id = cluster.word_after("[PHPSESSID] => ");
    // Somebody else has its lock, so the next visit waits for it, longer than a test would.
    for cache in &cluster.places[3..] {
        let mut stream = TcpStream::connect(cache).unwrap();
        let request = format!("add {id}.lock 0 0 1\r\nx\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 8];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"STORED\r\n");
    }
    stdin.write_all(b"visit\n").unwrap();
    cluster.word_after("> visit");
    assert_eq!(cluster.end("-TERM"), Some(0));
}
