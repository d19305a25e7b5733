//! Room for a value that is yet to be received.

/// A buffer for a value, counted against the store's budget; see [`Store::reserve`](crate::Store::reserve).
///
/// Its bytes are zero until they are filled. Dropping it gives the memory back.
#[derive(Debug)]
pub struct Reservation {}

impl Reservation {
    /// Returns the key it was made for.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        unimplemented!()
    }

    /// Returns the bytes of the value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        unimplemented!()
    }

    /// Returns the bytes of the value, to be filled.
    pub fn value_mut(&mut self) -> &mut [u8] {
        unimplemented!()
    }
}
