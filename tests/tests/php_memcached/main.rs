//! PHP's other extension, php-memcached, keeps its sessions in two of our caches: in the text protocol,
//! and in the binary one, which it speaks unless it is told otherwise.
//!
//! Takes the same options as the guide's test; the balancer is not used.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use steadfast_tests::cache::Cache;
use steadfast_tests::check::{Checks, Failure, Outcome};
use steadfast_tests::network::{self, Addresses};
use steadfast_tests::peers::{self, Options};
use steadfast_tests::{ensure, home, process};
use tempfile::TempDir;

/// One request: counts a visit of the session named on the command line, or of a new one.
const VISIT_PHP: &str = "<?php
if (isset($argv[1])) session_id($argv[1]);
if (!session_start()) exit(3);
$_SESSION['visit'] = ($_SESSION['visit'] ?? 0) + 1;
echo session_id(), ' ', $_SESSION['visit'];
";

/// Reads the session and changes nothing.
const LOOK_PHP: &str = "<?php
session_id($argv[1]);
session_start();
echo session_id(), ' ', $_SESSION['visit'];
";

/// Ends the session.
const DESTROY_PHP: &str = "<?php
session_id($argv[1]);
session_start();
session_destroy();
echo $argv[1], ' 0';
";

fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(options) => options,
        Err(failure) => {
            eprintln!("php_memcached: {failure}\n\n{}", peers::USAGE);
            return ExitCode::from(2);
        }
    };
    let mut checks = Checks::new();
    if let Err(failure) = perform(&options, &mut checks) {
        checks.record(
            "php-memcached's sessions can be tried to the end",
            Err(failure),
        );
    }
    checks.finish(&format!("php-memcached with {}", options.peers()));
    if checks.all_passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn perform(options: &Options, checks: &mut Checks) -> Outcome {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "root is needed, for the caches' user"
    );
    network::enter_namespaces()?;
    println!("{}", options.describe());
    for protocol in [Protocol::Text, Protocol::Binary] {
        let scene = Scene::set_up(options, protocol)?;
        println!("in the {} protocol:", protocol.name());
        check_homes(checks, &scene);
        check_life(checks, &scene)?;
        if protocol == Protocol::Binary {
            check_replica(checks, &scene)?;
        }
    }
    Ok(())
}

/// Every session is where libmemcached's ring says, and nowhere else.
fn check_homes(checks: &mut Checks, scene: &Scene) {
    checks.run("sessions are kept where libmemcached's ring says", || {
        const SESSIONS: usize = 16;
        let mut at_home = [0, 0];
        for _ in 0..SESSIONS {
            let id = scene.php("visit", None, &[])?.0;
            let home = home::of_memcached_key(&id, &scene.addresses.cache)?;
            for (index, cache) in scene.caches.iter().enumerate() {
                let answer = cache.ask(&format!("get memc.sess.key.{id}"))?;
                let found = answer.starts_with(&format!("VALUE memc.sess.key.{id} 0 "));
                ensure!(found == (index == home), "cache{}: {answer:?}", index + 1);
            }
            at_home[home] += 1;
        }
        ensure!(
            !at_home.contains(&0),
            "one cache is home of none: {at_home:?}"
        );
        Ok(())
    });
}

fn check_life(checks: &mut Checks, scene: &Scene) -> Outcome {
    let (id, first) = scene.php("visit", None, &[])?;
    checks.run("counter goes up by one with every visit", || {
        let mut seen = vec![first];
        for _ in 0..4 {
            seen.push(scene.visit(&id)?);
        }
        ensure!(seen == [1, 2, 3, 4, 5], "{seen:?}");
        Ok(())
    });
    checks.run("the lock is taken back after every visit", || {
        let answer = scene
            .lock_home(&id)?
            .ask(&format!("get memc.sess.key.lock.{id}"))?;
        ensure!(answer == "END\r\n", "{answer:?}");
        Ok(())
    });
    checks.run(
        "a session that somebody else has locked cannot be started, and is not harmed",
        || {
            let cache = scene.lock_home(&id)?;
            let locked = cache.ask(&format!("add memc.sess.key.lock.{id} 0 0 1\r\n1"))?;
            ensure!(locked == "STORED\r\n", "{locked:?}");
            let refused = scene.visit(&id);
            ensure!(refused.is_err(), "it was started: {refused:?}");
            let freed = cache.ask(&format!("delete memc.sess.key.lock.{id}"))?;
            ensure!(freed == "DELETED\r\n", "{freed:?}");
            let seen = scene.visit(&id)?;
            ensure!(seen == 6, "expected 6, found {seen}");
            Ok(())
        },
    );
    checks.run("an unchanged session is touched, not written", || {
        let cache = &scene.caches[home::of_memcached_key(&id, &scene.addresses.cache)?];
        let before = cache.stats()?.number("cmd_touch")?;
        let seen = scene.php("look", Some(&id), &[])?.1;
        let touched = cache.stats()?.number("cmd_touch")? - before;
        ensure!((seen, touched) == (6, 1), "seen {seen}, touched {touched}");
        Ok(())
    });
    checks.run(
        "in strict mode a known id is kept and a foreign one replaced",
        || {
            // The extension asks by adding an item that expired in January 1970.
            let strict = ["-d", "session.use_strict_mode=1"];
            let known = scene.php("visit", Some(&id), &strict)?;
            ensure!(known == (id.clone(), 7), "{known:?}");
            let foreign = scene.php("visit", Some("0123456789abcdefghijklmnop"), &strict)?;
            ensure!(
                foreign.0 != "0123456789abcdefghijklmnop" && foreign.1 == 1,
                "{foreign:?}"
            );
            Ok(())
        },
    );
    checks.run("a destroyed session begins anew", || {
        scene.php("destroy", Some(&id), &[])?;
        let seen = scene.visit(&id)?;
        ensure!(seen == 1, "expected 1, found {seen}");
        Ok(())
    });
    Ok(())
}

