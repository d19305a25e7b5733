use std::thread;

use super::*;
use crate::item::{CasId, ShortValue};

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
fn the_least_recently_used_goes_first() {
    let store = small_store();
    for number in 0..100 {
        put(&store, &format!("key-{number}"), &[0; 5000]);
    }
    assert!(value_of(&store, "key-0", NOW).is_some());
    for number in 100..250 {
        put(&store, &format!("key-{number}"), &[0; 5000]);
    }
    let left: Vec<bool> = (0..250)
        .map(|number| value_of(&store, &format!("key-{number}"), NOW).is_some())
        .collect();
    let first = left.iter().skip(1).position(|&is_there| is_there).unwrap() + 1;
    assert!(
        left[first..].iter().all(|&is_there| is_there),
        "eviction follows the order of use"
    );
    assert!(
        !left[0] || first < 100,
        "a used item outlives those around it"
    );
    let stats = store.stats();
    assert_eq!(stats.evictions + stats.items, 250);
    assert_eq!(
        stats.evicted_unfetched,
        stats.evictions - u64::from(!left[0])
    );
    assert!(
        stats.memory_bytes * 10 > stats.memory_bytes_max * 9,
        "the budget is used"
    );
}

#[test]
fn what_has_expired_goes_before_what_lives() {
    let store = small_store();
    put(&store, "old", &[0; 5000]);
    put_for(&store, "expired", &[0; 20_000], Expiry::at(at(1001)), NOW);
    let mut number = 0;
    while store.stats().reclaimed == 0 {
        put_for(
            &store,
            &format!("key-{number}"),
            &[0; 5000],
            Expiry::NEVER,
            at(1001),
        );
        number += 1;
        assert!(number < 1000);
    }
    assert_eq!(store.stats().evictions, 0);
    assert!(value_of(&store, "old", at(1001)).is_some());
}

#[test]
fn without_eviction_a_full_store_refuses_and_keeps() {
    let store = Store::new(Settings {
        evict: false,
        ..settings(1 << 20, 4)
    })
    .unwrap();
    let item = NewItem::new(&[0; 5000], Attributes::default());
    let mut stored = 0;
    let error = loop {
        let key = format!("key-{stored}");
        match store.put(key.as_bytes(), item, Condition::Always, NOW) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, PutError::NoRoom { .. }));
    assert!(stored > 180, "{stored} items fit");
    assert!((0..stored).all(|number| value_of(&store, &format!("key-{number}"), NOW).is_some()));
    assert_eq!(store.stats().no_room, 1);
    assert!(store.touch(b"key-0", Expiry::at(at(1001)), NOW));
    assert_eq!(store.sweep(1000, at(1001)), 1);
    let _ = store.put(b"again", item, Condition::Always, NOW).unwrap();
}

