//! The sessions of a web node: carries the bytes of `steadfast-cluster`'s operations.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use steadfast_cluster::{
    Action, After, Failure, Fleet, Health, NodeId, Operation, Procedure, Session, Settings, Token,
};
use steadfast_ring::{Dialect, Ring};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::sleep_until;

use super::ledger::Ledger;
use super::wire::Wires;

/// What one web node knows of the caches, and its connections to them.
#[derive(Debug)]
pub(crate) struct Sessions {
    fleet: Mutex<Fleet<SocketAddr>>,
    idle: Mutex<Vec<(NodeId, TcpStream)>>,
    /// Told whenever the fleet may think otherwise of a node.
    changed: Notify,
    ledger: Arc<Ledger>,
    /// One for each session that may be open at once.
    turns: Arc<Semaphore>,
}

/// A session that is open, with its lock.
#[derive(Debug)]
pub(crate) struct Opened {
    session: Session,
    inner: steadfast_cluster::Opened,
    id: Box<str>,
    turn: OwnedSemaphorePermit,
}

impl Opened {
    /// What was stored; nothing in a new session.
    pub(crate) fn data(&self) -> Option<&[u8]> {
        self.inner.data.as_deref()
    }
}

impl Sessions {
    /// Sessions on the caches at `nodes`, placed as the guide's PHP places them.
    ///
    /// # Errors
    /// No ring can be made of the nodes.
    pub(crate) fn new(nodes: &[SocketAddr], ledger: Arc<Ledger>) -> io::Result<Arc<Self>> {
        let ring = nodes
            .iter()
            .fold(
                Ring::builder(Dialect::PECL_CONSISTENT_CRC32),
                |ring, address| ring.node(*address, &address.ip().to_string(), address.port(), 1),
            )
            .build()
            .map_err(io::Error::other)?;
        let mut settings = Settings::default();
        // On loopback a node that is back is to be seen at once.
        settings.backoff_min = Duration::from_millis(50);
        settings.backoff_max = BACKOFF_MAX;
        // A stopped cache refuses here. Only a crowd that shares this machine makes one silent.
        settings.reply_timeout = REPLY_TIMEOUT;
        let fleet = Fleet::new(ring, settings, Instant::now()).map_err(io::Error::other)?;
        Ok(Arc::new(Self {
            fleet: Mutex::new(fleet),
            idle: Mutex::default(),
            changed: Notify::new(),
            ledger,
            turns: Arc::new(Semaphore::new(OPEN_MAX)),
        }))
    }

    /// Probes stopped caches until the handle is dropped or aborted.
    pub(crate) fn watch(self: &Arc<Self>) -> Watch {
        let sessions = Arc::clone(self);
        Watch(tokio::spawn(async move {
            loop {
                let changed = sessions.changed.notified();
                let (probe, due) = {
                    let mut fleet = sessions.fleet.lock();
                    (fleet.poll_probe(Instant::now()), fleet.poll_timeout())
                };
                if let Some(probe) = probe {
                    sessions.run(probe).await;
                    continue;
                }
                let due = due.unwrap_or_else(|| Instant::now() + IDLE_CHECK);
                tokio::select! {
                    () = changed => {}
                    () = sleep_until(due.into()) => {}
                }
            }
        }))
    }

