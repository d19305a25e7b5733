//! Flushes, walks, and a budget that changes.

use std::collections::HashMap;

use super::*;
use crate::change::{Extension, Usage};
use crate::marks::Marks;

fn put_as(store: &Store, key: &str, id: u64, now: Timestamp) {
    let attributes = Attributes::default().with_id(CasId::new(id));
    let item = NewItem::new(b"value", attributes);
    let stored = store.put(key, item, Condition::Always, now);
    assert_eq!(stored, Ok(Outcome::Stored(CasId::new(id))));
}

fn is_there(store: &Store, key: &str, now: Timestamp) -> bool {
    store.peek(key, now, |_| ()).hit().is_some()
}

#[test]
fn a_flush_takes_no_notice_of_ids() {
    let store = Store::new(settings(1 << 20, 2)).unwrap();
    for id in [1 << 40, 3, u64::MAX] {
        put_as(&store, "before", id, NOW);
        put_as(&store, "also before", id, NOW);
        store.flush(NOW);
        put_as(&store, "after", 2, NOW);
        assert!(!is_there(&store, "before", NOW) && is_there(&store, "after", NOW));
        put_as(&store, "also before", 1, NOW);
        assert!(is_there(&store, "also before", NOW));
        assert!(
            is_there(&store, "after", NOW),
            "what came first does not matter"
        );
        store.check_invariants();
    }
}

#[test]
fn a_delayed_flush_takes_no_notice_of_ids() {
    let store = small_store();
    put_as(&store, "before", 1 << 40, NOW);
    store.flush_at(at(1005), NOW);
    put_as(&store, "during", 5, at(1003));
    put_as(&store, "in its second", 6, at(1005));
    put_as(&store, "after", 2, at(1006));
    let live = |key: &str| is_there(&store, key, at(1006));
    assert!(!live("before") && !live("during") && !live("in its second"));
    assert!(live("after"));
    put_as(&store, "in its second", 1, at(1006));
    assert!(is_there(&store, "in its second", at(1007)));
}

#[test]
fn what_changes_after_a_flush_does_not_bring_the_old_back() {
    for bytes in [10, 100_000] {
        let store = small_store();
        put(&store, "key", &vec![1; bytes]);
        store.flush(NOW);
        let extended = store.extend_with("key", &Extension::new(b"+", End::Back), NOW);
        assert_eq!(extended.unwrap().outcome, Outcome::NotStored);
        let edited = store.update_as("key", Usage::Trace, NOW, |_| (Change::Keep, ()));
        assert!(edited.unwrap().hit().is_none());
        assert!(!store.touch("key", Expiry::NEVER, NOW));
        put(&store, "key", &vec![2; bytes]);
        assert_eq!(value_of(&store, "key", NOW), Some(vec![2; bytes]));
    }
}

#[test]
fn survivors_of_a_flush_stay_survivors_while_the_flushed_make_room() {
    for order in [Eviction::ScanResistant, Eviction::ExactLru] {
        let store = Store::new(Settings {
            order,
            ..settings(1 << 20, 1)
        })
        .unwrap();
        for number in 0..600 {
            put(&store, &format!("old-{number}"), &[0; 1000]);
        }
        store.flush(NOW);
        for number in 0..500 {
            put(&store, &format!("new-{number}"), &[1; 1000]);
        }
        assert_eq!(store.stats().evictions, 0, "there was room without");
        assert!((0..500).all(|number| is_there(&store, &format!("new-{number}"), NOW)));
        while store.sweep(1000, NOW) > 0 {}
        assert_eq!(store.stats().items, 500);
        store.check_invariants();
    }
}

fn walked(store: &Store, mut between: impl FnMut()) -> HashMap<Vec<u8>, usize> {
    let mut shown = HashMap::new();
    let mut from = Some(Cursor::default());
    while let Some(cursor) = from {
        from = store.walk(cursor, NOW, |entry| {
            *shown.entry(entry.key().to_vec()).or_default() += 1;
        });
        between();
    }
    shown
}

