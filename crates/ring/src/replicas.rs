//! Where a client looks for further copies of a key.

use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::hash::{self, Hash};
use crate::key::Suffixed;
use crate::ring::Ring;

/// Which of a client's two lists of copies is meant.
///
/// pecl-memcache places the copies of a session by another rule than those of its pool, so that even
/// the home differs. With libmemcached both lists are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "clients have a pool and a session handler, no more"
)]
pub enum Order {
    /// The pool's commands: the home is the owner of the key itself.
    Pool,
    /// PHP's session handler: the home is the owner of `key-0`.
    Session,
}

/// How a client goes on from a key's home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// pecl-memcache: hash `key-0`, `key-1`, ..., skip the nodes found before, give up after 20.
    Rehash,
    /// libmemcached: the next node in the list, not the next point.
    NextInList,
    /// Not at all: the client keeps one copy.
    Alone,
}

/// What a look at the ring brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) index: usize,
    /// False if the node has its copy already.
    pub(crate) is_new: bool,
}

/// The indexes of the nodes for up to `copies` copies of a treated key, in the client's order.
pub(crate) fn of_client<N>(ring: &Ring<N>, key: &[u8], order: Order, copies: usize) -> Vec<usize> {
    walk(ring, key, order, copies, |_, _| {})
}

/// The same, and tells `see` each step: what is hashed, if anything is, and what is found.
pub(crate) fn walk<N>(
    ring: &Ring<N>,
    key: &[u8],
    order: Order,
    copies: usize,
    mut see: impl FnMut(Option<&[u8]>, Found),
) -> Vec<usize> {
    let nodes = ring.members().len();
    let copies = copies.min(nodes);
    let walk = ring.dialect().row().walk;
    if walk == Walk::Rehash {
        return rehashed(ring, key, order, copies, see);
    }
    let copies = if walk == Walk::Alone {
        copies.min(1)
    } else {
        copies
    };
    let home = ring.index_of(key);
    let found = (0..copies).map(|copy| (home + copy) % nodes);
    let found: Vec<_> = found.collect();
    for (copy, &index) in found.iter().enumerate() {
        let is_new = true;
        see((copy == 0).then_some(key), Found { index, is_new });
    }
    found
}

/// Every node once: the client's list, then the others by their score for this key.
pub(crate) fn all<N>(ring: &Ring<N>, key: &[u8], order: Order) -> Vec<usize> {
    let members = ring.members();
    let mut found = of_client(ring, key, order, members.len());
    let known = found.len();
    let mut is_known = alloc::vec![false; members.len()];
    for &index in &found {
        is_known[index] = true;
    }
    found.extend((0..members.len()).filter(|&index| !is_known[index]));
    let key = Hash::Crc32.of(key);
    found[known..].sort_by_cached_key(|&index| {
        let name = members[index].name();
        (
            Reverse(hash::mix(key ^ hash::mix(Hash::Crc32.of(name.as_bytes())))),
            name,
        )
    });
    found
}

/// The counter runs on from one copy to the next. Once it has reached the limit, each further copy
/// gets one more attempt, whatever that brings: with the pool a node that has its copy already is
/// none gained, and the next copy may bring another; a session ends there.
fn rehashed<N>(
    ring: &Ring<N>,
    key: &[u8],
    order: Order,
    copies: usize,
    mut see: impl FnMut(Option<&[u8]>, Found),
) -> Vec<usize> {
    let mut found = Vec::with_capacity(copies);
    let mut look = |key: &[u8], found: &mut Vec<usize>| {
        let index = ring.index_of(key);
        let is_new = !found.contains(&index);
        see(Some(key), Found { index, is_new });
        if is_new {
            found.push(index);
        }
        is_new
    };
    let mut suffixed = Suffixed::new(key);
    let mut number = 0;
    for copy in 0..copies {
        if order == Order::Pool && copy == 0 {
            look(key, &mut found);
            continue;
        }
        let is_new = loop {
            let is_new = look(suffixed.with(number), &mut found);
            number += 1;
            if is_new || number >= ATTEMPTS_MAX {
                break is_new;
            }
        };
        if !is_new && order == Order::Session {
            break;
        }
    }
    found
}

/// `memcache.max_failover_attempts`, by default.
const ATTEMPTS_MAX: u32 = 20;
