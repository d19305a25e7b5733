//! `steadfast up`: the whole cluster of the guide in one process.

/// Prints to standard output, as `print!`; that nobody reads there is no reason to stop the cluster.
macro_rules! say {
    ($($words:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!($($words)*));
    }};
}

mod browser;
mod cluster;
mod command;
mod ledger;
mod page;
mod sessions;
mod web;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use self::browser::Browser;
use self::cluster::{Cluster, NODES, Node};
use self::command::{Command, HELP};
use crate::cli::UpOptions;

/// Runs the cluster until its script, its terminal or a signal ends it.
///
/// # Errors
/// A node cannot be started, or a command of the script fails.
pub(crate) fn run(options: &UpOptions) -> Result<(), UpError> {
    let script = options.script.as_deref().map(open_script).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| UpError(format!("cannot start: {error}")))?;
    let result = runtime.block_on(serve(options, script));
    // What is left is tasks that wait for something; nobody waits for them.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn serve(options: &UpOptions, script: Option<Script>) -> Result<(), UpError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(UpError::other)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(UpError::other)?;
    let cluster = Cluster::start(options.port, options.memory << 20).await;
    let cluster = cluster.map_err(UpError::other)?;
    let mut console = Console {
        cluster,
        browsers: HashMap::new(),
    };
    console.welcome();
    let by_hand = script.is_none() && io::stdin().is_terminal();
    let mut lines = match script {
        Some(script) => read_lines(script),
        None if by_hand => read_lines(Box::new(BufReader::new(io::stdin()))),
        None => mpsc::channel(1).1,
    };
    let is_scripted = options.script.is_some();
    // Without a script or a terminal there are no lines: only a signal ends it then.
    let takes_lines = is_scripted || by_hand;
    let result = loop {
        if by_hand {
            prompt();
        }
        let line = tokio::select! {
            line = lines.recv(), if takes_lines => line,
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
        };
        let Some(line) = line else { break Ok(()) };
        if is_scripted {
            say!("> {}\n", line.trim_end());
        }
        match console.obey(&line).await {
            Ok(Flow::Continue) => {}
            Ok(Flow::Quit) => break Ok(()),
            Err(error) if is_scripted => break Err(error),
            Err(error) => say!("  {error}\n"),
        }
    };
    console.cluster.stop().await;
    result
}

type Script = Box<dyn BufRead + Send>;

fn open_script(path: &Path) -> Result<Script, UpError> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).map_err(|error| {
        UpError(format!(
            "cannot read the script {}: {error}",
            path.display()
        ))
    })?;
    Ok(Box::new(BufReader::new(file)))
}

/// Reads lines in a thread of its own, since a terminal can't be waited for in any other way; the
/// thread ends with its input or with the process.
fn read_lines(mut input: Script) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        loop {
            let mut line = String::new();
            match input.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if sender.blocking_send(line).is_err() => return,
                Ok(_) => {}
            }
        }
    });
    receiver
}

fn prompt() {
    say!("steadfast> ");
    // A terminal that takes no output will not give input either.
    let _ = io::stdout().flush();
}

/// Whether there is more to come after a command.
enum Flow {
    Continue,
    Quit,
}

struct Console {
    cluster: Cluster,
    browsers: HashMap<String, Browser>,
}

impl Console {
    fn welcome(&self) {
        let url = format!("http://{}/session.php", self.cluster.place(Node::Balancer));
        let cache = self.cluster.place(Node::Cache(0));
        say!(
            "{url}

"
        );
        self.status();
        say!(
            "
Three things to try:
  1. Refresh the page in a browser, or again and again: curl -c jar -b jar {url}
     The counter goes up by one, web1 and web2 take turns, the session id stays.
  2. Type here: stop cache1. Refresh: the counter goes on. Then: start cache1, refresh once,
     stop cache2, refresh: it still goes on. A web node can go just as well: stop web2.
  3. Ask a cache as you would ask memcached: echo stats | nc -q1 {} {}

",
            cache.ip(),
            cache.port()
        );
    }

    fn status(&self) {
        for node in NODES {
            let place = self.cluster.place(node).to_string();
            let state = if self.cluster.is_running(node) {
                node.duty()
            } else {
                "stopped"
            };
            say!("  {:<9} {place:<18} {state}\n", node.to_string());
        }
    }

    async fn obey(&mut self, line: &str) -> Result<Flow, UpError> {
        match line.parse().map_err(UpError::other)? {
            Command::Nothing => {}
            Command::Help => say!("{HELP}"),
            Command::Status => self.status(),
            Command::Quit => return Ok(Flow::Quit),
            Command::Stop(name) => {
                let words = self
                    .cluster
                    .stop_node(node(&name)?)
                    .await
                    .map_err(UpError::other)?;
                say!("  {words}\n");
            }
            Command::Start(name) => {
                let words = self
                    .cluster
                    .start_node(node(&name)?)
                    .await
                    .map_err(UpError::other)?;
                say!("  {words}\n");
            }
            Command::Visit(name) => self.visit(name).await?,
        }
        Ok(Flow::Continue)
    }

    async fn visit(&mut self, name: String) -> Result<(), UpError> {
        if self.browsers.len() >= BROWSERS_MAX && !self.browsers.contains_key(&name) {
            return Err(UpError(format!(
                "there are {BROWSERS_MAX} visitors already"
            )));
        }
        let address = self.cluster.place(Node::Balancer);
        let browser = self.browsers.entry(name).or_default();
        let page = browser
            .visit(address)
            .await
            .map_err(|error| UpError(format!("the page cannot be reached: {error}")))?;
        for line in page.text.lines() {
            say!("  | {line}\n");
        }
        match page.status {
            200 => Ok(()),
            status => Err(UpError(format!("the page answered with status {status}"))),
        }
    }
}

fn node(name: &str) -> Result<Node, UpError> {
    Node::named(name).ok_or_else(|| {
        let names = NODES.map(|node| node.to_string()).join(", ");
        UpError(format!("there is no node '{name}'; there are {names}"))
    })
}

/// Visitors that a terminal or script may invent.
const BROWSERS_MAX: usize = 1000;

/// Why the cluster does not run, in one line.
#[derive(Debug)]
pub(crate) struct UpError(String);

impl UpError {
    fn other(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for UpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UpError {}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
