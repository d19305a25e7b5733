//! Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm".

use twox_hash::XxHash3_64;

/// The hash that is jumped from: XXH3 with 64 bits, as memcached's proxy takes it.
pub(super) fn hash(key: &[u8]) -> u64 {
    XxHash3_64::oneshot(key)
}

/// The number of the node for `hash`, below `nodes`. About ln(nodes) + 1 turns on average.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the published arithmetic: all numbers are below 2^63, the node below nodes"
)]
pub(super) fn jump(mut hash: u64, nodes: u32) -> u32 {
    let mut node = 0;
    let mut next = 0i64;
    while next < nodes.into() {
        node = next;
        hash = hash.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let spread = (1u32 << 31) as f64 / ((hash >> 33) as i64 + 1) as f64;
        next = ((node + 1) as f64 * spread) as i64;
    }
    node as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that several independent implementations publish in their tests.
    #[test]
    fn jumps_are_the_published_ones() {
        for (hash, nodes, node) in [
            (1, 1, 0),
            (42, 57, 43),
            (0xdead_10cc, 1, 0),
            (0xdead_10cc, 666, 361),
            (256, 1024, 520),
            (0, 60, 0),
        ] {
            assert_eq!(jump(hash, nodes), node, "{hash} of {nodes}");
        }
    }

    #[test]
    fn node_added_at_the_end_takes_keys_and_moves_no_other() {
        for hash in 0..2000u64 {
            let hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for nodes in 1..40 {
                let after = jump(hash, nodes + 1);
                assert!(after == nodes || after == jump(hash, nodes));
            }
        }
    }
}
