//! Thousands of short keys in few stripes: the index grows, overflows and empties, items move and
//! are evicted, and a plain map says what must be found.
#![cfg(not(steadfast_loom))]
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::collections::HashMap;

use steadfast_store::{
    Attributes, Change, Condition, Cursor, Edit, Eviction, Expiry, Marks, NewItem, Outcome,
    Settings, Store, Timestamp, Usage,
};

const NOW: Timestamp = Timestamp::from_secs(10);

/// What is known of a key: the length of its value, and its marks.
type Known = (usize, u8);

struct Crowd {
    store: Store,
    known: HashMap<u32, Known>,
    evicts: bool,
    random: u64,
    keys: u32,
}

impl Crowd {
    fn new(seed: u64, evicts: bool, order: Eviction) -> Self {
        let mut settings = Settings::default();
        settings.memory_bytes_max = if evicts { 1 << 20 } else { 32 << 20 };
        settings.item_bytes_max = 64 << 10;
        settings.stripes = if evicts { 1 } else { 2 };
        settings.hash_seed = seed;
        settings.evict = evicts;
        settings.order = order;
        Self {
            store: Store::new(settings).unwrap(),
            known: HashMap::new(),
            evicts,
            random: seed,
            keys: if evicts { 20_000 } else { 40_000 },
        }
    }

    /// xorshift64 (Marsaglia 2003).
    fn draw(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) as u32 % below
    }

    fn run(mut self, steps: u32) {
        for step in 0..steps {
            // The store fills, is half emptied, and fills again.
            let is_emptying = step / (steps / 4) % 2 == 1;
            let key = self.draw(self.keys);
            match self.draw(8) {
                0..=2 if is_emptying => self.remove(key),
                0..=3 => self.put(key),
                4 => self.mark(key),
                _ => self.read(key),
            }
            if step % (steps / 50) == 0 {
                assert_eq!(self.store.check_invariants(), 0);
            }
        }
        self.walk();
        assert_eq!(self.evicts, self.store.stats().evictions > 0);
    }

    fn put(&mut self, key: u32) {
        let (bytes, marks) = (self.draw(90) as usize, self.draw(8) as u8);
        let value = vec![key as u8; bytes];
        let attributes = Attributes::new(key, Expiry::NEVER).with_marks(Marks::from_bits(marks));
        let item = NewItem::new(&value, attributes);
        let stored = self
            .store
            .put(&key.to_le_bytes(), item, Condition::Always, NOW);
        assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
        self.known.insert(key, (bytes, marks));
    }

    fn mark(&mut self, key: u32) {
        let marks = self.draw(8) as u8;
        let edit = Change::Edit(Edit::new().with_marks(Marks::from_bits(marks)));
        let key_bytes = key.to_le_bytes();
        let marked = self
            .store
            .update_as(&key_bytes, Usage::Use, NOW, |_| (edit, ()));
        let is_there = marked.unwrap().hit().is_some();
        if self.judge(key, is_there) {
            self.known.entry(key).and_modify(|known| known.1 = marks);
        }
    }

    fn read(&mut self, key: u32) {
        let seen = self.store.read(&key.to_le_bytes(), NOW, |entry| {
            assert_eq!(entry.flags(), key);
            assert!(entry.value().iter().all(|&byte| byte == key as u8));
            (entry.value().len(), entry.marks().bits())
        });
        let seen = seen.hit();
        if self.judge(key, seen.is_some()) {
            assert_eq!(self.known.get(&key).copied(), seen);
        }
    }

    fn remove(&mut self, key: u32) {
        let is_there = self.store.remove(&key.to_le_bytes(), NOW);
        self.judge(key, is_there);
        self.known.remove(&key);
    }

    /// An item that is known may have been evicted; one that is not known is not there.
    fn judge(&mut self, key: u32, is_there: bool) -> bool {
        let is_known = self.known.contains_key(&key);
        assert!(is_there == is_known || is_known && self.evicts, "{key}");
        if !is_there {
            self.known.remove(&key);
        }
        is_there
    }

    fn walk(&mut self) {
        let mut shown = HashMap::new();
        let mut from = Some(Cursor::default());
        while let Some(cursor) = from {
            from = self.store.walk(cursor, NOW, |entry| {
                let key = u32::from_le_bytes(entry.key().try_into().unwrap());
                let known = (entry.value().len(), entry.marks().bits());
                assert_eq!(shown.insert(key, known), None, "{key} is shown twice");
            });
        }
        assert_eq!(shown.len() as u64, self.store.stats().items);
        assert!(
            shown
                .iter()
                .all(|(key, known)| self.known.get(key) == Some(known))
        );
        assert!(self.evicts || shown.len() == self.known.len());
    }
}

#[test]
fn a_crowd_of_short_keys_is_found_again() {
    Crowd::new(0x5eed, false, Eviction::ScanResistant).run(150_000);
}

#[test]
fn a_crowd_that_does_not_fit_is_right_as_far_as_it_is_there() {
    for order in [Eviction::ScanResistant, Eviction::ExactLru] {
        Crowd::new(0xfeed, true, order).run(100_000);
    }
}
