//! Counters, and what they add up to.

use crate::size::CLASSES;
use crate::stripe::Counters;

/// The store's figures at one moment, summed over the stripes one after the other.
///
/// Names follow memcached's `stats`; counters count since the start or the last
/// [`Store::reset_counters`](crate::Store::reset_counters).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Items in the store, expired ones that nobody has met yet included (`curr_items`).
    pub items: u64,
    /// Items ever stored, new values by `update` and `extend` included (`total_items`).
    pub items_total: u64,
    /// Sum of the items' sizes by memcached's formula (`bytes`).
    pub bytes: u64,
    /// Items evicted to make room (`evictions`).
    pub evictions: u64,
    /// Evicted items that were never read (`evicted_unfetched`).
    pub evicted_unfetched: u64,
    /// Expired items that were never read (`expired_unfetched`).
    pub expired_unfetched: u64,
    /// Expired or flushed items removed to make room (`reclaimed`).
    pub reclaimed: u64,
    /// Expired items removed by `sweep` (`crawler_reclaimed`).
    pub swept: u64,
    /// Items that `sweep` has looked at (`crawler_items_checked`).
    pub sweep_checked: u64,
    /// Look-ups that met an expired item (`get_expired`).
    pub get_expired: u64,
    /// Look-ups that met a flushed item (`get_flushed`).
    pub get_flushed: u64,
    /// Items passed over by eviction because a reader held them (`lrutail_reflocked`).
    pub tail_held: u64,
    /// Stores refused for lack of memory (`outofmemory` of the classes).
    pub no_room: u64,
    /// The memory budget (`limit_maxbytes`), or what it is to become.
    pub memory_bytes_max: u64,
    /// Memory in use or set aside, everything included; never above the budget, which may take a few
    /// sweeps to shrink.
    pub memory_bytes: u64,
    /// Of it, reserved for values being received or held by readers.
    pub held_bytes: u64,
    /// Of it, the index (`hash_bytes`).
    pub index_bytes: u64,
    /// Buckets of the index over all stripes; its base-2 logarithm is `hash_power_level`.
    pub index_buckets: u64,
}

/// The figures of one of memcached's size classes, as `stats items` and `stats slabs` show them.
///
/// Sizes decide nothing in this store; the classes are for reports only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassStats {
    /// Items of this class (`number`, `used_chunks`).
    pub items: u64,
    /// Sum of their sizes by memcached's formula (`mem_requested`).
    pub bytes: u64,
    /// Seconds since the least recently used of them was used (`age`); looked for among the
    /// oldest items of each stripe only, else 0.
    pub age_secs: u32,
    /// Items evicted (`evicted`).
    pub evicted: u64,
    /// Of them, items that had an expiry (`evicted_nonzero`).
    pub evicted_nonzero: u64,
    /// Of them, items that were never read (`evicted_unfetched`).
    pub evicted_unfetched: u64,
    /// Seconds since its last use that the latest evicted item had (`evicted_time`).
    pub evicted_age_secs: u32,
    /// Stores refused for lack of memory (`outofmemory`).
    pub no_room: u64,
    /// Expired or flushed items removed to make room (`reclaimed`).
    pub reclaimed: u64,
    /// Expired items that were never read (`expired_unfetched`).
    pub expired_unfetched: u64,
    /// Expired items removed by `sweep` (`crawler_reclaimed`).
    pub swept: u64,
    /// Items that `sweep` has looked at (`crawler_items_checked`).
    pub sweep_checked: u64,
    /// Items passed over by eviction because a reader held them (`lrutail_reflocked`).
    pub tail_held: u64,
}

/// One [`ClassStats`] for each of memcached's classes; class 1 is at index 0.
pub type ClassTable = [ClassStats; CLASSES];

impl Stats {
    pub(crate) fn add_stripe(&mut self, counters: &Counters, classes: &ClassTable) {
        self.items_total += counters.items_total;
        self.get_expired += counters.get_expired;
        self.get_flushed += counters.get_flushed;
        for class in classes {
            self.items += class.items;
            self.bytes += class.bytes;
            self.evictions += class.evicted;
            self.evicted_unfetched += class.evicted_unfetched;
            self.expired_unfetched += class.expired_unfetched;
            self.reclaimed += class.reclaimed;
            self.swept += class.swept;
            self.sweep_checked += class.sweep_checked;
            self.tail_held += class.tail_held;
            self.no_room += class.no_room;
        }
    }
}

impl ClassStats {
    pub(crate) fn add(&mut self, other: &Self) {
        self.items += other.items;
        self.bytes += other.bytes;
        self.evicted += other.evicted;
        self.evicted_nonzero += other.evicted_nonzero;
        self.evicted_unfetched += other.evicted_unfetched;
        self.evicted_age_secs = self.evicted_age_secs.max(other.evicted_age_secs);
        self.no_room += other.no_room;
        self.reclaimed += other.reclaimed;
        self.expired_unfetched += other.expired_unfetched;
        self.swept += other.swept;
        self.sweep_checked += other.sweep_checked;
        self.tail_held += other.tail_held;
    }
}
