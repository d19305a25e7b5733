//! Exact recency.

use std::sync::Arc;

use crate::chunks::{Chunks, heap_chunk_cost};
use crate::index::ItemRef;
use crate::memory::Heap;

/// All items from the most to the least recently used, linked in a table of nodes.
///
/// An item knows the number of its node, a node the place of its item. Every operation is O(1).
#[derive(Debug)]
pub(crate) struct Lru {
    nodes: Chunks<Node>,
    newest: u32,
    oldest: u32,
    /// The first of the chain of vacant nodes, linked by `older`.
    vacant: u32,
    len: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    newer: u32,
    older: u32,
    item: ItemRef,
}

impl Lru {
    /// The most memory that one insertion may add.
    pub(crate) const GROWTH_BYTES_MAX: usize = heap_chunk_cost(CHUNK_BYTES);

    pub(crate) fn new() -> Self {
        Self {
            nodes: Chunks::new(CHUNK_BYTES, Arc::new(Heap)),
            newest: NONE,
            oldest: NONE,
            vacant: NONE,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.nodes.memory_bytes()
    }

    /// The memory that the next insertion adds.
    pub(crate) fn growth_bytes(&self) -> usize {
        if self.vacant == NONE {
            self.nodes.growth_bytes()
        } else {
            0
        }
    }

    /// Returns the least recently used item and its node.
    pub(crate) fn oldest(&self) -> Option<(u32, ItemRef)> {
        self.at(self.oldest)
    }

    /// Returns the item that was used next after a node's, and its node.
    pub(crate) fn newer(&self, node: u32) -> Option<(u32, ItemRef)> {
        self.at(self.nodes.at(node).newer)
    }

    /// Returns the place of a node's item.
    #[cfg(test)]
    pub(crate) fn item(&self, node: u32) -> ItemRef {
        self.nodes.at(node).item
    }

    /// Adds an item as the most recently used and returns its node. Takes [`Lru::growth_bytes`] of
    /// memory.
    pub(crate) fn insert(&mut self, item: ItemRef) -> u32 {
        if self.vacant == NONE {
            self.grow();
        }
        let node = self.vacant;
        self.vacant = self.nodes.at(node).older;
        self.nodes.at_mut(node).item = item;
        self.link_newest(node);
        self.len += 1;
        node
    }

    /// Notes that a node's item has moved.
    pub(crate) fn moved(&mut self, node: u32, item: ItemRef) {
        self.nodes.at_mut(node).item = item;
    }

    /// Makes a node's item the most recently used.
    pub(crate) fn touch(&mut self, node: u32) {
        if node != self.newest {
            self.unlink(node);
            self.link_newest(node);
        }
    }

    /// Takes a node out that is in, and returns its item.
    pub(crate) fn remove(&mut self, node: u32) -> ItemRef {
        self.unlink(node);
        let vacant = core::mem::replace(&mut self.vacant, node);
        let left = self.nodes.at_mut(node);
        left.older = vacant;
        self.len -= 1;
        left.item
    }

    fn at(&self, node: u32) -> Option<(u32, ItemRef)> {
        (node != NONE).then(|| (node, self.nodes.at(node).item))
    }

    fn grow(&mut self) {
        let start = self.nodes.len();
        self.nodes.grow();
        for node in (start..self.nodes.len()).rev() {
            self.nodes.at_mut(node).older = core::mem::replace(&mut self.vacant, node);
        }
    }

    fn link_newest(&mut self, node: u32) {
        let older = core::mem::replace(&mut self.newest, node);
        let linked = self.nodes.at_mut(node);
        (linked.newer, linked.older) = (NONE, older);
        match older {
            NONE => self.oldest = node,
            older => self.nodes.at_mut(older).newer = node,
        }
    }

    fn unlink(&mut self, node: u32) {
        let Node { newer, older, .. } = *self.nodes.at(node);
        match newer {
            NONE => self.newest = older,
            newer => self.nodes.at_mut(newer).older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.nodes.at_mut(older).newer = newer,
        }
    }
}

const NONE: u32 = u32::MAX;
const CHUNK_BYTES: usize = 4096;

#[cfg(test)]
mod naive;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::naive::NaiveLru;
    use super::*;

    fn order(lru: &Lru) -> Vec<ItemRef> {
        let nodes = core::iter::successors(lru.oldest(), |&(node, _)| lru.newer(node));
        nodes.map(|(_, item)| item).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lru_matches_naive(steps in prop::collection::vec((0..4_u8, 0_u32..600), 1..800)) {
            let (mut lru, mut naive) = (Lru::new(), NaiveLru::default());
            let mut nodes = HashMap::new();
            let mut moves = 0;
            for (step, number) in steps {
                let item = ItemRef::new(number, 0);
                match (step, nodes.get(&number).copied()) {
                    (_, None) => {
                        let expected = lru.memory_bytes() + lru.growth_bytes();
                        nodes.insert(number, lru.insert(item));
                        naive.insert(item);
                        prop_assert_eq!(lru.memory_bytes(), expected);
                    }
                    (0, Some(node)) => {
                        prop_assert_eq!(Some(lru.remove(node)), naive.remove(lru.item(node)));
                        nodes.remove(&number);
                    }
                    (1, Some(node)) => {
                        moves += 1;
                        let to = ItemRef::new(number, 8 * moves);
                        naive.moved(lru.item(node), to);
                        lru.moved(node, to);
                    }
                    (_, Some(node)) => {
                        naive.touch(lru.item(node));
                        lru.touch(node);
                    }
                }
                prop_assert_eq!(lru.oldest().map(|(_, item)| item), naive.oldest());
                prop_assert_eq!(lru.len(), nodes.len());
            }
            prop_assert_eq!(order(&lru), naive.order());
        }
    }
}
