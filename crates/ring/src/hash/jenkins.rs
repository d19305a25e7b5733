//! Hashes of the lookup3 and SuperFastHash kind: words of the key are added and stirred.

/// Bob Jenkins' lookup3, `hashlittle`.
pub(super) fn lookup3(bytes: &[u8], initial: u32) -> u32 {
    let length = bytes.len() as u32;
    let start = 0xdead_beef_u32.wrapping_add(length).wrapping_add(initial);
    let [mut a, mut b, mut c] = [start; 3];
    let mut rest = bytes;
    while rest.len() > 12 {
        let (block, after) = rest.split_at(12);
        add(block, &mut a, &mut b, &mut c);
        for (left, right) in [(4, 6), (8, 16), (19, 4)] {
            a = a.wrapping_sub(c) ^ c.rotate_left(left);
            c = c.wrapping_add(b);
            b = b.wrapping_sub(a) ^ a.rotate_left(right);
            a = a.wrapping_add(c);
            (a, b, c) = (c, a, b);
        }
        rest = after;
    }
    if rest.is_empty() {
        return c;
    }
    add(rest, &mut a, &mut b, &mut c);
    for turn in [14, 11, 25, 16, 4, 14, 24] {
        c = (c ^ b).wrapping_sub(b.rotate_left(turn));
        (a, b, c) = (b, c, a);
    }
    // After seven turns of three names the last one written is called b.
    b
}

/// Adds up to 12 bytes, the last word filled up with zeroes.
fn add(block: &[u8], a: &mut u32, b: &mut u32, c: &mut u32) {
    for (to, word) in [a, b, c].into_iter().zip(block.chunks(4)) {
        *to = to.wrapping_add(partial_word(word));
    }
}

fn partial_word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, &byte| word << 8 | u32::from(byte))
}

/// Paul Hsieh's SuperFastHash. The odd byte of a tail of three is signed, that of a tail of one not.
pub(super) fn hsieh(bytes: &[u8]) -> u32 {
    let half = |pair: &[u8]| u32::from(u16::from_le_bytes([pair[0], pair[1]]));
    let mut hash = 0u32;
    let words = bytes.chunks_exact(4);
    let tail = words.remainder();
    for word in words {
        hash = hash.wrapping_add(half(word));
        hash = (hash << 16) ^ (half(&word[2..]) << 11) ^ hash;
        hash = hash.wrapping_add(hash >> 11);
    }
    match *tail {
        [_, _, last] => {
            hash = hash.wrapping_add(half(tail));
            hash ^= hash << 16;
            hash ^= (last as i8 as u32) << 18;
            hash = hash.wrapping_add(hash >> 11);
        }
        [_, _] => {
            hash = hash.wrapping_add(half(tail));
            hash ^= hash << 11;
            hash = hash.wrapping_add(hash >> 17);
        }
        [last] => {
            hash = hash.wrapping_add(last.into());
            hash ^= hash << 10;
            hash = hash.wrapping_add(hash >> 1);
        }
        _ => {}
    }
    for (left, right) in [(3, 5), (4, 17), (25, 6)] {
        hash ^= hash << left;
        hash = hash.wrapping_add(hash >> right);
    }
    hash
}
