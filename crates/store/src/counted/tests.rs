use std::sync::Arc;
use std::thread;

use super::*;
use crate::budget::Budget;
use crate::memory::Heap;

fn pool() -> Arc<Pool> {
    Pool::new(Arc::new(Heap), Budget::new(1 << 20), 4096, 0)
}

fn unique(pool: &Arc<Pool>, key: &[u8], value: &[u8]) -> Unique {
    let extent = pool.extent(block_bytes(key.len(), value.len())).unwrap();
    let mut block = Unique::new(extent, key, value.len());
    block.value_mut().copy_from_slice(value);
    block
}

fn linked(pool: &Arc<Pool>, key: &[u8], value: &[u8]) -> Linked {
    unique(pool, key, value).into_linked()
}

/// All that is in use by someone.
fn used(pool: &Pool) -> usize {
    pool.budget().used() - pool.idle_bytes()
}

#[test]
fn a_block_keeps_what_was_filled_in() {
    let pool = pool();
    for value_bytes in [0, 1, 7, 8, 100, 5000, 300_000] {
        for key in [&b"k"[..], &[b'x'; 255]] {
            let value = vec![b'v'; value_bytes];
            let block = unique(&pool, key, &value);
            assert_eq!((block.key(), block.value()), (key, &value[..]));
            let block = block.into_linked();
            assert_eq!((block.key(), block.value()), (key, &value[..]));
        }
    }
    assert_eq!(used(&pool), 0);
}

#[test]
fn a_block_that_is_never_stored_gives_its_memory_back() {
    let pool = pool();
    drop(unique(&pool, b"key", b"value"));
    assert_eq!(used(&pool), 0);
}

#[test]
fn a_reader_keeps_the_block_and_its_bytes_on_the_books() {
    let pool = pool();
    let block = linked(&pool, b"key", b"value");
    let bytes = block.memory_bytes();
    let first = block.lend().unwrap();
    let second = block.lend().unwrap();
    assert_eq!(pool.budget().held(), bytes);
    assert!(!block.unlink());
    assert_eq!((first.key(), first.value()), (&b"key"[..], &b"value"[..]));
    drop(first);
    assert_eq!((used(&pool), pool.budget().held()), (bytes, bytes));
    drop(second);
    assert_eq!((used(&pool), pool.budget().held()), (0, 0));
}

#[test]
fn a_reader_that_leaves_first_frees_nothing() {
    let pool = pool();
    let block = linked(&pool, b"key", b"value");
    drop(block.lend().unwrap());
    assert_eq!(pool.budget().held(), 0);
    assert_eq!(block.value(), b"value");
    assert!(block.unlink());
}

#[test]
fn a_block_is_written_in_place_only_without_readers() {
    let pool = pool();
    let mut block = linked(&pool, b"key", b"a value of some length");
    let reader = block.lend().unwrap();
    assert!(!block.overwrite(b"new"));
    assert_eq!(reader.value(), b"a value of some length");
    drop(reader);
    assert!(block.overwrite(b"new"));
    assert!(!block.has_readers());
    assert_eq!((block.key(), block.value()), (&b"key"[..], &b"new"[..]));
    assert!(!block.overwrite(&[0; 4096]));
}

#[test]
fn a_value_may_grow_into_the_spare_room() {
    let pool = pool();
    let mut block = linked(&pool, b"k", b"");
    let spare = pool.extent(block_bytes(1, 0)).unwrap().len() - block_bytes(1, 0);
    let value = vec![b'x'; spare];
    assert!(block.overwrite(&value));
    assert_eq!(block.value(), value);
    assert!(!block.overwrite(&vec![b'x'; spare + 1]));
}

#[test]
fn readers_that_come_at_once_are_on_the_books_once() {
    let pool = pool();
    let block = linked(&pool, b"key", b"value");
    let come_and_go = || {
        for _ in 0..20_000 {
            drop(block.lend());
        }
    };
    thread::scope(|scope| {
        scope.spawn(come_and_go);
        scope.spawn(come_and_go);
    });
    assert_eq!(pool.budget().held(), 0);
    assert!(block.unlink());
}
