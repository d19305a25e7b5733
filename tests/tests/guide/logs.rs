//! The log: a datagram for each request, in HAProxy's form.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use steadfast_tests::browser::Exchange;
use steadfast_tests::check::Checks;
use steadfast_tests::ensure;
use steadfast_tests::httplog::HttpLog;
use steadfast_tests::syslog;
use steadfast_tests::wait::{self, PATIENCE};

use crate::scene::Scene;
use crate::web_servers::traffic;

pub(crate) fn check(checks: &mut Checks, scene: &Scene) {
    checks.run(
        "a syslog datagram in httplog format arrives for each request",
        || {
            let exchanges = scene.journal.exchanges();
            let logs = wait::until("a datagram for each request", PATIENCE, || {
                let logs = traffic(scene)?;
                Ok((logs.len() >= exchanges.len()).then_some(logs))
            })?;
            ensure!(
                logs.len() == exchanges.len(),
                "{} for {}",
                logs.len(),
                exchanges.len()
            );
            let mut by_client: BTreeMap<SocketAddr, Vec<HttpLog>> = BTreeMap::new();
            for log in logs.into_iter().rev() {
                by_client.entry(log.client).or_default().push(log);
            }
            for exchange in &exchanges {
                let log = by_client.get_mut(&exchange.client).and_then(Vec::pop);
                ensure!(
                    log.as_ref().is_some_and(|log| tells(log, exchange)),
                    "{log:?} of {exchange:?}"
                );
            }
            Ok(())
        },
    );
    checks.run(
        "log messages carry facility local2 and the balancer's process id",
        || {
            for message in scene.syslog.messages()? {
                ensure!(
                    message.priority / 8 == syslog::LOCAL2_INFO / 8,
                    "{message:?}"
                );
                ensure!(scene.balancer_pids.contains(&message.pid), "{message:?}");
            }
            Ok(())
        },
    );
}

/// How much longer the head may be where the balancer counts it than where the browser does: between
/// the two, headers that belong to one connection go.
const HEAD_BYTES_MAX: u64 = 100;

/// True if the log line tells what the browser saw.
fn tells(log: &HttpLog, exchange: &Exchange) -> bool {
    let [request, queue, connect, response, total] = log.timers;
    log.request == exchange.request
        && log.status == exchange.status
        && (exchange.body_bytes + 1..=exchange.bytes + HEAD_BYTES_MAX).contains(&log.bytes)
        && (log.frontend.as_str(), log.backend.as_str()) == ("http", "http")
        && ["web1", "web2"].contains(&log.server.as_str())
        && log.termination == "----"
        && [request, queue, connect, response]
            .iter()
            .all(|timer| (0..=total).contains(timer))
}
