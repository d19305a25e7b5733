//! The whole cluster: starting and stopping its nodes, and what that costs.

use std::fmt;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use steadfast_balancer::{Balancer, Embedding};
use steadfast_cached::Server;
use steadfast_cached::settings::{Listen, Settings};
use steadfast_host::listen::{self, TcpOptions};
use steadfast_proxy::config;
use steadfast_proxy::server::Status;
use steadfast_proxy::state::{BackendId, ServerId};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::ledger::Ledger;
use super::node::{BALANCER_HOST, NODES, Node, loopback};
use super::sessions::{Sessions, Watch};
use super::terminal::Terminal;
use super::web::WebNode;

/// The whole cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    places: [SocketAddr; 5],
    memory_bytes: u64,
    balancer: Option<steadfast_balancer::Running>,
    webs: [Option<Web>; 2],
    caches: [Option<steadfast_cached::Running>; 2],
    ledger: Arc<Ledger>,
    /// Told whenever the balancer thinks otherwise of a web node.
    noticed: Arc<Notify>,
    /// Bound as long as the cluster lives: its number is taken.
    _claim: UdpSocket,
    terminal: Arc<Terminal>,
}

#[derive(Debug)]
struct Web {
    node: WebNode,
    sessions: Arc<Sessions>,
    _watch: Watch,
}

impl Cluster {
    /// Starts every node; `port` is the page's, where the operator insists on one.
    ///
    /// Clusters that run at once are numbered, and all ports of one are that many above the usual
    /// ones: so none takes the place of another's stopped node. A number whose ports are taken by
    /// other programs is passed over.
    ///
    /// # Errors
    /// A node cannot be started.
    pub(crate) async fn start(
        port: Option<u16>,
        memory_bytes: u64,
        terminal: Arc<Terminal>,
    ) -> Result<Self, NodeError> {
        let mut problem = NodeError::new(Node::Balancer, "no free ports");
        for number in 0..NUMBERS_TRIED {
            let place = loopback(BALANCER_HOST, CLAIM_PORT + number);
            let claim = match UdpSocket::bind(place) {
                Ok(claim) => claim,
                Err(error) => {
                    problem = NodeError::new(Node::Balancer, format!("{place}/udp: {error}"));
                    continue;
                }
            };
            let mut cluster = Self {
                places: NODES.map(|node| node.place(number)),
                memory_bytes,
                balancer: None,
                webs: [None, None],
                caches: [None, None],
                ledger: Arc::default(),
                noticed: Arc::default(),
                _claim: claim,
                terminal: Arc::clone(&terminal),
            };
            if let Some(port) = port {
                cluster.places[Node::Balancer.slot()].set_port(port);
            }
            match cluster.start_all().await {
                Ok(()) => return Ok(cluster),
                // Another number brings no other page's port if that is given.
                Err(error) if port.is_some() && error.node == Node::Balancer => return Err(error),
                Err(error) => problem = error,
            }
            cluster.stop().await;
        }
        Err(problem)
    }

    /// Caches first: the web nodes use them, and the balancer the web nodes.
    async fn start_all(&mut self) -> Result<(), NodeError> {
        for node in NODES.into_iter().rev() {
            self.start_node(node).await?;
        }
        Ok(())
    }

    /// Where a node listens while it runs.
    pub(crate) fn place(&self, node: Node) -> SocketAddr {
        self.places[node.slot()]
    }

    /// Whether a node runs.
    pub(crate) fn is_running(&self, node: Node) -> bool {
        match node {
            Node::Balancer => self.balancer.is_some(),
            Node::Web(index) => self.webs[index].is_some(),
            Node::Cache(index) => self.caches[index].is_some(),
        }
    }

