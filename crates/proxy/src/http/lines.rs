//! Lines of a head in a growing buffer.

use core::ops::Range;

use memchr::memchr;

use super::Limits;
use super::error::{HeadError, HeadErrorKind};

/// Finds the lines of a head, one after the other. Invariant: `start <= scanned`; no byte before `scanned` is looked
/// at for a line end again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    start: usize,
    scanned: usize,
    limits: Limits,
}

impl Lines {
    pub(super) fn new(mut limits: Limits) -> Self {
        // Places in a head are kept in 16 bits.
        limits.head_bytes_max = limits.head_bytes_max.min(usize::from(u16::MAX));
        Self {
            start: 0,
            scanned: 0,
            limits,
        }
    }

    /// The limits given to `new`.
    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where the next line starts: after the blank line, the end of the head.
    pub(super) const fn position(&self) -> usize {
        self.start
    }

    /// The next whole line, without its line end (CR LF, or LF alone), or `None` if its end is not there yet.
    ///
    /// `overflow` is the fault to report if it can't come within the limit.
    pub(super) fn next(
        &mut self,
        input: &[u8],
        overflow: HeadErrorKind,
    ) -> Result<Option<Range<usize>>, HeadError> {
        let within = &input[..input.len().min(self.limits.head_bytes_max)];
        let unseen = within.get(self.scanned..).unwrap_or_default();
        let Some(found) = memchr(b'\n', unseen) else {
            self.scanned = within.len();
            if within.len() == self.limits.head_bytes_max {
                return Err(HeadError::new(overflow, within.len()));
            }
            return Ok(None);
        };
        let (start, lf) = (self.start, self.scanned + found);
        self.start = lf + 1;
        self.scanned = self.start;
        let has_cr = lf > start && input[lf - 1] == b'\r';
        Ok(Some(start..lf - usize::from(has_cr)))
    }
}
