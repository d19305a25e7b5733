//! All interleavings of a few calls, as loom finds them. Run with
//! `RUSTFLAGS="--cfg steadfast_loom" cargo test -p steadfast-store --test loom`.
//!
//! Under loom each block's bytes are stood for by a cell whose plain accesses the model checks, so
//! a read that races with a write or with the free fails, as does a block that is never freed.
#![cfg(steadfast_loom)]
#![allow(clippy::unwrap_used, reason = "a panic is how a model reports")]

use loom::sync::Arc;
use loom::thread;

use steadfast_store::{
    Attributes, Change, Condition, Initial, NewItem, Outcome, PutError, Settings, ShortValue,
    Store, Timestamp, Updated, Usage,
};

const NOW: Timestamp = Timestamp::from_secs(1);
const KEY: &[u8] = b"key";
/// Kept in a segment.
const SMALL_BYTES: usize = 9;
/// Kept in an extent.
const LARGE_BYTES: usize = 4096;

fn check(model: impl Fn(Arc<Store>) + Send + Sync + 'static) {
    check_with(loom::model::Builder::new(), 1, model);
}

fn check_with(
    builder: loom::model::Builder,
    stripes: usize,
    model: impl Fn(Arc<Store>) + Send + Sync + 'static,
) {
    builder.check(move || {
        let mut settings = Settings::default();
        settings.memory_bytes_max = 1 << 20;
        settings.stripes = stripes;
        settings.item_bytes_max = 1 << 19;
        let store = Arc::new(Store::new(settings).unwrap());
        model(Arc::clone(&store));
        assert_eq!(store.check_invariants(), 0, "all memory is given back");
        assert_eq!(store.stats().held_bytes, 0);
    });
}

fn put(store: &Store, fill: u8) {
    put_if(store, fill, Condition::Always).unwrap();
}

fn put_if(store: &Store, fill: u8, when: Condition) -> Result<bool, PutError> {
    put_value(store, &[fill; SMALL_BYTES], when)
}

/// Stores a value that has memory of its own, which readers share.
fn put_large(store: &Store, fill: u8) {
    put_value(store, &[fill; LARGE_BYTES], Condition::Always).unwrap();
}

fn put_value(store: &Store, value: &[u8], when: Condition) -> Result<bool, PutError> {
    let item = NewItem::new(value, Attributes::default());
    let outcome = store.put(KEY, item, when, NOW)?;
    Ok(matches!(outcome, Outcome::Stored(_)))
}

fn assert_whole(value: &[u8]) {
    let is_one = |fill| value.iter().all(|&byte| byte == fill);
    assert!(is_one(1) || is_one(2), "a torn value: {value:?}");
    assert!(value.len() == SMALL_BYTES || value.len() == LARGE_BYTES);
}

#[test]
fn a_read_never_sees_a_torn_value() {
    check(|store| {
        put(&store, 1);
        let writer = thread::spawn({
            let store = Arc::clone(&store);
            move || put(&store, 2)
        });
        store
            .read(KEY, NOW, |entry| assert_whole(entry.value()))
            .hit()
            .unwrap();
        store.remove(KEY, NOW);
        writer.join().unwrap();
    });
}

#[test]
fn a_held_item_survives_overwriting_and_removal() {
    check(|store| {
        put_large(&store, 1);
        let writer = thread::spawn({
            let store = Arc::clone(&store);
            move || {
                put_large(&store, 2);
                store.remove(KEY, NOW);
            }
        });
        if let Some(item) = store.get(KEY, NOW) {
            assert_whole(item.value());
        }
        writer.join().unwrap();
        assert_eq!(store.stats().items, 0);
    });
}

#[test]
fn the_last_of_two_readers_and_the_store_frees_once() {
    check(|store| {
        put_large(&store, 1);
        let (first, second) = (store.get(KEY, NOW).unwrap(), store.get(KEY, NOW).unwrap());
        let reader = thread::spawn(move || assert_whole(first.value()));
        let remover = thread::spawn({
            let store = Arc::clone(&store);
            move || assert!(store.remove(KEY, NOW))
        });
        assert_whole(second.value());
        drop(second);
        reader.join().unwrap();
        remover.join().unwrap();
    });
}

#[test]
fn a_reader_keeps_its_value_while_another_takes_its_place() {
    check(|store| {
        put_large(&store, 1);
        let item = store.get(KEY, NOW).unwrap();
        let reader = thread::spawn(move || assert_eq!(item.value(), [1; LARGE_BYTES]));
        put_large(&store, 2);
        reader.join().unwrap();
        store
            .read(KEY, NOW, |entry| {
                assert_eq!(entry.value(), [2; LARGE_BYTES])
            })
            .hit()
            .unwrap();
    });
}

#[test]
fn a_reader_that_comes_as_the_last_one_leaves_is_on_the_books() {
    check(|store| {
        put_large(&store, 1);
        let first = store.get(KEY, NOW).unwrap();
        let reader = thread::spawn(move || drop(first));
        let second = store.get(KEY, NOW).unwrap();
        reader.join().unwrap();
        assert!(store.stats().held_bytes > 0);
        drop(second);
    });
}

#[test]
fn one_of_two_adds_wins() {
    check(|store| {
        let other = thread::spawn({
            let store = Arc::clone(&store);
            move || put_if(&store, 1, Condition::IfAbsent).unwrap()
        });
        let is_mine = put_if(&store, 2, Condition::IfAbsent).unwrap();
        assert!(is_mine != other.join().unwrap());
    });
}

