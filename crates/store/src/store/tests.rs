mod edit;
mod room;
mod whole;

use std::thread;

use super::*;
use crate::change::{Change, End, ShortValue};
use crate::item::CasId;
use crate::settings::Eviction;
use crate::size;

fn at(secs: u32) -> Timestamp {
    Timestamp::from_secs(secs)
}

const NOW: Timestamp = Timestamp::from_secs(1000);

fn settings(memory_bytes_max: usize, stripes: usize) -> Settings {
    let item_bytes_max = memory_bytes_max / 2;
    Settings {
        memory_bytes_max,
        item_bytes_max,
        stripes,
        ..Settings::default()
    }
}

fn small_store() -> Store {
    Store::new(settings(1 << 20, 1)).unwrap()
}

/// A small store that evicts in the exact order of use.
fn exact_store() -> Store {
    Store::new(Settings {
        order: Eviction::ExactLru,
        ..settings(1 << 20, 1)
    })
    .unwrap()
}

fn put_for(store: &Store, key: &str, value: &[u8], expiry: Expiry, now: Timestamp) -> CasId {
    let item = NewItem::new(value, Attributes::new(0, expiry));
    match store.put(key.as_bytes(), item, Condition::Always, now) {
        Ok(Outcome::Stored(cas)) => cas,
        other => panic!("{key}: {other:?}"),
    }
}

fn put(store: &Store, key: &str, value: &[u8]) -> CasId {
    put_for(store, key, value, Expiry::NEVER, NOW)
}

fn value_of(store: &Store, key: &str, now: Timestamp) -> Option<Vec<u8>> {
    store
        .read(key.as_bytes(), now, |entry| entry.value().to_vec())
        .hit()
}

#[test]
fn an_item_is_gone_when_its_expiry_is_reached() {
    let store = small_store();
    put_for(&store, "key", b"value", Expiry::at(at(1002)), NOW);
    assert_eq!(value_of(&store, "key", at(1001)), Some(b"value".to_vec()));
    let found = store.read(b"key", at(1002), |_| ());
    assert_eq!(found, Lookup::Expired);
    assert_eq!(store.read(b"key", at(1002), |_| ()), Lookup::Miss);
    let stats = store.stats();
    assert_eq!((stats.items, stats.bytes, stats.get_expired), (0, 0, 1));
}

#[test]
fn items_stored_after_a_flush_in_the_same_second_live() {
    let store = small_store();
    put(&store, "before", b"1");
    store.flush(NOW);
    put(&store, "after", b"2");
    assert_eq!(store.read(b"before", NOW, |_| ()), Lookup::Flushed);
    assert_eq!(value_of(&store, "after", NOW), Some(b"2".to_vec()));
}

#[test]
fn a_deadline_ends_what_is_stored_up_to_and_in_its_second() {
    let store = small_store();
    put(&store, "before", b"1");
    store.flush_at(at(1005), NOW);
    put_for(&store, "during", b"2", Expiry::NEVER, at(1004));
    assert!(value_of(&store, "before", at(1004)).is_some());
    put_for(&store, "in its second", b"3", Expiry::NEVER, at(1005));
    assert_eq!(value_of(&store, "in its second", at(1005)), None);
    put_for(&store, "after", b"4", Expiry::NEVER, at(1006));
    for key in ["before", "during", "in its second"] {
        assert_eq!(value_of(&store, key, at(1006)), None, "{key}");
    }
    assert_eq!(value_of(&store, "after", at(1006)), Some(b"4".to_vec()));
}

#[test]
fn a_new_flush_replaces_a_pending_deadline() {
    let store = small_store();
    store.flush_at(at(1005), NOW);
    store.flush(NOW);
    put(&store, "key", b"1");
    assert!(value_of(&store, "key", at(1010)).is_some());
}