    /// Starts a stopped node, at its old place, and waits until the others use it again. Returns what
    /// there is to say about it.
    ///
    /// # Errors
    /// It runs already, or cannot be started.
    pub(crate) async fn start_node(&mut self, node: Node) -> Result<String, NodeError> {
        if self.is_running(node) {
            return Err(NodeError::new(node, "runs already"));
        }
        let place = self.place(node);
        let fail = |error: &dyn fmt::Display| NodeError::new(node, error);
        match node {
            Node::Balancer => {
                // The balancer's own words would name a line of a file that nobody has.
                drop(tcp_listener(place).map_err(|error| fail(&error))?);
                let running = Balancer::start(self.balancer_config(), self.embedding());
                let running = running.map_err(|error| fail(&error))?;
                self.balancer = Some(running);
                Ok(format!("balancer runs at {place}"))
            }
            Node::Web(index) => {
                let listener = tcp_listener(place).map_err(|error| fail(&error))?;
                let caches = [self.place(Node::Cache(0)), self.place(Node::Cache(1))];
                let sessions = Sessions::new(&caches, Arc::clone(&self.ledger));
                let sessions = sessions.map_err(|error| fail(&error))?;
                let running = WebNode::start(listener, Arc::clone(&sessions));
                let running = running.map_err(|error| fail(&error))?;
                let _watch = sessions.watch();
                self.webs[index] = Some(Web {
                    node: running,
                    sessions,
                    _watch,
                });
                self.wait_for_balancer(index).await;
                Ok(format!("{node} runs at {place}"))
            }
            Node::Cache(index) => {
                let mut settings = Settings::default();
                settings.listen = vec![Listen::Address(place).into()];
                settings.threads = 1;
                settings.memory_bytes = self.memory_bytes;
                let running = Server::start(settings).map_err(|error| fail(&error))?;
                self.caches[index] = Some(running);
                self.wait_for_webs(index).await;
                Ok(self.words_on_return(index))
            }
        }
    }

    /// Stops a running node: a cache and the balancer at once, as if killed, a web node after the
    /// visits under way. Returns what there is to say about it.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) async fn stop_node(&mut self, node: Node) -> Result<String, NodeError> {
        match node {
            Node::Balancer => match self.balancer.take() {
                Some(running) => {
                    running.stop().await;
                    Ok("balancer stopped: the page cannot be reached".to_owned())
                }
                None => Err(NodeError::new(node, "does not run")),
            },
            Node::Web(index) => match self.webs[index].take() {
                Some(web) => {
                    web.node.stop().await;
                    Ok(format!("{node} stopped"))
                }
                None => Err(NodeError::new(node, "does not run")),
            },
            Node::Cache(index) => match self.caches[index].take() {
                Some(running) => {
                    tokio::task::block_in_place(|| running.stop());
                    Ok(self.words_on_loss(index))
                }
                None => Err(NodeError::new(node, "does not run")),
            },
        }
    }

    /// Stops everything.
    pub(crate) async fn stop(mut self) {
        for node in NODES {
            if self.is_running(node) {
                // It runs, so stopping it is all that can happen.
                let _ = self.stop_node(node).await;
            }
        }
    }

    fn words_on_loss(&self, index: usize) -> String {
        let lost = self.ledger.emptied(index, Instant::now());
        let node = Node::Cache(index);
        let lost = match lost {
            0 => return format!("{node} stopped, its content is gone; no session is lost"),
            1 => "One session is lost: its only copy was there.".to_owned(),
            _ => format!("{lost} sessions are lost: their only copies were there."),
        };
        let kept = match self.ledger.count() {
            0 => String::new(),
            1 => " One other goes on.".to_owned(),
            kept => format!(" {kept} others go on."),
        };
        format!("{node} stopped, its content is gone.\n  {lost}{kept}")
    }

    fn words_on_return(&self, index: usize) -> String {
        let node = Node::Cache(index);
        let place = self.place(node);
        match self.ledger.missing_on(index, Instant::now()) {
            0 => format!("{node} runs at {place}, empty"),
            missing => {
                let sessions = match missing {
                    1 => "One session has".to_owned(),
                    _ => format!("{missing} sessions have"),
                };
                format!(
                    "{node} runs at {place}, empty.\n  \
                     {sessions} no copy on it until the next visit: refresh before you stop the other."
                )
            }
        }
    }

    /// The guide's configuration, with the demo's places and quicker checks; without what needs root
    /// or leaves the process.
    fn balancer_config(&self) -> config::Config {
        let text = format!(
            "\
defaults
    mode http
    option httplog
    option dontlognull
    option httpclose
    option forwardfor except 127.0.0.0/8
    option redispatch
    retries 3
    timeout http-request 10s
    timeout queue 1m
    timeout connect 10s
    timeout client 45s
    timeout server 45s
    timeout check 10s
    maxconn 4096
listen http
    bind {}
    balance roundrobin
    option forwardfor
    option httpclose
    option http-server-close
    timeout http-keep-alive 3000
    http-request del-header Proxy
    server web1 {} weight 1 check inter 500 rise 2 fall 1
    server web2 {} weight 1 check inter 500 rise 2 fall 1
",
            self.place(Node::Balancer),
            self.place(Node::Web(0)),
            self.place(Node::Web(1)),
        );
        let parsed = config::parse(&[("demo.cfg", text.as_bytes())], &|_| None);
        parsed.config.unwrap_or_else(|| {
            unreachable!(
                "the demo's configuration is right: {:?}",
                parsed.diagnostics
            )
        })
    }

    fn embedding(&self) -> Embedding {
        let noticed = Arc::clone(&self.noticed);
        let terminal = Arc::clone(&self.terminal);
        let mut embedding = Embedding::default();
        embedding.notices = Some(Arc::new(move |line: &str| {
            terminal.notice(&format!("balancer: {}", in_short(line)));
            noticed.notify_waiters();
        }));
        embedding
    }

    /// Waits until no web node avoids the cache any more.
    async fn wait_for_webs(&self, cache: usize) {
        for web in self.webs.iter().flatten() {
            // A cache that listens is found by the next probe; the bound is against a mistake.
            let _ = timeout(NOTICE_MAX, web.sessions.wait_until_up(cache)).await;
        }
    }

    /// Waits until the balancer sends requests to the web node.
    async fn wait_for_balancer(&self, web: usize) {
        let Some(balancer) = &self.balancer else {
            return;
        };
        let server = ServerId {
            backend: BackendId(0),
            index: web,
        };
        let is_up =
            || balancer.inspect(|state| matches!(state.server(server).status, Status::Up { .. }));
        let up = async {
            loop {
                let noticed = self.noticed.notified();
                if is_up() {
                    return;
                }
                noticed.await;
            }
        };
        let _ = timeout(NOTICE_MAX, up).await;
    }
}