    /// Takes the session's lock and reads it, after those who came before when many are open. Who
    /// has opened one has its turn until it is closed, so that no save waits for others to open.
    pub(crate) async fn open(&self, id: &str) -> Result<Opened, SessionError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.expect("nobody closes the semaphore");
        let session = self
            .fleet
            .lock()
            .session(id.as_bytes())
            .map_err(SessionError::other)?;
        let token = Token::new(u128::from_le_bytes(super::random()?));
        let inner = self.run(session.open(token)).await?;
        Ok(Opened {
            session,
            inner,
            id: id.into(),
            turn,
        })
    }

    /// Stores the session on every cache that answers, and gives the lock back.
    pub(crate) async fn close(&self, opened: Opened, data: &[u8]) -> Result<(), SessionError> {
        let Opened {
            session,
            inner,
            id,
            turn,
        } = opened;
        let data = Bytes::copy_from_slice(data);
        let lives = self.ledger.lives();
        let saved = self
            .run(session.save(&inner.lease, data, After::Unlock))
            .await?;
        let holders = saved.nodes.iter().map(|node| node.index()).collect();
        let seconds = self.fleet.lock().settings().lifetime_seconds;
        let lifetime = Duration::from_secs(seconds.into());
        self.ledger
            .saved(&id, holders, lives, lifetime, Instant::now());
        drop(turn);
        Ok(())
    }

    /// Waits until the cache with this index is asked again.
    pub(crate) async fn wait_until_up(&self, index: usize) {
        loop {
            let changed = self.changed.notified();
            {
                let fleet = self.fleet.lock();
                if fleet
                    .nodes()
                    .nth(index)
                    .is_none_or(|node| fleet.health(node) == Health::Up)
                {
                    return;
                }
            }
            changed.await;
        }
    }

    async fn run<P: Procedure>(&self, mut operation: Operation<P>) -> P::Outcome {
        let mut wires = Wires::default();
        loop {
            loop {
                // The lock is not to be held while the action is performed.
                let action = operation.poll_action(&mut self.fleet.lock(), Instant::now());
                let Some(action) = action else { break };
                match action {
                    Action::Send { node, bytes } => {
                        let address = *self.fleet.lock().node(node);
                        wires.send(node, bytes, || self.take_idle(node), address);
                    }
                    Action::Close { node } => wires.close(node),
                    Action::Done(outcome) => {
                        self.keep_idle(wires);
                        self.changed.notify_waiters();
                        return outcome;
                    }
                }
            }
            let deadline = operation
                .poll_timeout()
                .unwrap_or_else(|| Instant::now() + IDLE_CHECK);
            tokio::select! {
                // An answer that is there beats a deadline that has just passed.
                biased;
                (node, result) = wires.next() => {
                    let mut fleet = self.fleet.lock();
                    match result {
                        Ok(()) => {
                            let Some(input) = wires.input(node) else { continue };
                            let used =
                                operation.handle_bytes(node, input, &mut fleet, Instant::now());
                            input.advance(used);
                        }
                        Err(failure) => {
                            wires.close(node);
                            self.forget_idle(node, failure);
                            operation.handle_failure(node, failure, &mut fleet, Instant::now());
                            self.changed.notify_waiters();
                        }
                    }
                }
                () = sleep_until(deadline.into()) => {
                    operation.handle_timeout(&mut self.fleet.lock(), Instant::now());
                    self.changed.notify_waiters();
                }
            }
        }
    }

    fn take_idle(&self, node: NodeId) -> Option<TcpStream> {
        let mut idle = self.idle.lock();
        let place = idle.iter().position(|(other, _)| *other == node)?;
        Some(idle.swap_remove(place).1)
    }

    fn keep_idle(&self, wires: Wires) {
        let mut idle = self.idle.lock();
        idle.extend(wires.into_open());
        idle.truncate(IDLE_CONNECTIONS_MAX);
    }

    /// A connection that died in the pool says that its neighbours did.
    fn forget_idle(&self, node: NodeId, failure: Failure) {
        if failure == Failure::Closed {
            self.idle.lock().retain(|(other, _)| *other != node);
        }
    }
}

/// The task that probes stopped caches.
#[derive(Debug)]
pub(crate) struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a session could not be opened or saved.
#[derive(Debug)]
pub(crate) enum SessionError {
    /// The caches' side.
    Cluster(steadfast_cluster::SessionError),
    /// This machine's side.
    System(io::Error),
}

impl SessionError {
    fn other(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::System(io::Error::other(error))
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl From<steadfast_cluster::SessionError> for SessionError {
    fn from(error: steadfast_cluster::SessionError) -> Self {
        Self::Cluster(error)
    }
}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// How long a cache may take to answer, as long as PHP waits for one.
const REPLY_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest time between two probes of a stopped cache.
const BACKOFF_MAX: Duration = Duration::from_millis(400);

/// Where there is no deadline, look again after this.
const IDLE_CHECK: Duration = Duration::from_secs(60);

/// Sessions that a web node has open at once. Each has a connection to every cache, which takes 1024:
/// a crowd must not look like a cache that has stopped.
const OPEN_MAX: usize = 256;

/// Connections to caches that are kept open between visits, for each web node.
const IDLE_CONNECTIONS_MAX: usize = 2 * OPEN_MAX;
