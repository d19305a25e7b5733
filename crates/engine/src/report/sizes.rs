//! `stats sizes`: how many items there are of each size.

use std::collections::BTreeMap;

use steadfast_store::Cursor;

use super::Report;
use crate::{Engine, Now};

/// Items counted by size, in a walk over all of them.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// Where the walk goes on; none at its end.
    from: Option<Cursor>,
    /// How many items there are of up to so many steps of [`STEP_BYTES`]. The item limit bounds it.
    counts: BTreeMap<u32, u64>,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            from: Some(Cursor::default()),
            counts: BTreeMap::new(),
        }
    }
}

impl Sizes {
    /// Walks on, a bounded number of items, each of whose stripes is locked for a moment; true at
    /// the end.
    pub(crate) fn step(&mut self, engine: &Engine, now: Now) -> bool {
        for _ in 0..WALK_STEPS {
            let Some(from) = self.from else { break };
            let counts = &mut self.counts;
            self.from = engine.store().walk(from, now.timestamp, |entry| {
                let steps = entry.item_bytes().div_ceil(STEP_BYTES);
                *counts.entry(steps as u32).or_default() += 1;
            });
        }
        self.from.is_none()
    }

    /// Shows each size, rounded up, and how many items have it.
    pub(crate) fn visit(&self, visit: &mut dyn FnMut(&str, &str)) {
        let mut report = Report::new(visit);
        for (&steps, count) in &self.counts {
            report.stat(u64::from(steps) * STEP_BYTES as u64, count);
        }
    }
}

/// memcached's step of sizes.
const STEP_BYTES: usize = 32;
/// 64 items each: some tens of microseconds.
const WALK_STEPS: usize = 32;
