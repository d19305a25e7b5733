//! The three machines of the guide and everything that runs on them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use steadfast_tests::apache::Apache;
use steadfast_tests::balancer::{self, Balancer};
use steadfast_tests::browser::{Browser, Journal};
use steadfast_tests::cache::Cache;
use steadfast_tests::check::{Failure, Outcome};
use steadfast_tests::guide::{self, ForwardFor, ListenForm};
use steadfast_tests::home;
use steadfast_tests::network::Addresses;
use steadfast_tests::page::Page;
use steadfast_tests::peers::Options;
use steadfast_tests::process;
use steadfast_tests::syslog::Syslog;
use tempfile::TempDir;

/// Where the first visitor sits; the others have the addresses after it.
const FIRST_VISITOR: u32 = u32::from_be_bytes([127, 0, 1, 1]);

/// Everything the guide sets up. Dropped, it is taken down.
#[derive(Debug)]
pub(crate) struct Scene {
    balancer: Option<Balancer>,
    pub(crate) web: [Apache; 2],
    pub(crate) caches: [Cache; 2],
    pub(crate) syslog: Syslog,
    pub(crate) addresses: Addresses,
    /// What went through the balancer.
    pub(crate) journal: Journal,
    /// The process ids of all balancers that have run.
    pub(crate) balancer_pids: Vec<u32>,
    pub(crate) balancer_program: PathBuf,
    pub(crate) is_haproxy: bool,
    listen_form: ListenForm,
    visitors: u32,
    directory: TempDir,
}

impl Scene {
    /// Starts the caches, the web servers and the log's receiver.
    pub(crate) fn set_up(options: &Options) -> Outcome<Self> {
        let directory = tempfile::Builder::new()
            .prefix("steadfast-guide-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()?;
        let addresses = Addresses::choose()?;
        let cache = |index: usize| {
            let name = format!("cache{}", index + 1);
            Cache::start(
                &name,
                &options.cached,
                addresses.cache[index],
                directory.path(),
            )
        };
        let web = |index: usize| {
            let name = format!("web{}", index + 1);
            Apache::start(
                &name,
                addresses.web[index],
                &addresses.cache,
                directory.path(),
            )
        };
        Ok(Self {
            balancer: None,
            syslog: Syslog::bind(addresses.syslog)?,
            caches: [cache(0)?, cache(1)?],
            web: [web(0)?, web(1)?],
            addresses,
            journal: Journal::default(),
            balancer_pids: Vec::new(),
            balancer_program: options.balancer.clone(),
            is_haproxy: options.is_haproxy(),
            listen_form: options.listen_form(),
            visitors: 0,
            directory,
        })
    }

    /// Writes the guide's `haproxy.cfg` for this scene and gives its path.
    pub(crate) fn write_configuration(
        &self,
        form: ListenForm,
        forward_for: ForwardFor,
    ) -> Outcome<PathBuf> {
        let file = self.directory.path().join("haproxy.cfg");
        let text = guide::haproxy_cfg(
            &self.addresses,
            &balancer::lay_out(self.directory.path())?,
            self.balancer_user()?,
            form,
            forward_for,
        )?;
        fs::write(&file, text)?;
        Ok(file)
    }

    /// The guide's user and group, or nobody where HAProxy's package has not made them.
    pub(crate) fn balancer_user(&self) -> Outcome<(&'static str, &'static str)> {
        Ok(match process::first_user(&["haproxy", "nobody"])? {
            "haproxy" => ("haproxy", "haproxy"),
            _ => ("nobody", "nogroup"),
        })
    }

    /// Starts the balancer with the guide's configuration.
    pub(crate) fn start_balancer(&mut self, forward_for: ForwardFor) -> Outcome {
        let file = self.write_configuration(self.listen_form, forward_for)?;
        let paths = balancer::lay_out(self.directory.path())?;
        // Both are left behind by a balancer that has ended.
        for left in [&paths.pid_file, &paths.control] {
            if left.exists() {
                fs::remove_file(left)?;
            }
        }
        let balancer = Balancer::start(&self.balancer_program, &file, paths)?;
        self.balancer_pids.push(balancer.pid());
        self.balancer = Some(balancer);
        Ok(())
    }

    /// The running balancer.
    pub(crate) fn balancer(&self) -> Outcome<&Balancer> {
        self.balancer
            .as_ref()
            .ok_or_else(|| Failure::new("the balancer does not run"))
    }

    /// Takes the running balancer out of the scene.
    pub(crate) fn take_balancer(&mut self) -> Outcome<Balancer> {
        self.balancer
            .take()
            .ok_or_else(|| Failure::new("the balancer does not run"))
    }

    /// A new visitor, at an address of its own, who goes through the balancer.
    pub(crate) fn visitor(&mut self) -> Browser {
        let address = Ipv4Addr::from(FIRST_VISITOR + self.visitors);
        self.visitors += 1;
        Browser::new(IpAddr::V4(address), self.addresses.balancer, &self.journal)
    }

    /// A visitor who has been here once and whose session is read from the cache of this index.
    pub(crate) fn visitor_at_home(&mut self, cache: usize) -> Outcome<Browser> {
        // Each cache is home of more than four sessions in ten.
        const TRIES: usize = 64;
        for _ in 0..TRIES {
            let mut browser = self.visitor();
            let page = visit(&mut browser)?;
            steadfast_tests::ensure!(page.seen.is_none(), "a new visitor is greeted as {page:?}");
            if home::of_session(session_of(&browser)?, &self.addresses.cache)? == cache {
                return Ok(browser);
            }
        }
        Err(Failure::new(format!(
            "{TRIES} sessions and none at home on cache{}",
            cache + 1
        )))
    }

    /// What all programs have printed, for the reader of a failure.
    pub(crate) fn printed(&self) -> String {
        let mut text = String::new();
        if let Some(balancer) = &self.balancer {
            text += &format!("balancer printed:\n    {}\n", balancer.printed());
        }
        for (index, cache) in self.caches.iter().enumerate() {
            text += &format!("cache{} printed:\n    {}\n", index + 1, cache.printed());
        }
        for (index, web) in self.web.iter().enumerate() {
            text += &format!("web{}'s error log:\n    {}\n", index + 1, web.errors());
        }
        text
    }
}

/// Visits the guide's page.
pub(crate) fn visit(browser: &mut Browser) -> Outcome<Page> {
    let response = browser.get("/session.php")?;
    steadfast_tests::ensure!(
        response.status == 200,
        "the page answers {}: {}",
        response.status,
        response.body
    );
    Page::parse(&response.body)
}

/// Visits the page `times` times: the counter must go on from `seen`, and gives where it stands then.
pub(crate) fn visits_go_on(browser: &mut Browser, seen: u32, times: u32) -> Outcome<u32> {
    for expected in seen + 1..=seen + times {
        let page = visit(browser)?;
        steadfast_tests::ensure!(
            page.seen == Some(expected),
            "expected to be seen {expected} times, found {page:?}"
        );
    }
    Ok(seen + times)
}

/// The visitor's session id.
pub(crate) fn session_of(browser: &Browser) -> Outcome<&str> {
    browser
        .cookie("PHPSESSID")
        .ok_or_else(|| Failure::new("the visitor has no PHPSESSID"))
}