#[test]
fn no_update_is_lost() {
    fn increment(store: &Store) {
        let edit = |entry: &steadfast_store::Entry<'_>| {
            (
                Change::Value(ShortValue::new(&[entry.value()[0] + 1]).unwrap()),
                (),
            )
        };
        store.update(KEY, NOW, edit).unwrap().hit().unwrap();
    }
    check(|store| {
        let zero = NewItem::new(&[0], Attributes::default());
        let _ = store.put(KEY, zero, Condition::Always, NOW).unwrap();
        let other = thread::spawn({
            let store = Arc::clone(&store);
            move || increment(&store)
        });
        increment(&store);
        other.join().unwrap();
        store
            .read(KEY, NOW, |entry| assert_eq!(entry.value(), [2]))
            .hit()
            .unwrap();
    });
}

#[test]
fn a_reservation_dropped_elsewhere_gives_its_memory_back() {
    check(|store| {
        let mut filled = store.reserve(KEY, 9, Attributes::default(), NOW).unwrap();
        filled.value_mut().fill(1);
        let dropped = store
            .reserve(KEY, 20_000, Attributes::default(), NOW)
            .unwrap();
        let other = thread::spawn(move || drop(dropped));
        let outcome = store.commit(filled, Condition::Always, NOW);
        assert!(matches!(outcome, Outcome::Stored(_)));
        other.join().unwrap();
    });
}

#[test]
fn eviction_frees_nothing_that_is_being_read() {
    const LARGE: &[u8] = &[3; 500_000];
    check(|store| {
        put_large(&store, 1);
        let writer = thread::spawn({
            let store = Arc::clone(&store);
            move || {
                for key in [b"1", b"2", b"3"] {
                    let item = NewItem::new(LARGE, Attributes::default());
                    let _ = store.put(key, item, Condition::Always, NOW).unwrap();
                }
            }
        });
        if let Some(item) = store.get(KEY, NOW) {
            assert_whole(item.value());
        }
        writer.join().unwrap();
        assert!(store.stats().evictions > 0);
    });
}

#[test]
fn a_small_item_is_copied_whole_while_it_is_overwritten_in_place_and_moved() {
    check(|store| {
        put(&store, 1);
        let writer = thread::spawn({
            let store = Arc::clone(&store);
            move || {
                put(&store, 2);
                put_large(&store, 1);
            }
        });
        assert_whole(store.get(KEY, NOW).unwrap().value());
        writer.join().unwrap();
    });
}

#[test]
fn a_look_ahead_disturbs_nothing() {
    check(|store| {
        put(&store, 1);
        let ahead = thread::spawn({
            let store = Arc::clone(&store);
            move || {
                let located = store.locate(KEY);
                store.prefetch([&located]);
                assert!(store.remove(located, NOW));
            }
        });
        put_large(&store, 2);
        ahead.join().unwrap();
    });
}

#[test]
fn stripes_that_need_each_others_memory_both_find_room() {
    fn put_huge(store: &Store, key: &[u8]) {
        let item = NewItem::new(&[3; 400_000], Attributes::default());
        let _ = store.put(key, item, Condition::Always, NOW).unwrap();
    }
    // Making room takes many steps: not all interleavings, but those with up to two switches.
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    check_with(builder, 2, |store| {
        put_huge(&store, b"1");
        put_huge(&store, b"2");
        let other = thread::spawn({
            let store = Arc::clone(&store);
            move || put_huge(&store, b"3")
        });
        put_huge(&store, b"4");
        other.join().unwrap();
        assert!(store.stats().evictions > 0);
    });
}

#[test]
fn one_of_two_inserts_and_the_other_updates() {
    fn count(store: &Store) -> bool {
        let one = Initial::new(ShortValue::new(&[1]).unwrap(), Attributes::default());
        let updated = store.update_or_insert(KEY, &one, Usage::Use, NOW, |entry| {
            let next = ShortValue::new(&[entry.value()[0] + 1]).unwrap();
            (Change::Value(next), ())
        });
        matches!(updated.unwrap(), Updated::Inserted(_))
    }
    check(|store| {
        let other = thread::spawn({
            let store = Arc::clone(&store);
            move || count(&store)
        });
        let is_mine = count(&store);
        assert!(is_mine != other.join().unwrap());
        let value = store.peek(KEY, NOW, |entry| entry.value().to_vec());
        assert_eq!(value.hit().unwrap(), [2]);
    });
}

#[test]
fn a_budget_shrinks_and_grows_while_its_memory_is_taken() {
    fn put_huge(store: &Store, key: &[u8]) {
        let item = NewItem::new(&[3; 400_000], Attributes::default());
        let _ = store.put(key, item, Condition::Always, NOW).unwrap();
    }
    // Shrinking takes a step for each segment.
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.max_branches = 10_000;
    check_with(builder, 1, |store| {
        store.set_memory_bytes_max(17 << 16).unwrap();
        put_huge(&store, b"1");
        put_huge(&store, b"2");
        let other = thread::spawn({
            let store = Arc::clone(&store);
            move || {
                store.set_memory_bytes_max(1 << 20).unwrap();
                store.sweep(128, NOW);
                store.set_memory_bytes_max(33 << 15).unwrap();
            }
        });
        put_huge(&store, b"3");
        other.join().unwrap();
        assert!(store.stats().memory_bytes <= 33 << 15);
    });
}
