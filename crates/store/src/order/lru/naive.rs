//! Exact recency in a plain list.

use crate::index::ItemRef;

/// The same as [`Lru`](super::Lru), the oldest first; every operation is O(n).
#[derive(Debug, Default)]
pub(super) struct NaiveLru(Vec<ItemRef>);

impl NaiveLru {
    pub(super) fn insert(&mut self, item: ItemRef) {
        self.0.push(item);
    }

    pub(super) fn remove(&mut self, item: ItemRef) -> Option<ItemRef> {
        let place = self.0.iter().position(|&other| other == item)?;
        Some(self.0.remove(place))
    }

    pub(super) fn moved(&mut self, from: ItemRef, to: ItemRef) {
        for item in &mut self.0 {
            if *item == from {
                *item = to;
            }
        }
    }

    pub(super) fn touch(&mut self, item: ItemRef) {
        if self.remove(item).is_some() {
            self.insert(item);
        }
    }

    pub(super) fn oldest(&self) -> Option<ItemRef> {
        self.0.first().copied()
    }

    pub(super) fn order(self) -> Vec<ItemRef> {
        self.0
    }
}
