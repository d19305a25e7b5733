//! Sessions: what is asked of the copies, in which order, and what their answers mean.

mod create;
mod hold;
mod load;
mod open;
mod save;
mod touch;

use bytes::Bytes;
use steadfast_protocol::{Key, KeyError};

pub use create::{Create, Created};
pub use hold::{Renew, Renewed, Unlock};
pub use load::{Load, Loaded};
pub use open::{Open, Opened};
pub use save::{After, Save, Saved};
pub use touch::Touch;

use crate::{Lease, NodeId, Operation, Settings, Token};

/// One session of a fleet: its keys and the nodes of its copies, home first.
///
/// Made by [`Fleet::session`](crate::Fleet::session), and cheap to clone. Each method returns an
/// [`Operation`] to be run. Two keys are used on each node: the id for the data, the id with `.lock`
/// behind it for the lock.
///
/// A visit that changes the session is [`open`](Self::open) and [`save`](Self::save), two or three
/// round trips each; one that only looks is [`load`](Self::load), one round trip.
#[derive(Clone, Debug)]
pub struct Session {
    names: Names,
    nodes: Vec<NodeId>,
    settings: Settings,
}

/// The keys of a session.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) data: Bytes,
    pub(crate) lock: Bytes,
}

impl Session {
    pub(crate) fn new(id: Bytes, nodes: Vec<NodeId>, settings: Settings) -> Result<Self, KeyError> {
        let lock = [&id[..], LOCK_SUFFIX].concat();
        Key::new(&id)?;
        Key::new(&lock)?;
        Ok(Self {
            names: Names {
                data: id,
                lock: lock.into(),
            },
            nodes,
            settings,
        })
    }

    /// The nodes of the copies, in the order in which they are asked.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Reads without a lock, and repairs copies that are missing or old.
    #[must_use]
    pub fn load(&self) -> Operation<Load> {
        self.operation(Load::new(self.names.clone(), self.settings))
    }

    /// Takes the lock, waiting for it if need be, then reads and repairs as [`load`](Self::load) does.
    ///
    /// The home is asked for the lock first, and then all other copies: it is held once every node
    /// that answers has granted it, so that it outlives any one of them. A node that grants it while
    /// another does not gets it back before the next attempt.
    #[must_use]
    pub fn open(&self, token: Token) -> Operation<Open> {
        self.operation(Open::new(self.names.clone(), token, self.settings))
    }

    /// Stores `data` on every copy's node; good when at least one has stored it.
    ///
    /// Each node is first asked what it holds: a session that somebody else has saved since it was
    /// opened is never overwritten, whatever became of the lock. If two save at once after all, at least
    /// one is told of the conflict, unless no node is reached by both.
    #[must_use]
    pub fn save(&self, lease: &Lease, data: Bytes, after: After) -> Operation<Save> {
        self.operation(Save::new(
            self.names.clone(),
            self.nodes.clone(),
            lease.clone(),
            Some(data),
            after,
            self.settings,
        ))
    }

    /// Removes the session and gives the lock back.
    ///
    /// A mark is left in the session's place for its lifetime, so that a node that was away meanwhile
    /// cannot bring it back.
    #[must_use]
    pub fn destroy(&self, lease: &Lease) -> Operation<Save> {
        let names = self.names.clone();
        self.operation(Save::new(
            names,
            self.nodes.clone(),
            lease.clone(),
            None,
            After::Unlock,
            self.settings,
        ))
    }

    /// Stores `data` unless the session exists, without a lock: of two who try at once, one succeeds.
    #[must_use]
    pub fn create(&self, data: Bytes) -> Operation<Create> {
        self.operation(Create::new(self.names.clone(), data, self.settings))
    }

    /// Lets the session live for its lifetime from now on, without a lock. The outcome is the number
    /// of copies: 0 if there is no such session.
    #[must_use]
    pub fn touch(&self) -> Operation<Touch> {
        self.operation(Touch::new(self.names.clone(), self.settings))
    }

    /// Gives the lock back. Only what is held under the lease's token is removed, by comparison:
    /// nobody else's lock is ever freed. The outcome is the number of nodes that had it.
    #[must_use]
    pub fn unlock(&self, lease: &Lease) -> Operation<Unlock> {
        self.operation(Unlock::new(self.names.clone(), lease.clone()))
    }

    /// Holds the lock for a whole lease from now on, on the nodes that have it still; the outcome has
    /// the new lease, under the same token.
    #[must_use]
    pub fn renew(&self, lease: &Lease) -> Operation<Renew> {
        self.operation(Renew::new(self.names.clone(), lease.clone(), self.settings))
    }

    fn operation<P: crate::Procedure>(&self, procedure: P) -> Operation<P> {
        Operation::new(procedure, self.nodes.clone(), self.settings)
    }
}

/// An expiry time from now, in the protocol's own type.
fn exptime(seconds: u32) -> i32 {
    i32::try_from(seconds).expect("settings are limited to thirty days")
}

const LOCK_SUFFIX: &[u8] = b".lock";
