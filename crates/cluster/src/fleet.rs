use std::time::Instant;

use bytes::Bytes;
use steadfast_protocol::KeyError;
use steadfast_ring::{Order, Ring};

use crate::health::Record;
use crate::{Failure, Health, Operation, Probe, Session, Settings, SettingsError};

/// The cache nodes seen from outside: their places on a ring, and what is thought of each.
///
/// One fleet is shared by all requests of a process (behind a lock of the caller's, held for the
/// length of a call), so that what one request learns about a node spares the others. It says which
/// nodes hold a session, and when a stopped node is to be probed.
#[derive(Debug)]
pub struct Fleet<N> {
    ring: Ring<N>,
    records: Vec<Record>,
    settings: Settings,
}

/// A node of a fleet: its index in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

impl<N> Fleet<N> {
    /// A fleet with every node up: the first failure tells otherwise.
    ///
    /// # Errors
    /// If a field of `settings` is outside its range.
    pub fn new(ring: Ring<N>, settings: Settings, now: Instant) -> Result<Self, SettingsError> {
        settings.check()?;
        let records = ring.members().iter().map(|_| Record::new(now)).collect();
        Ok(Self {
            ring,
            records,
            settings,
        })
    }

    /// The session with this id, which names the operations on it.
    ///
    /// The id is hashed and stored as it is; a prefix is the caller's to put before it. Costs the
    /// hashes of the ring's [`replicas_all`](Ring::replicas_all).
    ///
    /// # Errors
    /// If `id` is no memcached key, or longer than 245 bytes: the lock's key is 5 bytes longer.
    pub fn session(&self, id: &[u8]) -> Result<Session, KeyError> {
        let nodes = self.ring.replicas_all(id, Order::Session);
        let nodes = nodes
            .iter()
            .take(self.settings.copies)
            .map(|node| NodeId(node.index()));
        Session::new(Bytes::copy_from_slice(id), nodes.collect(), self.settings)
    }

    /// The ring by which sessions are placed.
    #[must_use]
    pub fn ring(&self) -> &Ring<N> {
        &self.ring
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The caller's own value for a node.
    ///
    /// # Panics
    /// If `node` is of another, larger fleet.
    #[must_use]
    pub fn node(&self, node: NodeId) -> &N {
        self.ring.members()[node.0].node()
    }

    /// Every node, in the order of the ring's list.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<N> {
        (0..self.records.len()).map(NodeId)
    }

    /// What is thought of a node.
    ///
    /// # Panics
    /// If `node` is of another, larger fleet.
    #[must_use]
    pub fn health(&self, node: NodeId) -> Health {
        self.records[node.0].health()
    }

    /// The next probe of a stopped node that is due, to be run like any other operation.
    ///
    /// Whoever keeps the fleet calls this at [`poll_timeout`](Self::poll_timeout) until it returns
    /// `None`. A node is asked by sessions again once its probe was answered; thus only probes wait
    /// for a node that stays silent. Linear in the number of nodes.
    pub fn poll_probe(&mut self, now: Instant) -> Option<Operation<Probe>> {
        let settings = self.settings;
        let due = self
            .records
            .iter_mut()
            .position(|record| record.poll_probe(&settings, now))?;
        Some(Operation::new(Probe::new(), vec![NodeId(due)], settings))
    }

    /// When [`poll_probe`](Self::poll_probe) is to be called next, unless every node is up. Linear in
    /// the number of nodes.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.records.iter().filter_map(Record::poll_timeout).min()
    }

    pub(crate) fn handle_answer(&mut self, node: NodeId, is_probe: bool) {
        self.records[node.0].handle_answer(is_probe);
    }

    pub(crate) fn is_last_resort(&self, node: NodeId) -> bool {
        self.records[node.0].is_last_resort()
    }

    pub(crate) fn handle_failure(&mut self, node: NodeId, failure: Failure, now: Instant) {
        self.records[node.0].handle_failure(failure, &self.settings, now);
    }
}

impl NodeId {
    /// The index of the node in the list that the ring was built from, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}
