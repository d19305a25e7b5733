//! The exact order of eviction against a plain list.
#![allow(clippy::unwrap_used, reason = "a panic is how a model reports")]

use std::collections::HashSet;

use steadfast_store::{
    Attributes, Condition, Cursor, Eviction, NewItem, Settings, Store, Timestamp,
};

const NOW: Timestamp = Timestamp::from_secs(1);

/// Runs steps of an operation, a key and a size on a small store of one stripe. At any time it has
/// the items used last, and none that was used before one that is gone.
pub(crate) fn run(steps: &[(u8, u16, u16)]) {
    let mut settings = Settings::default();
    settings.memory_bytes_max = 1 << 20;
    settings.item_bytes_max = 64 << 10;
    settings.stripes = 1;
    settings.order = Eviction::ExactLru;
    let store = Store::new(settings).unwrap();
    // Oldest use first.
    let mut order: Vec<Vec<u8>> = Vec::new();
    for &(op, number, size) in steps {
        let key = format!("key-{number}").into_bytes();
        // Most stand in segments, some in extents of their own.
        let value = vec![op; usize::from(size) * if size % 8 == 0 { 10 } else { 1 }];
        let is_there = match op {
            0 => store.read(&key, NOW, |_| ()).hit().is_some(),
            1 if number % 4 == 0 => {
                store.remove(&key, NOW);
                false
            }
            _ => {
                let item = NewItem::new(&value, Attributes::default());
                let _ = store.put(&key, item, Condition::Always, NOW).unwrap();
                true
            }
        };
        let was_there = order.iter().position(|other| *other == key);
        if let Some(place) = was_there {
            order.remove(place);
        }
        if is_there {
            assert!(op != 0 || was_there.is_some(), "nothing comes back");
            order.push(key);
        }
        let left = keys(&store);
        let gone = order.len().checked_sub(left.len()).unwrap();
        order.drain(..gone);
        assert!(order.iter().all(|key| left.contains(key)));
    }
    assert_eq!(store.check_invariants(), 0);
}

fn keys(store: &Store) -> HashSet<Vec<u8>> {
    let mut keys = HashSet::new();
    let mut cursor = Some(Cursor::default());
    while let Some(from) = cursor {
        cursor = store.walk(from, NOW, |entry| {
            assert!(keys.insert(entry.key().to_vec()))
        });
    }
    keys
}
