//! Austin Appleby's murmur hashes.

/// Murmur2 with a seed made of the length: libmemcached's and twemproxy's `murmur`.
pub(super) fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = bytes.len() as u32;
    let mut hash = 0xdead_beef_u32.wrapping_mul(length) ^ length;
    let words = bytes.chunks_exact(4);
    let tail = words.remainder();
    for word in words {
        let mut word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        word = (word ^ word >> 24).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ word;
    }
    if !tail.is_empty() {
        let word = tail
            .iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u32::from(byte));
        hash = (hash ^ word).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    hash ^ hash >> 15
}

/// `MurmurHash64A`, murmur2 in 64 bits.
pub(crate) fn murmur2_64a(bytes: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(M);
    let words = bytes.chunks_exact(8);
    let tail = words.remainder();
    for word in words {
        let word = u64::from_le_bytes(word.try_into().expect("a chunk of eight has eight bytes"));
        let mut word = word.wrapping_mul(M);
        word = (word ^ word >> 47).wrapping_mul(M);
        hash = (hash ^ word).wrapping_mul(M);
    }
    if !tail.is_empty() {
        let word = tail
            .iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u64::from(byte));
        hash = (hash ^ word).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 47).wrapping_mul(M);
    hash ^ hash >> 47
}

/// Murmur3, 32 bits, fed in parts: what is common to many keys is hashed once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Murmur3 {
    hash: u32,
    /// The bytes of an unfinished word, the first one lowest.
    tail: u32,
    len: u32,
}

impl Murmur3 {
    pub(crate) const fn new(seed: u32) -> Self {
        Self {
            hash: seed,
            tail: 0,
            len: 0,
        }
    }

    /// Takes more bytes.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let missing = (4 - self.len as usize % 4) % 4;
        let (head, rest) = bytes.split_at(missing.min(bytes.len()));
        head.iter().for_each(|&byte| self.push(byte));
        let words = rest.chunks_exact(4);
        let tail = words.remainder();
        for word in words {
            self.len = self.len.wrapping_add(4);
            self.word(u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        }
        tail.iter().for_each(|&byte| self.push(byte));
    }

    fn push(&mut self, byte: u8) {
        self.tail |= u32::from(byte) << (8 * (self.len % 4));
        self.len = self.len.wrapping_add(1);
        if self.len % 4 == 0 {
            self.word(self.tail);
            self.tail = 0;
        }
    }

    fn word(&mut self, word: u32) {
        self.hash = (self.hash ^ stirred(word)).rotate_left(13);
        self.hash = self.hash.wrapping_mul(5).wrapping_add(0xe654_6b64);
    }

    /// The hash of all bytes so far.
    pub(crate) fn hash(self) -> u32 {
        // A word of zero stirs to zero: no tail, or one that changes nothing.
        finish(self.hash ^ stirred(self.tail) ^ self.len)
    }
}

fn stirred(word: u32) -> u32 {
    let word = word.wrapping_mul(0xcc9e_2d51).rotate_left(15);
    word.wrapping_mul(0x1b87_3593)
}

/// Murmur3's last step: every bit of the result depends on every bit of `hash`.
pub(super) fn finish(mut hash: u32) -> u32 {
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur3_has_its_published_values() {
        let hash = |seed, text: &[u8]| {
            let mut hash = Murmur3::new(seed);
            hash.extend(text);
            hash.hash()
        };
        assert_eq!(hash(0, b""), 0);
        assert_eq!(hash(1, b""), 0x514e_28b7);
        assert_eq!(hash(0, b"test"), 0xba6b_d213);
        assert_eq!(hash(0, b"Hello, world!"), 0xc036_3e43);
    }

    #[test]
    fn murmur3_is_the_same_however_it_is_fed() {
        let text = b"the quick brown fox jumps";
        let mut whole = Murmur3::new(7);
        whole.extend(text);
        for cut in 0..text.len() {
            for further in cut..text.len() {
                let mut hash = Murmur3::new(7);
                hash.extend(&text[..cut]);
                hash.extend(&text[cut..further]);
                hash.extend(&text[further..]);
                assert_eq!(hash.hash(), whole.hash(), "{cut} {further}");
            }
        }
    }
}
