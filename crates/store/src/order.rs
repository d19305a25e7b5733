//! The order of eviction: which segment is reclaimed next, and what becomes of its items.
//!
//! Pure data: the stripe tells what happened, and does what it is told. Two orders:
//!
//! - [`Fifo`], resistant to scans: S3-FIFO (Yang, Zhang, Qiu, Yue, Vigfusson: "FIFO queues are all
//!   you need for cache eviction", SOSP 2023), kept for segments of items and not for single ones. A
//!   hit changes a two-bit counter in the item and nothing else.
//! - [`Lru`], exact recency, in a side table that exists only where it is asked for.

mod fifo;
mod ghost;
mod lru;

pub(crate) use self::fifo::{Fate, Fifo, Queue};
pub(crate) use self::lru::Lru;

/// Tells whether a segment filled up to `end` has so little left in it that its live items are
/// copied as they are, which wins back enough without evicting any.
pub(crate) fn is_sparse(live_bytes: usize, end: usize) -> bool {
    live_bytes * 100 < end * SPARSE_PERCENT
}

const SPARSE_PERCENT: usize = 60;
