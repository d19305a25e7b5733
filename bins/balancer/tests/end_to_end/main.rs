//! The balancer between real sockets: clients on one side, servers of our own on the other.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod connections;
mod control;
mod failures;
mod health;
mod logs;
mod origin;
mod relay;
mod traffic;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use steadfast_balancer::{Balancer, Embedding, Running, Sink};
use steadfast_proxy::config::{self, Config};
use tokio::sync::mpsc;

/// The longest that any event may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A balancer under test, and what it says.
struct Stand {
    balancer: Running,
    address: SocketAddr,
    logs: Lines,
    notices: Lines,
}

/// Parses `text`, whose listeners bind port 1: a free port is taken instead.
fn config_of(text: &str) -> Config {
    let parsed = config::parse(&[("test.cfg", text.as_bytes())], &|_| None);
    let Some(mut config) = parsed.config else {
        panic!("{:#?}", parsed.diagnostics);
    };
    for bind in config
        .frontends
        .iter_mut()
        .flat_map(|frontend| &mut frontend.binds)
    {
        bind.port = 0;
    }
    config
}

/// Starts a balancer with `text`.
fn start(text: &str) -> Stand {
    let config = config_of(text);
    let mut embedding = Embedding::default();
    let (logs, log) = lines();
    let (notices, notice) = lines();
    embedding.log = Some(log);
    embedding.notices = Some(notice);
    let balancer = Balancer::start(config, embedding).unwrap_or_else(|error| panic!("{error}"));
    let address = balancer.addresses()[0].1;
    Stand {
        balancer,
        address,
        logs,
        notices,
    }
}

/// What most tests configure: short but ample times, one frontend.
const DEFAULTS: &str = "
defaults
    mode http
    option httplog
    timeout connect 5s
    timeout client 10s
    timeout server 10s
";

/// Lines that a sink has taken.
struct Lines(mpsc::UnboundedReceiver<String>);

fn lines() -> (Lines, Sink) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let sink: Sink = Arc::new(move |line: &str| drop(sender.send(line.to_owned())));
    (Lines(receiver), sink)
}

impl Lines {
    async fn next(&mut self) -> String {
        patient(self.0.recv()).await.expect("the balancer lives")
    }

    /// Waits for a line that contains `part`.
    async fn find(&mut self, part: &str) -> String {
        loop {
            let line = self.next().await;
            if line.contains(part) {
                return line;
            }
        }
    }
}

async fn patient<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event)
        .await
        .expect("the event comes")
}
