//! The operations of a run, each on the store and on the map.

use core::fmt;

use steadfast_store::{
    Attributes, CasId, Change, Condition, Edit, End, Entry, Expiry, Extension, Initial, Lookup,
    Marks, NewId, NewItem, Outcome, PutError, ShortValue, Timestamp, Updated, Usage,
};

use super::{Run, Stored, Version};

/// All that can be seen of an item.
#[derive(Clone, PartialEq, Eq)]
struct Shown {
    value: Vec<u8>,
    attributes: Attributes,
    was_read: bool,
}

impl Shown {
    fn of(stored: &Stored) -> Self {
        let attributes = Attributes::new(stored.flags, stored.expiry)
            .with_marks(stored.marks)
            .with_id(stored.cas);
        Self {
            value: stored.value.clone(),
            attributes,
            was_read: stored.was_read,
        }
    }
}

impl Run {
    pub(super) fn read(&mut self, key: &[u8]) {
        let found = self.store.read(key, self.time(), shown);
        self.compare(key, found);
        if let Some(stored) = self.model.get_mut(key) {
            stored.was_read = true;
        }
    }

    pub(super) fn peek(&mut self, key: &[u8]) {
        let found = self.store.peek(key, self.time(), shown);
        self.compare(key, found);
    }

    fn compare(&mut self, key: &[u8], found: Lookup<Shown>) {
        match (found, self.live(key)) {
            (Lookup::Hit(found), Some(stored)) => assert_eq!(found, Shown::of(&stored)),
            (Lookup::Hit(_), None) => panic!("an item is found that is not there"),
            (_, Some(_)) => self.lost(key),
            (_, None) => {}
        }
    }

    pub(super) fn put(&mut self, key: &[u8], when: Condition, a: u8, b: u8) {
        let (value, attributes) = (self.value(a), self.attributes(b));
        let result = self
            .store
            .put(key, NewItem::new(&value, attributes), when, self.time());
        self.stored(key, new(value, attributes), when, result);
    }

    pub(super) fn put_unchanged_or_later(&mut self, key: &[u8], a: u8, b: u8) {
        let present = self.live(key).map_or(0, |stored| stored.cas.get());
        let id = match b % 4 {
            0 => u64::from(a),
            1 => present.saturating_sub(1),
            2 => present,
            _ => present + 1,
        };
        let when = Condition::IfUnchangedOrLater {
            id: CasId::new(id),
            adds: Marks::from_bits(a),
            keeps: Marks::from_bits(b / 4),
        };
        self.put(key, when, a, b);
    }

    pub(super) fn put_unchanged(&mut self, key: &[u8], a: u8, b: u8) {
        let present = self.live(key).map_or(CasId::default(), |stored| stored.cas);
        let cas = if b % 8 == 0 {
            CasId::new(u64::from(a))
        } else {
            present
        };
        self.put(key, Condition::IfUnchanged(cas), a, b);
    }

