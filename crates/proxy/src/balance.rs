//! Which server gets the next request.

mod roundrobin;

pub use roundrobin::RoundRobin;

use crate::config::Balance;

/// The algorithm of one backend and where it stands. Servers are numbered by their place in the backend.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Balancer {
    /// In turn, by weight.
    RoundRobin(RoundRobin),
}

impl Balancer {
    /// The algorithm that the configuration names, over servers of these weights, none of them usable yet.
    #[must_use]
    pub fn new(algorithm: Balance, weights: &[u16]) -> Self {
        match algorithm {
            Balance::RoundRobin => Self::RoundRobin(RoundRobin::new(weights)),
        }
    }

    /// A server has come or gone. Saying what is known already does nothing.
    ///
    /// # Panics
    ///
    /// If there is no such server.
    pub fn set_usable(&mut self, server: usize, usable: bool) {
        match self {
            Self::RoundRobin(robin) => robin.set_usable(server, usable),
        }
    }

    /// Chooses a usable server that has a free slot; `avoid` only if there is no other.
    pub fn pick(
        &mut self,
        has_slot: impl Fn(usize) -> bool,
        avoid: Option<usize>,
    ) -> Option<usize> {
        match self {
            Self::RoundRobin(robin) => robin.pick(has_slot, avoid),
        }
    }
}
