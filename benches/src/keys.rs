//! The keys of all runs, and skewed draws from them.

/// The keys of a run and the order in which a skewed population asks for them.
#[derive(Debug)]
pub struct KeySpace {
    keys: Vec<[u8; KEY_BYTES]>,
    draws: Vec<u32>,
}

/// Bytes of every key.
pub const KEY_BYTES: usize = 32;

impl KeySpace {
    /// `count` keys, and a fixed sequence of draws with zipf exponent 0.99.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let keys = (0..count as u64).map(key).collect();
        let zipf = Zipf::new(count, 0.99);
        let draws = (0..DRAWS).map(|place| zipf.draw(place)).collect();
        Self { keys, draws }
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key with this index, below [`len`](Self::len).
    #[must_use]
    pub fn key(&self, index: usize) -> [u8; KEY_BYTES] {
        self.keys[index]
    }

    /// The key asked for at this place of the sequence of draws, which starts again at its end.
    #[must_use]
    pub fn draw(&self, place: usize) -> [u8; KEY_BYTES] {
        self.keys[self.draws[place % self.draws.len()] as usize]
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

const DRAWS: u64 = 1 << 20;

/// A zipf distribution over indexes: the k-th most popular is asked for k^-s times as often as the
/// first.
#[derive(Debug)]
pub struct Zipf {
    // Sum of the weights of all ranks up to this one.
    cumulative: Vec<f64>,
}

impl Zipf {
    /// Over `count` indexes with exponent `s`.
    #[must_use]
    pub fn new(count: usize, s: f64) -> Self {
        let mut sum = 0.0;
        let weigh = |rank: usize| {
            sum += (rank as f64).powf(-s);
            sum
        };
        Self {
            cumulative: (1..=count).map(weigh).collect(),
        }
    }

    /// The index drawn at this place of the sequence, the same in each run; O(log n).
    #[must_use]
    pub fn draw(&self, place: u64) -> u32 {
        let count = self.cumulative.len();
        let mass = uniform(place) * self.cumulative[count - 1];
        let rank = self
            .cumulative
            .partition_point(|&sum| sum < mass)
            .min(count - 1);
        // Ranks are spread over the indexes, so that neighbours in memory are not all hot.
        (mix(rank as u64 ^ 0x5eed) % count as u64) as u32
    }
}

/// The key with this index: 32 characters that look like a hash.
#[must_use]
pub fn key(index: u64) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    let halves = u128::from(mix(index)) << 64 | u128::from(mix(!index));
    for (place, character) in key.iter_mut().enumerate() {
        // By hand: formatting would take longer than the server has for the request.
        *character = b"0123456789abcdef"[(halves >> (4 * place)) as usize & 15];
    }
    key
}

/// The output function of SplitMix64 (Steele, Lea, Flood 2014).
#[must_use]
pub fn mix(index: u64) -> u64 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in `[0, 1)` that depends on `index` only.
#[must_use]
pub fn uniform(index: u64) -> f64 {
    (mix(index) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_skewed() {
        let keys = KeySpace::new(1000);
        let mut counts = vec![0_u32; 1000];
        for &draw in &keys.draws {
            counts[draw as usize] += 1;
        }
        counts.sort_unstable();
        assert!(counts[999] > 20 * counts[500].max(1));
    }
}