/// A notice of the balancer, written for a log, without what only a log needs: level and process
/// before it, counts behind it.
fn in_short(notice: &str) -> String {
    let words = notice
        .split_once(") : ")
        .map_or(notice, |(_, words)| words)
        .trim_end();
    let parts: Vec<_> = words.splitn(3, ", ").take(2).collect();
    parts.join(", ")
}

fn tcp_listener(place: SocketAddr) -> Result<TcpListener, listen::ListenError> {
    listen::tcp(place, &TcpOptions::default())
}

/// Why a node could not be started or stopped.
#[derive(Debug)]
pub(crate) struct NodeError {
    node: Node,
    problem: String,
}

impl NodeError {
    fn new(node: Node, problem: impl fmt::Display) -> Self {
        Self {
            node,
            problem: problem.to_string(),
        }
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.node, self.problem)
    }
}

impl std::error::Error for NodeError {}

/// Clusters that may run at once.
const NUMBERS_TRIED: u16 = 100;

/// The number of a cluster is claimed by a datagram port of the balancer's host, which nobody talks
/// to: this one for the first.
const CLAIM_PORT: u16 = 8080;

/// How long `start` waits for the others to notice.
const NOTICE_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_shown_in_short() {
        let line = "[WARNING]  (448) : Server http/web2 is DOWN, reason: Layer4 connection problem, \
                    info: \"refused\", check duration: 0ms. 1 active and 0 backup servers left.";
        assert_eq!(
            in_short(line),
            "Server http/web2 is DOWN, reason: Layer4 connection problem"
        );
        assert_eq!(in_short("Proxy http started.\n"), "Proxy http started.");
    }
}
