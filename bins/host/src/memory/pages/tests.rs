use super::*;
use std::collections::BTreeMap;

const MIB: usize = 1 << 20;

/// Pieces that are written all over and checked before they go.
struct Pieces<'a> {
    pages: &'a Pages,
    live: BTreeMap<NonNull<u8>, (usize, u8)>,
    memory_bytes: usize,
}

#[allow(unsafe_code, reason = "the pieces are memory, and owned by this value")]
impl<'a> Pieces<'a> {
    fn of(pages: &'a Pages) -> Self {
        Self {
            pages,
            live: BTreeMap::new(),
            memory_bytes: 0,
        }
    }

    fn add(&mut self, bytes: usize, fill: u8) -> Option<NonNull<u8>> {
        let (start, memory_bytes) = self.pages.allocate(bytes)?;
        assert!(memory_bytes <= self.pages.memory_bytes_max(bytes));
        // SAFETY: the piece is ours, of that size at least.
        unsafe {
            start
                .as_ptr()
                .write_bytes(fill, self.pages.usable_bytes(bytes))
        };
        self.live.insert(start, (bytes, fill));
        self.memory_bytes += memory_bytes;
        Some(start)
    }

    fn remove(&mut self, start: NonNull<u8>) {
        let (bytes, fill) = self.live.remove(&start).unwrap();
        let len = self.pages.usable_bytes(bytes);
        // SAFETY: the piece is ours and was written by `add`.
        let present = unsafe { std::slice::from_raw_parts(start.as_ptr(), len) };
        assert!(present.iter().all(|&byte| byte == fill));
        // SAFETY: from these pages, with that size, and no longer in `live`.
        self.memory_bytes -= unsafe { self.pages.free(start, bytes) };
    }

    /// Memory behind the range, as the kernel has it.
    fn resident_bytes(&self) -> usize {
        let mapping = &self.pages.mapping;
        let mut is_resident = vec![0_u8; mapping.bytes() / self.pages.page_bytes];
        // SAFETY: asks about our own mapping; the vector has a byte for each page of it.
        let status = unsafe {
            let start = mapping.start().as_ptr().cast();
            libc::mincore(start, mapping.bytes(), is_resident.as_mut_ptr())
        };
        assert_eq!(status, 0);
        let count = is_resident.iter().filter(|&&byte| byte & 1 == 1).count();
        count * self.pages.page_bytes
    }
}

/// Sizes without a pattern, the same in each run.
fn lots() -> impl FnMut(usize) -> usize {
    let mut state = 88_172_645_463_325_252_u64;
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    }
}

fn churn(pieces: &mut Pieces<'_>, mut size: impl FnMut(usize) -> usize) {
    let mut random = lots();
    for round in 0..2000 {
        if random(5) < 3 {
            pieces.add(size(round), round as u8);
        } else if !pieces.live.is_empty() {
            let place = random(pieces.live.len());
            let start = *pieces.live.keys().nth(place).unwrap();
            pieces.remove(start);
        }
    }
}

#[test]
fn what_is_counted_is_what_is_resident_to_the_page() {
    let pages = Pages::reserve(8 * MIB, PageSize::Small).unwrap();
    let mut pieces = Pieces::of(&pages);
    let mut random = lots();
    churn(&mut pieces, |_| 1 + random(50_000));
    assert!(pieces.live.len() > 20);
    assert_eq!(pieces.resident_bytes(), pieces.memory_bytes);
    for start in pieces.live.keys().copied().collect::<Vec<_>>() {
        pieces.remove(start);
    }
    assert_eq!((pieces.memory_bytes, pieces.resident_bytes()), (0, 0));
}

#[test]
fn huge_pages_that_lost_a_part_take_no_more_than_the_rest() {
    let pages = Pages::reserve(16 * MIB, PageSize::Huge).unwrap();
    let mut pieces = Pieces::of(&pages);
    let segments: Vec<_> = (0..128).map(|_| pieces.add(MIB / 8, 1).unwrap()).collect();
    assert_eq!(pieces.memory_bytes, 16 * MIB);
    assert!(pieces.add(1, 1).is_none());
    for (number, start) in segments.into_iter().enumerate() {
        if number % 3 > 0 {
            pieces.remove(start);
        }
    }
    assert_eq!(pieces.memory_bytes, 43 * MIB / 8);
    assert_eq!(pieces.resident_bytes(), pieces.memory_bytes);
    while pieces.add(MIB / 8, 2).is_some() {}
    assert_eq!(pieces.memory_bytes, 16 * MIB);
    assert_eq!(pieces.resident_bytes(), 16 * MIB);
}

#[test]
fn more_than_there_are_addresses_for_is_refused() {
    assert!(Pages::reserve(1 << 60, PageSize::Small).is_err());
    assert!(Pages::reserve(usize::MAX, PageSize::Huge).is_err());
    let pages = Pages::reserve(1, PageSize::Small).unwrap();
    assert!(pages.allocate(2 * MIB).is_some());
    assert!(pages.allocate(1).is_none());
}

#[test]
fn locked_memory_goes_back_too() {
    let status = system::in_child(|| {
        // Another user than root may not; then there is nothing to prove.
        if crate::limits::lock_touched_pages().is_err() {
            return 0;
        }
        let pages = Pages::reserve(64 * MIB, PageSize::Small).unwrap();
        let mut pieces = Pieces::of(&pages);
        if pieces.resident_bytes() > 0 {
            return 1;
        }
        let start = pieces.add(MIB, 1).unwrap();
        if pieces.resident_bytes() != MIB {
            return 2;
        }
        pieces.remove(start);
        if pieces.resident_bytes() > 0 { 3 } else { 0 }
    });
    assert_eq!(status, 0);
}

#[test]
fn little_takes_little_where_huge_pages_come_later() {
    let pages = Pages::reserve(8 * MIB, PageSize::HugeLater).unwrap();
    let mut pieces = Pieces::of(&pages);
    for _ in 0..15 {
        pieces.add(MIB / 8, 1).unwrap();
        assert_eq!(pieces.resident_bytes(), pieces.memory_bytes);
    }
    while pieces.add(MIB / 8, 2).is_some() {}
    assert_eq!(pieces.resident_bytes(), 8 * MIB);
}
