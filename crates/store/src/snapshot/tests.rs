use super::*;
use crate::{
    Attributes, CasId, Condition, Expiry, Marks, NewItem, Outcome, Settings, Store, Timestamp,
};
use proptest::prelude::*;

/// The old store's clock and the new one's, 7 seconds later.
const BEFORE: Clocks = Clocks::new(Timestamp::from_secs(500), 1_700_000_000);
const AFTER: Clocks = Clocks::new(Timestamp::from_secs(2), 1_700_000_007);

fn store(change: impl FnOnce(&mut Settings)) -> Store {
    let mut settings = Settings {
        memory_bytes_max: 16 << 20,
        ..Settings::default()
    };
    change(&mut settings);
    Store::new(settings).expect("the settings are valid")
}

fn put(store: &Store, key: &[u8], value: &[u8], flags: u32, end: Option<u32>) -> CasId {
    let expiry = end.map_or(Expiry::NEVER, |secs| Expiry::at(Timestamp::from_secs(secs)));
    let item = NewItem::new(value, Attributes::new(flags, expiry));
    match store.put(key, item, Condition::Always, BEFORE.now) {
        Ok(Outcome::Stored(cas)) => cas,
        other => panic!("{other:?}"),
    }
}

fn save(store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    let mut saver = Saver::new(store, "tests 1", BEFORE);
    while saver.poll_output(&mut file) {}
    store.check_invariants();
    file
}

fn load(file: &[u8], store: &Store) -> Result<Loaded, SnapshotError> {
    load_at(file, store, AFTER)
}

fn load_at(file: &[u8], store: &Store, clocks: Clocks) -> Result<Loaded, SnapshotError> {
    let mut loader = Loader::new(store, clocks);
    let consumed = loader.handle_input(file)?;
    let loaded = loader.finish(file.len() - consumed);
    store.check_invariants();
    loaded
}

/// All that can be seen of an item.
fn seen(store: &Store, key: &[u8]) -> Option<(Vec<u8>, u32, CasId, Option<u32>)> {
    let item = store.get(key, AFTER.now)?;
    let end = item.expiry().time().map(Timestamp::as_secs);
    Some((item.value().to_vec(), item.flags(), item.cas(), end))
}

#[test]
fn items_come_back_with_value_flags_id_and_remaining_life() {
    let old = store(|_| ());
    let mut cases = Vec::new();
    for (number, bytes) in [0, 1, 100, 20_000, 65_000, 65_600, 131_072, 131_073, 700_000]
        .into_iter()
        .enumerate()
    {
        let key = vec![b'a' + number as u8; 1 + number * 31];
        let value: Vec<u8> = (0..bytes).map(|at: usize| (at % 251) as u8).collect();
        let life = (number % 2 == 1).then_some(100 + number as u32);
        let flags = u32::MAX - number as u32;
        let cas = put(&old, &key, &value, flags, life.map(|life| 500 + life));
        cases.push((key, (value, flags, cas, life.map(|life| 2 + life - 7))));
    }
    let file = save(&old);
    assert_eq!((old.stats().items, old.stats().held_bytes), (0, 0));
    let new = store(|settings| {
        settings.stripes = 4;
        settings.hash_seed = 1;
    });
    let loaded = load(&file, &new).unwrap();
    assert_eq!((loaded.items, loaded.expired, loaded.refused), (9, 0, 0));
    assert_eq!(loaded.written_unix_secs, BEFORE.unix_secs);
    assert_eq!(loaded.creator, "tests 1");
    for (key, expected) in cases {
        assert!(seen(&new, &key) == Some(expected), "{}", key.escape_ascii());
    }
}

#[test]
fn ids_go_on_above_all_that_were_ever_given_out() {
    let old = store(|_| ());
    put(&old, b"kept", b"", 0, None);
    let largest = (0..1000).map(|number: u32| put(&old, &number.to_le_bytes(), b"", 0, None));
    let largest = largest.max().unwrap();
    for number in 0..1000_u32 {
        old.remove(&number.to_le_bytes(), BEFORE.now);
    }
    let new = store(|settings| settings.stripes = 1);
    assert_eq!(load(&save(&old), &new).unwrap().items, 1);
    assert!(put(&new, b"other", b"", 0, None) > largest);
    assert!(new.ids_end() > largest);
}