    pub(super) fn reserve(&mut self, key: &[u8], a: u8, b: u8) {
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

    pub(super) fn commit(&mut self, a: u8) {
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
        let last = self.largest_cas.get(&key).copied().unwrap_or_default();
        let outcome = self.store.commit(reservation, when, self.time());
        let Outcome::Stored(cas) = outcome else {
            return self.stored(&key, new(value, Attributes::default()), when, Ok(outcome));
        };
        // The rest was fixed when it was reserved: as the store shows it, if it does.
        let shown = self.store.peek(&key, self.time(), |entry| {
            Attributes::new(entry.flags(), entry.expiry()).with_marks(entry.marks())
        });
        let attributes = shown.hit().unwrap_or(Attributes::new(0, Expiry::PAST));
        let given = if cas > last { CasId::default() } else { cas };
        let version = new(value, attributes.with_id(given));
        self.stored(&key, version, when, Ok(outcome));
    }

    pub(super) fn extend(&mut self, key: &[u8], a: u8, end: End) {
        let data = self.value(a % 64);
        let present = self.live(key);
        let mut extension = Extension::new(&data, end);
        extension.drops = Marks::from_bits(a);
        extension.id = CasId::new(if a % 16 == 5 { u64::from(a) * 8 } else { 0 });
        extension.expected = match (a % 8, &present) {
            (0, _) => Some(CasId::new(a.into())),
            (1, Some(stored)) => Some(stored.cas),
            _ => None,
        };
        let result = self.store.extend_with(key, &extension, self.time());
        let Some(old) = present else {
            assert_eq!(result.unwrap().outcome, Outcome::NotStored);
            return;
        };
        let is_expected = extension.expected.is_none_or(|cas| cas == old.cas);
        let value = match end {
            End::Back => [&old.value[..], &data].concat(),
            End::Front => [&data[..], &old.value].concat(),
        };
        match result {
            Ok(extended) if extended.outcome == Outcome::NotStored => self.lost(key),
            Ok(extended) if extended.outcome == Outcome::Exists => assert!(!is_expected),
            Err(PutError::TooLarge { .. }) => assert!(is_expected && value.len() > 60_000),
            result => {
                assert!(is_expected);
                if let Ok(extended) = result {
                    assert_eq!(extended.value_bytes, value.len());
                }
                let attributes = Attributes::new(old.flags, old.expiry)
                    .with_marks(old.marks.without(extension.drops))
                    .with_id(extension.id);
                let outcome = result.map(|extended| extended.outcome);
                self.stored(key, new(value, attributes), Condition::Always, outcome);
            }
        }
    }

    pub(super) fn update(&mut self, key: &[u8], a: u8, b: u8) {
        let change = match b % 4 {
            0 => Change::Keep,
            1 => Change::Remove,
            2 => Change::Expiry(self.attributes(a).expiry),
            _ => Change::Value(text(a, b)),
        };
        self.change(key, change, Usage::Read);
    }

    pub(super) fn edit(&mut self, key: &[u8], a: u8, b: u8) {
        let edit = self.some_edit(a, b);
        let usage = [Usage::Read, Usage::Use, Usage::Trace][usize::from(b % 3)];
        self.change(key, Change::Edit(edit), usage);
    }

    fn some_edit(&self, a: u8, b: u8) -> Edit {
        let attributes = self.attributes(a);
        let mut edit = Edit::new().with_id(match b % 5 {
            0 | 1 => NewId::Same,
            2 => NewId::Next,
            _ => NewId::Given(attributes.id),
        });
        edit.value = (b & 8 == 0).then(|| text(a, b));
        edit.flags = (b & 16 == 0).then_some(attributes.flags);
        edit.expiry = (b & 32 == 0).then_some(attributes.expiry);
        edit.marks = (b & 64 == 0).then_some(attributes.marks);
        edit
    }

    fn change(&mut self, key: &[u8], change: Change, usage: Usage) {
        let mut seen = None;
        let result = self.store.update_as(key, usage, self.time(), |entry| {
            seen = Some(shown(entry));
            (change, entry.next_cas())
        });
        let present = self.live(key);
        match (present, seen) {
            (None, seen) => assert_eq!(seen, None, "no edit without an item"),
            (Some(_), None) => match result {
                Err(error) => self.no_room(&error),
                Ok(_) => self.lost(key),
            },
            (Some(old), Some(seen)) => {
                assert_eq!(seen, Shown::of(&old));
                let next = result.map(|lookup| lookup.hit().unwrap());
                self.changed(key, old, change, usage, next);
            }
        }
    }

    /// Does in the model what a change has done in the store.
    fn changed(
        &mut self,
        key: &[u8],
        old: Stored,
        change: Change,
        usage: Usage,
        next: Result<CasId, PutError>,
    ) {
        if let Some(stored) = self.model.get_mut(key) {
            stored.was_read |= usage == Usage::Read;
        }
        let next = match next {
            Ok(next) => next,
            Err(error) => return self.no_room(&error),
        };
        let edit = match change {
            Change::Keep => return,
            Change::Remove => return drop(self.model.remove(key)),
            Change::Expiry(expiry) => Edit::new().with_expiry(expiry),
            Change::Value(value) => Edit::new().with_value(value).with_id(NewId::Next),
            Change::Edit(edit) => edit,
        };
        let (given, cas) = match edit.id {
            NewId::Same => (old.cas, old.cas),
            NewId::Given(id) if id != CasId::default() => (id, id),
            NewId::Next | NewId::Given(_) => (CasId::default(), next),
        };
        self.note_id(key, given, cas);
        let now = self.now;
        let stored = self.model.get_mut(key).unwrap();
        stored.cas = cas;
        if let Some(value) = edit.value {
            (stored.value, stored.stored_at) = (value.as_bytes().to_vec(), now);
            stored.was_read = old.was_read;
        }
        stored.flags = edit.flags.unwrap_or(stored.flags);
        stored.expiry = edit.expiry.unwrap_or(stored.expiry);
        stored.marks = edit.marks.unwrap_or(stored.marks);
    }

    pub(super) fn update_or_insert(&mut self, key: &[u8], a: u8, b: u8) {
        let initial = Initial::new(text(a, b), self.attributes(b));
        let change = Change::Edit(self.some_edit(b, a));
        let usage = Usage::Use;
        let mut seen = None;
        let now = self.time();
        let result = self
            .store
            .update_or_insert(key, &initial, usage, now, |entry| {
                seen = Some(shown(entry));
                (change, entry.next_cas())
            });
        match (self.live(key), seen, result) {
            (Some(old), Some(seen), result) => {
                assert_eq!(seen, Shown::of(&old));
                let next = result.map(|updated| match updated {
                    Updated::Found(next) => next,
                    Updated::Inserted(_) => panic!("an edit came before an insertion"),
                });
                self.changed(key, old, change, usage, next);
            }
            (present, None, Ok(Updated::Inserted(cas))) => {
                assert!(present.is_none() || !self.is_exact, "an item is lost");
                self.model.remove(key);
                let version = new(initial.value.as_bytes().to_vec(), initial.attributes);
                self.stored(key, version, Condition::Always, Ok(Outcome::Stored(cas)));
            }
            (_, None, Err(error)) => self.no_room(&error),
            (present, seen, result) => panic!("{present:?} was {seen:?}: {result:?}"),
        }
    }

    fn no_room(&self, error: &PutError) {
        assert!(
            matches!(error, PutError::NoRoom { .. }) && !self.is_exact,
            "{error}"
        );
    }

    /// Another budget: larger at once, smaller after some sweeps.
    pub(super) fn resize(&mut self, a: u8) {
        if self.is_exact {
            return;
        }
        let bytes = (1 << 20) + usize::from(a) * 4096;
        if self.store.set_memory_bytes_max(bytes).is_ok() {
            self.memory_bytes_max = self.memory_bytes_max.max(bytes as u64);
            assert_eq!(self.store.stats().memory_bytes_max, bytes as u64);
        }
        self.store.sweep(usize::from(a), self.time());
    }

    pub(super) fn touch(&mut self, key: &[u8], a: u8) {
        let expiry = self.attributes(a).expiry;
        let is_touched = self.store.touch(key, expiry, self.time());
        match self.live(key) {
            Some(_) if is_touched => {
                let stored = self.model.get_mut(key).unwrap();
                (stored.expiry, stored.was_read) = (expiry, true);
            }
            Some(_) => self.lost(key),
            None => assert!(!is_touched),
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        let is_removed = self.store.remove(key, self.time());
        match self.live(key) {
            Some(_) if is_removed => drop(self.model.remove(key)),
            Some(_) => self.lost(key),
            None => assert!(!is_removed),
        }
    }

    pub(super) fn flush(&mut self, a: u8, b: u8) {
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

    pub(super) fn hold(&mut self, key: &[u8]) {
        let item = self.store.get(key, self.time());
        match (item, self.live(key)) {
            (Some(item), Some(stored)) => {
                assert_eq!(
                    (item.value(), item.marks()),
                    (&stored.value[..], stored.marks)
                );
                self.model.get_mut(key).unwrap().was_read = true;
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

    pub(super) fn let_go(&mut self, a: u8) {
        if a % 2 == 0 && !self.readers.is_empty() {
            self.readers
                .swap_remove(usize::from(a) % self.readers.len());
        } else if !self.reserved.is_empty() {
            self.reserved
                .swap_remove(usize::from(a) % self.reserved.len());
        }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, start) = (self.value.len(), &self.value[..self.value.len().min(8)]);
        let (attributes, was_read) = (self.attributes, self.was_read);
        write!(
            f,
            "{bytes} bytes {start:?}, {attributes:?}, read: {was_read}"
        )
    }
}

fn shown(entry: &Entry<'_>) -> Shown {
    let attributes = Attributes::new(entry.flags(), entry.expiry())
        .with_marks(entry.marks())
        .with_id(entry.cas());
    Shown {
        value: entry.value().to_vec(),
        attributes,
        was_read: entry.was_read(),
    }
}

fn new(value: Vec<u8>, attributes: Attributes) -> Version {
    Version {
        value,
        attributes,
        was_read: false,
    }
}

/// The text of some number.
fn text(a: u8, b: u8) -> ShortValue {
    let number = u64::from(a).pow(1 + u32::from(b) % 8);
    ShortValue::new(number.to_string().as_bytes()).unwrap()
}
