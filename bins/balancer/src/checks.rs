//! Health checks: the connections that the proxy's health machine asks for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use steadfast_proxy::server::CheckOutcome;
use steadfast_proxy::state::Check;
use steadfast_proxy::stream::ConnectError;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use crate::clock;
use crate::relay::connect_error;
use crate::shared::{Phase, Shared};

/// Makes every check when it is due, until the balancer leaves.
pub(crate) async fn run(shared: Arc<Shared>, mut phase: watch::Receiver<Phase>) {
    tokio::select! {
        _ = phase.wait_for(|phase| *phase == Phase::Stopped) => {}
        () = schedule(&shared) => {}
    }
}

async fn schedule(shared: &Arc<Shared>) {
    // Dropped with this loop, and the checks under way with it.
    let mut probes = JoinSet::new();
    loop {
        while let Some(check) = shared.with_state(|state| state.poll_check(clock::now())) {
            probes.spawn(perform(Arc::clone(shared), check));
        }
        match shared.with_state(|state| state.poll_timeout()) {
            // Whichever comes first; both only mean "look again".
            Some(due) => tokio::select! {
                Some(_) = probes.join_next() => {}
                () = sleep_until(due.into()) => {}
            },
            None if probes.join_next().await.is_some() => {}
            // Nothing is due and nothing under way: no server is checked.
            None => return std::future::pending().await,
        }
    }
}

async fn perform(shared: Arc<Shared>, check: Check) {
    let outcome = probe(&check).await;
    shared.with_state(|state| state.handle_check(check.server, outcome, clock::now()));
}

/// Connects. That we ourselves are out of files or ports says nothing about the server: then it tries again.
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    loop {
        match TcpStream::connect(address).await {
            Err(error) if connect_error(&error) == ConnectError::Resource => {
                sleep(REST_AFTER_FAILURE).await;
            }
            outcome => return outcome,
        }
    }
}

async fn probe(check: &Check) -> CheckOutcome {
    match timeout(check.timeout, connect(check.address)).await {
        Err(_) => CheckOutcome::TimedOut,
        Ok(Ok(socket)) => {
            // Leave with a reset, as HAProxy does: the server need not keep the connection in TIME_WAIT.
            let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
            CheckOutcome::Passed
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => CheckOutcome::TimedOut,
        Ok(Err(error)) => CheckOutcome::Failed {
            errno: error.raw_os_error().unwrap_or(0),
        },
    }
}

/// How long a check rests before it tries again.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(100);