#[test]
fn ids_that_leave_no_room_for_the_next_are_put_back_and_not_followed() {
    let new = store(|_| ());
    let item = NewItem::new(b"v", Attributes::default());
    let follower = |id: u64| {
        new.restore(b"a", item, CasId::new(id), AFTER.now).unwrap();
        let restored = seen(&new, b"a").unwrap().2;
        assert!(
            restored.get() == id || id == 0 && restored.get() > 0,
            "{id}"
        );
        put(&new, b"a", b"v", 0, None)
    };
    for id in [0, u64::MAX, CasId::FOLLOWED_MAX.get() + 1] {
        assert!((1..1000).contains(&follower(id).get()), "{id}");
    }
    assert!(follower(CasId::FOLLOWED_MAX.get()) > CasId::FOLLOWED_MAX);
    new.check_invariants();
}

#[test]
fn marks_come_back_and_a_file_of_the_first_form_has_none() {
    let old = store(|_| ());
    let value_bytes = [3, 100_000];
    for (number, bytes) in (0..8).zip(value_bytes.into_iter().cycle()) {
        let marks = Marks::from_bits(number);
        let value = vec![number; bytes];
        let item = NewItem::new(&value, Attributes::default().with_marks(marks));
        assert!(
            old.put(&[number], item, Condition::Always, BEFORE.now)
                .is_ok()
        );
    }
    let new = store(|_| ());
    assert_eq!(load(&save(&old), &new).unwrap().items, 8);
    for number in 0..8 {
        let item = new.get(&[number], AFTER.now).unwrap();
        assert_eq!(item.marks(), Marks::from_bits(number));
    }
    let new = store(|_| ());
    let loaded = load(&spelled(1), &new).unwrap();
    assert_eq!((loaded.items, loaded.creator.as_str()), (4, "tests 1"));
    for (number, value) in [&b"one"[..], b"", b"three", b"four"]
        .into_iter()
        .enumerate()
    {
        let item = new.get(&[b'a' + number as u8], AFTER.now).unwrap();
        assert_eq!(
            (item.value(), item.flags(), item.marks()),
            (value, 5, Marks::NONE)
        );
        assert_eq!(item.cas().get(), number as u64 + 1);
    }
}

#[test]
fn items_that_are_gone_by_either_clock_stay_away() {
    let old = store(|_| ());
    put(&old, b"expired before", b"", 0, Some(500));
    put(&old, b"expires meanwhile", b"", 0, Some(507));
    put(&old, b"expires next", b"", 0, Some(508));
    let file = save(&old);
    let new = store(|_| ());
    let loaded = load(&file, &new).unwrap();
    assert_eq!((loaded.items, loaded.expired), (1, 1));
    assert_eq!(seen(&new, b"expires next").unwrap().3, Some(3));
}

#[test]
fn clock_that_has_gone_back_gives_no_item_a_longer_life() {
    let old = store(|_| ());
    put(&old, b"a", b"", 0, Some(510));
    let new = store(|_| ());
    let earlier = Clocks::new(AFTER.now, BEFORE.unix_secs - 86_400);
    load_at(&save(&old), &new, earlier).unwrap();
    assert_eq!(seen(&new, b"a").unwrap().3, Some(12));
}

#[test]
fn flushed_items_stay_away_and_a_flush_to_come_is_kept() {
    let old = store(|_| ());
    put(&old, b"flushed", b"", 0, None);
    old.flush(BEFORE.now);
    put(&old, b"a", b"", 0, None);
    put(&old, b"b", &[7; 100_000], 0, Some(505));
    put(&old, b"c", &[7; 100_000], 0, Some(900));
    old.flush_at(Timestamp::from_secs(520), BEFORE.now);
    let new = store(|_| ());
    assert_eq!(load(&save(&old), &new).unwrap().items, 2);
    assert_eq!(seen(&new, b"a").unwrap().3, Some(15));
    assert_eq!(seen(&new, b"c").unwrap().3, Some(15));
}

