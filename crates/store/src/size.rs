//! How large an item is: memcached's formula for limits and reports.

/// Returns an item's size by memcached's formula: 48 bytes of header, 8 of id if `cas`, the key and
/// a zero byte, 4 of flags unless they are 0, the value and its line end.
///
/// `Settings::item_bytes_max` and the `bytes` statistics use it, so that `-I` means the same here.
#[must_use]
pub const fn item_bytes(key_bytes: usize, flags: u32, value_bytes: usize, cas: bool) -> usize {
    let cas_bytes = if cas { 8 } else { 0 };
    let flags_bytes = if flags == 0 { 0 } else { 4 };
    48 + cas_bytes + key_bytes + 1 + flags_bytes + value_bytes + 2
}

/// Returns the number, from 1, of memcached's size class for an item of so many bytes; items larger
/// than every chunk are chains in the last class.
#[must_use]
pub fn size_class(item_bytes: usize) -> usize {
    if let Some(&class) = SMALL_CLASSES.get(item_bytes.div_ceil(CHUNK_STEP_BYTES)) {
        return usize::from(class);
    }
    let index = CHUNK_BYTES.partition_point(|&chunk| (chunk as usize) < item_bytes);
    index.min(CLASSES - 1) + 1
}

/// The class of each small size, by steps: it is asked for at every change.
const SMALL_CLASSES: [u8; SMALL_STEPS] = {
    let mut classes = [1; SMALL_STEPS];
    let (mut step, mut class) = (0, 1);
    while step < SMALL_STEPS {
        if CHUNK_BYTES[class - 1] as usize / CHUNK_STEP_BYTES < step {
            class += 1;
        }
        classes[step] = class as u8;
        step += 1;
    }
    classes
};
const SMALL_STEPS: usize = 256;
/// All chunks are multiples of this.
const CHUNK_STEP_BYTES: usize = 8;

/// The number of memcached's size classes at its default settings.
pub const CLASSES: usize = 39;

/// The chunk size of each class at memcached's default settings; class 1 is at index 0.
pub const CHUNK_BYTES: [u32; CLASSES] = [
    96, 120, 152, 192, 240, 304, 384, 480, 600, 752, 944, 1184, 1480, 1856, 2320, 2904, 3632, 4544,
    5680, 7104, 8880, 11104, 13880, 17352, 21696, 27120, 33904, 42384, 52984, 66232, 82792,
    103_496, 129_376, 161_720, 202_152, 252_696, 315_872, 394_840, 524_288,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_memcached() {
        assert_eq!(item_bytes(1, 0, 1, true), 61);
        assert_eq!(item_bytes(1, 7, 1, true), 65);
        assert_eq!(item_bytes(1, 0, 1, false), 53);
        assert_eq!(item_bytes(1, 0, 1_048_516, true), 1 << 20);
    }

    #[test]
    fn a_class_is_the_first_whose_chunk_holds_the_item() {
        assert_eq!(size_class(61), 1);
        assert_eq!(size_class(96), 1);
        assert_eq!(size_class(97), 2);
        assert_eq!(size_class(1 << 20), 39);
    }

    #[test]
    fn the_table_of_small_sizes_is_right() {
        for item_bytes in 0..4000 {
            let class = CHUNK_BYTES.partition_point(|&chunk| (chunk as usize) < item_bytes) + 1;
            assert_eq!(size_class(item_bytes), class, "{item_bytes}");
        }
    }
}
