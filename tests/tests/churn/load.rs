//! What is stored, read and deleted, and how large it is.

/// One kind of traffic for some time.
#[derive(Debug)]
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    /// How many times the memory is written.
    pub(crate) rounds: u64,
    sizes: Sizes,
    /// Of 100 operations; the others are sets.
    gets: u64,
    deletes: u64,
    /// Of 100 sets, how many expire after a second.
    short_lived: u64,
}

#[derive(Clone, Copy, Debug)]
enum Sizes {
    /// Between both, each power of two as often as the next.
    Any(usize, usize),
    /// Log-normal with this median and sigma.
    Mix(f64, f64),
}

/// After small ones fill everything, large ones need all of it, and the other way round.
pub(crate) const PHASES: &[Phase] = &[
    Phase::sets("a mix", 2, Sizes::Mix(500.0, 1.2)),
    Phase::sets("from 16 B to 1 MB", 3, Sizes::Any(16, LARGEST)),
    Phase::sets("small ones", 1, Sizes::Any(16, 64)),
    Phase::sets("large ones", 4, Sizes::Any(100_000, LARGEST)),
    Phase {
        gets: 20,
        deletes: 15,
        short_lived: 40,
        ..Phase::sets("deletes and expiry", 3, Sizes::Mix(5000.0, 2.0))
    },
    Phase::sets("10 KB and 40 KB", 3, Sizes::Any(10_000, 40_000)),
    Phase::sets("sessions", 1, Sizes::Mix(1000.0, 0.8)),
];

impl Phase {
    const fn sets(name: &'static str, rounds: u64, sizes: Sizes) -> Self {
        Self {
            name,
            rounds,
            sizes,
            gets: 10,
            deletes: 2,
            short_lived: 5,
        }
    }

    /// The operations of one client until `bytes` are written, or [`SETS_MAX`] times.
    pub(crate) fn load(&self, bytes: u64, seed: u64) -> Load<'_> {
        Load {
            phase: self,
            bytes_left: bytes,
            sets_left: SETS_MAX,
            random: Random(0x9E37_79B9_7F4A_7C15 ^ (seed + 1)),
        }
    }

    pub(crate) fn has_large_values(&self) -> bool {
        matches!(self.sizes, Sizes::Any(_, LARGEST))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Set {
        key: u64,
        bytes: usize,
        exptime: u32,
    },
    Get {
        key: u64,
    },
    Delete {
        key: u64,
    },
}

#[derive(Debug)]
pub(crate) struct Load<'a> {
    phase: &'a Phase,
    bytes_left: u64,
    sets_left: u64,
    random: Random,
}

impl Iterator for Load<'_> {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        let random = &mut self.random;
        let key = random.below(KEYS);
        let kind = random.below(100);
        if kind < self.phase.gets {
            return Some(Operation::Get { key });
        }
        if kind < self.phase.gets + self.phase.deletes {
            return Some(Operation::Delete { key });
        }
        let bytes = self.phase.sizes.pick(random);
        self.sets_left = self.sets_left.checked_sub(1)?;
        self.bytes_left = self.bytes_left.checked_sub(bytes as u64)?;
        let exptime = u32::from(random.below(100) < self.phase.short_lived);
        Some(Operation::Set {
            key,
            bytes,
            exptime,
        })
    }
}

impl Sizes {
    fn pick(self, random: &mut Random) -> usize {
        let size = match self {
            Self::Any(least, most) => {
                let (least, most) = (least as f64, most as f64);
                least * (most / least).powf(random.fraction())
            }
            Self::Mix(median, sigma) => {
                // Box and Muller's normal distribution.
                let radius = (-2.0 * random.fraction().ln()).sqrt();
                let angle = core::f64::consts::TAU * random.fraction();
                median * (sigma * radius * angle.cos()).exp()
            }
        };
        (size as usize).clamp(16, LARGEST)
    }
}

/// The same numbers in each run (xorshift).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Above 0, at most 1.
    fn fraction(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}

/// With its key, the largest that fits the default limit of 1 MiB.
pub(crate) const LARGEST: usize = 1_000_000;
/// More than fit, so that most sets are of new keys.
const KEYS: u64 = 5_000_000;
/// So that small values do not take minutes.
const SETS_MAX: u64 = 150_000;
