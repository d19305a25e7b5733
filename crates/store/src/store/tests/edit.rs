//! Marks, given ids, edits and looks.

use super::*;
use crate::change::{Edit, Extended, Extension, Initial, NewId, Updated, Usage};
use crate::marks::Marks;

const STALE: Marks = Marks::number(0);
const CLAIMED: Marks = Marks::number(1);
const CODED: Marks = Marks::number(2);

/// All that can be told of an item: value, flags, expiry, id, marks, and whether it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    value: Vec<u8>,
    flags: u32,
    expiry: Expiry,
    cas: CasId,
    marks: Marks,
    was_read: bool,
}

fn seen(store: &Store, key: &str) -> Option<Seen> {
    let look = |entry: &Entry<'_>| Seen {
        value: entry.value().to_vec(),
        flags: entry.flags(),
        expiry: entry.expiry(),
        cas: entry.cas(),
        marks: entry.marks(),
        was_read: entry.was_read(),
    };
    store.peek(key.as_bytes(), NOW, look).hit()
}

fn put_with(store: &Store, key: &str, value: &[u8], attributes: Attributes) -> CasId {
    let item = NewItem::new(value, attributes);
    match store.put(key.as_bytes(), item, Condition::Always, NOW) {
        Ok(Outcome::Stored(cas)) => cas,
        other => panic!("{other:?}"),
    }
}

fn edit(store: &Store, key: &str, edit: Edit) -> bool {
    let edited = store.update_as(key.as_bytes(), Usage::Trace, NOW, |_| {
        (Change::Edit(edit), ())
    });
    edited.unwrap().hit().is_some()
}

fn marked(marks: Marks) -> Attributes {
    Attributes::new(0, Expiry::NEVER).with_marks(marks)
}

#[test]
fn marks_stay_with_an_item_wherever_it_is_and_leave_with_its_version() {
    for order in [Eviction::ScanResistant, Eviction::ExactLru] {
        let store = Store::new(Settings {
            order,
            ..settings(1 << 20, 1)
        })
        .unwrap();
        for (number, bytes) in (0..8_u8).zip([1, 200, 100_000].into_iter().cycle()) {
            let marks = Marks::from_bits(number);
            put_with(
                &store,
                &number.to_string(),
                &vec![number; bytes],
                marked(marks),
            );
        }
        // Others come and go, so that these are moved; they are used, so that they stay.
        for filler in 0..4000 {
            for number in 0..8_u8 {
                store.read(&*number.to_string(), NOW, |_| ());
            }
            put(&store, &format!("filler-{filler}"), &[0; 1000]);
        }
        store.check_invariants();
        for number in 0..8_u8 {
            let Some(item) = store.get(&*number.to_string(), NOW) else {
                continue;
            };
            assert_eq!(item.marks(), Marks::from_bits(number));
            put(&store, &number.to_string(), b"next");
            assert_eq!(
                seen(&store, &number.to_string()).unwrap().marks,
                Marks::NONE
            );
        }
        assert!(seen(&store, "7").is_some() || seen(&store, "4").is_some());
    }
}

#[test]
fn a_reservation_brings_marks_and_an_id() {
    let store = small_store();
    for bytes in [5, 200_000] {
        let attributes = marked(CODED).with_id(CasId::new(77));
        let filled = store.reserve(b"key", bytes, attributes, NOW).unwrap();
        assert_eq!(
            store.commit(filled, Condition::Always, NOW),
            Outcome::Stored(CasId::new(77))
        );
        let item = seen(&store, "key").unwrap();
        assert_eq!((item.marks, item.cas.get()), (CODED, 77));
    }
}

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    for bytes in [3, 300_000] {
        let store = small_store();
        let attributes = Attributes::new(7, Expiry::at(at(2000))).with_marks(CODED);
        let cas = put_with(&store, "key", &vec![b'v'; bytes], attributes);
        let before = seen(&store, "key").unwrap();
        assert!(edit(&store, "key", Edit::new()));
        assert_eq!(seen(&store, "key"), Some(before.clone()));

        assert!(edit(
            &store,
            "key",
            Edit::new().with_marks(CODED | STALE).with_id(NewId::Next)
        ));
        let invalid = seen(&store, "key").unwrap();
        assert!(invalid.cas > cas);
        let expected = Seen {
            marks: CODED | STALE,
            cas: invalid.cas,
            ..before.clone()
        };
        assert_eq!(invalid, expected);

        let given = NewId::Given(CasId::new(5));
        assert!(edit(
            &store,
            "key",
            Edit::new().with_flags(0).with_id(given)
        ));
        let expected = Seen {
            flags: 0,
            cas: CasId::new(5),
            ..expected
        };
        assert_eq!(seen(&store, "key"), Some(expected.clone()));
        store.check_invariants();

        let empty = Edit::new()
            .with_value(ShortValue::default())
            .with_expiry(Expiry::NEVER)
            .with_flags(1);
        assert!(edit(&store, "key", empty));
        let expected = Seen {
            value: Vec::new(),
            flags: 1,
            expiry: Expiry::NEVER,
            ..expected
        };
        assert_eq!(seen(&store, "key"), Some(expected));
        assert_eq!(store.check_invariants(), 0);
        assert!(!edit(&store, "other", empty));
    }
}

