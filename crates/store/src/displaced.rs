//! Blocks on their way out.

use crate::budget::Account;
use crate::counted::Linked;
use crate::sync::Arc;

/// A few large blocks that left a stripe under its lock, to be freed when the lock is gone.
///
/// Their memory goes back to the budget then, not before.
#[derive(Debug, Default)]
pub(crate) struct Displaced {
    blocks: [Option<Linked>; DISPLACED_MAX],
    account: Option<Arc<Account>>,
}

impl Displaced {
    /// Adds a block; if there are too many, it is freed at once.
    pub(crate) fn push(&mut self, block: Linked, account: &Arc<Account>) {
        self.account.get_or_insert_with(|| Arc::clone(account));
        match self.blocks.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(block),
            None => free(block, account),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.blocks.iter().all(Option::is_some)
    }

    /// Takes the blocks, if there are any.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Self> {
        self.account.is_some().then(|| core::mem::take(self))
    }

    /// The memory of the blocks, for the invariants.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.blocks.iter().flatten().map(Linked::memory_bytes).sum()
    }
}

impl Drop for Displaced {
    fn drop(&mut self) {
        let Some(account) = self.account.take() else {
            return;
        };
        for block in self.blocks.iter_mut().filter_map(Option::take) {
            free(block, &account);
        }
    }
}

fn free(block: Linked, account: &Account) {
    let memory_bytes = block.memory_bytes();
    if block.unlink() {
        account.budget().give(memory_bytes);
    }
}

/// An operation displaces at most two: an expired item and a replaced one.
const DISPLACED_MAX: usize = 4;
