//! The stats socket: lines in, reports out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use steadfast_proxy::config::Level;
use steadfast_proxy::control::{Control, Next};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::clock;
use crate::shared::{Phase, Shared};

/// A stats socket that accepts.
pub(crate) enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What the `global` section says about all stats sockets.
pub(crate) struct Rules {
    /// Connections at once; further ones wait, one accepted at each door and the others in the backlog.
    pub(crate) places: Arc<Semaphore>,
    /// How long a client may be silent.
    pub(crate) idle_max: Duration,
}

/// Answers on `door` until the balancer leaves; a soft stop can be watched here.
pub(crate) async fn run(
    door: Door,
    level: Level,
    rules: Arc<Rules>,
    shared: Arc<Shared>,
    mut phase: watch::Receiver<Phase>,
) {
    let watched = phase.clone();
    tokio::select! {
        _ = phase.wait_for(|phase| *phase == Phase::Stopped) => {}
        () = accept(&door, level, &rules, &shared, &watched) => {}
    }
}

async fn accept(
    door: &Door,
    level: Level,
    rules: &Arc<Rules>,
    shared: &Arc<Shared>,
    phase: &watch::Receiver<Phase>,
) {
    loop {
        let accepted = match door {
            Door::Tcp(listener) => listener
                .accept()
                .await
                .map(|(socket, _)| Box::new(socket) as Box<dyn Peer>),
            Door::Unix(listener) => listener
                .accept()
                .await
                .map(|(socket, _)| Box::new(socket) as Box<dyn Peer>),
        };
        let Ok(peer) = accepted else {
            tokio::time::sleep(REST_AFTER_FAILURE).await;
            continue;
        };
        // Not before there is a client: a door that waits must not keep the others from being used.
        let Ok(place) = Arc::clone(&rules.places).acquire_owned().await else {
            return;
        };
        let (idle_max, shared) = (rules.idle_max, Arc::clone(shared));
        let mut phase = phase.clone();
        let control = Control::new(level);
        tokio::spawn(async move {
            tokio::select! {
                _ = phase.wait_for(|phase| *phase == Phase::Stopped) => {}
                // A client that fails or is too slow is simply let go.
                _ = converse(peer, control, idle_max, &shared) => {}
            }
            drop(place);
        });
    }
}

trait Peer: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Peer for T {}

async fn converse(
    mut peer: Box<dyn Peer>,
    mut control: Control,
    idle_max: Duration,
    shared: &Shared,
) -> io::Result<()> {
    let mut input = [0; INPUT_BYTES];
    let mut out = Vec::new();
    loop {
        let len = timeout(idle_max, peer.read(&mut input)).await??;
        if len == 0 {
            return Ok(());
        }
        let process = shared.process();
        let next = shared.with_state(|state| {
            control.handle_input(&input[..len], state, &process, clock::now(), &mut out)
        });
        timeout(idle_max, peer.write_all(&out)).await??;
        out.clear();
        if next == Next::Close {
            return timeout(idle_max, peer.shutdown()).await?;
        }
    }
}

/// Bytes taken from a client at once. Commands are short.
const INPUT_BYTES: usize = 4096;

/// How long nothing is accepted after the system refused to.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(100);
