//! What is free in a range of addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The free places of a range that starts at 0: holes, none of which touches another.
///
/// Taking and giving cost O(log holes).
#[derive(Debug)]
pub(super) struct Holes {
    /// End by start.
    ends: BTreeMap<usize, usize>,
    /// Length and start.
    sizes: BTreeSet<(usize, usize)>,
}

impl Holes {
    /// Makes one hole of the whole range.
    pub(super) fn new(bytes: usize) -> Self {
        let mut holes = Self {
            ends: BTreeMap::new(),
            sizes: BTreeSet::new(),
        };
        holes.add(0..bytes);
        holes
    }

    /// Takes `bytes` from the smallest hole that has them, the first of several; returns what was
    /// taken, and the hole as it was.
    pub(super) fn take(&mut self, bytes: usize) -> Option<(Range<usize>, Range<usize>)> {
        let &(len, start) = self.sizes.range((bytes, 0)..).next()?;
        let (hole, taken) = (start..start + len, start..start + bytes);
        self.remove(&hole);
        self.add(taken.end..hole.end);
        Some((taken, hole))
    }

    /// Gives back what was taken, and returns the hole that it is part of now.
    ///
    /// # Panics
    ///
    /// In debug builds, if part of it is free.
    pub(super) fn give(&mut self, given: Range<usize>) -> Range<usize> {
        let mut hole = given.clone();
        let before = self.ends.range(..given.start).next_back();
        if let Some((&start, &end)) = before {
            debug_assert!(end <= given.start, "{given:?} meets a hole to {end}");
            if end == given.start {
                self.remove(&(start..end));
                hole.start = start;
            }
        }
        let after = self.ends.range(given.start..).next();
        if let Some((&start, &end)) = after {
            debug_assert!(start >= given.end, "{given:?} meets a hole from {start}");
            if start == given.end {
                self.remove(&(start..end));
                hole.end = end;
            }
        }
        self.add(hole.clone());
        hole
    }

    fn add(&mut self, hole: Range<usize>) {
        if !hole.is_empty() {
            self.ends.insert(hole.start, hole.end);
            self.sizes.insert((hole.len(), hole.start));
        }
    }

    fn remove(&mut self, hole: &Range<usize>) {
        self.ends.remove(&hole.start);
        self.sizes.remove(&(hole.len(), hole.start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_hole_that_fits_is_used() {
        let mut holes = Holes::new(1000);
        for bytes in [100, 50, 300, 70, 200] {
            holes.take(bytes).unwrap();
        }
        assert_eq!(holes.give(0..100), 0..100);
        assert_eq!(holes.give(150..450), 150..450);
        assert_eq!(holes.take(80), Some((0..80, 0..100)));
        assert_eq!(holes.take(90), Some((720..810, 720..1000)));
        assert_eq!(holes.take(20), Some((80..100, 80..100)));
        assert_eq!(holes.take(301), None);
        assert_eq!(holes.take(300), Some((150..450, 150..450)));
    }

    #[test]
    fn neighbours_become_one_hole() {
        let mut holes = Holes::new(300);
        for _ in 0..3 {
            holes.take(100).unwrap();
        }
        assert_eq!(holes.give(0..100), 0..100);
        assert_eq!(holes.give(200..300), 200..300);
        assert_eq!(holes.give(100..200), 0..300);
        assert_eq!(holes.take(300), Some((0..300, 0..300)));
    }

    /// Numbers without a pattern, the same in each run.
    struct Lots(u64);

    impl Lots {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound as u64) as usize
        }
    }

    #[test]
    fn holes_match_a_map_of_single_places() {
        const PLACES: usize = 200;
        let (mut holes, mut is_free) = (Holes::new(PLACES), [true; PLACES]);
        let (mut taken, mut lots) = (Vec::<Range<usize>>::new(), Lots(7));
        for _ in 0..20_000 {
            if lots.below(2) == 0 || taken.is_empty() {
                let bytes = 1 + lots.below(30);
                let fits = is_free
                    .windows(bytes)
                    .any(|run| run.iter().all(|&free| free));
                let place = holes.take(bytes);
                assert_eq!(place.is_some(), fits);
                let Some((place, hole)) = place else { continue };
                assert!(hole.start <= place.start && place.end <= hole.end);
                assert!(hole.clone().all(|place| is_free[place]));
                assert!(hole.start == 0 || !is_free[hole.start - 1]);
                assert!(hole.end == PLACES || !is_free[hole.end]);
                is_free[place.clone()].fill(false);
                taken.push(place);
            } else {
                let place = taken.swap_remove(lots.below(taken.len()));
                is_free[place.clone()].fill(true);
                let hole = holes.give(place);
                assert!(hole.clone().all(|place| is_free[place]));
                assert!(hole.start == 0 || !is_free[hole.start - 1]);
                assert!(hole.end == PLACES || !is_free[hole.end]);
            }
        }
    }
}