#[test]
fn what_a_deadline_has_ended_does_not_come_back_with_a_restored_item() {
    let store = small_store();
    for number in 0..10 {
        put(&store, &format!("key-{number}"), b"value");
    }
    store.flush_at(at(1001), NOW);
    let item = NewItem::new(b"old", Attributes::default());
    store
        .restore("other", item, CasId::new(3), at(1002))
        .unwrap();
    for number in 0..10 {
        assert_eq!(value_of(&store, &format!("key-{number}"), at(1002)), None);
    }
}

#[test]
fn a_size_is_too_large_where_memcached_says_so() {
    let store = Store::new(Settings {
        memory_bytes_max: 8 << 20,
        ..Settings::default()
    })
    .unwrap();
    put(&store, "a", &[0; 1_048_516]);
    let item = NewItem::new(&[0; 1_048_517], Attributes::default());
    let error = store.put(b"a", item, Condition::Always, NOW).unwrap_err();
    assert_eq!(error.to_string(), "item of 1048577 bytes exceeds 1048576");
    assert!(
        store
            .reserve(b"a", 1_048_516, Attributes::new(1, Expiry::NEVER), NOW)
            .is_err()
    );
    assert!(store.extend(b"a", b"xy", End::Back, NOW).is_err());
    assert_eq!(value_of(&store, "a", NOW).unwrap().len(), 1_048_516);
    let long = store.put(
        &[b'k'; 256],
        NewItem::new(b"", Attributes::default()),
        Condition::Always,
        NOW,
    );
    assert_eq!(long, Err(PutError::KeyTooLong { key_bytes: 256 }));
}

#[test]
fn an_id_of_zero_matches_nothing() {
    let store = small_store();
    let cas = put(&store, "key", b"1");
    let item = NewItem::new(b"2", Attributes::default());
    let zero = Condition::IfUnchanged(CasId::new(0));
    assert_eq!(store.put(b"key", item, zero, NOW), Ok(Outcome::Exists));
    assert_eq!(store.put(b"none", item, zero, NOW), Ok(Outcome::NotFound));
    let stored = store.put(b"key", item, Condition::IfUnchanged(cas), NOW);
    assert!(matches!(stored, Ok(Outcome::Stored(new)) if new > cas));
}

#[test]
fn an_edit_knows_the_id_it_gives() {
    let store = small_store();
    put(&store, "key", b"1");
    let change = Change::Value(ShortValue::new(b"22222222222222222222").unwrap());
    let promised = store
        .update(b"key", NOW, |entry| (change, entry.next_cas()))
        .unwrap()
        .hit();
    let cas = store.read(b"key", NOW, |entry| entry.cas()).hit();
    assert_eq!(promised, cas);
}

#[test]
#[should_panic(expected = "the store that made it")]
fn a_reservation_of_another_store_is_refused() {
    let reservation = small_store()
        .reserve(b"key", 5, Attributes::default(), NOW)
        .unwrap();
    let _ = small_store().commit(reservation, Condition::Always, NOW);
}

#[test]
fn a_store_may_end_before_its_readers() {
    let store = small_store();
    put(&store, "key", b"value");
    let item = store.get(b"key", NOW).unwrap();
    drop(store);
    assert_eq!(item.value(), b"value");
}

#[test]
fn figures_by_class_add_up_and_counters_reset() {
    let store = small_store();
    put(&store, "a", b"1");
    put_for(&store, "b", &[0; 1000], Expiry::NEVER, at(990));
    let table = store.class_stats(NOW);
    let class = table[size::size_class(61) - 1];
    assert_eq!((class.items, class.bytes, class.age_secs), (1, 61, 0));
    let class = table[size::size_class(1060) - 1];
    assert_eq!((class.items, class.bytes, class.age_secs), (1, 1060, 10));
    store.reset_counters();
    let stats = store.stats();
    assert_eq!((stats.items, stats.bytes, stats.items_total), (2, 1121, 0));
    assert_eq!(store.check_invariants(), 0);
}

