use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::memory::Heap;

const CHUNK: usize = Index::CHUNK_BYTES_MIN;

fn item(number: u32) -> ItemRef {
    ItemRef::new(number >> 17, (number & 0x1_ffff) * ItemRef::UNIT_BYTES)
}

fn reach(number: u32) -> Reach {
    Reach::of(item(number), number as usize % 3000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn index_matches_a_plain_map(
        steps in prop::collection::vec((0_u8..4, 0_u32..3000), 1..6000),
        spread in prop::sample::select(vec![1_u32, 64, 4096, 2_654_435_761]),
    ) {
        let mut index = Index::new(CHUNK, Arc::new(Heap));
        let mut plain = HashMap::new();
        for (step, number) in steps {
            let hash = number.wrapping_mul(spread);
            let present = plain.get(&number).copied();
            let found = index.find(hash, |found| (Some(found) == present).then_some(number));
            prop_assert_eq!(found.map(|found| index.at(found.slot)), present);
            prop_assert_eq!(found.map(|found| found.item), present);
            prop_assert!(found.is_none_or(|found| found.seen == number));
            let probed = match index.probe(hash) {
                Probe::Further { .. } => index.probe_further(hash),
                Probe::Item(item, reach) => Some((item, reach)),
                Probe::Nothing => None,
            };
            // Those with equal hashes are told apart by their keys only.
            prop_assert!(present.is_none() || probed.is_some());
            let found = found.map(|found| (found.slot, found.item));
            match (step, found) {
                (0 | 1, None) => {
                    let (before, growth) = (index.memory_bytes(), index.growth_bytes());
                    plain.insert(number, item(number));
                    index.insert(hash, item(number), reach(number));
                    prop_assert_eq!(index.memory_bytes(), before + growth);
                }
                (2, Some((slot, _))) => {
                    let moved = item(number + 10_000);
                    index.replace(slot, moved, reach(number));
                    plain.insert(number, moved);
                    prop_assert_eq!(index.find_ref(hash, moved), Some(slot));
                }
                (3, Some((slot, _))) => {
                    prop_assert_eq!(Some(index.remove(slot)), plain.remove(&number));
                }
                _ => {}
            }
            prop_assert_eq!(index.len(), plain.len());
        }
        prop_assert_eq!(index.check_invariants(), plain.len());
        for (&number, &item) in &plain {
            prop_assert!(index.find_ref(number.wrapping_mul(spread), item).is_some());
        }
    }
}

#[test]
fn an_item_reference_is_a_segment_and_an_offset() {
    for (segment, offset) in [(0, 0), (ItemRef::SEGMENTS_MAX - 1, (1 << 20) - 8), (5, 64)] {
        let item = ItemRef::new(segment, offset);
        assert_eq!((item.segment(), item.offset()), (segment, offset));
    }
}

#[test]
fn equal_hashes_are_told_apart_by_their_items() {
    let mut index = Index::new(CHUNK, Arc::new(Heap));
    for number in 0..40 {
        index.insert(7, item(number), reach(number));
    }
    index.check_invariants();
    for number in 0..40 {
        let slot = index.find_ref(7, item(number)).unwrap();
        assert_eq!(index.remove(slot), item(number));
        index.check_invariants();
    }
    assert_eq!(index.find(7, |_| Some(())), None);
}

#[test]
fn an_item_takes_under_thirteen_bytes() {
    let mut index = Index::new(4 * CHUNK, Arc::new(Heap));
    let (mut items, mut bytes) = (0, 0);
    for number in 1..=300_000_u32 {
        index.insert(mix(number), item(number), reach(number));
        if number >= 100_000 && number % 10_000 == 0 {
            items += index.len();
            bytes += index.memory_bytes();
        }
    }
    let each = bytes as f64 / items as f64;
    assert!(each < 13.0, "{each} bytes an item");
}

/// A permutation of 32-bit numbers that spreads them as a hash would.
fn mix(number: u32) -> u32 {
    let mut hash = number.wrapping_mul(0x9e37_79b9);
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^ hash >> 13
}
