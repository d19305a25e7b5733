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
    drop(block);
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
    let reader = block.lend().unwrap();
    assert!(block.has_readers());
    drop(reader);
    assert!(!block.has_readers());
    assert_eq!(pool.budget().held(), 0);
    assert_eq!(block.value(), b"value");
    drop(block);
    assert_eq!(used(&pool), 0);
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
    drop(block);
    assert_eq!(used(&pool), 0);
}
