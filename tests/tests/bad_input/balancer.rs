//! The balancer: files that cannot be followed, clients that talk nonsense.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use steadfast_tests::balancer::{self, Balancer};
use steadfast_tests::browser::{Browser, Journal};
use steadfast_tests::check::{Checks, Failure, Outcome};
use steadfast_tests::ensure;
use steadfast_tests::guide::{self, ForwardFor};
use steadfast_tests::network::Addresses;
use steadfast_tests::origin::{self, Origin};
use steadfast_tests::peers::Options;
use steadfast_tests::process::{self, Process};
use steadfast_tests::syslog::{LOCAL2_INFO, Syslog};
use steadfast_tests::wait::{self, PATIENCE};

use crate::clear;

pub(crate) fn check(checks: &mut Checks, options: &Options) -> Outcome {
    let directory = tempfile::tempdir()?;
    let scene = Scene {
        options,
        addresses: Addresses::choose()?,
        directory: directory.path(),
    };
    check_files(checks, &scene);
    check_starts(checks, &scene)?;
    check_clients(checks, &scene)
}

struct Scene<'a> {
    options: &'a Options,
    addresses: Addresses,
    directory: &'a Path,
}

impl Scene<'_> {
    /// The guide's configuration with one replacement.
    fn configuration(&self, from: &str, to: &str) -> Outcome<PathBuf> {
        let user = match process::first_user(&["haproxy", "nobody"])? {
            "haproxy" => ("haproxy", "haproxy"),
            _ => ("nobody", "nogroup"),
        };
        let paths = balancer::lay_out(self.directory)?;
        let form = self.options.listen_form();
        let text = guide::haproxy_cfg(&self.addresses, &paths, user, form, ForwardFor::Bare)?;
        ensure!(text.contains(from), "{from:?} is not in the configuration");
        let file = self.directory.join("haproxy.cfg");
        fs::write(&file, text.replacen(from, to, 1))?;
        Ok(file)
    }

    /// Runs the balancer with `flags`, which must make it give up.
    fn gives_up(&self, flags: &[&str], file: &Path, names: &[&str]) -> Outcome {
        let mut command = Command::new(&self.options.balancer);
        command.args(flags).arg("-f").arg(file);
        let log = self.directory.join("gives-up.out");
        fs::write(&log, "")?;
        let status = Process::spawn("gives-up", command, self.directory)?.finish()?;
        ensure!(status.code() == Some(1), "it ended with {status}");
        clear(&process::tail(&log), names)
    }
}

/// Files that `-c` refuses.
fn check_files(checks: &mut Checks, scene: &Scene<'_>) {
    for (what, from, to, names) in [
        (
            "unknown keyword",
            "option dontlognull",
            "option dontlognul",
            &["haproxy.cfg:14", "dontlognul", "dontlognull"][..],
        ),
        (
            "value that cannot be",
            "timeout client 45s",
            "timeout client 45x",
            &["haproxy.cfg:22"],
        ),
        (
            "server without an address",
            "127.0.0.94:",
            "nonsense:",
            &["haproxy.cfg:", "nonsense"],
        ),
        (
            "unknown user",
            "\nuser ",
            "\nuser nosuchuser # ",
            &["haproxy.cfg:6", "nosuchuser"],
        ),
    ] {
        checks.run(
            &format!("balancer, {what}: -c tells where and exits 1"),
            || scene.gives_up(&["-c"], &scene.configuration(from, to)?, names),
        );
    }
    checks.run("balancer, file that is not there: exits 1", || {
        scene.gives_up(
            &["-c"],
            Path::new("/nosuchdirectory/haproxy.cfg"),
            &["/nosuchdirectory"],
        )
    });
}

