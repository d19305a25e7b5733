use std::thread;

use super::*;
use crate::budget::Budget;

const CAS: CasId = CasId::new(7);

fn account() -> Arc<Account> {
    Account::new(Arc::new(Budget::new(1 << 20)))
}

fn linked(key: &[u8], value: &[u8]) -> Linked {
    let mut block = Unique::new(key, value.len(), 5).unwrap();
    block.value_mut().copy_from_slice(value);
    block.set_cas(CAS);
    block.into_linked()
}

#[test]
fn a_block_keeps_what_was_filled_in() {
    for value_bytes in [0, 1, 7, 8, 100, 5000, 300_000] {
        for key in [&b"k"[..], &[b'x'; 255]] {
            let mut block = Unique::new(key, value_bytes, 5).unwrap();
            assert!(block.value().iter().all(|&byte| byte == 0));
            block.value_mut().fill(b'v');
            assert_eq!(block.memory_bytes(), memory_bytes(key.len(), value_bytes));
            let block = block.into_linked();
            assert_eq!(
                (block.key(), block.value()),
                (key, &vec![b'v'; value_bytes][..])
            );
            assert_eq!(block.flags(), 5);
        }
    }
}

#[test]
fn a_reader_keeps_the_block_and_its_bytes_on_the_books() {
    let account = account();
    let block = linked(b"key", b"value");
    let bytes = block.memory_bytes();
    assert!(account.budget().try_take(bytes));
    let first = block.lend(&account).unwrap();
    let second = block.lend(&account).unwrap();
    assert_eq!(account.budget().held(), bytes);
    assert!(!block.unlink());
    assert_eq!(
        (first.key(), first.value(), first.cas()),
        (&b"key"[..], &b"value"[..], CAS)
    );
    drop(first);
    assert_eq!(
        (account.budget().used(), account.budget().held()),
        (bytes, bytes)
    );
    drop(second);
    assert_eq!((account.budget().used(), account.budget().held()), (0, 0));
}

#[test]
fn a_reader_that_leaves_first_frees_nothing() {
    let account = account();
    let block = linked(b"key", b"value");
    drop(block.lend(&account).unwrap());
    assert_eq!(account.budget().held(), 0);
    assert_eq!(block.value(), b"value");
    assert!(block.unlink());
}

#[test]
fn a_block_is_written_in_place_only_without_readers() {
    let account = account();
    let mut block = linked(b"key", b"a value of some length");
    block.mark_read();
    let reader = block.lend(&account).unwrap();
    assert!(!block.overwrite(b"new", 1, CasId::new(8)));
    assert_eq!(reader.value(), b"a value of some length");
    drop(reader);
    assert!(block.overwrite(b"new", 1, CasId::new(8)));
    assert_eq!(
        (block.key(), block.value(), block.flags()),
        (&b"key"[..], &b"new"[..], 1)
    );
    assert_eq!(block.cas(), CasId::new(8));
    assert!(!block.was_read());
    assert!(!block.overwrite(&[0; 100], 1, CasId::new(9)));
}

#[test]
fn a_value_may_grow_into_the_spare_room() {
    let mut block = linked(b"k", b"");
    let spare = room_bytes(1, 0) - 2;
    let value = vec![b'x'; spare];
    assert!(block.overwrite(&value, 0, CAS));
    assert_eq!(block.value(), value);
    assert!(!block.overwrite(&vec![b'x'; spare + 1], 0, CAS));
}

#[test]
fn reading_is_remembered_beside_the_count() {
    let account = account();
    let block = linked(b"k", b"v");
    assert!(!block.mark_read());
    assert!(block.mark_read());
    let reader = block.lend(&account).unwrap();
    assert!(block.has_readers());
    drop(reader);
    assert!(block.was_read() && !block.has_readers());
    assert!(block.unlink());
}

#[test]
fn readers_that_come_at_once_are_on_the_books_once() {
    let account = account();
    let block = linked(b"key", b"value");
    let come_and_go = || {
        for _ in 0..20_000 {
            drop(block.lend(&account));
        }
    };
    thread::scope(|scope| {
        scope.spawn(come_and_go);
        scope.spawn(come_and_go);
    });
    assert_eq!(account.budget().held(), 0);
    assert!(block.unlink());
}

#[test]
fn a_detached_block_is_on_no_books() {
    let mut block = Unique::new(b"k", 1, 0).unwrap();
    block.value_mut().copy_from_slice(b"v");
    let lent = block.into_lent();
    assert_eq!(lent.value(), b"v");
}
