//! Accepting clients, as many as the limits allow.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use steadfast_proxy::state::FrontendId;
use steadfast_proxy::stream::Endpoints;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::bind::BACKLOG;
use crate::shared::{Phase, Shared};

/// Accepts on `listener` for `frontend` until the phase is no longer [`Phase::Serving`].
///
/// Where a limit is reached nothing is accepted: clients wait in the kernel's backlog and are not refused. Those who
/// wait there when a soft stop comes are let in, as the end of the listener would cut them.
pub(crate) async fn run(
    listener: TcpListener,
    frontend: FrontendId,
    shared: Arc<Shared>,
    mut phase: watch::Receiver<Phase>,
) {
    let local = listener.local_addr().ok();
    let door = Door {
        // A listener for one address need not ask each connection which it came to.
        local: local.filter(|address| !address.ip().is_unspecified()),
        frontend,
        shared,
    };
    tokio::select! {
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => {}
        () = door.accept(&listener) => {}
    }
    if *phase.borrow() == Phase::Draining {
        // Without them, nothing is lost but those who wait.
        let _ = listener.into_std().and_then(|rest| door.accept_rest(&rest));
    }
}

/// Where clients come in.
struct Door {
    local: Option<SocketAddr>,
    frontend: FrontendId,
    shared: Arc<Shared>,
}

impl Door {
    async fn accept(&self, listener: &TcpListener) {
        loop {
            wait_for_room(&self.shared, self.frontend).await;
            match listener.accept().await {
                Ok((socket, client)) => {
                    // Another listener may have given the last place away meanwhile.
                    wait_for_room(&self.shared, self.frontend).await;
                    self.admit(socket, client);
                }
                // The client has gone while it waited.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Out of descriptors or memory: only the end of another connection helps.
                Err(_) => tokio::time::sleep(REST_AFTER_FAILURE).await,
            }
        }
    }

    /// Lets in those who wait already, as far as there is room. Never blocks: `listener` does not.
    fn accept_rest(&self, listener: &std::net::TcpListener) -> io::Result<()> {
        for _ in 0..BACKLOG {
            if !self
                .shared
                .with_state(|state| state.may_accept(self.frontend))
            {
                break;
            }
            let (socket, client) = listener.accept()?;
            socket.set_nonblocking(true)?;
            self.admit(TcpStream::from_std(socket)?, client);
        }
        Ok(())
    }

    fn admit(&self, socket: TcpStream, client: SocketAddr) {
        // It fails only for a client that has gone again.
        if let Ok(local) = self.local.map_or_else(|| socket.local_addr(), Ok) {
            let relay = self
                .shared
                .admit(socket, self.frontend, Endpoints { client, local });
            tokio::spawn(relay.run());
        }
    }
}

async fn wait_for_room(shared: &Shared, frontend: FrontendId) {
    while !shared.with_state(|state| state.may_accept(frontend)) {
        let left = shared.stream_left.notified();
        tokio::pin!(left);
        // Listen before asking, or the stream that leaves in between would be missed.
        left.as_mut().enable();
        if shared.with_state(|state| state.may_accept(frontend)) {
            return;
        }
        left.await;
    }
}

/// How long nothing is accepted after the system refused to.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(100);