/// The extension keeps copies in the binary protocol only: written and deleted quietly.
fn check_replica(checks: &mut Checks, scene: &Scene) -> Outcome {
    let copies = ["-d", "memcached.sess_number_of_replicas=1"];
    let (id, first) = scene.php("visit", None, &copies)?;
    let stored = |wanted: bool| {
        for cache in &scene.caches {
            let answer = cache.ask(&format!("get memc.sess.key.{id}"))?;
            let found = answer.starts_with("VALUE ");
            ensure!(found == wanted, "{}: {answer:?}", cache.address());
        }
        Ok(())
    };
    checks.run("a session with a copy is in both caches", || {
        ensure!(first == 1, "expected 1, found {first}");
        stored(true)?;
        let seen = scene.php("visit", Some(&id), &copies)?.1;
        ensure!(seen == 2, "expected 2, found {seen}");
        stored(true)
    });
    checks.run("a destroyed session is in neither", || {
        scene.php("destroy", Some(&id), &copies)?;
        stored(false)
    });
    Ok(())
}

/// How the extension speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Text,
    Binary,
}

impl Protocol {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }
}

struct Scene {
    caches: [Cache; 2],
    addresses: Addresses,
    directory: TempDir,
}

impl Scene {
    fn set_up(options: &Options, protocol: Protocol) -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let addresses = Addresses::choose()?;
        let path = |name: &str| directory.path().join(name);
        for (name, text) in [
            ("visit", VISIT_PHP),
            ("look", LOOK_PHP),
            ("destroy", DESTROY_PHP),
        ] {
            fs::write(path(&format!("{name}.php")), text)?;
        }
        // The extension needs the two others on Debian, and they must be loaded before it.
        let [first, second] = addresses.cache;
        let settings = format!(
            "extension=igbinary.so\nextension=msgpack.so\nextension=memcached.so\n\
             session.save_handler = memcached\nsession.save_path = \"{first},{second}\"\n\
             session.use_cookies = 0\nmemcached.sess_binary_protocol = {}\n",
            u8::from(protocol == Protocol::Binary)
        );
        fs::create_dir(path("php.d"))?;
        fs::write(path("php.d/memcached.ini"), settings)?;
        let cache = |index: usize| {
            let name = format!("cache{}", index + 1);
            Cache::start(
                &name,
                &options.cached,
                addresses.cache[index],
                directory.path(),
            )
        };
        Ok(Self {
            caches: [cache(0)?, cache(1)?],
            addresses,
            directory,
        })
    }

    /// Runs a script for a session: gives the session's id and counter.
    fn php(&self, script: &str, id: Option<&str>, settings: &[&str]) -> Outcome<(String, u32)> {
        let script: PathBuf = self.directory.path().join(format!("{script}.php"));
        let mut command = Command::new("php");
        command.arg("-c").arg(self.directory.path());
        command.args(settings).arg(script).args(id);
        command.env("PHP_INI_SCAN_DIR", self.directory.path().join("php.d"));
        let finished = process::run(&mut command)?;
        let answer = finished
            .stdout
            .split_once(' ')
            .filter(|_| finished.status.success());
        let (id, seen) = answer.ok_or_else(|| Failure::new(format!("{finished:?}")))?;
        Ok((id.to_owned(), seen.parse()?))
    }

    /// Counts a visit.
    fn visit(&self, id: &str) -> Outcome<u32> {
        Ok(self.php("visit", Some(id), &[])?.1)
    }

    /// The cache that keeps the lock of this session.
    fn lock_home(&self, id: &str) -> Outcome<&Cache> {
        Ok(&self.caches[home::of_memcached_key(&format!("lock.{id}"), &self.addresses.cache)?])
    }
}
