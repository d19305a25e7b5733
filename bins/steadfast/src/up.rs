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
mod node;
mod page;
mod sessions;
mod terminal;
mod web;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use steadfast_host::limits;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::browser::Browser;
use self::cluster::Cluster;
use self::command::{Command, HELP};
use self::node::{NODES, Node};
use self::terminal::Terminal;
use crate::cli::UpOptions;

/// Runs the cluster until its script, its terminal or a signal ends it.
///
/// # Errors
/// A node cannot be started, or a command of the script fails.
pub(crate) fn run(options: &UpOptions) -> Result<(), UpError> {
    let script = options.script.as_deref().map(open_script).transpose()?;
    let files = limits::open_files_max().map_or(FILES_WANTED, |max| max.min(FILES_WANTED));
    // With fewer, fewer visitors at once are served.
    let _ = limits::raise_open_files(files);
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
    let mut signals = Signals::new()?;
    let is_scripted = script.is_some();
    let by_hand = !is_scripted && io::stdin().is_terminal();
    let terminal = Arc::new(Terminal::new(by_hand));
    let cluster = Cluster::start(options.port, options.memory << 20, Arc::clone(&terminal)).await;
    let cluster = cluster.map_err(UpError::other)?;
    let mut console = Console {
        cluster,
        browsers: HashMap::new(),
    };
    console.welcome(by_hand);
    let mut lines = match script {
        Some(script) => read_lines(script),
        None if by_hand => read_lines(Box::new(BufReader::new(io::stdin()))),
        None => mpsc::channel(1).1,
    };
    // Without a script or a terminal there are no lines: only a signal ends it then.
    let takes_lines = is_scripted || by_hand;
    let mut number = 0;
    let result = loop {
        terminal.prompt();
        let line = tokio::select! {
            line = lines.recv(), if takes_lines => line,
            () = signals.recv() => None,
        };
        let Some(line) = line else {
            terminal.leave();
            break Ok(());
        };
        terminal.handle_line();
        number += 1;
        if is_scripted {
            say!("> {}\n", String::from_utf8_lossy(&line).trim_end());
        }
        // A signal ends what hangs, too: a visit may wait for a lock.
        let obeyed = tokio::select! {
            obeyed = console.obey(&line) => obeyed,
            () = signals.recv() => Ok(Flow::Quit),
        };
        match obeyed {
            Ok(Flow::Continue) => {}
            Ok(Flow::Quit) => break Ok(()),
            Err(error) if is_scripted => break Err(UpError(format!("line {number}: {error}"))),
            Err(error) => say!("  {error}\n"),
        }
    };
    // What does not end in time ends with the process.
    let _ = timeout(STOP_MAX, console.cluster.stop()).await;
    result
}

/// TERM and INT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, UpError> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(UpError::other)?,
            interrupt: signal(SignalKind::interrupt()).map_err(UpError::other)?,
        })
    }

    /// Waits for the next of either.
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

type Script = Box<dyn BufRead + Send>;

fn open_script(path: &Path) -> Result<Script, UpError> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let open = || {
        let mut script = BufReader::new(File::open(path)?);
        // A directory can be opened, and only then not be read.
        script.fill_buf()?;
        Ok(Box::new(script) as Script)
    };
    open().map_err(|error: io::Error| {
        UpError(format!(
            "cannot read the script {}: {error}",
            path.display()
        ))
    })
}

/// Reads lines in a thread of its own, since a terminal can't be waited for in any other way; the
/// thread ends with its input or with the process. Of a line that is too long there comes enough to
/// be refused.
fn read_lines(mut input: Script) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        loop {
            let mut line = Vec::new();
            match (&mut input)
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut line)
            {
                Ok(0) | Err(_) => return,
                Ok(_) if sender.blocking_send(line).is_err() => return,
                Ok(_) => {}
            }
        }
    });
    receiver
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
    fn welcome(&self, by_hand: bool) {
        let url = format!("http://{}/session.php", self.cluster.place(Node::Balancer));
        let cache = self.cluster.place(Node::Cache(0));
        say!("{url}\n\n");
        self.status();
        let commands = if by_hand {
            "Type here:"
        } else {
            "On a terminal, or from a file (see --script):"
        };
        say!(
            "
Three things to try:
  1. Refresh the page in a browser, or again and again: curl -c jar -b jar {url}
     The counter goes up by one, web1 and web2 take turns, the session id stays.
  2. {commands}
     stop cache1. Refresh: the counter goes on. Then: start cache1, refresh once, stop cache2,
     refresh: it still goes on. A web node can go just as well: stop web2.
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

    async fn obey(&mut self, line: &[u8]) -> Result<Flow, UpError> {
        // What is no text is no command either, and shown as far as it is.
        let line = String::from_utf8_lossy(line);
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

/// Files that all nodes together may have open: both ends of every connection are in this process.
const FILES_WANTED: u64 = 16_384;

/// The longest line of a script or a terminal; more is taken for the next line.
const LINE_BYTES_MAX: u64 = 4096;

/// How long the nodes may take to stop when all is over.
const STOP_MAX: Duration = Duration::from_millis(500);

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
