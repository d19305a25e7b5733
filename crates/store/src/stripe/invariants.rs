//! Everything recounted, for tests and fuzzing.

use super::Stripe;
use crate::item::CasId;
use crate::log::Content;
use crate::order::Queue;
use crate::size;
use crate::stats::ClassStats;

impl Stripe {
    /// Recounts the stripe and returns the memory it answers for, [`Self::start_bytes`] included.
    ///
    /// # Panics
    ///
    /// If something does not add up.
    pub(crate) fn check_invariants(&self) -> usize {
        let mut classes = [(0_u64, 0_u64); size::CLASSES];
        let (mut items, mut extents, mut pieces_bytes) = (0, 0, 0);
        let mut queue_bytes = [0; 2];
        for (number, segment) in self.log.segments() {
            let (mut offset, mut live_bytes, mut extent_bytes) = (0, 0, 0);
            while let Some((content, stride)) = self.log.content(number, offset) {
                if let Content::Item(_) = content {
                    let item = self.check_item(crate::index::ItemRef::new(number, offset));
                    let class = &mut classes[size::size_class(item.0) - 1];
                    *class = (class.0 + 1, class.1 + item.0 as u64);
                    (items, live_bytes) = (items + 1, live_bytes + stride);
                    (extents, extent_bytes) =
                        (extents + usize::from(item.1 > 0), extent_bytes + item.1);
                }
                offset += stride as u32;
            }
            assert_eq!(offset as usize, segment.end(), "slots fill a segment");
            assert_eq!(live_bytes, segment.live_bytes, "a segment counts its items");
            assert_eq!(extent_bytes, segment.extent_bytes, "and their extents");
            let is_used = live_bytes > 0 || self.log.is_open(number) || self.is_reclaiming(number);
            assert!(is_used, "no empty segment is kept");
            queue_bytes[segment.queue as usize] += segment.memory_bytes() + extent_bytes;
            pieces_bytes += segment.memory_bytes() + extent_bytes;
        }
        assert_eq!(
            items,
            self.index.check_invariants(),
            "the index has every item"
        );
        assert_eq!(extents, self.log.extents.len(), "every extent has its stub");
        for queue in [Queue::New, Queue::Main] {
            assert_eq!(queue_bytes[queue as usize], self.log.queue_bytes(queue));
        }
        let counted = |class: &ClassStats| (class.items, class.bytes);
        assert!(
            classes.iter().copied().eq(self.classes.iter().map(counted)),
            "classes add up"
        );
        self.ranking.check_invariants(&self.log, items);
        assert_eq!(self.credit, 0, "credit is for one call");
        let tables_bytes = self.log.tables_bytes() + self.index_bytes();
        tables_bytes + size_of::<crate::stats::ClassTable>() + pieces_bytes
    }

    /// Returns an item's size by memcached's formula, and the memory of its extent.
    fn check_item(&self, at: crate::index::ItemRef) -> (usize, usize) {
        let stored = self.log.stored(at);
        let item_bytes = self.item_bytes(&stored);
        assert!(
            item_bytes <= self.item_bytes_max,
            "an item is within the limit"
        );
        let id = stored.head.cas;
        let is_followed = id.get() < self.next_cas || id > CasId::FOLLOWED_MAX;
        assert!(is_followed, "ids grow");
        let found = self.found(at);
        assert_eq!(self.index.at(found.slot), at);
        let extent_bytes = stored.extent.map_or(0, |block| {
            assert_eq!(
                block.key(),
                stored.key,
                "a stub and its extent have one key"
            );
            block.memory_bytes()
        });
        (item_bytes, extent_bytes)
    }
}
