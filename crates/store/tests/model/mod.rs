//! The store against a plain map with the same rules; a script of bytes is a run of operations.
//!
//! `fuzz/src/store.rs` has a second, independent one.
#![allow(clippy::unwrap_used, reason = "a panic is how a model reports")]

use std::collections::HashMap;

use steadfast_store::{
    Attributes, CasId, Change, Condition, Cursor, End, Eviction, Expiry, Item, Lookup, NewItem,
    Outcome, PutError, Reservation, Settings, ShortValue, Store, Timestamp,
};

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
}

#[derive(Clone, Debug)]
struct Stored {
    value: Vec<u8>,
    flags: u32,
    expiry: Expiry,
    cas: CasId,
    stored_at: u32,
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
        match op % 16 {
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
            _ => self.let_go(a),
        }
        self.store.sweep(usize::from(op / 64), self.time());
    }

    fn read(&mut self, key: &[u8]) {
        let found = self.store.read(key, self.time(), |entry| {
            (
                entry.value().to_vec(),
                entry.flags(),
                entry.expiry(),
                entry.cas(),
            )
        });
        let expected = self.live(key);
        match (found, expected) {
            (Lookup::Hit(found), Some(stored)) => {
                assert_eq!(
                    found,
                    (stored.value, stored.flags, stored.expiry, stored.cas)
                );
            }
            (Lookup::Hit(_), None) => panic!("an item is found that is not there"),
            (_, Some(_)) => self.lost(key),
            (_, None) => {}
        }
    }

    fn put(&mut self, key: &[u8], when: Condition, a: u8, b: u8) {
        let (value, attributes) = (self.value(a), self.attributes(b));
        let result = self
            .store
            .put(key, NewItem::new(&value, attributes), when, self.time());
        self.stored(key, value, attributes, when, result);
    }

    fn put_unchanged(&mut self, key: &[u8], a: u8, b: u8) {
        let present = self.live(key).map_or(CasId::default(), |stored| stored.cas);
        let cas = if b % 8 == 0 {
            CasId::new(u64::from(a))
        } else {
            present
        };
        self.put(key, Condition::IfUnchanged(cas), a, b);
    }

    fn reserve(&mut self, key: &[u8], a: u8, b: u8) {
        let value = self.value(a);
        match self
            .store
            .reserve(key, value.len(), self.attributes(b), self.time())
        {
            Ok(mut reservation) => {
                reservation.value_mut().copy_from_slice(&value);
                self.reserved.push(reservation);
            }
            Err(PutError::NoRoom { .. }) => assert!(!self.is_exact),
            Err(error) => panic!("{error}"),
        }
    }

    fn commit(&mut self, a: u8) {
        if self.reserved.is_empty() {
            return;
        }
        let reservation = self
            .reserved
            .swap_remove(usize::from(a) % self.reserved.len());
        let (key, value) = (reservation.key().to_vec(), reservation.value().to_vec());
        let when = if a % 2 == 0 {
            Condition::Always
        } else {
            Condition::IfAbsent
        };
        let outcome = self.store.commit(reservation, when, self.time());
        let Outcome::Stored(_) = outcome else {
            return self.stored(&key, value, Attributes::default(), when, Ok(outcome));
        };
        // Flags and expiry were fixed when it was reserved: as the store shows them, if it does.
        let shown = self.store.read(&key, self.time(), |entry| {
            Attributes::new(entry.flags(), entry.expiry())
        });
        let attributes = shown.hit().unwrap_or(Attributes::new(0, Expiry::PAST));
        self.stored(&key, value, attributes, when, Ok(outcome));
    }

    fn extend(&mut self, key: &[u8], a: u8, end: End) {
        let data = self.value(a % 64);
        let result = self.store.extend(key, &data, end, self.time());
        let Some(old) = self.live(key) else {
            assert_eq!(result, Ok(Outcome::NotStored));
            return;
        };
        let value = match end {
            End::Back => [old.value, data].concat(),
            End::Front => [data, old.value].concat(),
        };
        match result {
            Ok(Outcome::NotStored) => self.lost(key),
            Err(PutError::TooLarge { .. }) => assert!(value.len() > 60_000),
            result => {
                let attributes = Attributes::new(old.flags, old.expiry);
                self.stored(key, value, attributes, Condition::Always, result);
            }
        }
    }

    fn update(&mut self, key: &[u8], a: u8, b: u8) {
        let text = u64::from(a)
            .pow(1 + u32::from(b) % 8)
            .to_string()
            .into_bytes();
        let mut cas = None;
        let change = match b % 4 {
            0 => Change::Keep,
            1 => Change::Remove,
            2 => Change::Expiry(self.attributes(a).expiry),
            _ => Change::Value(ShortValue::new(&text).unwrap()),
        };
        let result = self.store.update(key, self.time(), |entry| {
            cas = Some(entry.cas());
            (change, entry.next_cas())
        });
        let Some(old) = self.live(key) else {
            assert_eq!(cas, None, "no edit without an item");
            return;
        };
        if cas.is_none() {
            return self.lost(key);
        }
        match (change, result.map(|lookup| lookup.hit().unwrap())) {
            (_, Err(error)) => assert!(matches!(error, PutError::NoRoom { .. }) && !self.is_exact),
            (Change::Keep, _) => assert_eq!(cas, Some(old.cas)),
            (Change::Edit(_), _) => unreachable!("no such change was asked for"),
            (Change::Remove, _) => drop(self.model.remove(key)),
            (Change::Expiry(expiry), _) => self.model.get_mut(key).unwrap().expiry = expiry,
            (Change::Value(_), Ok(cas)) => {
                let attributes = Attributes::new(old.flags, old.expiry);
                let result = Ok(Outcome::Stored(cas));
                self.stored(key, text, attributes, Condition::Always, result);
            }
        }
    }

    fn touch(&mut self, key: &[u8], a: u8) {
        let expiry = self.attributes(a).expiry;
        let is_touched = self.store.touch(key, expiry, self.time());
        match self.live(key) {
            Some(_) if is_touched => self.model.get_mut(key).unwrap().expiry = expiry,
            Some(_) => self.lost(key),
            None => assert!(!is_touched),
        }
    }

    fn remove(&mut self, key: &[u8]) {
        let is_removed = self.store.remove(key, self.time());
        match self.live(key) {
            Some(_) if is_removed => drop(self.model.remove(key)),
            Some(_) => self.lost(key),
            None => assert!(!is_removed),
        }
    }

    fn flush(&mut self, a: u8, b: u8) {
        // What a deadline has ended does not come back with the next one.
        let _ = self.live(b"");
        match b % 3 {
            0 => {
                self.store.flush(self.time());
                self.model.clear();
                self.flush_due = None;
            }
            1 => {
                let deadline = self.now + u32::from(a % 4);
                self.store
                    .flush_at(Timestamp::from_secs(deadline), self.time());
                self.flush_due = Some(deadline);
            }
            _ => {}
        }
    }

    fn hold(&mut self, key: &[u8]) {
        let item = self.store.get(key, self.time());
        match (item, self.live(key)) {
            (Some(item), Some(stored)) => {
                assert_eq!(item.value(), stored.value);
                self.readers.push((item, stored.value));
            }
            (Some(_), None) => panic!("an item is found that is not there"),
            (None, Some(_)) => self.lost(key),
            (None, None) => {}
        }
        if self.readers.len() > 8 {
            self.readers.remove(0);
        }
    }

    fn let_go(&mut self, a: u8) {
        if a % 2 == 0 && !self.readers.is_empty() {
            self.readers
                .swap_remove(usize::from(a) % self.readers.len());
        } else if !self.reserved.is_empty() {
            self.reserved
                .swap_remove(usize::from(a) % self.reserved.len());
        }
    }

    /// Compares the end of a store with the model's, and does the same there.
    fn stored(
        &mut self,
        key: &[u8],
        value: Vec<u8>,
        attributes: Attributes,
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
            (Condition::IfUnchanged(_), None) => Outcome::NotFound,
            (Condition::IfUnchanged(cas), Some(stored)) if stored.cas != cas => Outcome::Exists,
            _ => Outcome::Stored(CasId::default()),
        };
        match outcome {
            Outcome::Stored(cas) => {
                // Where the model has an item, the store may have evicted it.
                let is_expected = expected == Outcome::Stored(CasId::default());
                assert!(is_expected || (!self.is_exact && when == Condition::IfAbsent));
                let last = self.largest_cas.insert(key.to_vec(), cas);
                assert!(last < Some(cas), "ids grow");
                let Attributes { flags, expiry, .. } = attributes;
                let stored = Stored {
                    value,
                    flags,
                    expiry,
                    cas,
                    stored_at: self.now,
                };
                self.model.insert(key.to_vec(), stored);
            }
            outcome if outcome == expected => {}
            Outcome::NotStored | Outcome::NotFound if present.is_some() => self.lost(key),
            outcome => panic!("{outcome:?} where {expected:?} was expected"),
        }
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
        assert!(stats.memory_bytes <= stats.memory_bytes_max);
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
        Attributes::new(u32::from(b / 128), expiry)
    }
}