#[test]
fn one_stripe_may_use_what_the_others_leave() {
    let store = Store::new(settings(2 << 20, 16)).unwrap();
    for number in 0..400 {
        put(&store, &format!("key-{number}"), &[0; 5000]);
    }
    put(&store, "large", &[1; 1_000_000]);
    assert_eq!(value_of(&store, "large", NOW).unwrap().len(), 1_000_000);
    store.check_invariants();
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
fn an_add_that_fails_counts_as_a_use() {
    let store = small_store();
    put(&store, "kept", &[0; 5000]);
    let item = NewItem::new(b"", Attributes::default());
    for number in 0..1000 {
        put(&store, &format!("key-{number}"), &[0; 5000]);
        assert_eq!(
            store.put(b"kept", item, Condition::IfAbsent, NOW),
            Ok(Outcome::NotStored)
        );
    }
    assert_eq!(value_of(&store, "kept", NOW).unwrap().len(), 5000);
}

#[test]
fn readers_hold_half_of_the_memory_and_then_get_copies() {
    let store = small_store();
    let mut items = Vec::new();
    for number in 0..40 {
        let key = format!("key-{number}");
        put(&store, &key, &[number; 50_000]);
        items.push(store.get(key.as_bytes(), NOW).unwrap());
        let stats = store.stats();
        assert!(stats.held_bytes <= stats.memory_bytes_max / 2);
    }
    for (number, item) in items.iter().enumerate() {
        assert!(item.value().iter().all(|&byte| usize::from(byte) == number));
    }
    let item = NewItem::new(&[1; 100], Attributes::default());
    assert!(
        store.put(b"more", item, Condition::Always, NOW).is_ok(),
        "half can be evicted"
    );
    assert!(matches!(
        store.reserve(b"large", 100_000, Attributes::default(), NOW),
        Err(PutError::NoRoom { .. })
    ));
    drop(items);
    assert_eq!(store.stats().held_bytes, 0);
    assert_eq!(store.check_invariants(), 0);
}

#[test]
fn a_dropped_reservation_gives_its_memory_back() {
    let store = small_store();
    let before = store.stats().memory_bytes;
    let reservation = store
        .reserve(b"key", 100_000, Attributes::default(), NOW)
        .unwrap();
    assert!(store.stats().memory_bytes > before + 100_000);
    assert_eq!(value_of(&store, "key", NOW), None);
    drop(reservation);
    assert_eq!(store.stats().memory_bytes, before);
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
fn a_sweep_passes_few_vacant_places() {
    let store = Store::new(settings(4 << 20, 1)).unwrap();
    for number in 0..10_000 {
        put(&store, &format!("key-{number}"), b"");
    }
    for number in 0..9_999 {
        assert!(store.remove(format!("key-{number}").as_bytes(), NOW));
    }
    store.sweep(100, NOW);
    assert_eq!(
        store.stats().sweep_checked,
        0,
        "the one item is not reached"
    );
    for _ in 0..20 {
        store.sweep(100, NOW);
    }
    assert!(store.stats().sweep_checked > 0);
}

#[test]
fn threads_find_whole_values_within_the_budget() {
    let store = Store::new(settings(4 << 20, 4)).unwrap();
    thread::scope(|scope| {
        for worker in 0..4_u32 {
            let store = &store;
            scope.spawn(move || {
                let mut state = worker + 1;
                for _ in 0..5000 {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let key = format!("key-{}", (state >> 8) % 200);
                    let value = vec![(state >> 16) as u8; (state >> 12) as usize % 40_000];
                    match state >> 30 {
                        0 => drop(store.remove(key.as_bytes(), NOW)),
                        1 => drop(store.put(
                            key.as_bytes(),
                            NewItem::new(&value, Attributes::default()),
                            Condition::Always,
                            NOW,
                        )),
                        _ => {
                            let Some(item) = store.get(key.as_bytes(), NOW) else {
                                continue;
                            };
                            assert_eq!(item.key(), key.as_bytes());
                            assert!(item.value().iter().all(|&byte| byte == item.value()[0]));
                        }
                    }
                    let used = store.budget.used();
                    assert!(used <= store.budget.limit());
                }
            });
        }
    });
    assert_eq!(store.check_invariants(), 0);
}

#[test]
fn a_replaced_large_value_gives_its_memory_back() {
    let store = small_store();
    put(&store, "key", &[1; 100_000]);
    let before = store.stats().memory_bytes;
    for fill in 0..50 {
        put(&store, "key", &[fill; 100_000]);
    }
    // But for some credit that the stripe keeps.
    assert!(store.stats().memory_bytes < before + 50_000);
    assert_eq!(store.check_invariants(), 0);
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

/// A full store and the key of its least recently used item, of 5000 bytes.
fn full_store() -> (Store, String) {
    let store = small_store();
    let mut number = 0;
    while store.stats().evictions == 0 {
        put(&store, &format!("key-{number}"), &[0; 5000]);
        number += 1;
    }
    let oldest = format!("key-{}", store.stats().evictions);
    (store, oldest)
}

#[test]
fn no_item_is_evicted_to_make_room_for_its_own_next_version() {
    let change = |store: &Store, key: &str, step: usize| {
        let key = key.as_bytes();
        let large = NewItem::new(&[1; 14_000], Attributes::default());
        match step {
            0 => store.put(key, large, Condition::IfPresent, NOW).unwrap(),
            1 => store.extend(key, &[1; 9000], End::Back, NOW).unwrap(),
            _ => {
                let filled = store.reserve(key, 30_000, Attributes::default(), NOW);
                store.commit(filled.unwrap(), Condition::IfPresent, NOW)
            }
        }
    };
    for step in 0..3 {
        let (store, oldest) = full_store();
        let outcome = change(&store, &oldest, step);
        assert!(matches!(outcome, Outcome::Stored(_)), "{step}: {outcome:?}");
    }
}

#[test]
fn no_item_is_evicted_by_its_own_update() {
    let store = small_store();
    let mut number = 0;
    while store.stats().evictions == 0 {
        put(&store, &format!("key-{number}"), b"");
        number += 1;
    }
    let value = ShortValue::new(&[b'1'; ShortValue::BYTES_MAX]).unwrap();
    let mut oldest = store.stats().evictions;
    for _ in 0..500 {
        let before = store.stats().evictions;
        let key = format!("key-{oldest}");
        let updated = store.update(key.as_bytes(), NOW, |_| (Change::Value(value), ()));
        assert_eq!(updated, Ok(Lookup::Hit(())));
        oldest += 1 + store.stats().evictions - before;
    }
    assert!(store.stats().evictions > 100);
}

#[test]
fn what_has_expired_is_reclaimed_and_not_evicted() {
    let store = small_store();
    for number in 0..1000 {
        let key = format!("expired-{number}");
        put_for(&store, &key, &[0; 100], Expiry::at(at(1001)), NOW);
    }
    for number in 0..195 {
        let key = format!("key-{number}");
        put_for(&store, &key, &[0; 5000], Expiry::NEVER, at(1001));
    }
    let stats = store.stats();
    assert!(stats.reclaimed > 500);
    assert_eq!(stats.evictions, 0);
}

#[test]
fn many_items_being_read_do_not_keep_others_from_being_evicted() {
    let store = small_store();
    let read = |number| {
        let key = format!("read-{number}");
        put(&store, &key, &[1; 5000]);
        store.get(key.as_bytes(), NOW).unwrap()
    };
    let items: Vec<Item> = (0..60).map(read).collect();
    for number in 0..1000 {
        put(&store, &format!("key-{number}"), &[0; 5000]);
    }
    assert!(items.iter().all(|item| item.value() == [1; 5000]));
}

#[test]
fn eviction_passes_over_what_is_being_read() {
    let store = small_store();
    put(&store, "read", &[1; 5000]);
    let item = store.get(b"read", NOW).unwrap();
    for number in 0..250 {
        put(&store, &format!("key-{number}"), &[0; 5000]);
    }
    let stats = store.stats();
    assert!(stats.evictions > 0 && stats.tail_held > 0);
    assert_eq!(value_of(&store, "read", NOW).unwrap(), item.value());
}

#[test]
fn the_older_item_of_another_stripe_goes_first() {
    let store = Store::new(settings(1 << 20, 2)).unwrap();
    let key_in = |stripe: usize, nth: usize| {
        let mut keys = (0..).map(|number| format!("key-{number}"));
        let is_there = |key: &String| store.home(key.as_bytes()).stripe == stripe;
        keys.by_ref().filter(is_there).nth(nth).unwrap()
    };
    for nth in 0..100 {
        put(&store, &key_in(1, nth), &[0; 5000]);
    }
    for nth in 0..180 {
        put_for(&store, &key_in(0, nth), &[0; 5000], Expiry::NEVER, at(1001));
    }
    let left = |stripe, count| {
        (0..count)
            .filter(|&nth| value_of(&store, &key_in(stripe, nth), at(1001)).is_some())
            .count()
    };
    assert!(store.stats().evictions > 50);
    assert_eq!(left(0, 180), 180, "nothing newer is evicted");
    assert!(left(1, 100) < 50);
}
