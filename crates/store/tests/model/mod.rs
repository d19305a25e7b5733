//! The store against a plain map with the same rules; a script of bytes is a run of operations.
//!
//! `fuzz/src/store.rs` has a second, independent one.
#![allow(clippy::unwrap_used, reason = "a panic is how a model reports")]

use std::collections::HashMap;

use steadfast_store::{
    Attributes, CasId, Condition, Cursor, End, Eviction, Expiry, Item, Marks, Outcome, PutError,
    Reservation, Settings, Store, Timestamp,
};

mod steps;

/// Runs `script` on a store that never needs to evict, and on a plain map: all answers must agree.
pub(crate) fn run_exact(script: &[u8]) {
    let mut settings = Settings::default();
    settings.memory_bytes_max = 64 << 20;
    settings.item_bytes_max = 64 << 10;
    settings.stripes = 4;
    settings.evict = false;
    Run::new(settings, true).perform(script);
}

/// Runs `script` on a small store that must evict: what is found must be right, and the budget kept.
pub(crate) fn run_evicting(script: &[u8]) {
    let mut settings = Settings::default();
    settings.memory_bytes_max = 1 << 20;
    settings.item_bytes_max = 256 << 10;
    settings.stripes = 4;
    if script.len() % 2 == 1 {
        settings.order = Eviction::ExactLru;
    }
    Run::new(settings, false).perform(script);
}

struct Run {
    store: Store,
    is_exact: bool,
    model: HashMap<Vec<u8>, Stored>,
    now: u32,
    /// A flush that is yet to come.
    flush_due: Option<u32>,
    largest_cas: HashMap<Vec<u8>, CasId>,
    readers: Vec<(Item, Vec<u8>)>,
    reserved: Vec<Reservation>,
    fill: u8,
    /// The largest budget there was.
    memory_bytes_max: u64,
}

#[derive(Clone, Debug)]
struct Stored {
    value: Vec<u8>,
    flags: u32,
    expiry: Expiry,
    cas: CasId,
    marks: Marks,
    was_read: bool,
    stored_at: u32,
}

/// What is to be stored, and what it takes over of the item that is there.
struct Version {
    value: Vec<u8>,
    attributes: Attributes,
    was_read: bool,
}

impl Run {
    fn new(settings: Settings, is_exact: bool) -> Self {
        Self {
            store: Store::new(settings).unwrap(),
            is_exact,
            model: HashMap::new(),
            now: 100,
            flush_due: None,
            largest_cas: HashMap::new(),
            readers: Vec::new(),
            reserved: Vec::new(),
            fill: 0,
            memory_bytes_max: settings.memory_bytes_max as u64,
        }
    }

    fn perform(mut self, script: &[u8]) {
        for step in script.chunks_exact(4) {
            self.step([step[0], step[1], step[2], step[3]]);
            self.check();
        }
        self.check_walk();
        self.readers.clear();
        self.reserved.clear();
        assert_eq!(self.store.check_invariants(), 0, "all memory is given back");
        assert_eq!(self.store.stats().held_bytes, 0);
    }

    fn step(&mut self, [op, key, a, b]: [u8; 4]) {
        let key = format!("key-{}", key % 24).into_bytes();
        match op % 22 {
            0 => self.read(&key),
            1 | 2 => self.put(&key, Condition::Always, a, b),
            3 => self.put(&key, Condition::IfAbsent, a, b),
            4 => self.put(&key, Condition::IfPresent, a, b),
            5 => self.put_unchanged(&key, a, b),
            6 => self.reserve(&key, a, b),
            7 => self.commit(a),
            8 => self.extend(&key, a, if b % 2 == 0 { End::Back } else { End::Front }),
            9 => self.update(&key, a, b),
            10 => self.touch(&key, a),
            11 => self.remove(&key),
            12 => self.flush(a, b),
            13 => self.hold(&key),
            14 => self.now += u32::from(a % 4),
            15 => self.let_go(a),
            16 => self.put_unchanged_or_later(&key, a, b),
            17 | 18 => self.edit(&key, a, b),
            19 => self.update_or_insert(&key, a, b),
            20 => self.peek(&key),
            _ => self.resize(a),
        }
        self.store.sweep(usize::from(op / 64), self.time());
    }

