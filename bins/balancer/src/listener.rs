//! Accepting clients, as many as the limits allow.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use steadfast_proxy::state::FrontendId;
use steadfast_proxy::stream::Endpoints;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::shared::{Phase, Shared};

/// Accepts on `listener` for `frontend` until the phase is no longer [`Phase::Serving`].
///
/// Where a limit is reached nothing is accepted: clients wait in the kernel's backlog and are not refused.
pub(crate) async fn run(
    listener: TcpListener,
    frontend: FrontendId,
    shared: Arc<Shared>,
    mut phase: watch::Receiver<Phase>,
) {
    tokio::select! {
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => {}
        () = accept(&listener, frontend, &shared) => {}
    }
}

async fn accept(listener: &TcpListener, frontend: FrontendId, shared: &Arc<Shared>) {
    // A listener for one address need not ask each connection which it came to.
    let address = listener.local_addr().ok();
    let address = address.filter(|address| !address.ip().is_unspecified());
    loop {
        wait_for_room(shared, frontend).await;
        match listener.accept().await {
            Ok((socket, client)) => {
                // Another listener may have given the last place away meanwhile.
                wait_for_room(shared, frontend).await;
                // It fails only for a client that has gone again.
                if let Ok(local) = address.map_or_else(|| socket.local_addr(), Ok) {
                    let relay = shared.admit(socket, frontend, Endpoints { client, local });
                    tokio::spawn(relay.run());
                }
            }
            // The client has gone while it waited.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // Out of descriptors or memory: only the end of another connection helps.
            Err(_) => tokio::time::sleep(REST_AFTER_FAILURE).await,
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
