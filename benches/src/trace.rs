//! Traces: what a population of visitors asks a cache for, the same in each run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::keys::{Zipf, mix, uniform};

/// One request of a trace, read through: a miss is followed by a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "traces build it, caches read it")]
pub struct Request {
    /// Index of the key.
    pub key: u64,
    /// Bytes of the value under it, always the same for one key.
    pub value_bytes: usize,
    /// Whether the value is stored again even after a hit, as PHP saves a session.
    pub saves: bool,
}

/// A trace by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trace {
    /// Zipf 0.99, values of 1 KB.
    Zipf99,
    /// Zipf 0.8, values of 1 KB.
    Zipf80,
    /// Zipf 0.9, values of [`mixed_bytes`].
    Mixed,
    /// Zipf 0.99, values of 1 KB; a quarter of the requests are for keys that never come again.
    OneHit,
    /// Sessions that are visited, saved at each visit, and end after 20 visits or so. Half of the
    /// visits follow soon after the one before, half after a long pause.
    Sessions,
}

impl Trace {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Zipf99,
        Self::Zipf80,
        Self::Mixed,
        Self::OneHit,
        Self::Sessions,
    ];

    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zipf99 => "zipf99",
            Self::Zipf80 => "zipf80",
            Self::Mixed => "mixed",
            Self::OneHit => "one-hit",
            Self::Sessions => "sessions",
        }
    }

    /// The requests, without end, for a cache of `memory_bytes`: the key space is ten times what
    /// fits; of sessions, one and a half times what fits are alive at a time.
    #[must_use]
    pub fn requests(self, memory_bytes: usize) -> Box<dyn Iterator<Item = Request>> {
        let fitting = memory_bytes / (VALUE_BYTES + ITEM_OVERHEAD_BYTES);
        match self {
            Self::Zipf99 => zipf(10 * fitting, 0.99, |_| VALUE_BYTES),
            Self::Zipf80 => zipf(10 * fitting, 0.8, |_| VALUE_BYTES),
            Self::Mixed => zipf(10 * fitting, 0.9, mixed_bytes),
            Self::OneHit => {
                let mut popular = zipf(10 * fitting, 0.99, |_| VALUE_BYTES);
                let all = (0_u64..).filter_map(move |place| {
                    if !mix(place ^ 0x0e1).is_multiple_of(4) {
                        return popular.next();
                    }
                    Some(Request {
                        key: ONE_HIT_KEYS + place,
                        value_bytes: VALUE_BYTES,
                        saves: false,
                    })
                });
                Box::new(all)
            }
            Self::Sessions => Box::new(Sessions::new(fitting as u64 * 3 / 2)),
        }
    }
}

/// Zipf-distributed requests over `count` keys.
pub fn zipf(
    count: usize,
    exponent: f64,
    value_bytes: fn(u64) -> usize,
) -> Box<dyn Iterator<Item = Request>> {
    let zipf = Zipf::new(count, exponent);
    Box::new((0..).map(move |place| {
        let key = u64::from(zipf.draw(place));
        Request {
            key,
            value_bytes: value_bytes(key),
            saves: false,
        }
    }))
}

/// Bytes of the value under this key where sizes are mixed: log-normal, median 500, mean about 900,
/// from 16 bytes to 60 KB.
#[must_use]
pub fn mixed_bytes(key: u64) -> usize {
    log_normal_bytes(key, 500.0).clamp(16, 60_000)
}

/// A log-normal size with this median that depends on `seed` only.
#[must_use]
pub fn log_normal_bytes(seed: u64, median: f64) -> usize {
    // Box-Muller; the first number must not be zero.
    let radius = (-2.0 * (1.0 - uniform(seed ^ 0x0517e)).ln()).sqrt();
    let normal = radius * (std::f64::consts::TAU * uniform(seed ^ 0xb0c5)).cos();
    (median * (SIZE_SIGMA * normal).exp()) as usize
}

#[derive(Debug)]
struct Sessions {
    // When each live session is visited next, counted in requests, and its key.
    due: BinaryHeap<Reverse<(u64, u64)>>,
    now: u64,
    begun: u64,
    pause_mean: f64,
}

impl Sessions {
    /// In the long run `alive` sessions at a time: each request visits one of them.
    fn new(alive: u64) -> Self {
        Self {
            due: BinaryHeap::new(),
            now: 0,
            begun: 0,
            pause_mean: alive as f64,
        }
    }
}

impl Iterator for Sessions {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        self.now += 1;
        let due = self.due.peek().is_some_and(|next| next.0.0 <= self.now);
        let key = match self.due.pop() {
            Some(Reverse((_, key))) if due => key,
            waiting => {
                self.due.extend(waiting);
                self.begun += 1;
                self.begun
            }
        };
        if !mix(self.now ^ 0xe4d).is_multiple_of(VISITS_MEAN) {
            let soon = mix(self.now ^ 0x500).is_multiple_of(2);
            let mean = self.pause_mean * if soon { 0.05 } else { 1.95 };
            let pause = -mean * (1.0 - uniform(self.now ^ 0x9a5e)).ln();
            self.due.push(Reverse((self.now + 1 + pause as u64, key)));
        }
        Some(Request {
            key,
            value_bytes: VALUE_BYTES,
            saves: true,
        })
    }
}

/// Bytes of values that are all alike.
pub const VALUE_BYTES: usize = 1024;

// Key and header; about what all caches need.
const ITEM_OVERHEAD_BYTES: usize = 80;
const ONE_HIT_KEYS: u64 = 1 << 40;
const VISITS_MEAN: u64 = 20;
const SIZE_SIGMA: f64 = 1.1;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn traces_are_the_same_in_each_run() {
        for trace in Trace::ALL {
            let take = || trace.requests(1 << 20).take(1000).collect::<Vec<_>>();
            assert_eq!(take(), take(), "{}", trace.name());
        }
    }

    #[test]
    fn a_quarter_of_one_hit_wonders_never_comes_again() {
        let requests = Trace::OneHit.requests(1 << 20).take(10_000);
        let wonders: Vec<u64> = requests
            .map(|request| request.key)
            .filter(|&key| key >= ONE_HIT_KEYS)
            .collect();
        assert!((2300..2700).contains(&wonders.len()));
        let distinct: HashSet<u64> = wonders.iter().copied().collect();
        assert_eq!(distinct.len(), wonders.len());
    }

    #[test]
    fn as_many_sessions_live_as_asked_for() {
        let mut sessions = Sessions::new(1000);
        for _ in 0..100_000 {
            sessions.next();
        }
        assert!((800..1200).contains(&sessions.due.len()));
        let begun_before = sessions.begun;
        for _ in 0..100_000 {
            sessions.next();
        }
        // One request in twenty begins a session.
        assert!((4000..6000).contains(&(sessions.begun - begun_before)));
    }

    #[test]
    fn mixed_sizes_have_the_median_and_the_tail_that_they_should() {
        let mut sizes: Vec<usize> = (0..100_000).map(mixed_bytes).collect();
        sizes.sort_unstable();
        assert!((450..550).contains(&sizes[50_000]));
        assert!(*sizes.last().unwrap() > 20_000);
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((800..1050).contains(&mean), "{mean}");
    }
}
