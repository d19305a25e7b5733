//! What all tasks of a balancer share: the state behind its lock, and the way to every connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use steadfast_host::limits;
use steadfast_proxy::log::Level;
use steadfast_proxy::state::{FrontendId, Notice, State, StreamId};
use steadfast_proxy::stats::Process;
use steadfast_proxy::stream::{Endpoints, Stream};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

use crate::balancer::Sink;
use crate::clock;
use crate::relay::Relay;
use crate::syslog::Logs;

/// How far the balancer's life has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    Draining,
    Stopped,
}

/// What a connection is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Granted,
    Draining,
    Stop,
}

/// What all tasks of a balancer share.
pub(crate) struct Shared {
    /// Held within single calls, never across a wait.
    state: Mutex<State>,
    mailboxes: Mutex<HashMap<StreamId, mpsc::Sender<Signal>>>,
    next_stream: AtomicU64,
    pub(crate) logs: Logs,
    notices: Option<Sink>,
    /// A connection has ended: there may be room for another, or none may be left.
    pub(crate) stream_left: Notify,
    stopping: AtomicBool,
    /// The machine's name.
    node: String,
    /// How many sockets accept.
    listeners: usize,
    /// A permit for each idle connection to a server that may be kept beside a client's only one.
    spare_servers: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(
        state: State,
        logs: Logs,
        notices: Option<Sink>,
        node: String,
        listeners: usize,
        spare_servers: usize,
    ) -> Self {
        Self {
            state: Mutex::new(state),
            mailboxes: Mutex::new(HashMap::new()),
            next_stream: AtomicU64::new(1),
            logs,
            notices,
            stream_left: Notify::new(),
            stopping: AtomicBool::new(false),
            node,
            listeners,
            spare_servers: Arc::new(Semaphore::new(spare_servers)),
        }
    }

    /// A place for one more connection to a server, beside the one that each client is entitled to.
    pub(crate) fn spare_server(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.spare_servers).try_acquire_owned().ok()
    }

    /// From here on every connection that comes in is told to leave.
    pub(crate) fn begin_to_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Makes one call to the state, then passes on what came of it: wake-ups and lines for the logs.
    pub(crate) fn with_state<R>(&self, call: impl FnOnce(&mut State) -> R) -> R {
        let (mut woken, mut notices) = (Vec::new(), Vec::new());
        let mut state = self.state.lock();
        let result = call(&mut state);
        woken.extend(std::iter::from_fn(|| state.poll_wakeup()));
        notices.extend(std::iter::from_fn(|| state.poll_notice()));
        drop(state);
        if !woken.is_empty() {
            let mailboxes = self.mailboxes.lock();
            for mailbox in woken.iter().filter_map(|id| mailboxes.get(id)) {
                // Full means that this very signal waits there already.
                let _ = mailbox.try_send(Signal::Granted);
            }
        }
        for notice in notices {
            self.deliver(notice);
        }
        result
    }

    /// Takes a client in: counts it, and makes the task that will carry it.
    pub(crate) fn admit(
        self: &Arc<Self>,
        socket: TcpStream,
        frontend: FrontendId,
        endpoints: Endpoints,
    ) -> Relay {
        let id = StreamId(self.next_stream.fetch_add(1, Ordering::Relaxed));
        let (mailbox, signals) = mpsc::channel(SIGNALS_MAX);
        self.mailboxes.lock().insert(id, mailbox.clone());
        if self.stopping.load(Ordering::Relaxed) {
            // Accepted in the last moment: those who were told before did not include it.
            let _ = mailbox.try_send(Signal::Draining);
        }
        let membership = Membership {
            shared: Arc::clone(self),
            id,
        };
        let now = clock::now();
        let stream = self.with_state(|state| Stream::new(id, frontend, endpoints, state, now));
        Relay::new(socket, stream, frontend, signals, membership)
    }

    /// What `show info` tells and only the daemon knows.
    pub(crate) fn process(&self) -> Process {
        let count = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        Process {
            version: String::from(REPORTED_VERSION),
            release_date: String::from(RELEASE_DATE),
            pid: std::process::id(),
            threads: count(tokio::runtime::Handle::current().metrics().num_workers()),
            node: self.node.clone(),
            open_files_max: limits::open_files().unwrap_or(0),
            tasks: count(
                tokio::runtime::Handle::current()
                    .metrics()
                    .num_alive_tasks(),
            ),
            busy: busy(),
            listeners: count(self.listeners),
            stopping: self.stopping.load(Ordering::Relaxed),
            dropped_logs: self.logs.dropped(),
        }
    }

    fn deliver(&self, notice: Notice) {
        self.logs.notice(&notice);
        if let Some(sink) = &self.notices {
            sink(&notice_message(&notice));
        }
    }

    /// Tells every connection that lives.
    pub(crate) fn signal_all(&self, signal: Signal) {
        for mailbox in self.mailboxes.lock().values() {
            // A full one holds more signals than a connection can need: it is about to end.
            let _ = mailbox.try_send(signal);
        }
    }

    /// Waits until no connection is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let left = self.stream_left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.mailboxes.lock().is_empty() {
                return;
            }
            left.await;
        }
    }
}

/// A connection's place among those that live; dropped with it, however it ends.
pub(crate) struct Membership {
    shared: Arc<Shared>,
    id: StreamId,
}

impl Membership {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.shared.mailboxes.lock().remove(&self.id);
        self.shared.stream_left.notify_waiters();
    }
}

fn notice_message(notice: &Notice) -> String {
    use crate::messages::{Urgency, format};
    let urgency = if notice.level == Level::Emergency {
        Urgency::Alert
    } else {
        Urgency::Warning
    };
    format(urgency, &notice.text)
}

/// How long the runtime's workers have been at work, all together.
fn busy() -> std::time::Duration {
    let metrics = tokio::runtime::Handle::current().metrics();
    (0..metrics.num_workers())
        .map(|worker| metrics.worker_total_busy_duration(worker))
        .sum()
}

/// Signals that wait for one connection: one of each kind, and room for a repeated one.
const SIGNALS_MAX: usize = 4;

/// What `show info` calls the version. Tools compare the leading number with what they know of HAProxy.
const REPORTED_VERSION: &str = concat!("3.5.0-steadfast-", env!("CARGO_PKG_VERSION"));

/// When that version's reports were fixed.
const RELEASE_DATE: &str = "2026/11/24";