    /// Compares the end of a store with the model's, and does the same there.
    fn stored(
        &mut self,
        key: &[u8],
        version: Version,
        when: Condition,
        result: Result<Outcome, PutError>,
    ) {
        let present = self.live(key);
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(PutError::NoRoom { .. }) => return assert!(!self.is_exact),
            Err(error) => panic!("{error}"),
        };
        let expected = match (when, &present) {
            (Condition::IfAbsent, Some(_)) | (Condition::IfPresent, None) => Outcome::NotStored,
            (Condition::IfUnchanged(_) | Condition::IfUnchangedOrLater { .. }, None) => {
                Outcome::NotFound
            }
            (Condition::IfUnchanged(cas), Some(stored)) if stored.cas != cas => Outcome::Exists,
            (Condition::IfUnchangedOrLater { id, .. }, Some(stored)) if stored.cas < id => {
                Outcome::Exists
            }
            _ => Outcome::Stored(CasId::default()),
        };
        match outcome {
            Outcome::Stored(cas) => {
                // Where the model has an item, the store may have evicted it.
                let is_expected = expected == Outcome::Stored(CasId::default());
                assert!(is_expected || (!self.is_exact && when == Condition::IfAbsent));
                self.insert(key, version, cas, when, present);
            }
            outcome if outcome == expected => {}
            Outcome::NotStored | Outcome::NotFound if present.is_some() => self.lost(key),
            outcome => panic!("{outcome:?} where {expected:?} was expected"),
        }
    }

    fn insert(
        &mut self,
        key: &[u8],
        version: Version,
        cas: CasId,
        when: Condition,
        present: Option<Stored>,
    ) {
        let attributes = version.attributes;
        self.note_id(key, attributes.id, cas);
        let mut stored = Stored {
            value: version.value,
            flags: attributes.flags,
            expiry: attributes.expiry,
            cas,
            marks: attributes.marks,
            was_read: version.was_read,
            stored_at: self.now,
        };
        if let (Condition::IfUnchangedOrLater { id, adds, keeps }, Some(present)) = (when, present)
        {
            if present.cas > id {
                stored.expiry = present.expiry;
                stored.marks = stored.marks | adds | present.marks.among(keeps);
            }
        }
        self.model.insert(key.to_vec(), stored);
    }

    /// An id is the given one, or larger than all that the key had.
    fn note_id(&mut self, key: &[u8], given: CasId, cas: CasId) {
        let largest = self.largest_cas.entry(key.to_vec()).or_default();
        if given == CasId::default() {
            assert!(*largest < cas, "ids grow");
        } else {
            assert_eq!(cas, given);
        }
        *largest = cas.max(*largest);
    }

    /// The store lacks an item: fine only if it may evict.
    fn lost(&mut self, key: &[u8]) {
        assert!(!self.is_exact, "an item is lost");
        self.model.remove(key);
    }

    fn live(&mut self, key: &[u8]) -> Option<Stored> {
        if let Some(deadline) = self.flush_due {
            if self.now >= deadline {
                self.model.retain(|_, stored| stored.stored_at > deadline);
            }
            if self.now > deadline {
                self.flush_due = None;
            }
        }
        let now = self.time();
        self.model.retain(|_, stored| !stored.expiry.is_past(now));
        self.model.get(key).cloned()
    }

    fn check(&self) {
        let held: usize = self.store.check_invariants();
        let stats = self.store.stats();
        assert!(stats.memory_bytes <= self.memory_bytes_max);
        assert!(self.readers.len() + self.reserved.len() > 0 || held == 0);
        for (item, value) in &self.readers {
            assert_eq!(item.value(), value, "a reader's value never changes");
        }
    }

    fn check_walk(&mut self) {
        let mut shown = Vec::new();
        let mut cursor = Some(Cursor::default());
        while let Some(from) = cursor {
            cursor = self
                .store
                .walk(from, self.time(), |entry| shown.push(entry.key().to_vec()));
        }
        shown.sort();
        let _ = self.live(b"");
        let mut expected: Vec<_> = self.model.keys().cloned().collect();
        expected.sort();
        if self.is_exact {
            assert_eq!(shown, expected);
        } else {
            assert!(shown.iter().all(|key| expected.contains(key)));
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_secs(self.now)
    }

    /// A value of its own: mostly small, some larger than what is copied under the lock.
    fn value(&mut self, a: u8) -> Vec<u8> {
        self.fill = self.fill.wrapping_add(1);
        let small = usize::from(a % 64) * 3;
        let bytes = match a / 64 {
            0 | 1 => small,
            2 => small * 40,
            _ if self.is_exact => small * 120,
            _ => small * 1000,
        };
        vec![self.fill; bytes]
    }

    fn attributes(&self, b: u8) -> Attributes {
        let expiry = match b % 4 {
            0 => Expiry::at(Timestamp::from_secs(self.now + u32::from(b / 64))),
            1 => Expiry::at(Timestamp::from_secs(self.now + u32::from(b))),
            _ => Expiry::NEVER,
        };
        // A given id now and then; all are of one order, so that they meet others.
        let id = if b % 16 == 7 { u64::from(b) * 8 } else { 0 };
        Attributes::new(u32::from(b / 128), expiry)
            .with_marks(Marks::from_bits(b / 8))
            .with_id(CasId::new(id))
    }
}