#[test]
fn store_with_less_room_keeps_what_fits() {
    let old = store(|_| ());
    for number in 0..1000_u32 {
        put(&old, &number.to_le_bytes(), &[number as u8; 5000], 0, None);
    }
    put(&old, b"large", &[1; 600_000], 0, None);
    put(&old, b"larger", &[1; 700_000], 0, None);
    let file = save(&old);
    for evict in [true, false] {
        let new = store(|settings| {
            settings.memory_bytes_max = 2 << 20;
            settings.item_bytes_max = 650_000;
            settings.evict = evict;
        });
        let loaded = load(&file, &new).unwrap();
        assert_eq!(loaded.items + loaded.refused, 1002);
        assert!((loaded.refused == 1) == evict, "{}", loaded.refused);
        assert!(new.stats().items < 1000 && seen(&new, b"larger").is_none());
        for number in 0..1000_u32 {
            if let Some((value, ..)) = seen(&new, &number.to_le_bytes()) {
                assert_eq!(value, [number as u8; 5000]);
            }
        }
    }
}

/// A small file with blocks of every kind.
fn small_file(creator: &str) -> Vec<u8> {
    let mut file = Vec::new();
    let head = Head::new(1_700_000_000, CasId::new(99), creator);
    let mut writer = Writer::new(&head, &mut file);
    let record = |key: &'static [u8], cas: u8| {
        let record = Record::new(key, 5, CasId::new(cas.into()), 0);
        record.with_marks(Marks::from_bits(cas))
    };
    writer.item(&record(b"a", 1), b"one", &mut file);
    writer.item(&record(b"b", 2), b"", &mut file);
    writer.large(&record(b"c", 3), 5, &mut file);
    writer.piece(b"th", &mut file);
    writer.piece(b"ree", &mut file);
    writer.item(&record(b"d", 4), b"four", &mut file);
    writer.finish(&mut file);
    file
}

fn verdict(file: &[u8]) -> Result<u64, SnapshotErrorKind> {
    let new = store(|settings| settings.memory_bytes_max = 2 << 20);
    load(file, &new)
        .map(|loaded| loaded.items)
        .map_err(|error| error.kind())
}

