//! Room: the budget, and who must go.

use core::ptr::NonNull;

use super::*;
use crate::memory::{Allocation, Kind};

#[test]
fn the_least_recently_used_goes_first() {
    let store = exact_store();
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
    let store = exact_store();
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
    assert_eq!(store.stats().held_bytes, 0);
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
    // But for the last one, which is kept to be used again.
    assert!(store.stats().memory_bytes < before + 150_000);
    assert_eq!(store.check_invariants(), 0);
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
    let store = exact_store();
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
    let store = exact_store();
    for number in 0..1000 {
        let key = format!("expired-{number}");
        put_for(&store, &key, &[0; 100], Expiry::at(at(1001)), NOW);
    }
    for number in 0..175 {
        let key = format!("key-{number}");
        put_for(&store, &key, &[0; 5000], Expiry::NEVER, at(1001));
    }
    let stats = store.stats();
    assert!(stats.reclaimed > 100);
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
fn the_stripe_with_more_than_its_share_gives() {
    let store = Store::new(settings(1 << 20, 2)).unwrap();
    let key_in = |stripe: usize, nth: usize| {
        let mut keys = (0..).map(|number| format!("key-{number}"));
        let is_there = |key: &String| store.home(key.as_bytes()).0.stripe == stripe;
        keys.by_ref().filter(is_there).nth(nth).unwrap()
    };
    for nth in 0..150 {
        put(&store, &key_in(1, nth), &[0; 5000]);
    }
    let left = |stripe, count| {
        (0..count)
            .filter(|&nth| value_of(&store, &key_in(stripe, nth), NOW).is_some())
            .count()
    };
    assert_eq!(left(1, 150), 150, "one may have more while there is room");
    for nth in 0..90 {
        put(&store, &key_in(0, nth), &[0; 5000]);
    }
    assert_eq!(left(0, 90), 90, "who has less than its share gives nothing");
    assert!(left(1, 150) < 120);
}

#[test]
fn what_a_full_store_held_fits_into_a_new_one() {
    let made = || Store::new(settings(8 << 20, 16)).unwrap();
    let full = made();
    for number in 0..60_000_usize {
        put(&full, &format!("key-{number}"), &[1; 200]);
        let _ = value_of(&full, &format!("key-{}", number / 2), NOW);
    }
    assert!(full.stats().evictions > 1000);
    let new = made();
    let mut cursor = Some(Cursor::default());
    while let Some(from) = cursor {
        cursor = full.walk(from, NOW, |entry| {
            let attributes = Attributes::new(entry.flags(), entry.expiry());
            let item = NewItem::new(entry.value(), attributes);
            new.restore(entry.key(), item, entry.cas(), NOW).unwrap();
        });
    }
    assert_eq!(new.stats().items, full.stats().items);
    assert_eq!(new.check_invariants(), 0);
}

#[test]
fn without_eviction_what_is_removed_here_and_there_is_won_back() {
    let store = Store::new(Settings {
        evict: false,
        ..settings(1 << 20, 1)
    })
    .unwrap();
    let item = NewItem::new(&[0; 100], Attributes::default());
    let fill = |name: &str| {
        let is_stored = |number: &usize| {
            let key = format!("{name}-{number}");
            store.put(&key, item, Condition::Always, NOW).is_ok()
        };
        (0..).take_while(is_stored).count()
    };
    let first = fill("first");
    for number in (0..first).filter(|number| number % 2 == 0) {
        assert!(store.remove(&format!("first-{number}"), NOW));
    }
    let second = fill("second");
    assert!(
        second > first * 2 / 5,
        "{second} found the place of {}",
        first / 2
    );
    let left = |number: usize| value_of(&store, &format!("first-{number}"), NOW).is_some();
    assert!((0..first).all(|number| left(number) == (number % 2 == 1)));
    assert_eq!(store.check_invariants(), 0);
}

#[test]
fn a_full_store_of_any_size_loses_no_memory() {
    // Among these sizes are those at which a queue's table is full when no segment is left.
    for memory_bytes_max in ((1 << 20)..(3 << 19)).step_by(16 << 10) {
        let store = Store::new(settings(memory_bytes_max, 1)).unwrap();
        for number in 0..6000 {
            put(&store, &format!("key-{number}"), &[0; 500]);
        }
        assert!(store.stats().evictions > 1000);
        assert_eq!(store.check_invariants(), 0, "{memory_bytes_max}");
    }
}

#[test]
fn a_stripe_whose_items_are_all_being_read_gets_room_from_others() {
    for order in [Eviction::ScanResistant, Eviction::ExactLru] {
        let settings = Settings {
            order,
            ..settings(2 << 20, 4)
        };
        let store = Store::new(settings).unwrap();
        let key_in = |stripe: usize, nth: usize| {
            let keys = (nth * 1000..).map(|number| format!("key-{number}"));
            let is_there = |key: &String| store.home(key.as_bytes()).0.stripe == stripe;
            keys.into_iter().find(is_there).unwrap()
        };
        let read = |nth| {
            let key = key_in(0, nth);
            put(&store, &key, &[1; 60_000]);
            store.get(&key, NOW).unwrap()
        };
        let items: Vec<Item> = (0..14).map(read).collect();
        for number in 0..1000 {
            put(&store, &key_in(1 + number % 3, 100 + number), &[0; 3000]);
        }
        for nth in 2000..2010 {
            put(&store, &key_in(0, nth), &[2; 60_000]);
        }
        assert!(items.iter().all(|item| item.value() == [1; 60_000]));
        drop(items);
        assert_eq!(store.check_invariants(), 0);
    }
}

/// A system that has less memory than the budget.
#[derive(Debug)]
struct Poor(AtomicUsize);

impl Poor {
    const BYTES: usize = 2 << 20;
}

// SAFETY: all pieces are the heap's, handed on or freed.
#[allow(unsafe_code, reason = "memory is what this is a model of")]
unsafe impl Memory for Poor {
    fn usable_bytes(&self, kind: Kind, bytes: usize) -> usize {
        Heap.usable_bytes(kind, bytes)
    }

    fn memory_bytes_max(&self, kind: Kind, bytes: usize) -> usize {
        Heap.memory_bytes_max(kind, bytes)
    }

    fn allocate(&self, kind: Kind, bytes: usize) -> Option<Allocation> {
        if self.0.fetch_add(bytes, Ordering::Relaxed) + bytes > Self::BYTES {
            self.0.fetch_sub(bytes, Ordering::Relaxed);
            return None;
        }
        Heap.allocate(kind, bytes)
    }

    unsafe fn free(&self, kind: Kind, start: NonNull<u8>, bytes: usize) -> usize {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
        // SAFETY: the piece is the heap's (caller).
        unsafe { Heap.free(kind, start, bytes) }
    }
}

#[test]
fn old_items_make_room_where_the_system_has_less_than_the_budget() {
    for order in [Eviction::ScanResistant, Eviction::ExactLru] {
        let settings = Settings {
            order,
            item_bytes_max: 200 << 10,
            ..settings(8 << 20, 2)
        };
        let memory = Arc::new(Poor(AtomicUsize::new(0)));
        let store = Store::with_memory(settings, memory).unwrap();
        for bytes in [900, 15_000, 150_000, 900] {
            for number in 0..(4 << 20) / bytes {
                put(&store, &format!("key-{bytes}-{number}"), &vec![0; bytes]);
            }
        }
        assert!(store.stats().evictions > 0);
        assert_eq!(store.check_invariants(), 0);
    }
}
