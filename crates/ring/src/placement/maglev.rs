//! Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", section 3.4.

use alloc::vec::Vec;

use twox_hash::XxHash64;

use super::Seat;

/// The size of the table: the small prime of the paper, and Envoy's.
pub(super) const SLOTS: u64 = 65_537;

/// The hash of `key` and its slot.
pub(crate) fn slot(key: &[u8]) -> (u64, usize) {
    let hash = XxHash64::oneshot(0, key);
    (hash, (hash % SLOTS) as usize)
}

/// Fills the table: the nodes take turns, each claiming the next free slot of its own permutation.
///
/// About `SLOTS` x ln(`SLOTS`) steps.
pub(super) fn table(seats: &[Seat<'_>]) -> Vec<u32> {
    let mut turns: Vec<Turn> = seats.iter().map(Turn::new).collect();
    let mut table = alloc::vec![FREE; SLOTS as usize];
    let mut free = table.len();
    loop {
        for turn in &mut turns {
            while table[turn.at as usize] != FREE {
                turn.step();
            }
            table[turn.at as usize] = turn.node;
            free -= 1;
            if free == 0 {
                return table;
            }
        }
    }
}

/// A node going through its permutation of the slots.
struct Turn {
    node: u32,
    at: u64,
    skip: u64,
}

impl Turn {
    fn new(seat: &Seat<'_>) -> Self {
        let name = seat.name.as_bytes();
        Self {
            node: seat.index,
            at: XxHash64::oneshot(0, name) % SLOTS,
            skip: XxHash64::oneshot(1, name) % (SLOTS - 1) + 1,
        }
    }

    fn step(&mut self) {
        self.at = (self.at + self.skip) % SLOTS;
    }
}

const FREE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::Weight;

    #[test]
    fn slots_are_shared_out_evenly_and_few_change_hands() {
        let names: Vec<_> = (0..10).map(|node| format!("10.0.0.{node}:11211")).collect();
        let seats: Vec<_> = names
            .iter()
            .zip(0..)
            .map(|(name, index)| Seat {
                name,
                weight: Weight::ONE,
                index,
            })
            .collect();
        let whole = table(&seats);
        for node in 0..10 {
            let slots = whole.iter().filter(|&&owner| owner == node).count();
            assert!((6553..=6554).contains(&slots), "{slots}");
        }
        let less = table(&seats[..9]);
        let moved = whole
            .iter()
            .zip(&less)
            .filter(|(was, is)| **was != 9 && was != is);
        // The paper's figure 8: a few percent beside the tenth that must move.
        assert!(moved.count() < 65_537 / 20);
    }
}
