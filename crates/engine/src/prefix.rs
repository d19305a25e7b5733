//! Requests counted by the prefix of their key (`stats detail`).

use std::boxed::Box;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use memchr::memchr;

/// Counts for each prefix that was seen while counting was on.
///
/// One table behind one lock: whoever switches this on looks for a while and switches it off again.
#[derive(Debug)]
pub(crate) struct Prefixes {
    delimiter: u8,
    table: Mutex<BTreeMap<Box<[u8]>, Counts>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    gets: u64,
    hits: u64,
    sets: u64,
    deletes: u64,
}

/// What happened to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrefixEvent {
    Get { hit: bool },
    Set,
    Delete,
}

impl Prefixes {
    /// An empty table of prefixes that end before `delimiter`.
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            table: Mutex::default(),
        }
    }

    /// Counts for the prefix of `key`, if it has one. Of more than [`PREFIXES_MAX`] prefixes only
    /// those that came first are counted.
    pub(crate) fn count(&self, key: &[u8], event: PrefixEvent) {
        let Some(end) = memchr(self.delimiter, key) else {
            return;
        };
        let (prefix, mut table) = (&key[..end], self.table());
        if let Some(counts) = table.get_mut(prefix) {
            counts.count(event);
        } else if table.len() < PREFIXES_MAX {
            table.entry(prefix.into()).or_default().count(event);
        }
    }

    /// Appends a line for each prefix, in the order of their bytes.
    pub(crate) fn report(&self, out: &mut Vec<u8>) {
        for (prefix, counts) in &*self.table() {
            out.extend_from_slice(b"PREFIX ");
            out.extend_from_slice(prefix);
            let Counts {
                gets,
                hits,
                sets,
                deletes,
            } = counts;
            write!(out, " get {gets} hit {hits} set {sets} del {deletes}\r\n")
                .expect("a vector takes all bytes");
        }
    }

    pub(crate) fn reset(&self) {
        self.table().clear();
    }

    /// Counts are counts, whatever became of who counted.
    fn table(&self) -> MutexGuard<'_, BTreeMap<Box<[u8]>, Counts>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn count(&mut self, event: PrefixEvent) {
        match event {
            PrefixEvent::Get { hit } => {
                self.gets += 1;
                self.hits += u64::from(hit);
            }
            PrefixEvent::Set => self.sets += 1,
            PrefixEvent::Delete => self.deletes += 1,
        }
    }
}

/// Clients choose prefixes: with the longest keys this is some 3 MB, and a report of as much.
const PREFIXES_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    fn report(prefixes: &Prefixes) -> String {
        let mut out = Vec::new();
        prefixes.report(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_prefix_is_what_stands_before_the_first_delimiter() {
        let prefixes = Prefixes::new(b'.');
        prefixes.count(b"a.b.c", PrefixEvent::Get { hit: true });
        prefixes.count(b"a.x", PrefixEvent::Get { hit: false });
        prefixes.count(b".x", PrefixEvent::Set);
        prefixes.count(b"nothing", PrefixEvent::Delete);
        assert_eq!(
            report(&prefixes),
            "PREFIX  get 0 hit 0 set 1 del 0\r\nPREFIX a get 2 hit 1 set 0 del 0\r\n"
        );
        prefixes.reset();
        assert_eq!(report(&prefixes), "");
    }

    #[test]
    fn prefixes_are_limited_and_those_that_are_there_count_on() {
        let prefixes = Prefixes::new(b':');
        for number in 0..PREFIXES_MAX + 5 {
            prefixes.count(format!("{number}:x").as_bytes(), PrefixEvent::Set);
        }
        prefixes.count(b"0:y", PrefixEvent::Set);
        let report = report(&prefixes);
        assert_eq!(report.lines().count(), PREFIXES_MAX);
        assert!(report.contains("PREFIX 0 get 0 hit 0 set 2 del 0\r\n"));
    }
}
