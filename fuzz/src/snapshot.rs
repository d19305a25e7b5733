//! Snapshots: bytes to items, and items to bytes to items.

use std::collections::BTreeMap;

use steadfast_store::snapshot::{Clocks, Loaded, Loader, Reader, Saver, SnapshotError};
use steadfast_store::{Attributes, Condition, Expiry, NewItem, Settings, Store, Timestamp};

use crate::input::Input;

/// Reads `data` as a file, as the blocks of one, or as items; the first byte says which.
pub fn snapshot(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else {
        return;
    };
    match kind % 3 {
        0 => file(rest),
        1 => file(&checked(rest)),
        _ => items(rest),
    }
}

/// Any bytes are refused or read, the same however they are cut; what was read is written and read
/// again as it was.
fn file(bytes: &[u8]) {
    let store = empty();
    let whole = load(bytes, bytes.len().max(1), &store);
    let cut = load(bytes, 7, &empty());
    assert_eq!(whole, cut, "the verdict depends on the pieces");
    store.check_invariants();
    let Ok(loaded) = whole else { return };
    assert!(store.stats().items <= loaded.items);
    let before = contents(&store);
    let again = roomy();
    let loaded = load(&save(&store), 100_000, &again).expect("what is written can be read");
    assert_eq!(loaded.items, before.len() as u64);
    assert!(contents(&again) == before, "items are not what they were");
}

/// Makes a file of blocks (a kind, a length, a payload), every check of which is right: so the
/// fuzzer comes behind them. Made from the documentation of the form, not by its code.
fn checked(data: &[u8]) -> Vec<u8> {
    let mut input = Input::new(data);
    let mut file = b"\x8aSFSNAP\n".to_vec();
    let byte = input.byte();
    let version = 1 + (byte >> 7);
    file.extend([version, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(UNIX_SECS.to_le_bytes());
    file.extend(u64::from(byte).to_le_bytes());
    file.extend([0; 60]);
    let check = crc32fast::hash(&file).to_le_bytes();
    file.extend(check);
    let mut number = 0_u64;
    while !input.is_empty() {
        let (kind, length) = (input.byte(), input.byte());
        let payload = input.bytes(length.into());
        let mut front = u32::from(kind).to_le_bytes().to_vec();
        front.extend((payload.len() as u32).to_le_bytes());
        let checked = [&check[..], &number.to_le_bytes(), &front, payload].concat();
        file.extend(&front);
        file.extend(crc32fast::hash(&checked).to_le_bytes());
        file.extend(payload);
        number += 1;
    }
    file
}

/// Items come back as they were; and not if a single byte is changed.
fn items(data: &[u8]) {
    let mut input = Input::new(data);
    let store = empty();
    let (place, change) = (input.byte(), input.byte().max(1));
    while !input.is_empty() {
        let key_bytes = usize::from(input.byte() % 32) + 1;
        let key = input.bytes(key_bytes);
        let (length, fill) = (input.byte(), input.byte());
        // A few are large: their values come in pieces of their own.
        let value_bytes = match length {
            short @ 0..=250 => usize::from(short),
            long => usize::from(long - 250) * 40_000,
        };
        let expiry = match input.byte() {
            0 => Expiry::NEVER,
            life => Expiry::at(Timestamp::from_secs(NOW.as_secs() + u32::from(life))),
        };
        let value = vec![fill; value_bytes];
        let attributes = Attributes::new(fill.into(), expiry);
        let _ = store.put(
            key,
            NewItem::new(&value, attributes),
            Condition::Always,
            NOW,
        );
    }
    let before = contents(&store);
    let mut file = save(&store);
    assert_eq!(store.stats().items, 0, "what is written is removed");
    let again = roomy();
    let loaded = load(&file, 100_000, &again).expect("what is written can be read");
    assert_eq!(loaded.items, before.len() as u64);
    assert!(contents(&again) == before, "items are not what they were");
    let at = usize::from(place) * (file.len() - 1) / 255;
    file[at] ^= change;
    assert!(
        load(&file, 100_000, &empty()).is_err(),
        "a change passed unnoticed"
    );
}

fn empty() -> Store {
    sized(2 << 20)
}

/// Where all comes back that such a store held, in whatever order.
fn roomy() -> Store {
    sized(8 << 20)
}

fn sized(memory_bytes_max: usize) -> Store {
    let mut settings = Settings::default();
    settings.stripes = 2;
    settings.memory_bytes_max = memory_bytes_max;
    settings.item_bytes_max = 512 << 10;
    Store::new(settings).expect("the settings are valid")
}

fn save(store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    let mut saver = Saver::new(store, "fuzz", Clocks::new(NOW, UNIX_SECS));
    while saver.poll_output(&mut file) {}
    file
}

fn load(file: &[u8], piece_bytes: usize, store: &Store) -> Result<Loaded, SnapshotError> {
    let mut loader = Loader::new(store, Clocks::new(NOW, UNIX_SECS));
    let (mut start, mut end) = (0, 0);
    while end < file.len() {
        end = (end + piece_bytes).min(file.len());
        start += loader.handle_input(&file[start..end])?;
        assert!(
            piece_bytes > Reader::INPUT_BYTES_MAX || end - start <= Reader::INPUT_BYTES_MAX,
            "it asks for more than it says"
        );
    }
    loader.finish(end - start)
}

/// Value, flags, id and expiry under each key.
type Contents = BTreeMap<Vec<u8>, (Vec<u8>, u32, u64, Option<u32>)>;

fn contents(store: &Store) -> Contents {
    let mut contents = Contents::new();
    let mut cursor = Some(Default::default());
    while let Some(from) = cursor {
        cursor = store.walk(from, NOW, |entry| {
            let end = entry.expiry().time().map(Timestamp::as_secs);
            let seen = (
                entry.value().to_vec(),
                entry.flags(),
                entry.cas().get(),
                end,
            );
            contents.insert(entry.key().to_vec(), seen);
        });
    }
    contents
}

const NOW: Timestamp = Timestamp::from_secs(100);
const UNIX_SECS: u64 = 1_700_000_000;
