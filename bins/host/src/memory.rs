//! How this process keeps its memory: the allocator's heap, and pages of our own.

use crate::system;

mod holes;
mod pages;

pub use pages::{PageSize, Pages};

/// Makes all threads allocate from one heap.
///
/// For daemons in which one thread frees what another has allocated, as a cache that evicts does.
/// By default glibc gives each thread a heap, and a block that is freed goes back to the heap it
/// came from, where the thread that freed it does not look: with four threads a cache grew to three
/// times the memory that it had in use.
///
/// For threads that have not yet allocated: call it before they start. A second call changes
/// nothing; other allocators than glibc's are left as they are.
pub fn share_one_heap() {
    system::share_one_heap();
}
