//! The caller's own marks on an item.

use core::fmt;
use core::ops::BitOr;

/// A few marks that the store keeps with an item for its caller; what they mean is the caller's
/// affair.
///
/// They cost no memory, come back from a snapshot, and leave when a new version is stored without
/// them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Marks(u8);

impl Marks {
    /// How many there are.
    pub const COUNT: u32 = 3;
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self((1 << Self::COUNT) - 1);

    /// Returns the mark of that number alone.
    ///
    /// # Panics
    ///
    /// If `number` is not below [`Marks::COUNT`].
    #[must_use]
    pub const fn number(number: u32) -> Self {
        assert!(number < Self::COUNT, "an item has three marks");
        Self(1 << number)
    }

    /// Returns the marks whose bits are set, mark 0 being the lowest; other bits are ignored.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Returns a set bit for each mark.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Tells whether all of `other` are among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns these and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns these without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns those that are here and in `other`.
    #[must_use]
    pub const fn among(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Marks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Marks({:03b})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_sets() {
        let (stale, claimed) = (Marks::number(0), Marks::number(2));
        let both = stale | claimed;
        assert!(both.contains(stale) && both.contains(claimed) && !stale.contains(both));
        assert_eq!(both.without(stale), claimed);
        assert_eq!(both.among(Marks::number(1)), Marks::NONE);
        assert_eq!(Marks::from_bits(u8::MAX), Marks::ALL);
        assert_eq!(Marks::from_bits(both.bits()), both);
    }
}
