//! A web server dies and comes back.

use std::net::IpAddr;
use std::time::Duration;

use steadfast_tests::browser::Browser;
use steadfast_tests::check::{Checks, Failure, Outcome};
use steadfast_tests::httplog::HttpLog;
use steadfast_tests::syslog::{self, Message};
use steadfast_tests::wait::{self, PATIENCE};
use steadfast_tests::{ensure, network};

use crate::scene::{Scene, visit, visits_go_on};

/// `inter 3000`, and a little for a busy machine.
const INTERVAL: Duration = Duration::from_millis(3000 + 1500);

/// Visits right after the death: round robin picks the dead server for some.
const VISITS: u32 = 4;

pub(crate) fn check(checks: &mut Checks, scene: &mut Scene) -> Outcome {
    let mut visitor = Visitor {
        browser: scene.visitor(),
        seen: 0,
    };
    visit(&mut visitor.browser)?;
    scene.web[0].kill()?;
    check_at_once(checks, scene, &mut visitor)?;
    check_down(checks, scene, &mut visitor);
    scene.web[0].start_again()?;
    check_return(checks, scene, &mut visitor);
    Ok(())
}

/// Somebody who has the page open all the time.
struct Visitor {
    browser: Browser,
    seen: u32,
}

/// The balancer does not know of the death yet.
fn check_at_once(checks: &mut Checks, scene: &Scene, visitor: &mut Visitor) -> Outcome {
    let noted = scene.journal.exchanges().len();
    let visited = visits_go_on(&mut visitor.browser, visitor.seen, VISITS);
    let status = scene.balancer()?.row("web1")?.text("status")?.to_owned();
    visitor.seen += VISITS;
    checks.record(
        "a web server killed: the visitor sees no error",
        visited.map(drop),
    );
    checks.run("a web server killed: its visits are redispatched", || {
        let expected: Vec<_> = scene.journal.exchanges().into_iter().skip(noted).collect();
        let logs = wait::until("the visits in the log", PATIENCE, || {
            let mut logs = traffic(scene)?;
            logs.retain(|log| {
                expected
                    .iter()
                    .any(|exchange| exchange.client == log.client)
            });
            Ok((logs.len() == expected.len()).then_some(logs))
        })?;
        ensure!(
            logs.iter()
                .all(|log| log.server == "web2" && log.status == 200),
            "{logs:?}"
        );
        // Whether every other visit met the dead server, or every one, depends on whether a redispatch
        // moves the round robin on. A health check may even have been faster, but hardly ever is.
        let redispatched: Vec<_> = logs.iter().filter(|log| log.redispatched).collect();
        ensure!(
            redispatched.iter().all(|log| log.retries == 1),
            "{redispatched:?}"
        );
        ensure!(
            !redispatched.is_empty() || status == "DOWN",
            "none was: {logs:?}"
        );
        Ok(())
    });
    Ok(())
}

/// A health check finds it.
fn check_down(checks: &mut Checks, scene: &Scene, visitor: &mut Visitor) {
    checks.run(
        "a web server killed: one failed check in 3 s marks it DOWN (fall 1, inter 3000)",
        || {
            let balancer = scene.balancer()?;
            balancer.wait_status("web1", &["DOWN"], INTERVAL)?;
            let row = balancer.row("web1")?;
            let failed = (row.number("chkfail")?, row.number("chkdown")?);
            ensure!(failed == (1, 1), "checks failed, times down: {failed:?}");
            let message = told(
                scene,
                "Server http/web1 is DOWN, reason: Layer4 connection problem",
            )?;
            ensure!(message.priority == syslog::LOCAL2_ALERT, "{message:?}");
            Ok(())
        },
    );
    checks.run("a web server down: all visits go to the other one", || {
        let servers = visitor.servers()?;
        ensure!(
            servers.iter().all(|server| *server == network::WEB[1]),
            "{servers:?}"
        );
        Ok(())
    });
}

/// Health checks find it well again.
fn check_return(checks: &mut Checks, scene: &Scene, visitor: &mut Visitor) {
    checks.run(
        "a web server returns: two good checks mark it UP (rise 2)",
        || {
            let balancer = scene.balancer()?;
            balancer.wait_status("web1", &["DOWN 1/2"], INTERVAL)?;
            balancer.wait_status("web1", &["UP"], INTERVAL)?;
            let message = told(scene, "Server http/web1 is UP, reason: Layer4 check passed")?;
            ensure!(message.priority == syslog::LOCAL2_NOTICE, "{message:?}");
            Ok(())
        },
    );
    checks.run("a web server returned: web servers alternate again", || {
        let servers = visitor.servers()?;
        ensure!(
            servers.windows(2).all(|pair| pair[0] != pair[1]),
            "{servers:?}"
        );
        Ok(())
    });
}

impl Visitor {
    /// Visits the page some times: the counter must go on. Gives the web servers that answered.
    fn servers(&mut self) -> Outcome<Vec<IpAddr>> {
        let mut servers = Vec::new();
        for _ in 0..VISITS {
            let page = visit(&mut self.browser)?;
            self.seen += 1;
            ensure!(
                page.seen == Some(self.seen),
                "expected {}, found {page:?}",
                self.seen
            );
            servers.push(page.server);
        }
        Ok(servers)
    }
}

/// The traffic that was logged so far.
pub(crate) fn traffic(scene: &Scene) -> Outcome<Vec<HttpLog>> {
    let messages = scene.syslog.messages()?;
    let traffic = messages
        .iter()
        .filter(|message| message.priority == syslog::LOCAL2_INFO);
    traffic
        .map(|message| HttpLog::parse(&message.text))
        .collect()
}

/// Waits for the log message that begins so. There must be one only.
fn told(scene: &Scene, beginning: &str) -> Outcome<Message> {
    let found = wait::until(&format!("the log message {beginning:?}"), PATIENCE, || {
        let messages = scene.syslog.messages()?.into_iter();
        let found: Vec<_> = messages.filter(|m| m.text.starts_with(beginning)).collect();
        Ok((!found.is_empty()).then_some(found))
    })?;
    let [message] = found
        .try_into()
        .map_err(|found| Failure::new(format!("twice: {found:?}")))?;
    Ok(message)
}
