//! The store beside a plain map with the same rules.

use std::collections::HashMap;

use steadfast_store::{
    Attributes, CasId, Change, Condition, End, Expiry, Lookup, NewItem, Outcome, PutError,
    Settings, ShortValue, Store, Timestamp,
};

use crate::input::Input;

/// Runs the operations that `data` spells on a store and on a map. With room for everything they
/// agree; in a small store the map may know more, but what the store shows is right and its
/// memory stays under the limit.
pub fn model(data: &[u8]) {
    let mut input = Input::new(data);
    let mut settings = Settings::default();
    settings.stripes = 2;
    let small = input.byte() & 1 == 1;
    settings.memory_bytes_max = if small { 1 << 20 } else { 64 << 20 };
    settings.item_bytes_max = 512 << 10;
    let store = Store::new(settings).expect("the settings are valid");
    let mut twin = Twin {
        store,
        model: HashMap::new(),
        now: 10,
        small,
    };
    while !input.is_empty() {
        twin.step(&mut input);
    }
    twin.check_all();
}

struct Kept {
    value: Vec<u8>,
    flags: u32,
    expiry: Option<u32>,
    cas: CasId,
}

struct Twin {
    store: Store,
    model: HashMap<u8, Kept>,
    now: u32,
    small: bool,
}