/// The same as the documentation says it, in either version of the form.
fn spelled(version: u8) -> Vec<u8> {
    let check = |bytes: &[u8]| crc32fast::hash(bytes).to_le_bytes();
    let mut expected = b"\x8aSFSNAP\n".to_vec();
    expected.extend([version, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend(1_700_000_000_u64.to_le_bytes());
    expected.extend(99_u64.to_le_bytes());
    expected.extend([&b"tests 1"[..], &[0; 53]].concat());
    let file = check(&expected);
    expected.extend(file);
    let record = |key: u8, cas: u8, value_bytes: u8| {
        let marks = [1, cas];
        let start = if version == 1 { &marks[..1] } else { &marks };
        let flags = [5, 0, 0, 0];
        let cas = [cas, 0, 0, 0, 0, 0, 0, 0];
        let value_bytes = [value_bytes, 0, 0, 0];
        [start, &flags[..], &cas, &[0; 8], &value_bytes, &[key]].concat()
    };
    let first = [&record(b'a', 1, 3)[..], b"one", &record(b'b', 2, 0)].concat();
    let second = [&record(b'd', 4, 4)[..], b"four"].concat();
    let blocks: [(u8, &[u8]); 6] = [
        (1, &first),
        (2, &record(b'c', 3, 5)),
        (3, b"th"),
        (3, b"ree"),
        (1, &second),
        (4, &[4, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (number, (kind, payload)) in blocks.into_iter().enumerate() {
        let front = [kind, 0, 0, 0, payload.len() as u8, 0, 0, 0];
        let number = (number as u64).to_le_bytes();
        expected.extend(front);
        expected.extend(check(&[&file[..], &number, &front, payload].concat()));
        expected.extend(payload);
    }
    expected
}

#[test]
fn form_is_as_documented() {
    assert_eq!(small_file("tests 1"), spelled(2));
}

#[test]
fn every_change_of_a_byte_is_refused() {
    let file = small_file("tests 1");
    assert_eq!(verdict(&file), Ok(4));
    let mut changed = file.clone();
    for at in 0..file.len() {
        for bit in 0..8 {
            changed[at] = file[at] ^ (1 << bit);
            assert!(verdict(&changed).is_err(), "bit {bit} of byte {at}");
        }
        changed[at] = !file[at];
        assert!(verdict(&changed).is_err(), "byte {at}");
        changed[at] = file[at];
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let file = small_file("tests 1");
    for end in 0..file.len() {
        assert_eq!(
            verdict(&file[..end]),
            Err(SnapshotErrorKind::Truncated),
            "{end}"
        );
    }
    let twice = [&file[..], &file[..]].concat();
    for end in file.len() + 1..twice.len() {
        assert_eq!(verdict(&twice[..end]), Err(SnapshotErrorKind::Excess));
    }
}

/// The places where blocks begin, and the end.
fn blocks(file: &[u8]) -> Vec<usize> {
    let mut places = vec![96];
    while let Some(&at) = places.last().filter(|&&at| at < file.len()) {
        let length: [u8; 4] = file[at + 4..at + 8].try_into().expect("four bytes");
        places.push(at + 12 + u32::from_le_bytes(length) as usize);
    }
    places
}

#[test]
fn block_that_is_missing_moved_or_of_another_file_is_refused() {
    let (file, other) = (small_file("tests 1"), small_file("tests 2"));
    let places = blocks(&file);
    assert_eq!(places.len(), 7);
    for pair in places.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let missing = [&file[..start], &file[end..]].concat();
        assert!(verdict(&missing).is_err(), "{start}");
        let twice = [&file[..end], &file[start..]].concat();
        assert!(verdict(&twice).is_err(), "{start}");
        let foreign = [&file[..start], &other[start..end], &file[end..]].concat();
        assert_eq!(verdict(&foreign), Err(SnapshotErrorKind::Damaged));
    }
    for three in places.windows(3) {
        let swapped = [
            &file[..three[0]],
            &file[three[1]..three[2]],
            &file[three[0]..three[1]],
            &file[three[2]..],
        ];
        assert!(verdict(&swapped.concat()).is_err(), "{}", three[0]);
    }
}

#[test]
fn messages_say_what_is_wrong_and_where() {
    let file = small_file("tests 1");
    let message = |file: &[u8]| load(file, &store(|_| ())).unwrap_err().to_string();
    assert_eq!(
        message(b"root:x:0:0"),
        "not a snapshot of a steadfast store"
    );
    let mut newer = file.clone();
    newer[8] = 3;
    assert_eq!(
        message(&newer),
        "format 3 is newer than 2, the newest known here"
    );
    newer[8] = 0;
    assert_eq!(
        message(&newer),
        "format 0 is older than 1, the oldest known here"
    );
    let mut damaged = file.clone();
    damaged[120] ^= 1;
    assert_eq!(
        message(&damaged),
        "damaged: the check fails for the part at byte 96"
    );
    assert_eq!(
        message(&file[..200]),
        "cut off after byte 200, before its end mark"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the pieces in which the file comes in.
    #[test]
    fn items_come_back_however_the_file_is_cut(
        items in prop::collection::btree_map(
            prop::collection::vec(any::<u8>(), 1..20),
            (prop_oneof![9 => 0_usize..300, 1 => 60_000_usize..200_000], any::<u8>(), any::<u32>(),
             prop::option::of(501_u32..600)),
            0..60,
        ),
        cut in 1_usize..70_000,
    ) {
        let old = store(|_| ());
        for (key, (bytes, fill, flags, end)) in &items {
            put(&old, key, &vec![*fill; *bytes], *flags, *end);
        }
        let file = save(&old);
        let new = store(|settings| settings.stripes = 2);
        let mut loader = Loader::new(&new, AFTER);
        let (mut start, mut end) = (0, 0);
        while end < file.len() {
            end = (end + cut).min(file.len());
            start += loader.handle_input(&file[start..end]).unwrap();
            prop_assert!(end - start < Reader::INPUT_BYTES_MAX);
        }
        let loaded = loader.finish(end - start).unwrap();
        new.check_invariants();
        let gone = items.values().filter(|item| item.3.is_some_and(|end| end <= 507)).count();
        prop_assert_eq!((loaded.items, loaded.expired), ((items.len() - gone) as u64, gone as u64));
        for (key, (bytes, fill, flags, end)) in &items {
            let expected = end.is_none_or(|end| end > 507).then(|| {
                (vec![*fill; *bytes], *flags, end.map(|end| end - 507 + 2))
            });
            let seen = seen(&new, key).map(|(value, flags, _, end)| (value, flags, end));
            prop_assert!(seen == expected);
        }
    }
}
