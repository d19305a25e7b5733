//! What an allocation really takes, as the usual allocators round.

/// Returns the memory that an allocation of `bytes` takes, rounding and overhead included.
///
/// After glibc's malloc: a word before each chunk, chunks in multiples of 16 from 32 on, whole pages
/// for large ones.
pub(crate) const fn allocated_bytes(bytes: usize) -> usize {
    if bytes >= MAPPED_BYTES_MIN {
        return (bytes + 2 * WORD_BYTES).next_multiple_of(PAGE_BYTES);
    }
    let chunk = (bytes + WORD_BYTES).next_multiple_of(CHUNK_STEP_BYTES);
    if chunk < CHUNK_BYTES_MIN {
        CHUNK_BYTES_MIN
    } else {
        chunk
    }
}

/// Returns how many bytes, at least `bytes`, can be asked for at the same cost.
pub(crate) const fn usable_bytes(bytes: usize) -> usize {
    if bytes >= MAPPED_BYTES_MIN {
        return allocated_bytes(bytes) - 2 * WORD_BYTES;
    }
    let usable = allocated_bytes(bytes) - WORD_BYTES;
    // Rounding up must not reach the next kind of allocation, which costs more.
    if usable >= MAPPED_BYTES_MIN {
        bytes
    } else {
        usable
    }
}

const WORD_BYTES: usize = 8;
const CHUNK_STEP_BYTES: usize = 16;
const CHUNK_BYTES_MIN: usize = 32;
const PAGE_BYTES: usize = 4096;
const MAPPED_BYTES_MIN: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usable_bytes_cost_no_more() {
        for bytes in (1..3000).chain(MAPPED_BYTES_MIN - 300..MAPPED_BYTES_MIN + 9000) {
            let usable = usable_bytes(bytes);
            assert!(usable >= bytes);
            assert_eq!(allocated_bytes(usable), allocated_bytes(bytes), "{bytes}");
        }
    }

    #[test]
    fn small_chunks_are_those_of_malloc() {
        assert_eq!(allocated_bytes(1), 32);
        assert_eq!(allocated_bytes(24), 32);
        assert_eq!(allocated_bytes(25), 48);
        assert_eq!(allocated_bytes(1 << 20), (1 << 20) + 4096);
    }
}
