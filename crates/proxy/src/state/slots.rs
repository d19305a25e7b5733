//! Server slots: who gets one, and who waits for one.

use std::collections::BTreeMap;

use super::{Backend, BackendId, Server, ServerId, State, StreamId};
use crate::config;
use crate::time::Now;

/// What became of the wish for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assignment {
    /// This one; a slot is taken, to be given back with `release`.
    Server(ServerId),
    /// All that are usable are full: wait for `Granted`, then `claim`.
    Queued(Ticket),
    /// None is usable.
    NoServer,
}

/// A place in a backend's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) backend: BackendId,
    number: u64,
    /// The place in the queue at first, from 1.
    pub(crate) position: u32,
}

/// Streams that wait for any server of a backend, first come first served.
///
/// It holds at most one entry per client connection, so `maxconn` limits it. `maxqueue` does not: it limits those who
/// wait for one server alone, as with persistence, and there are none (facts of HAProxy, section 9).
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<u64, StreamId>,
    tickets: u64,
}

impl State {
    /// Chooses a server for `stream`, `avoid` only if there is no other, or queues it.
    pub(crate) fn assign(
        &mut self,
        backend: BackendId,
        stream: StreamId,
        avoid: Option<ServerId>,
        now: Now,
    ) -> Assignment {
        if self.usable(backend) == (0, 0) {
            return Assignment::NoServer;
        }
        if self.backends[backend.0].queue.waiting.is_empty() {
            if let Some(server) = self.pick(backend, avoid.map(|server| server.index), now) {
                return Assignment::Server(server);
            }
        }
        let Queue { waiting, tickets } = &mut self.backends[backend.0].queue;
        *tickets += 1;
        let number = *tickets;
        waiting.insert(number, stream);
        let position = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        self.count_queue(backend);
        Assignment::Queued(Ticket {
            backend,
            number,
            position,
        })
    }

    /// Gives a slot back; the next in the queue may get it.
    pub(crate) fn release(&mut self, server: ServerId, now: Now) {
        self.server_mut(server).leave();
        self.serve_queue(server.backend, now);
    }

    /// The server that a woken stream was granted, with a slot taken.
    pub(crate) fn claim(&mut self, stream: StreamId) -> Option<ServerId> {
        self.granted.remove(&stream)
    }

    /// A waiting stream has lost patience. A grant that it has not claimed passes on.
    pub(crate) fn leave_queue(&mut self, ticket: Ticket, stream: StreamId, now: Now) {
        self.backends[ticket.backend.0]
            .queue
            .waiting
            .remove(&ticket.number);
        self.count_queue(ticket.backend);
        if let Some(server) = self.granted.remove(&stream) {
            self.release(server, now);
        }
    }

    /// The next stream that got a slot: deliver `Event::Granted` to it, without delay.
    pub fn poll_wakeup(&mut self) -> Option<StreamId> {
        self.wakeups.pop_front()
    }

    /// Grants free slots to waiting streams, in their order.
    pub(super) fn serve_queue(&mut self, backend: BackendId, now: Now) {
        while let Some((number, stream)) = self.first_waiting(backend) {
            let Some(server) = self.pick(backend, None, now) else {
                break;
            };
            self.backends[backend.0].queue.waiting.remove(&number);
            self.count_queue(backend);
            self.granted.insert(stream, server);
            self.wakeups.push_back(stream);
        }
    }

    fn first_waiting(&self, backend: BackendId) -> Option<(u64, StreamId)> {
        let first = self.backends[backend.0].queue.waiting.first_key_value()?;
        Some((*first.0, *first.1))
    }

    /// Picks a server with a free slot and takes it; the first usable backup if no other server is usable.
    ///
    /// Where all are full the rotation stays as it is.
    fn pick(&mut self, backend: BackendId, avoid: Option<usize>, now: Now) -> Option<ServerId> {
        let id = |index| ServerId { backend, index };
        let count = self.backends[backend.0].servers.len();
        let (active, _) = self.usable(backend);
        let mut usable = (0..count).filter(|index| self.is_usable(id(*index)));
        let index = if active == 0 {
            let first_backup = usable.next()?;
            self.has_slot(id(first_backup)).then_some(first_backup)?
        } else {
            let is_free = |index| !self.configured(id(index)).backup && self.has_slot(id(index));
            usable.find(|index| is_free(*index))?;
            let configured = &self.config.backends[backend.0].servers;
            let Backend {
                balancer, servers, ..
            } = &mut self.backends[backend.0];
            balancer.pick(|index| servers[index].has_slot(&configured[index]), avoid)?
        };
        let server = id(index);
        let counters = self.server_mut(server);
        counters.enter(now.unix_ms);
        counters.balanced += 1;
        self.backend_mut(backend).balanced += 1;
        Some(server)
    }

    fn has_slot(&self, id: ServerId) -> bool {
        self.backends[id.backend.0].servers[id.index].has_slot(self.configured(id))
    }

    fn count_queue(&mut self, backend: BackendId) {
        let waiting = self.backends[backend.0].queue.waiting.len();
        let counters = self.backend_mut(backend);
        counters.queued = u32::try_from(waiting).unwrap_or(u32::MAX);
        counters.queued_max = counters.queued_max.max(counters.queued);
    }
}

impl Server {
    fn has_slot(&self, configured: &config::Server) -> bool {
        let limit = configured.maxconn.filter(|limit| *limit > 0);
        limit.is_none_or(|limit| self.counters.current < limit)
    }
}
