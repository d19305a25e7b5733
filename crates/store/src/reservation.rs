//! Room for a value that is yet to be received.

use crate::budget::{Account, Budget};
use crate::counted::Unique;
use crate::item::Expiry;
use crate::sync::Arc;

/// A buffer for a value, counted against the store's budget; see
/// [`Store::reserve`](crate::Store::reserve).
///
/// Its bytes are zero until they are filled. Dropping it gives the memory back.
#[derive(Debug)]
pub struct Reservation {
    /// Some until `take` or drop.
    block: Option<Unique>,
    books: Books,
    pub(crate) hash: u64,
    pub(crate) expiry: Expiry,
}

/// What a reservation has taken from the budget; dropped after the block is freed.
#[derive(Debug)]
struct Books {
    account: Arc<Account>,
    taken_bytes: usize,
    held_bytes: usize,
}

impl Reservation {
    /// `held_bytes` have been counted as held on the account's budget.
    pub(crate) fn new(account: Arc<Account>, held_bytes: usize, hash: u64, expiry: Expiry) -> Self {
        let books = Books {
            account,
            taken_bytes: 0,
            held_bytes,
        };
        Self {
            block: None,
            books,
            hash,
            expiry,
        }
    }

    /// Allocates the block in `taken_bytes` of the budget; false if the system has no memory.
    pub(crate) fn allocate(
        &mut self,
        taken_bytes: usize,
        key: &[u8],
        value_bytes: usize,
        flags: u32,
    ) -> bool {
        self.books.taken_bytes = taken_bytes;
        self.block = Unique::new(key, value_bytes, flags);
        self.block.is_some()
    }

    /// Gives up the block and the memory taken for it, which the caller now answers for.
    pub(crate) fn take(mut self) -> (Unique, usize) {
        let block = self
            .block
            .take()
            .expect("a reservation has a block until it is taken");
        (block, core::mem::take(&mut self.books.taken_bytes))
    }

    pub(crate) fn budget(&self) -> &Budget {
        self.books.account.budget()
    }

    /// Returns the key it was made for.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.block.as_ref().map_or(&[], Unique::key)
    }

    /// Returns the bytes of the value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.block.as_ref().map_or(&[], Unique::value)
    }

    /// Returns the bytes of the value, to be filled.
    pub fn value_mut(&mut self) -> &mut [u8] {
        self.block.as_mut().map_or(&mut [], Unique::value_mut)
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        let budget = self.account.budget();
        if self.held_bytes > 0 {
            budget.release(self.held_bytes);
        }
        if self.taken_bytes > 0 {
            budget.give(self.taken_bytes);
        }
    }
}
