//! Log lines on their way to those who watch.

use std::vec::Vec;

use steadfast_protocol::WatchStreams;

/// What one thread has to tell, until its call is over.
#[derive(Debug, Default)]
pub(super) struct Batch {
    text: Vec<u8>,
    /// The stream of each line, and where the line ends.
    lines: Vec<(WatchStreams, usize)>,
}

impl Batch {
    /// Appends the line that `write` writes, its end included; does not, and returns false, if
    /// the batch would be longer than `bytes_max`.
    pub(super) fn push(
        &mut self,
        stream: WatchStreams,
        bytes_max: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let start = self.text.len();
        if start >= bytes_max {
            return false;
        }
        write(&mut self.text);
        let fits = self.text.len() <= bytes_max;
        if fits {
            self.lines.push((stream, self.text.len()));
        } else {
            self.text.truncate(start);
        }
        fits
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
    }

    fn lines(&self) -> impl Iterator<Item = (WatchStreams, &[u8])> {
        let mut start = 0;
        self.lines.iter().map(move |&(stream, end)| {
            let line = &self.text[start..end];
            start = end;
            (stream, line)
        })
    }
}

/// What one watcher has yet to be told.
///
/// Invariant: no longer than the limit given, plus a note of what was skipped.
#[derive(Debug, Default)]
pub(super) struct Queue {
    text: Vec<u8>,
    /// Lines that found no room since the last that did.
    skipped: u64,
}

/// What became of a batch's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Taken {
    /// Lines that were queued.
    pub(super) sent: u64,
    /// Lines for which there was no room.
    pub(super) skipped: u64,
    /// Whether the queue was empty before, and is not any more.
    pub(super) wakes: bool,
}

impl Queue {
    /// Takes the lines of `streams`, as long as the queue is not longer than `bytes_max`.
    pub(super) fn take(&mut self, batch: &Batch, streams: WatchStreams, bytes_max: usize) -> Taken {
        let was_empty = self.text.is_empty();
        let mut taken = Taken::default();
        for (_, line) in batch
            .lines()
            .filter(|&(stream, _)| streams.contains(stream))
        {
            if self.text.len() + line.len() > bytes_max {
                self.skipped += 1;
                taken.skipped += 1;
                continue;
            }
            self.note_skipped();
            self.text.extend_from_slice(line);
            taken.sent += 1;
        }
        taken.wakes = was_empty && !self.text.is_empty();
        taken
    }

    /// Moves everything to the end of `out`; returns whether there was anything.
    pub(super) fn drain_to(&mut self, out: &mut Vec<u8>) -> bool {
        // That lines are missing is news, even if no other follows.
        self.note_skipped();
        let is_news = !self.text.is_empty();
        out.append(&mut self.text);
        is_news
    }

    fn note_skipped(&mut self) {
        if self.skipped > 0 {
            let mut digits = itoa::Buffer::new();
            self.text.extend_from_slice(b"skipped=");
            let digits = digits.format(core::mem::take(&mut self.skipped));
            self.text.extend_from_slice(digits.as_bytes());
            self.text.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES_MAX: usize = 100;
    const ALL: WatchStreams = WatchStreams::FETCHERS.with(WatchStreams::MUTATIONS);

    fn batch(lines: &[(WatchStreams, &str)]) -> Batch {
        let mut batch = Batch::default();
        for &(stream, line) in lines {
            assert!(batch.push(stream, BYTES_MAX, |text| text.extend(line.as_bytes())));
        }
        batch
    }

    fn drained(queue: &mut Queue) -> String {
        let mut out = Vec::new();
        queue.drain_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_watcher_gets_the_lines_of_its_streams_in_order() {
        let lines = [
            (WatchStreams::FETCHERS, "get 1\n"),
            (WatchStreams::MUTATIONS, "set 2\n"),
            (WatchStreams::FETCHERS, "get 3\n"),
        ];
        let mut queue = Queue::default();
        let taken = queue.take(&batch(&lines), WatchStreams::FETCHERS, BYTES_MAX);
        let expected = Taken {
            sent: 2,
            skipped: 0,
            wakes: true,
        };
        assert_eq!(taken, expected);
        assert!(
            !queue
                .take(&batch(&lines), WatchStreams::FETCHERS, BYTES_MAX)
                .wakes
        );
        assert_eq!(drained(&mut queue), "get 1\nget 3\nget 1\nget 3\n");
        assert_eq!(drained(&mut queue), "");
    }

    #[test]
    fn who_is_slow_loses_lines_and_is_told_how_many() {
        let line = "123456789012345678901234567890123456789\n";
        let batch = batch(&[(WatchStreams::FETCHERS, line)]);
        let mut queue = Queue::default();
        for _ in 0..2 {
            assert_eq!(queue.take(&batch, ALL, BYTES_MAX).sent, 1);
        }
        for _ in 0..3 {
            assert_eq!(queue.take(&batch, ALL, BYTES_MAX).skipped, 1);
        }
        assert_eq!(drained(&mut queue), format!("{line}{line}skipped=3\n"));
        assert!(queue.take(&batch, ALL, BYTES_MAX).wakes);
        assert_eq!(drained(&mut queue), line);
    }

    #[test]
    fn a_batch_is_bounded_and_keeps_whole_lines() {
        let mut batch = Batch::default();
        let line = [b'x'; 60];
        assert!(batch.push(WatchStreams::FETCHERS, BYTES_MAX, |text| text.extend(line)));
        assert!(!batch.push(WatchStreams::FETCHERS, BYTES_MAX, |text| text.extend(line)));
        assert!(batch.push(WatchStreams::FETCHERS, BYTES_MAX, |text| text.push(b'\n')));
        assert_eq!(batch.text.len(), 61);
        batch.clear();
        assert!(batch.is_empty());
    }
}