#[test]
fn a_walk_shows_what_stays_once_while_all_else_changes() {
    let store = Store::new(settings(4 << 20, 2)).unwrap();
    let stays = |number: usize| format!("stays-{number}");
    for number in 0..3000 {
        put(&store, &stays(number), &[0; 100]);
    }
    let mut turn = 0;
    let shown = walked(&store, || {
        for _ in 0..40 {
            // New items, new versions in other places, extents, and others that are moved for them.
            put(&store, &format!("new-{turn}"), &[1; 300]);
            let value = vec![2; 100 + turn * 13 % 4000];
            let item = NewItem::new(&value, Attributes::default());
            let key = stays(turn * 7 % 3000);
            assert!(store.put(&*key, item, Condition::IfPresent, NOW).is_ok());
            turn += 1;
        }
        for number in 0..3000 {
            store.read(&*stays(number), NOW, |_| ());
        }
    });
    assert!(turn > 1000 && store.stats().evictions > 0);
    for number in (0..3000).filter(|&number| is_there(&store, &stays(number), NOW)) {
        assert_eq!(shown.get(stays(number).as_bytes()), Some(&1), "{number}");
    }
    assert!(shown.values().all(|&times| times == 1));
}

#[test]
fn a_walk_shows_neither_expired_nor_flushed_items() {
    let store = small_store();
    put(&store, "flushed", b"");
    store.flush(NOW);
    put_for(&store, "expired", b"", Expiry::at(NOW), NOW);
    put(&store, "live", b"");
    let shown: Vec<_> = walked(&store, || ()).into_keys().collect();
    assert_eq!(shown, [b"live".to_vec()]);
}

#[test]
fn a_budget_grows_at_once_and_shrinks_with_the_sweep() {
    for order in [Eviction::ScanResistant, Eviction::ExactLru] {
        let store = Store::new(Settings {
            order,
            item_bytes_max: 64 << 10,
            ..settings(8 << 20, 4)
        })
        .unwrap();
        let mut number = 0;
        let mut fill = || {
            for _ in 0..10_000 {
                number += 1;
                let bytes = if number % 100 == 0 { 40_000 } else { 1500 };
                put(&store, &number.to_string(), &vec![0; bytes]);
            }
            store.check_invariants();
            store.stats().memory_bytes
        };
        assert!(fill() > 7 << 20);
        store.set_memory_bytes_max(16 << 20).unwrap();
        let more = fill();
        assert!((15 << 20..=16 << 20).contains(&more), "{more}");
        store.set_memory_bytes_max(3 << 20).unwrap();
        assert_eq!(store.stats().memory_bytes_max, 3 << 20);
        let mut sweeps = 0;
        while store.stats().memory_bytes > 3 << 20 {
            store.sweep(640, NOW);
            store.check_invariants();
            sweeps += 1;
            assert!(sweeps < 1000, "each sweep brings it nearer");
        }
        assert!(sweeps > 3, "in bounded steps");
        assert!(fill() <= 3 << 20);
        assert!(store.stats().items > 1000);
        store.set_memory_bytes_max(5 << 20).unwrap();
        assert!((4 << 20..=5 << 20).contains(&fill()));
    }
}

#[test]
fn a_budget_that_cannot_be_is_refused() {
    let store = Store::new(settings(8 << 20, 4)).unwrap();
    for bytes in [0, 7 << 20, usize::MAX] {
        let error = store.set_memory_bytes_max(bytes).unwrap_err().to_string();
        let start = format!("memory_bytes_max of {bytes} is outside 8388608 to ");
        assert!(error.starts_with(&start), "{error}");
    }
    assert_eq!(store.stats().memory_bytes_max, 8 << 20);
}

#[test]
fn a_store_that_may_not_evict_shrinks_as_far_as_there_is_room() {
    let store = Store::new(Settings {
        evict: false,
        item_bytes_max: 64 << 10,
        ..settings(8 << 20, 1)
    })
    .unwrap();
    for number in 0..4000 {
        put(&store, &number.to_string(), &[0; 1000]);
    }
    store.set_memory_bytes_max(1 << 20).unwrap();
    for _ in 0..100 {
        store.sweep(1000, NOW);
    }
    assert!((0..4000).all(|number| is_there(&store, &number.to_string(), NOW)));
    let item = NewItem::new(&[0; 60_000], Attributes::default().with_marks(Marks::NONE));
    assert!(store.put("one more", item, Condition::Always, NOW).is_err());
    (0..4000).for_each(|number| assert!(store.remove(&*number.to_string(), NOW)));
    for _ in 0..100 {
        store.sweep(1000, NOW);
    }
    assert!(store.stats().memory_bytes <= 1 << 20);
    store.check_invariants();
}