#[test]
fn a_walk_shows_every_item_once() {
    let store = Store::new(settings(4 << 20, 4)).unwrap();
    for number in 0..3000 {
        put(&store, &format!("key-{number}"), b"");
    }
    let mut shown = Vec::new();
    let mut cursor = Some(Cursor::default());
    while let Some(from) = cursor {
        cursor = store.walk(from, NOW, |entry| shown.push(entry.key().to_vec()));
    }
    shown.sort();
    shown.dedup();
    assert_eq!(shown.len(), 3000);
}

#[test]
fn a_sweep_goes_round_in_bounded_steps() {
    let store = Store::new(settings(4 << 20, 4)).unwrap();
    for number in 0..1000 {
        let expiry = if number % 2 == 0 {
            Expiry::at(at(1001))
        } else {
            Expiry::NEVER
        };
        put_for(&store, &format!("key-{number}"), b"", expiry, NOW);
    }
    let mut removed = 0;
    for _ in 0..200 {
        let step = store.sweep(10, at(1001));
        assert!(step <= 10);
        removed += step;
    }
    assert_eq!(removed, 500);
    let stats = store.stats();
    assert_eq!(
        (stats.items, stats.swept, stats.expired_unfetched),
        (500, 500, 500)
    );
}

#[test]
fn a_sweep_passes_few_gaps() {
    let store = Store::new(settings(4 << 20, 1)).unwrap();
    for number in 0..10_000 {
        put(&store, &format!("key-{number}"), b"");
    }
    for number in (0..10_000).filter(|number| number % 500 != 0) {
        assert!(store.remove(format!("key-{number}").as_bytes(), NOW));
    }
    store.sweep(10, NOW);
    assert!(
        store.stats().sweep_checked < 5,
        "gaps count for something, too"
    );
    for _ in 0..20 {
        store.sweep(10, NOW);
    }
    assert!(store.stats().sweep_checked > 10);
}

#[test]
fn threads_find_whole_values_within_the_budget() {
    for order in [Eviction::ScanResistant, Eviction::ExactLru] {
        let store = Store::new(Settings {
            order,
            ..settings(2 << 20, 4)
        })
        .unwrap();
        thread::scope(|scope| {
            for worker in 0..4 {
                let store = &store;
                scope.spawn(move || churn(store, worker));
            }
        });
        assert_eq!(store.check_invariants(), 0);
        assert!(store.stats().evictions > 0);
    }
}

/// Stores, reads and removes items of which each consists of one byte: most of them small.
fn churn(store: &Store, worker: u32) {
    let mut state = worker + 1;
    for _ in 0..8000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let number = (state >> 8) % 4000;
        let key = format!("key-{number}");
        let bytes = (state >> 12) % if number % 16 == 0 { 40_000 } else { 900 };
        let value = vec![(state >> 16) as u8; bytes as usize];
        match state >> 29 {
            0 => drop(store.remove(&key, NOW)),
            1..=4 => {
                let item = NewItem::new(&value, Attributes::default());
                let stored = store.put(&key, item, Condition::Always, NOW);
                assert!(stored.is_ok(), "{stored:?}: old items make room");
            }
            _ => {
                let Some(item) = store.get(&key, NOW) else {
                    continue;
                };
                assert_eq!(item.key(), key.as_bytes());
                assert!(item.value().iter().all(|&byte| byte == item.value()[0]));
            }
        }
        let budget = store.pool.budget();
        assert!(budget.used() <= budget.limit());
    }
}

#[test]
fn every_new_version_counts_as_stored_and_used() {
    let store = small_store();
    put(&store, "kept", &[0; 5000]);
    for number in 0..1000_usize {
        put(&store, &format!("key-{number}"), &[0; 5000]);
        // By turns in place and in a block of its own.
        put(&store, "kept", &vec![0; 5000 + number % 2 * 1000]);
    }
    assert_eq!(value_of(&store, "kept", NOW).unwrap().len(), 6000);
    assert_eq!(store.stats().items_total, 2001);
}
