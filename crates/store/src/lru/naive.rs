//! The plain twin of `Lru`: a vector, oldest first.

#[derive(Debug, Default)]
pub(crate) struct NaiveLru {
    order: Vec<u32>,
}

impl NaiveLru {
    pub(crate) fn contains(&self, slot: u32) -> bool {
        self.order.contains(&slot)
    }

    pub(crate) fn oldest(&self) -> Option<u32> {
        self.order.first().copied()
    }

    pub(crate) fn insert(&mut self, slot: u32) {
        self.order.push(slot);
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        self.order.retain(|&other| other != slot);
    }

    pub(crate) fn touch(&mut self, slot: u32) {
        self.remove(slot);
        self.insert(slot);
    }

    pub(crate) fn order(&self) -> Vec<u32> {
        self.order.clone()
    }
}
