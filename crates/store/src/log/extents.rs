//! The large items of a stripe, by number.

use crate::counted::Linked;
use crate::memory;

/// A table of extents whose numbers stay, growing by a known amount.
#[derive(Debug)]
pub(crate) struct Extents {
    chunks: Vec<Box<[Place]>>,
    /// The first of the chain of vacant places.
    vacant: u32,
    len: usize,
}

#[derive(Debug)]
enum Place {
    Vacant { next: u32 },
    Used(Linked),
}

impl Extents {
    /// The most memory that one more extent adds to the table.
    pub(crate) const GROWTH_BYTES_MAX: usize =
        memory::allocated_bytes(CHUNK_LEN * size_of::<Place>()) + DIRECTORY_BYTES;

    pub(crate) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            vacant: NONE,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.chunks.len() * Self::GROWTH_BYTES_MAX
    }

    /// The memory that the next insertion adds.
    pub(crate) fn growth_bytes(&self) -> usize {
        if self.vacant == NONE {
            Self::GROWTH_BYTES_MAX
        } else {
            0
        }
    }

    pub(crate) fn insert(&mut self, block: Linked) -> u32 {
        if self.vacant == NONE {
            self.grow();
        }
        let number = self.vacant;
        let place = self.place_mut(number);
        let Place::Vacant { next } = core::mem::replace(place, Place::Used(block)) else {
            unreachable!("the chain of vacant places has vacant places only");
        };
        self.vacant = next;
        self.len += 1;
        number
    }

    pub(crate) fn at(&self, number: u32) -> &Linked {
        match &self.chunks[number as usize / CHUNK_LEN][number as usize % CHUNK_LEN] {
            Place::Used(block) => block,
            Place::Vacant { .. } => unreachable!("a stub stands for an extent"),
        }
    }

    pub(crate) fn remove(&mut self, number: u32) -> Linked {
        let next = self.vacant;
        let place = core::mem::replace(self.place_mut(number), Place::Vacant { next });
        let Place::Used(block) = place else {
            unreachable!("a stub stands for an extent");
        };
        self.vacant = number;
        self.len -= 1;
        block
    }

    fn place_mut(&mut self, number: u32) -> &mut Place {
        &mut self.chunks[number as usize / CHUNK_LEN][number as usize % CHUNK_LEN]
    }

    fn grow(&mut self) {
        let start = self.chunks.len() * CHUNK_LEN;
        let next = |within: usize| match within + 1 {
            CHUNK_LEN => NONE,
            next => (start + next) as u32,
        };
        let chunk = (0..CHUNK_LEN).map(|within| Place::Vacant { next: next(within) });
        self.chunks.push(chunk.collect());
        self.vacant = start as u32;
    }
}

const CHUNK_LEN: usize = 64;
const NONE: u32 = u32::MAX;
/// A pointer and a length in a vector that doubles: three times their size while it moves.
const DIRECTORY_BYTES: usize = 3 * size_of::<Box<[u8]>>();
