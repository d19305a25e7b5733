//! Input that could not be executed yet.

/// Bytes of an incomplete request, or of requests that wait for their turn.
///
/// Holds no memory while it is empty. How much there can be is bounded by the session: one command
/// line, or one small value.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    start: usize,
}

impl Kept {
    /// Returns the bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Keeps `bytes` instead.
    pub(crate) fn replace(&mut self, bytes: &[u8]) {
        self.start = 0;
        if bytes.is_empty() {
            // Assigned, not cleared: an idle connection owns no buffer.
            self.bytes = Vec::new();
        } else {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Forgets the first `count` bytes. Moves nothing.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.bytes.len() {
            self.replace(&[]);
        }
    }

    /// Makes room for `count` more bytes behind, and lends it out.
    pub(crate) fn room(&mut self, count: usize) -> &mut [u8] {
        self.bytes.drain(..self.start);
        self.start = 0;
        let filled = self.bytes.len();
        self.bytes.resize(filled + count, 0);
        &mut self.bytes[filled..]
    }

    /// Takes back the last `count` bytes of the room, which were not filled.
    pub(crate) fn give_back(&mut self, count: usize) {
        self.bytes.truncate(self.bytes.len() - count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_consumed_from_the_front_and_added_behind() {
        let mut kept = Kept::default();
        kept.replace(b"get a\r\nget");
        kept.consume(7);
        assert_eq!(kept.bytes(), b"get");
        kept.room(8)[..3].copy_from_slice(b" b\r");
        kept.give_back(5);
        assert_eq!(kept.bytes(), b"get b\r");
        assert_eq!(kept.len(), 6);
    }

    #[test]
    fn nothing_kept_holds_no_memory() {
        let mut kept = Kept::default();
        kept.replace(b"abc");
        kept.consume(3);
        assert_eq!((kept.len(), kept.bytes.capacity()), (0, 0));
    }
}