/// Files that load but cannot be followed.
fn check_starts(checks: &mut Checks, scene: &Scene<'_>) -> Outcome {
    let jail = format!("chroot {}", scene.directory.join("jail").display());
    let pid_file = scene.directory.join("haproxy.pid").display().to_string();
    let address = scene.addresses.balancer.to_string();
    for (what, flags, from, to, names) in [
        (
            "address of another machine",
            &[][..],
            &address,
            "192.0.2.1:80",
            "192.0.2.1:80",
        ),
        (
            "pid file that cannot be written",
            &[],
            &pid_file,
            "/nosuchdirectory/pid",
            "/nosuchdirectory",
        ),
        // In the background HAProxy finds out too late to tell anybody.
        (
            "jail that is not there",
            &["-db"],
            &jail,
            "chroot /nosuchdirectory",
            "/nosuchdirectory",
        ),
    ] {
        checks.run(
            &format!("balancer, {what}: a clear line and exit code 1"),
            || scene.gives_up(flags, &scene.configuration(from, to)?, &[names]),
        );
    }
    let _holder = TcpListener::bind(scene.addresses.balancer)?;
    checks.run("balancer, port taken: a clear line and exit code 1", || {
        scene.gives_up(&[], &scene.configuration("", "")?, &[&address])
    });
    Ok(())
}

fn check_clients(checks: &mut Checks, scene: &Scene<'_>) -> Outcome {
    let syslog = Syslog::bind(scene.addresses.syslog)?;
    let [first, second] = scene.addresses.web;
    let _origins = [Origin::start(first)?, Origin::start(second)?];
    let file = scene.configuration("", "")?;
    let paths = balancer::lay_out(scene.directory)?;
    for left in [&paths.pid_file, &paths.control] {
        if left.exists() {
            fs::remove_file(left)?;
        }
    }
    let balancer = Balancer::start(&scene.options.balancer, &file, paths)?;
    let site = scene.addresses.balancer;
    check_requests(checks, site);
    checks.run(
        "balancer, a request that cannot be read is logged as <BADREQ>",
        || {
            wait::until("such a log line", PATIENCE, || {
                let messages = syslog.messages()?;
                let bad =
                    |text: &str| text.contains(" http/<NOSRV> ") && text.ends_with(" \"<BADREQ>\"");
                let found = messages
                    .iter()
                    .any(|m| m.priority == LOCAL2_INFO && bad(&m.text));
                Ok(found.then_some(()))
            })
        },
    );
    checks.run(
        "balancer, after all this: no connection is left, the process is the same",
        || {
            for _ in 0..200 {
                TcpStream::connect(site)?;
            }
            wait::until("the connections to be gone", PATIENCE, || {
                let current = balancer.row("FRONTEND")?.number("scur")?;
                Ok((current == 0).then_some(()))
            })?;
            ensure!(process::runs(balancer.pid()), "it runs no more");
            visit(site)
        },
    );
    Ok(())
}

/// Requests that are refused or never end; the next visitor is served.
fn check_requests(checks: &mut Checks, site: SocketAddr) {
    let large = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nLarge: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    let lengths = "Content-Length: 1\r\nContent-Length: 2";
    let lengths = format!("POST / HTTP/1.1\r\nHost: a\r\n{lengths}\r\n\r\nab");
    for (what, sent, statuses) in [
        ("rubbish", "rubbish\r\n\r\n", &[400][..]),
        ("control bytes", "\u{1}\u{2}\u{3}\r\n\r\n", &[400][..]),
        (
            "space in a header's name",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            &[400][..],
        ),
        ("two lengths", &lengths, &[400]),
        // By version.
        ("head too large", &large, &[400, 431]),
    ] {
        checks.run(
            &format!("balancer, {what}: {statuses:?}, and it goes on"),
            || {
                let answer = exchange(site, sent)?;
                let status = answer
                    .strip_prefix("HTTP/1.1 ")
                    .and_then(|rest| rest.get(..3));
                let known =
                    status.is_some_and(|status| statuses.iter().any(|s| s.to_string() == status));
                ensure!(known, "it answers {answer:?}");
                visit(site)
            },
        );
    }
    checks.run("balancer, half a request and gone: it goes on", || {
        let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab";
        for half in ["G", "GET / HTTP/1.1\r\nHost:", body] {
            // Whether anything is answered is the balancer's choice.
            drop(exchange(site, half));
        }
        visit(site)
    });
}

fn visit(site: SocketAddr) -> Outcome {
    let response = Browser::new(site.ip(), site, &Journal::default()).get("/")?;
    ensure!(
        response.body == origin::BODY,
        "{} {}",
        response.status,
        response.body
    );
    Ok(())
}

/// Sends something, says that this was all, and reads what comes.
fn exchange(site: SocketAddr, sent: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(site)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // The balancer may have had enough before all is written.
    let _ = stream.write_all(sent.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => {
            Err(Failure::from(error).while_doing("reading the answer"))
        }
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}
