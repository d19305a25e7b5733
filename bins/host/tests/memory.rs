//! What the allocator keeps. Without the test harness, whose threads would have heaps already.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::fs;
use std::sync::Barrier;
use std::thread;

use steadfast_host::memory;

const THREADS: usize = 4;
const BLOCK_BYTES: usize = 2000;
const BLOCKS: usize = 16_000;

fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let figure = line.unwrap().split_whitespace().nth(1);
    figure.unwrap().parse().unwrap()
}

fn main() {
    memory_that_one_thread_frees_serves_the_others();
}

fn memory_that_one_thread_frees_serves_the_others() {
    memory::share_one_heap();
    let before = resident_kib();
    let round = Barrier::new(THREADS);
    let fill = &|number| {
        let mut last = None;
        for present in 0..THREADS {
            round.wait();
            if present == number {
                let mut blocks: Vec<_> = (0..BLOCKS).map(|_| vec![1_u8; BLOCK_BYTES]).collect();
                // One stays, at the end of the heap, so that nothing goes back to the system.
                last = blocks.pop();
            }
        }
        last
    };
    let kept: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| scope.spawn(move || fill(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let grown = resident_kib() - before;
    let once = BLOCKS * BLOCK_BYTES / 1024;
    assert!(grown < 2 * once, "{grown} KiB for {once} KiB in turn");
    drop(kept);
}