#[test]
fn flags_that_make_an_item_too_large_are_refused() {
    let store = small_store();
    let value = vec![0; (512 << 10) - size::item_bytes(3, 0, 0, true)];
    put(&store, "key", &value);
    let edit = Change::Edit(Edit::new().with_flags(9));
    let error = store.update("key", NOW, |_| (edit, ())).unwrap_err();
    assert_eq!(error.to_string(), "item of 524292 bytes exceeds 524288");
    assert_eq!(seen(&store, "key").unwrap().flags, 0);
}

#[test]
fn a_look_leaves_what_it_should() {
    let store = exact_store();
    put_for(&store, "key", b"1", Expiry::NEVER, at(900));
    let used_at = || store.peek("key", NOW, |entry| entry.used_at()).hit();
    assert_eq!(
        store.peek("key", NOW, |entry| entry.was_read()),
        Lookup::Hit(false)
    );
    assert_eq!(used_at(), Some(at(900)));
    let keep = |usage| store.update_as("key", usage, NOW, |_| (Change::Keep, ()));
    assert_eq!(keep(Usage::Trace), Ok(Lookup::Hit(())));
    assert_eq!(used_at(), Some(at(900)));
    assert_eq!(keep(Usage::Use), Ok(Lookup::Hit(())));
    assert_eq!(used_at(), Some(NOW));
    assert!(!seen(&store, "key").unwrap().was_read);
    assert_eq!(keep(Usage::Read), Ok(Lookup::Hit(())));
    assert!(seen(&store, "key").unwrap().was_read);
    let next = Change::Value(ShortValue::new(b"2").unwrap());
    assert!(
        store
            .update_as("key", Usage::Use, NOW, |_| (next, ()))
            .is_ok()
    );
    assert!(seen(&store, "key").unwrap().was_read, "an edit keeps that");
    put(&store, "key", b"3");
    assert!(
        !seen(&store, "key").unwrap().was_read,
        "a new version does not"
    );
}

#[test]
fn an_item_that_is_only_looked_at_is_evicted_as_if_it_were_not() {
    let store = exact_store();
    put(&store, "looked at", &[0; 5000]);
    for number in 0..300 {
        store.peek("looked at", NOW, |_| ());
        put(&store, &format!("key-{number}"), &[0; 5000]);
    }
    assert_eq!(seen(&store, "looked at"), None);
}

#[test]
fn ids_to_come_are_larger_than_the_given_ones() {
    let store = small_store();
    let given = put_with(
        &store,
        "key",
        b"1",
        marked(Marks::NONE).with_id(CasId::new(1000)),
    );
    assert_eq!(given.get(), 1000);
    assert!(put(&store, "key", b"2") > given);
    let item = NewItem::new(b"3", Attributes::default());
    let stale = store.put("key", item, Condition::IfUnchanged(given), NOW);
    assert_eq!(stale, Ok(Outcome::Exists));
    // A given id may be lower than the present one, and the largest there is.
    assert_eq!(
        put_with(&store, "key", b"4", marked(STALE).with_id(CasId::new(3))).get(),
        3
    );
    let largest = marked(Marks::NONE).with_id(CasId::new(u64::MAX));
    assert_eq!(put_with(&store, "key", b"5", largest).get(), u64::MAX);
    store.check_invariants();
    assert!(put(&store, "key", b"6").get() < 10_000);
    store.check_invariants();
}

