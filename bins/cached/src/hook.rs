//! What the process around a server does for its clients.

use std::fmt;
use std::sync::Arc;

use steadfast_engine::Shutdown;

/// Called by a worker when a client asks the process to end (`shutdown`, see
/// [`shutdown_enabled`](steadfast_engine::Settings::shutdown_enabled)). Must return at once.
#[derive(Clone)]
pub(crate) struct ShutdownHook(Arc<dyn Fn(Shutdown) + Send + Sync>);

impl ShutdownHook {
    pub(crate) fn new(hook: impl Fn(Shutdown) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    pub(crate) fn call(&self, how: Shutdown) {
        (self.0)(how);
    }
}

/// Nobody listens: the client is closed, and the server goes on.
impl Default for ShutdownHook {
    fn default() -> Self {
        Self::new(|_| ())
    }
}

impl fmt::Debug for ShutdownHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownHook").finish_non_exhaustive()
    }
}
