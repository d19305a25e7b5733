//! Everything recounted, for tests and fuzzing.

use super::Stripe;
use crate::size;
use crate::stats::ClassStats;

impl Stripe {
    /// Recounts the stripe and returns the memory it answers for.
    ///
    /// # Panics
    ///
    /// If something does not add up.
    pub(crate) fn check_invariants(&self) -> usize {
        let mut classes = [(0_u64, 0_u64); size::CLASSES];
        let (mut items, mut blocks_bytes) = (0, 0);
        for slot in 0..u32::try_from(self.index.slots()).expect("fewer than 2^32 slots") {
            let Some(record) = self.index.at(slot) else {
                continue;
            };
            let item_bytes = self.entry(record).item_bytes();
            assert!(
                item_bytes <= self.item_bytes_max,
                "an item is within the limit"
            );
            assert!(record.block.cas().get() < self.next_cas, "ids grow");
            let class = &mut classes[size::size_class(item_bytes) - 1];
            *class = (class.0 + 1, class.1 + item_bytes as u64);
            items += 1;
            blocks_bytes += record.block.memory_bytes();
        }
        assert_eq!(items, self.index.len(), "the index counts its items");
        let counted = |class: &ClassStats| (class.items, class.bytes);
        assert!(
            classes.iter().copied().eq(self.classes.iter().map(counted)),
            "classes add up"
        );
        let mut next = self.order.oldest();
        for _ in 0..items {
            let slot = next.expect("the order has every item");
            assert!(self.index.at(slot).is_some(), "the order has items only");
            next = self.order.newer(slot);
        }
        assert_eq!(next, None, "the order has every item once");
        Self::START_BYTES
            + self.tables_growth()
            + blocks_bytes
            + self.credit
            + self.displaced.memory_bytes()
    }

    fn tables_growth(&self) -> usize {
        self.index_bytes() - crate::index::Index::<super::Record>::START_BYTES
    }
}
