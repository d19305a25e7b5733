//! `steadfast ring` says where sessions are; PHP's two extensions put them there.
//!
//! Takes the same options as the guide's test; the balancer is not used.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use steadfast_tests::cache::Cache;
use steadfast_tests::check::{Checks, Failure, Outcome};
use steadfast_tests::network::{self, Addresses};
use steadfast_tests::peers::{self, Options};
use steadfast_tests::{ensure, process};
use tempfile::TempDir;

/// Begins and ends a session for each id of a file.
const SESSIONS_PHP: &str = "<?php
foreach (file($argv[1], FILE_IGNORE_NEW_LINES) as $id) {
    session_id($id);
    if (!session_start()) exit(3);
    $_SESSION['visit'] = 1;
    session_write_close();
}
";

/// One extension in one configuration.
struct Case {
    name: &'static str,
    extensions: &'static [&'static str],
    /// What the extension puts before an id to store it.
    prefix: &'static str,
    /// The settings; `{0}` and `{1}` stand for the caches.
    settings: &'static str,
}

fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(options) => options,
        Err(failure) => {
            eprintln!("php_ring: {failure}\n\n{}", peers::USAGE);
            return ExitCode::from(2);
        }
    };
    let mut checks = Checks::new();
    if let Err(failure) = perform(&options, &mut checks) {
        checks.record("every configuration can be tried", Err(failure));
    }
    checks.finish(&format!("places of sessions with {}", options.peers()));
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
    let scene = Scene::set_up(options)?;
    for case in CASES {
        let name = format!("{}: every session is where ring says", case.name);
        checks.run(&name, || scene.try_case(case));
    }
    Ok(())
}

struct Scene {
    caches: [Cache; 2],
    addresses: [SocketAddr; 2],
    directory: TempDir,
    ids: Vec<String>,
}

