//! The cache: flags that cannot be followed, clients that talk nonsense.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use steadfast_tests::cache::{CACHE_USERS, Cache};
use steadfast_tests::check::{Checks, Failure, Outcome};
use steadfast_tests::network::Addresses;
use steadfast_tests::peers::Options;
use steadfast_tests::process::{self, Process};
use steadfast_tests::wait::{self, PATIENCE};
use steadfast_tests::{ensure, guide};

use crate::clear;

pub(crate) fn check(checks: &mut Checks, options: &Options) -> Outcome {
    let directory = tempfile::tempdir()?;
    let addresses = Addresses::choose()?;
    check_flags(checks, options, addresses.cache, directory.path())?;
    check_pid_file(checks, options, addresses.cache[1], directory.path())?;
    let cache = Cache::start(
        "cache",
        &options.cached,
        addresses.cache[1],
        directory.path(),
    )?;
    check_clients(checks, &cache)
}

fn check_flags(
    checks: &mut Checks,
    options: &Options,
    [taken, free]: [SocketAddr; 2],
    directory: &Path,
) -> Outcome {
    let _holder = TcpListener::bind(taken)?;
    let user = process::first_user(CACHE_USERS)?;
    let [port_taken, ip_taken] = [taken.port().to_string(), taken.ip().to_string()];
    let [port, ip] = [free.port().to_string(), free.ip().to_string()];
    // memcached's exit codes: 71 for what the system refuses, 67 for a user, 64 for wrong usage, 1 for a
    // wrong flag. A value out of range is either, by version.
    let cases: [(&str, &[&str], &[i32], &str); 6] = [
        (
            "port taken",
            &["-p", &port_taken, "-l", &ip_taken, "-u", user],
            &[71],
            &ip_taken,
        ),
        (
            "address of another machine",
            &["-p", &port, "-l", "192.0.2.1", "-u", user],
            &[71],
            "192.0.2.1",
        ),
        (
            "unknown user",
            &["-p", &port, "-l", &ip, "-u", "nosuchuser"],
            &[67],
            "nosuchuser",
        ),
        (
            "root without a user",
            &["-p", &port, "-l", &ip],
            &[64],
            "-u",
        ),
        (
            "unknown flag",
            &["-p", &port, "-l", &ip, "-u", user, "--nosuchflag"],
            &[1],
            "nosuchflag",
        ),
        (
            "port out of range",
            &["-p", "99999", "-l", &ip, "-u", user],
            &[64, 1],
            "99999",
        ),
    ];
    for (what, flags, codes, names) in cases {
        checks.run(
            &format!("cache, {what}: a clear line and exit code {codes:?}"),
            || {
                let name = what.replace(' ', "-");
                let mut command = Command::new(&options.cached);
                command.args(flags);
                let process = Process::spawn(&name, command, directory)?;
                let status = process.finish()?;
                let known = status.code().is_some_and(|code| codes.contains(&code));
                ensure!(known, "it ended with {status}");
                let printed = process::tail(&directory.join(format!("{name}.out")));
                clear(&printed, &[names])
            },
        );
    }
    Ok(())
}

fn check_pid_file(
    checks: &mut Checks,
    options: &Options,
    address: SocketAddr,
    directory: &Path,
) -> Outcome {
    let user = process::first_user(CACHE_USERS)?;
    checks.run(
        "cache, pid file that cannot be written: a warning names it, and the cache runs",
        || {
            let mut command = Command::new(&options.cached);
            command
                .args(guide::cache_flags(address, user)?)
                .args(["-P", "/nosuchdirectory/pid"]);
            let mut process = Process::spawn("pid-file", command, directory)?;
            process.wait_ready(|| wait::accepts(address))?;
            let printed = process.printed();
            process.terminate()?;
            clear(&printed, &["/nosuchdirectory/pid"])
        },
    );
    Ok(())
}

fn check_clients(checks: &mut Checks, cache: &Cache) -> Outcome {
    cache.ask("set kept 7 0 4\r\nsafe")?;
    let before = cache.stats()?;
    check_errors(checks, cache);
    check_halves(checks, cache);
    checks.run(
        "cache, after all this: nothing is lost, nothing is leaked, the process is the same",
        || {
            for _ in 0..200 {
                connect(cache)?;
            }
            let after = wait::until("the connections to be gone", PATIENCE, || {
                let now = cache.stats()?;
                let open = now.number("curr_connections")?;
                Ok((open == before.number("curr_connections")?).then_some(now))
            })?;
            for name in ["pid", "curr_items", "bytes", "limit_maxbytes"] {
                let (before, after) = (before.number(name)?, after.number(name)?);
                ensure!(before == after, "{name} was {before} and is {after}");
            }
            let kept = cache.ask("get kept")?;
            ensure!(kept == KEPT, "{kept:?}");
            Ok(())
        },
    );
    Ok(())
}

/// How the item that is there all the time is answered.
const KEPT: &str = "VALUE kept 7 4\r\nsafe\r\nEND\r\n";

/// Commands that are answered with an error; the next one on the same connection with its value.
fn check_errors(checks: &mut Checks, cache: &Cache) {
    let long_key = format!("get {}", "k".repeat(251));
    let too_large = format!("set large 0 0 2000000\r\n{}", "x".repeat(2_000_000));
    for (what, sent, answer) in [
        ("unknown command", "foo bar", "ERROR\r\n"),
        ("control bytes", "\u{1}\u{2}\u{3}", "ERROR\r\n"),
        ("key too long", &long_key, "CLIENT_ERROR"),
        ("length that is no number", "set k 0 0 many", "CLIENT_ERROR"),
        ("negative length", "set k 0 0 -1", "CLIENT_ERROR"),
        (
            "value too large",
            &too_large,
            "SERVER_ERROR object too large for cache\r\n",
        ),
        (
            "value longer than announced",
            "set k 0 0 3\r\nabcdef",
            "CLIENT_ERROR",
        ),
    ] {
        checks.run(
            &format!("cache, {what}: an error, and the connection goes on"),
            || {
                let answers = cache.ask(&format!("{sent}\r\nget kept"))?;
                let (first, rest) = answers
                    .split_at_checked(answer.len())
                    .unwrap_or((&answers, ""));
                ensure!(first == answer, "it answers {answers:?}");
                ensure!(rest.ends_with(KEPT), "then it answers {rest:?}");
                Ok(())
            },
        );
    }
}

/// Clients that never come to the end of a line or leave within a command.
fn check_halves(checks: &mut Checks, cache: &Cache) {
    checks.run(
        "cache, line without an end: the connection is closed",
        || {
            let mut stream = connect(cache)?;
            // The cache may close before all is written.
            let _ = stream.write_all(&[b'a'; 1 << 20]);
            let mut answer = Vec::new();
            match stream.read_to_end(&mut answer) {
                Ok(_) => Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
                Err(error) => Err(Failure::from(error).while_doing("waiting for the end")),
            }
        },
    );
    checks.run("cache, half a command and gone: nothing is stored", || {
        for half in [
            "set half 0 0 10\r\nabc",
            "set half 0 0",
            "get ke",
            "set half 0 0 3\r\nabc",
        ] {
            connect(cache)?.write_all(half.as_bytes())?;
        }
        let answer = cache.ask("get half")?;
        ensure!(answer == "END\r\n", "{answer:?}");
        Ok(())
    });
}

fn connect(cache: &Cache) -> Outcome<TcpStream> {
    let stream = TcpStream::connect(cache.address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}
