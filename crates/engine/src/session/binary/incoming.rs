//! A big value on its way into its own memory.

use core::fmt;

use steadfast_protocol::binary::{Key, Storage, StorageVerb};
use steadfast_store::Reservation;

use super::super::execute::Turn;
use super::super::{Next, Step};
use super::Asked;

/// A storage command whose value has not arrived as a whole.
///
/// Invariant: `filled <= value_bytes`.
pub(super) struct Incoming {
    asked: Asked,
    verb: StorageVerb,
    key: [u8; Key::BYTES_MAX],
    key_bytes: usize,
    flags: u32,
    exptime: u32,
    value_bytes: usize,
    filled: usize,
    /// There until it is stored.
    reservation: Option<Reservation>,
}

impl Incoming {
    /// A value of which nothing was received.
    pub(super) fn new(asked: Asked, storage: &Storage<'_>, reservation: Reservation) -> Self {
        let bytes = storage.key.as_bytes();
        let mut key = [0; Key::BYTES_MAX];
        key[..bytes.len()].copy_from_slice(bytes);
        Self {
            asked,
            verb: storage.verb,
            key,
            key_bytes: bytes.len(),
            flags: storage.flags,
            exptime: storage.exptime,
            value_bytes: storage.value_bytes,
            filled: 0,
            reservation: Some(reservation),
        }
    }

    /// The rest of the value's room.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        match &mut self.reservation {
            Some(reservation) => &mut reservation.value_mut()[self.filled..],
            None => &mut [],
        }
    }

    /// Counts bytes that were read into the buffer.
    pub(super) fn handle_received(&mut self, bytes: usize) {
        let left = self.value_bytes - self.filled;
        assert!(bytes <= left, "no more than the value was received");
        self.filled += bytes;
    }

    /// Takes what there is of the value, and executes the command when it is complete.
    pub(super) fn handle_input(&mut self, input: &[u8], turn: &mut Turn<'_>) -> Step {
        let room = self.buffer();
        let consumed = input.len().min(room.len());
        room[..consumed].copy_from_slice(&input[..consumed]);
        self.filled += consumed;
        if self.filled < self.value_bytes {
            return Step::stop(consumed, Next::ReadValue);
        }
        if let Some(reservation) = self.reservation.take() {
            turn.commit_binary(self.asked, &self.storage(), reservation);
        }
        Step::go_on(consumed)
    }

    fn storage(&self) -> Storage<'_> {
        Storage {
            verb: self.verb,
            key: Key::new(&self.key[..self.key_bytes]).expect("it was a key before"),
            flags: self.flags,
            exptime: self.exptime,
            value_bytes: self.value_bytes,
        }
    }
}

/// Keys and values are peers' secrets: lengths only.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("verb", &self.verb)
            .field("value_bytes", &self.value_bytes)
            .field("filled", &self.filled)
            .finish_non_exhaustive()
    }
}