impl Scene {
    fn set_up(options: &Options) -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let addresses = Addresses::choose()?.cache;
        // Ids as PHP makes them: 26 letters of 5 bits.
        let ids: Vec<String> = (1..=SESSIONS)
            .map(|number| {
                let letter =
                    |at: u32| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (2 * at)) & 31;
                let letters = (0..26).map(|at| char::from_digit(letter(at) as u32, 32));
                letters.map(|letter| letter.unwrap_or('0')).collect()
            })
            .collect();
        fs::write(directory.path().join("ids"), ids.join("\n"))?;
        fs::write(directory.path().join("sessions.php"), SESSIONS_PHP)?;
        fs::create_dir(directory.path().join("php.d"))?;
        let cache = |index: usize| {
            let name = format!("cache{}", index + 1);
            Cache::start(&name, &options.cached, addresses[index], directory.path())
        };
        Ok(Self {
            caches: [cache(0)?, cache(1)?],
            addresses,
            directory,
            ids,
        })
    }

    fn try_case(&self, case: &Case) -> Outcome {
        for cache in &self.caches {
            cache.ask("flush_all")?;
        }
        let mut settings = String::from("session.use_cookies = 0\nsession.use_strict_mode = 0\n");
        for extension in case.extensions {
            let _ = writeln!(settings, "extension={extension}.so");
        }
        for line in case.settings.lines() {
            let line = line.replace("{0}", &self.addresses[0].to_string());
            let _ = writeln!(
                settings,
                "{}",
                line.replace("{1}", &self.addresses[1].to_string())
            );
        }
        fs::write(self.path("php.d/case.ini"), settings)?;
        let mut php = Command::new("php");
        php.arg("-c").arg(self.directory.path());
        php.arg(self.path("sessions.php")).arg(self.path("ids"));
        php.env("PHP_INI_SCAN_DIR", self.path("php.d"));
        let finished = process::run(&mut php)?;
        ensure!(finished.status.success(), "{finished:?}");
        self.compare(case, &self.said()?)
    }

    /// What `steadfast ring place` answers for all ids.
    fn said(&self) -> Outcome<String> {
        // .../target/PROFILE/deps/php_ring-HASH
        let test = env::current_exe()?;
        let profile = test.ancestors().nth(2);
        let program = profile
            .ok_or_else(|| Failure::new("no target directory"))?
            .join("steadfast");
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg("exec \"$0\" ring place --from \"$1\" < \"$2\"");
        command
            .arg(program)
            .arg(self.path("php.d/case.ini"))
            .arg(self.path("ids"));
        let finished = process::run(&mut command)?;
        ensure!(finished.status.success(), "{finished:?}");
        Ok(finished.stdout)
    }

    fn compare(&self, case: &Case, said: &str) -> Outcome {
        ensure!(said.lines().count() == self.ids.len(), "{said:?}");
        let mut homes = [0, 0];
        for (id, line) in self.ids.iter().zip(said.lines()) {
            let nodes: Vec<&str> = line.split(',').collect();
            for (index, cache) in self.caches.iter().enumerate() {
                let answer = cache.ask(&format!("get {}{id}", case.prefix))?;
                let is_found = answer.starts_with("VALUE ");
                let is_said = nodes.contains(&&*index.to_string());
                ensure!(
                    is_found == is_said,
                    "{id}: ring says {line}, cache {index} has it: {is_found}"
                );
                homes[index] += usize::from(nodes.first() == Some(&&*index.to_string()));
            }
        }
        ensure!(!homes.contains(&0), "one cache is home of none: {homes:?}");
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// How many sessions each case has.
const SESSIONS: u64 = 60;

const MEMCACHE: &[&str] = &["memcache"];
/// The extension needs the two others on Debian, and they must be loaded before it.
const MEMCACHED: &[&str] = &["igbinary", "msgpack", "memcached"];

const CASES: &[Case] = &[
    Case {
        name: "pecl-memcache by default",
        extensions: MEMCACHE,
        prefix: "",
        settings: "session.save_handler = memcache\nmemcache.session_redundancy = 1\n\
                   session.save_path = \"tcp://{0}, tcp://{1}\"",
    },
    Case {
        name: "pecl-memcache with weights, fnv and a prefix",
        extensions: MEMCACHE,
        prefix: "shop_",
        settings: "session.save_handler = memcache\nmemcache.session_redundancy = 1\n\
                   memcache.hash_function = fnv\nmemcache.session_prefix_static_key = shop_\n\
                   session.save_path = \"tcp://{0}?weight=1 tcp://{1}?persistent=0&weight=3\"",
    },
    Case {
        name: "pecl-memcache, standard strategy",
        extensions: MEMCACHE,
        prefix: "",
        settings: "session.save_handler = memcache\nmemcache.session_redundancy = 1\n\
                   memcache.hash_strategy = standard\n\
                   session.save_path = \"tcp://{0}, tcp://{1}?weight=2\"",
    },
    Case {
        name: "pecl-memcache with the guide's redundancy",
        extensions: MEMCACHE,
        prefix: "",
        settings: "session.save_handler = memcache\nmemcache.session_redundancy = 3\n\
                   session.save_path = \"tcp://{0}, tcp://{1}\"",
    },
    Case {
        name: "php-memcached by default",
        extensions: MEMCACHED,
        prefix: "memc.sess.key.",
        settings: "session.save_handler = memcached\nmemcached.sess_binary_protocol = Off\n\
                   session.save_path = \"{0},{1}\"",
    },
    Case {
        name: "php-memcached's plain ketama, which heeds no weights",
        extensions: MEMCACHED,
        prefix: "memc.sess.key.",
        settings: "session.save_handler = memcached\nmemcached.sess_binary_protocol = Off\n\
                   session.save_path = \"{0}:1, {1}:3\"",
    },
    Case {
        name: "php-memcached's weighted ketama",
        extensions: MEMCACHED,
        prefix: "memc.sess.key.",
        settings: "session.save_handler = memcached\nmemcached.sess_binary_protocol = Off\n\
                   memcached.sess_consistent_hash_type = ketama_weighted\n\
                   session.save_path = \"{0}:1, {1}:3\"",
    },
    Case {
        name: "php-memcached without a consistent hash",
        extensions: MEMCACHED,
        prefix: "memc.sess.key.",
        settings: "session.save_handler = memcached\nmemcached.sess_binary_protocol = Off\n\
                   memcached.sess_consistent_hash = Off\nsession.save_path = \"{0},{1}\"",
    },
];