#[test]
fn an_outdated_value_is_taken_over_a_later_version_and_says_so() {
    let store = small_store();
    let expiry = Expiry::at(at(5000));
    let present = Attributes::new(0, expiry).with_marks(CLAIMED | CODED);
    let put_if = |id, adds, keeps| {
        let when = Condition::IfUnchangedOrLater { id, adds, keeps };
        let item = NewItem::new(b"new", Attributes::new(1, Expiry::NEVER));
        store.put("key", item, when, NOW).unwrap()
    };
    let id = CasId::new(500);
    assert_eq!(put_if(id, STALE, CLAIMED), Outcome::NotFound);
    put_with(&store, "key", b"old", present.with_id(id));
    assert_eq!(put_if(CasId::new(501), STALE, CLAIMED), Outcome::Exists);
    assert_eq!(seen(&store, "key").unwrap().value, b"old");

    assert!(matches!(
        put_if(CasId::new(499), STALE, CLAIMED),
        Outcome::Stored(_)
    ));
    let outdated = seen(&store, "key").unwrap();
    assert_eq!((outdated.value, outdated.flags), (b"new".to_vec(), 1));
    assert_eq!((outdated.expiry, outdated.marks), (expiry, STALE | CLAIMED));

    put_with(&store, "key", b"old", present.with_id(id));
    assert!(matches!(put_if(id, STALE, CLAIMED), Outcome::Stored(_)));
    let same = seen(&store, "key").unwrap();
    assert_eq!((same.expiry, same.marks), (Expiry::NEVER, Marks::NONE));
}

#[test]
fn an_extension_has_its_conditions_and_tells_the_length() {
    let store = small_store();
    let extend = |change: &dyn Fn(&mut Extension<'_>)| {
        let mut extension = Extension::new(b"+", End::Back);
        change(&mut extension);
        store.extend_with("key", &extension, NOW).unwrap()
    };
    assert_eq!(extend(&|_| ()), Extended::refused(Outcome::NotStored));
    let id = put_with(&store, "key", b"v", marked(STALE | CODED));
    let other = |extension: &mut Extension<'_>| extension.expected = Some(CasId::new(9999));
    assert_eq!(extend(&other), Extended::refused(Outcome::Exists));
    let extended = extend(&|extension| {
        extension.expected = Some(id);
        extension.id = CasId::new(800);
        extension.drops = STALE | CLAIMED;
    });
    assert_eq!(
        (extended.outcome, extended.value_bytes),
        (Outcome::Stored(CasId::new(800)), 2)
    );
    let item = seen(&store, "key").unwrap();
    assert_eq!((item.value, item.marks), (b"v+".to_vec(), CODED));
    // Into an extent and further.
    for _ in 0..2 {
        assert!(
            store
                .extend("key", &[b'-'; 90_000], End::Front, NOW)
                .is_ok()
        );
        assert_eq!(seen(&store, "key").unwrap().marks, CODED);
    }
}

#[test]
fn one_of_many_inserts_what_all_update() {
    let store = Store::new(settings(8 << 20, 4)).unwrap();
    for round in 0..50 {
        let key = format!("key-{round}");
        let step = || {
            let initial = Initial::new(ShortValue::new(b"0").unwrap(), marked(CODED));
            let updated = store.update_or_insert(&*key, &initial, Usage::Use, NOW, |entry| {
                let number: u32 = core::str::from_utf8(entry.value())
                    .unwrap()
                    .parse()
                    .unwrap();
                let next = (number + 1).to_string();
                (Change::Value(ShortValue::new(next.as_bytes()).unwrap()), ())
            });
            usize::from(matches!(updated, Ok(Updated::Inserted(_))))
        };
        let winners: usize = thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(|| (0..20).map(|_| step()).sum::<usize>()));
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert_eq!(winners, 1);
        assert_eq!(value_of(&store, &key, NOW), Some(b"79".to_vec()));
        assert_eq!(seen(&store, &key).unwrap().marks, CODED);
    }
}

#[test]
fn a_last_look_comes_with_the_removal() {
    let store = small_store();
    put(&store, "key", b"value");
    let value = |entry: &Entry<'_>| entry.value().to_vec();
    assert_eq!(
        store.remove_with("key", NOW, value),
        Lookup::Hit(b"value".to_vec())
    );
    assert_eq!(store.remove_with("key", NOW, value), Lookup::Miss);
}