impl Twin {
    fn step(&mut self, input: &mut Input<'_>) {
        let (operation, key) = (input.byte(), input.byte() & 31);
        match operation % 10 {
            0 | 1 => self.put(key, input, Condition::Always),
            2 => self.put(key, input, Condition::IfAbsent),
            3 => self.put(key, input, Condition::IfPresent),
            4 => {
                let id = match self.model.get(&key) {
                    Some(kept) if input.byte() & 1 == 0 => kept.cas,
                    _ => CasId::new(0),
                };
                self.put(key, input, Condition::IfUnchanged(id));
            }
            5 => self.extend(key, input),
            6 => self.update(key, input),
            7 => {
                let removed = self.store.remove(&[key], self.time());
                let present = self.forget(key).is_some();
                assert!(removed == present || self.small && !removed);
            }
            8 => {
                self.now += u32::from(input.byte() & 3);
                self.store.sweep(usize::from(input.byte()), self.time());
            }
            _ if input.byte() & 15 == 0 => {
                self.store.flush(self.time());
                self.model.clear();
            }
            _ => self.check(key),
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_secs(self.now)
    }

    /// Takes a key out of the model unless its time is over.
    fn forget(&mut self, key: u8) -> Option<Kept> {
        let now = self.now;
        self.model
            .remove(&key)
            .filter(|kept| kept.expiry.is_none_or(|expiry| expiry > now))
    }

    /// Drops what the store may have evicted, so that both start an operation alike.
    fn align(&mut self, key: u8) {
        if let Some(kept) = self.forget(key) {
            let found = self.store.read(&[key], self.time(), |_| ()).hit().is_some();
            assert!(found || self.small, "an item is gone");
            if found {
                self.model.insert(key, kept);
            }
        }
    }

    fn put(&mut self, key: u8, input: &mut Input<'_>, when: Condition) {
        self.align(key);
        let value = value(input);
        let flags = u32::from(input.byte());
        let expiry = match input.byte() {
            lifetime @ 1..=20 => Some(self.now + u32::from(lifetime)),
            _ => None,
        };
        let attributes = Attributes::new(
            flags,
            expiry.map_or(Expiry::NEVER, |secs| Expiry::at(Timestamp::from_secs(secs))),
        );
        let outcome = match input.byte() & 1 {
            0 => self
                .store
                .put(&[key], NewItem::new(&value, attributes), when, self.time()),
            _ => self
                .store
                .reserve(&[key], value.len(), attributes, self.time())
                .map(|mut reservation| {
                    reservation.value_mut().copy_from_slice(&value);
                    self.store.commit(reservation, when, self.time())
                }),
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(PutError::NoRoom { .. }) if self.small => return,
            Err(error) => panic!("{error}"),
        };
        let present = self.model.get(&key);
        match (when, present, outcome) {
            (Condition::Always, _, Outcome::Stored(cas))
            | (Condition::IfAbsent, None, Outcome::Stored(cas))
            | (Condition::IfPresent, Some(_), Outcome::Stored(cas)) => {
                self.model.insert(
                    key,
                    Kept {
                        value,
                        flags,
                        expiry,
                        cas,
                    },
                );
            }
            (Condition::IfUnchanged(id), Some(kept), Outcome::Stored(cas)) if kept.cas == id => {
                self.model.insert(
                    key,
                    Kept {
                        value,
                        flags,
                        expiry,
                        cas,
                    },
                );
            }
            (Condition::IfAbsent, Some(_), Outcome::NotStored)
            | (Condition::IfUnchanged(_), None, Outcome::NotFound) => {}
            // Making room for the new item may have evicted the one that it needs.
            (Condition::IfPresent, present, Outcome::NotStored) => {
                assert!(present.is_none() || self.small);
                self.model.remove(&key);
            }
            (Condition::IfUnchanged(_), Some(_), Outcome::NotFound) if self.small => {
                self.model.remove(&key);
            }
            (Condition::IfUnchanged(id), Some(kept), Outcome::Exists) => assert_ne!(kept.cas, id),
            (when, present, outcome) => {
                panic!("{when:?} with {} ended in {outcome:?}", present.is_some());
            }
        }
    }

    fn extend(&mut self, key: u8, input: &mut Input<'_>) {
        self.align(key);
        let data = value(input);
        let end = if input.byte() & 1 == 0 {
            End::Back
        } else {
            End::Front
        };
        let outcome = match self.store.extend(&[key], &data, end, self.time()) {
            Ok(outcome) => outcome,
            Err(PutError::NoRoom { .. }) if self.small => return,
            Err(PutError::TooLarge { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        match (self.model.get_mut(&key), outcome) {
            (Some(kept), Outcome::Stored(cas)) => {
                kept.cas = cas;
                match end {
                    End::Back => kept.value.extend_from_slice(&data),
                    _ => drop(kept.value.splice(..0, data)),
                }
            }
            (None, Outcome::NotStored) => {}
            (Some(_), Outcome::NotStored) if self.small => {
                self.model.remove(&key);
            }
            (present, outcome) => panic!("{} ended in {outcome:?}", present.is_some()),
        }
    }

    fn update(&mut self, key: u8, input: &mut Input<'_>) {
        self.align(key);
        let length = usize::from(input.byte() & 31);
        let text = input.bytes(length);
        let change = match input.byte() & 3 {
            0 => Change::Keep,
            1 => Change::Value(ShortValue::new(text).expect("31 bytes are short")),
            2 => Change::Expiry(Expiry::at(Timestamp::from_secs(self.now + 5))),
            _ => Change::Remove,
        };
        let seen = match self.store.update(&[key], self.time(), |entry| {
            (change, (entry.value().to_vec(), entry.flags()))
        }) {
            Ok(lookup) => lookup.hit(),
            Err(PutError::NoRoom { .. }) if self.small => return,
            Err(error) => panic!("{error}"),
        };
        let Some(kept) = self.model.get_mut(&key) else {
            assert_eq!(seen, None);
            return;
        };
        assert_eq!(seen, Some((kept.value.clone(), kept.flags)));
        match change {
            Change::Value(_) => {
                kept.value = text.to_vec();
                match self
                    .store
                    .read(&[key], Timestamp::from_secs(self.now), |e| e.cas())
                {
                    Lookup::Hit(cas) => kept.cas = cas,
                    _ => assert!(self.small),
                }
            }
            Change::Expiry(_) => kept.expiry = Some(self.now + 5),
            Change::Remove => drop(self.model.remove(&key)),
            _ => {}
        }
    }

    fn check(&mut self, key: u8) {
        let found = self.store.get(&[key], self.time());
        match (self.forget(key), found) {
            (Some(kept), Some(item)) => {
                assert_eq!(item.key(), [key]);
                assert_eq!(item.value(), kept.value);
                assert_eq!((item.flags(), item.cas()), (kept.flags, kept.cas));
                self.model.insert(key, kept);
            }
            (None, None) => {}
            (Some(_), None) => assert!(self.small, "an item is gone"),
            (None, Some(_)) => panic!("an item is back"),
        }
    }

    fn check_all(&mut self) {
        for key in 0..32 {
            self.check(key);
        }
        let stats = self.store.stats();
        assert!(stats.memory_bytes <= stats.memory_bytes_max);
        if !self.small {
            assert!(stats.items >= self.model.len() as u64);
        }
    }
}

/// A value whose length takes one byte of the input: most are short, some are large.
fn value(input: &mut Input<'_>) -> Vec<u8> {
    let length = match input.byte() {
        short @ 0..=200 => usize::from(short),
        long => usize::from(long - 200) * 4096,
    };
    let seed = input.byte();
    (0..length)
        .map(|index| seed.wrapping_add(index as u8))
        .collect()
}
