//! The store beside a plain map with the same rules.

use std::collections::HashMap;

use steadfast_store::{
    Attributes, CasId, Change, Condition, Cursor, Edit, End, Eviction, Expiry, Extension, Initial,
    Item, Lookup, Marks, NewId, NewItem, Outcome, PutError, Reservation, Settings, ShortValue,
    Store, Timestamp, Updated, Usage,
};

use crate::input::Input;

/// Runs the operations that `data` spells on a store and on a map, and recounts the store after
/// each. With room for everything they agree; in a small store the map may know more, but what the
/// store shows is right and its memory stays under the limit.
///
/// Run it in the checked form as well (`RUSTFLAGS="--cfg steadfast_checked"`), where every item has
/// an allocation of its own: an arena would hide an overrun from the sanitizer.
pub fn model(data: &[u8]) {
    let mut input = Input::new(data);
    let mut settings = Settings::default();
    let shape = input.byte();
    let small = shape & 1 == 1;
    settings.memory_bytes_max = if small { 1 << 20 } else { 64 << 20 };
    settings.item_bytes_max = 512 << 10;
    if shape & 2 == 2 {
        settings.order = Eviction::ExactLru;
    }
    settings.stripes = if shape & 4 == 4 { 1 } else { 2 };
    let store = Store::new(settings).expect("the settings are valid");
    let mut twin = Twin {
        store,
        model: HashMap::new(),
        now: 10,
        flush_due: None,
        small,
        readers: Vec::new(),
        reserved: Vec::new(),
    };
    while !input.is_empty() {
        twin.step(&mut input);
        twin.recount();
    }
    twin.check_all();
}

struct Kept {
    value: Vec<u8>,
    flags: u32,
    expiry: Option<u32>,
    cas: CasId,
    marks: Marks,
    stored_at: u32,
}

struct Twin {
    store: Store,
    model: HashMap<u8, Kept>,
    now: u32,
    /// A flush that is yet to come, or has come and is not yet in the model.
    flush_due: Option<u32>,
    small: bool,
    /// Items that are still read, and what they must show.
    readers: Vec<(Item, Vec<u8>)>,
    /// Filled and not yet committed.
    reserved: Vec<(u8, Reservation, Kept)>,
}

impl Twin {
    fn step(&mut self, input: &mut Input<'_>) {
        let (operation, key) = (input.byte(), input.byte() & 31);
        match operation % 24 {
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
            9 => self.flush(input),
            10 => self.touch(key, input),
            11 => self.hold(key, input),
            12 => self.reserve(key, input),
            13 => self.settle_reservation(input),
            14 => self.walk(),
            16 => self.put_marked(key, input),
            17 | 18 => self.edit(key, input),
            19 => self.update_or_insert(key, input),
            20 => self.extend_expected(key, input),
            21 => self.resize(input),
            22 => self.peek(key),
            _ => self.check(key),
        }
    }

    /// Recounts the store; what no stripe answers for is held by readers and reservations.
    fn recount(&self) {
        let loose_bytes = self.store.check_invariants();
        if self.readers.is_empty() && self.reserved.is_empty() {
            assert_eq!(loose_bytes, 0, "nothing is held and memory is missing");
        }
    }

    fn flush(&mut self, input: &mut Input<'_>) {
        match input.byte() & 15 {
            0 => {
                self.store.flush(self.time());
                self.model.clear();
                self.flush_due = None;
            }
            delay @ 1..=4 => {
                let deadline = self.now + u32::from(delay) - 2;
                self.settle_flush();
                self.store
                    .flush_at(Timestamp::from_secs(deadline), self.time());
                self.flush_due = (deadline >= self.now).then_some(deadline);
            }
            _ => {}
        }
    }

    /// Takes out of the model what a flush has ended.
    fn settle_flush(&mut self) {
        if let Some(due) = self.flush_due.filter(|&due| self.now >= due) {
            self.model.retain(|_, kept| kept.stored_at > due);
        }
    }

    fn touch(&mut self, key: u8, input: &mut Input<'_>) {
        self.align(key);
        let expiry = self.now + 1 + u32::from(input.byte() & 15);
        let at = Expiry::at(Timestamp::from_secs(expiry));
        let touched = self.store.touch(self.store.locate(&[key]), at, self.time());
        match self.model.get_mut(&key) {
            Some(kept) => {
                assert!(touched);
                kept.expiry = Some(expiry);
            }
            None => assert!(!touched),
        }
    }

    /// Takes an item that is then read for some while, or lets one go.
    fn hold(&mut self, key: u8, input: &mut Input<'_>) {
        if input.byte() & 3 == 0 || self.readers.len() == HELD_MAX {
            self.let_go(1);
            return;
        }
        self.align(key);
        if let Some(item) = self.store.get(&[key], self.time()) {
            let kept = self.model.get(&key).expect("a present item is known");
            self.readers.push((item, kept.value.clone()));
        }
    }

    fn let_go(&mut self, count: usize) {
        let count = count.min(self.readers.len());
        for (item, value) in self.readers.drain(..count) {
            assert_eq!(item.value(), value, "a held value changed");
        }
    }

    fn reserve(&mut self, key: u8, input: &mut Input<'_>) {
        if self.reserved.len() == HELD_MAX {
            self.reserved.remove(0);
        }
        let kept = Kept {
            value: value(input),
            flags: 7,
            expiry: None,
            cas: CasId::new(0),
            marks: Marks::NONE,
            stored_at: 0,
        };
        let attributes = Attributes::new(kept.flags, Expiry::NEVER);
        match self
            .store
            .reserve(&[key], kept.value.len(), attributes, self.time())
        {
            Ok(mut reservation) => {
                reservation.value_mut().copy_from_slice(&kept.value);
                self.reserved.push((key, reservation, kept));
            }
            Err(PutError::NoRoom { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn settle_reservation(&mut self, input: &mut Input<'_>) {
        let Some((key, reservation, kept)) = self.reserved.pop() else {
            return;
        };
        if input.byte() & 3 == 0 {
            return;
        }
        let outcome = self
            .store
            .commit(reservation, Condition::Always, self.time());
        let Outcome::Stored(cas) = outcome else {
            panic!("a commit without a condition ended in {outcome:?}");
        };
        let stored_at = self.now;
        self.model.insert(
            key,
            Kept {
                cas,
                stored_at,
                ..kept
            },
        );
    }

    /// Every item that is shown is known, and shown once; with room, every known one is shown.
    fn walk(&mut self) {
        self.settle_flush();
        let now = self.now;
        self.model
            .retain(|_, kept| kept.expiry.is_none_or(|expiry| expiry > now));
        let mut seen = Vec::new();
        let mut from = Some(Cursor::default());
        while let Some(cursor) = from {
            from = self.store.walk(cursor, self.time(), |entry| {
                let kept = self.model.get(&entry.key()[0]).expect("an item is back");
                assert_eq!(entry.value(), kept.value);
                seen.push(entry.key()[0]);
            });
        }
        let shown = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), shown, "an item is shown twice");
        assert!(shown == self.model.len() || self.small, "an item is hidden");
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_secs(self.now)
    }

    /// Takes a key out of the model unless its time is over.
    fn forget(&mut self, key: u8) -> Option<Kept> {
        self.settle_flush();
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
        // Making room for the new item may have evicted the present one.
        if self.small && outcome_needs_absence(when, outcome) {
            self.model.remove(&key);
        }
        let present = self.model.get(&key);
        let cas = match (when, present, outcome) {
            (Condition::Always, _, Outcome::Stored(cas))
            | (Condition::IfAbsent, None, Outcome::Stored(cas))
            | (Condition::IfPresent, Some(_), Outcome::Stored(cas)) => cas,
            (Condition::IfUnchanged(id), Some(kept), Outcome::Stored(cas)) if kept.cas == id => cas,
            (Condition::IfAbsent, Some(_), Outcome::NotStored)
            | (Condition::IfPresent, None, Outcome::NotStored)
            | (Condition::IfUnchanged(_), None, Outcome::NotFound) => return,
            (Condition::IfUnchanged(id), Some(kept), Outcome::Exists) => {
                assert_ne!(kept.cas, id);
                return;
            }
            (when, present, outcome) => {
                panic!("{when:?} with {} ended in {outcome:?}", present.is_some());
            }
        };
        let kept = Kept {
            value,
            flags,
            expiry,
            cas,
            marks: Marks::NONE,
            stored_at: self.now,
        };
        self.model.insert(key, kept);
    }

    /// A store with marks, and an id of its own now and then: over a later version perhaps.
    fn put_marked(&mut self, key: u8, input: &mut Input<'_>) {
        self.align(key);
        let value = value(input);
        let marks = Marks::from_bits(input.byte());
        let given = CasId::new(u64::from(input.byte() & 31));
        let (adds, keeps) = (
            Marks::from_bits(input.byte()),
            Marks::from_bits(input.byte()),
        );
        let id = CasId::new(match (self.model.get(&key), input.byte()) {
            (Some(kept), byte @ 0..=2) => (kept.cas.get() + u64::from(byte)).saturating_sub(1),
            (_, byte) => u64::from(byte),
        });
        let when = Condition::IfUnchangedOrLater { id, adds, keeps };
        let attributes = Attributes::new(3, Expiry::NEVER)
            .with_marks(marks)
            .with_id(given);
        let item = NewItem::new(&value, attributes);
        let outcome = match self.store.put(&[key], item, when, self.time()) {
            Ok(outcome) => outcome,
            Err(PutError::NoRoom { .. }) if self.small => return,
            Err(error) => panic!("{error}"),
        };
        match (self.model.remove(&key), outcome) {
            (None, Outcome::NotFound) => {}
            (Some(_), Outcome::NotFound) => assert!(self.small, "an item is gone"),
            (Some(kept), Outcome::Exists) => {
                assert!(kept.cas < id);
                self.model.insert(key, kept);
            }
            (Some(kept), Outcome::Stored(cas)) => {
                assert!(kept.cas >= id);
                assert!(cas == given || given == CasId::new(0));
                let is_later = kept.cas > id;
                let kept = Kept {
                    value,
                    flags: 3,
                    expiry: kept.expiry.filter(|_| is_later),
                    cas,
                    marks: if is_later {
                        marks | adds | kept.marks.among(keeps)
                    } else {
                        marks
                    },
                    stored_at: self.now,
                };
                self.model.insert(key, kept);
            }
            (present, outcome) => panic!("{} ended in {outcome:?}", present.is_some()),
        }
    }

    fn edit(&mut self, key: u8, input: &mut Input<'_>) {
        self.align(key);
        let edit = some_edit(input, self.now);
        let usage = match input.byte() & 3 {
            0 => Usage::Read,
            1 => Usage::Use,
            _ => Usage::Trace,
        };
        let result = self.store.update_as(&[key], usage, self.time(), |entry| {
            (
                Change::Edit(edit),
                (entry.cas(), entry.marks(), entry.next_cas()),
            )
        });
        let seen = match result {
            Ok(lookup) => lookup.hit(),
            Err(PutError::NoRoom { .. }) if self.small => return,
            // Flags that are set make an item four bytes larger.
            Err(PutError::TooLarge { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        match (self.model.get_mut(&key), seen) {
            (Some(kept), Some((cas, marks, next))) => {
                assert_eq!((cas, marks), (kept.cas, kept.marks));
                kept.change(&edit, next, self.now);
            }
            (None, None) => {}
            (present, _) => panic!("{} is not what the store has", present.is_some()),
        }
    }

    /// Edits what is there, or makes it.
    fn update_or_insert(&mut self, key: u8, input: &mut Input<'_>) {
        self.align(key);
        let edit = some_edit(input, self.now);
        let text = input.bytes(usize::from(input.clone().byte() & 31));
        let initial = ShortValue::new(text).expect("31 bytes are short");
        let marks = Marks::from_bits(input.byte());
        let attributes = Attributes::default().with_marks(marks);
        let initial = Initial::new(initial, attributes);
        let now = self.time();
        let result = self
            .store
            .update_or_insert(&[key], &initial, Usage::Use, now, |entry| {
                (Change::Edit(edit), entry.next_cas())
            });
        let updated = match result {
            Ok(updated) => updated,
            Err(PutError::NoRoom { .. }) if self.small => return,
            Err(PutError::TooLarge { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        match (self.model.get_mut(&key), updated) {
            (Some(kept), Updated::Found(next)) => kept.change(&edit, next, self.now),
            (None, Updated::Found(_)) => panic!("an item is back"),
            (present, Updated::Inserted(cas)) => {
                assert!(present.is_none() || self.small, "an item is gone");
                let kept = Kept {
                    value: text.to_vec(),
                    flags: 0,
                    expiry: None,
                    cas,
                    marks,
                    stored_at: self.now,
                };
                self.model.insert(key, kept);
            }
        }
    }

    fn extend_expected(&mut self, key: u8, input: &mut Input<'_>) {
        self.align(key);
        let data = value(input);
        let mut extension = Extension::new(&data, End::Back);
        extension.drops = Marks::from_bits(input.byte());
        extension.id = CasId::new(u64::from(input.byte() & 31));
        extension.expected = match (self.model.get(&key), input.byte()) {
            (Some(kept), 0..=127) => Some(kept.cas),
            (_, byte) => Some(CasId::new(byte.into())),
        };
        let extended = match self.store.extend_with(&[key], &extension, self.time()) {
            Ok(extended) => extended,
            Err(PutError::NoRoom { .. }) if self.small => return,
            Err(PutError::TooLarge { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        match (self.model.get_mut(&key), extended.outcome) {
            (Some(kept), Outcome::Stored(cas)) => {
                assert_eq!(extension.expected, Some(kept.cas));
                kept.value.extend_from_slice(&data);
                assert_eq!(extended.value_bytes, kept.value.len());
                kept.marks = kept.marks.without(extension.drops);
                (kept.cas, kept.stored_at) = (cas, self.now);
            }
            (Some(kept), Outcome::Exists) => assert_ne!(extension.expected, Some(kept.cas)),
            (None, Outcome::NotStored) => {}
            (Some(_), Outcome::NotStored) if self.small => drop(self.model.remove(&key)),
            (present, outcome) => panic!("{} ended in {outcome:?}", present.is_some()),
        }
    }

    /// Another budget for a small store: larger at once, smaller after some sweeps.
    fn resize(&mut self, input: &mut Input<'_>) {
        let bytes = (1 << 20) + usize::from(input.byte()) * 8192;
        if self.small && self.store.set_memory_bytes_max(bytes).is_ok() {
            self.store.sweep(usize::from(input.byte()), self.time());
        }
    }

    fn peek(&mut self, key: u8) {
        self.align(key);
        let seen = self.store.peek(&[key], self.time(), |entry| {
            (entry.value().to_vec(), entry.cas(), entry.marks())
        });
        let kept = self.model.get(&key);
        let kept = kept.map(|kept| (kept.value.clone(), kept.cas, kept.marks));
        assert_eq!(seen.hit(), kept);
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
                kept.stored_at = self.now;
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
                kept.stored_at = self.now;
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
        let key_bytes = [key];
        let located = self.store.locate(&key_bytes);
        self.store.prefetch([&located]);
        let found = self.store.get(located, self.time());
        match (self.forget(key), found) {
            (Some(kept), Some(item)) => {
                assert_eq!(item.key(), [key]);
                assert_eq!(item.value(), kept.value);
                assert_eq!((item.flags(), item.cas()), (kept.flags, kept.cas));
                assert_eq!(item.marks(), kept.marks);
                self.model.insert(key, kept);
            }
            (None, None) => {}
            (Some(_), None) => assert!(self.small, "an item is gone"),
            (None, Some(_)) => panic!("an item is back"),
        }
    }

    fn check_all(&mut self) {
        self.let_go(HELD_MAX);
        self.reserved.clear();
        for key in 0..32 {
            self.check(key);
        }
        let stats = self.store.stats();
        if !self.small {
            assert!(stats.memory_bytes <= stats.memory_bytes_max);
            assert!(stats.items >= self.model.len() as u64);
        }
    }
}

impl Kept {
    /// Does what an edit asks for; `next` is the id it gets if that is what it asks for.
    fn change(&mut self, edit: &Edit, next: CasId, now: u32) {
        self.cas = match edit.id {
            NewId::Same => self.cas,
            NewId::Given(id) if id != CasId::new(0) => id,
            _ => next,
        };
        if let Some(value) = edit.value {
            (self.value, self.stored_at) = (value.as_bytes().to_vec(), now);
        }
        self.flags = edit.flags.unwrap_or(self.flags);
        self.marks = edit.marks.unwrap_or(self.marks);
        if let Some(expiry) = edit.expiry {
            self.expiry = expiry.time().map(Timestamp::as_secs);
        }
    }
}

fn some_edit(input: &mut Input<'_>, now: u32) -> Edit {
    let mut edit = Edit::new().with_id(match input.byte() & 3 {
        0 => NewId::Same,
        1 => NewId::Given(CasId::new(u64::from(input.byte() & 31))),
        _ => NewId::Next,
    });
    let asks = input.byte();
    if asks & 1 == 1 {
        let length = usize::from(input.byte() & 31);
        edit.value = ShortValue::new(input.bytes(length));
    }
    edit.flags = (asks & 2 == 2).then(|| u32::from(input.byte()));
    edit.marks = (asks & 4 == 4).then(|| Marks::from_bits(input.byte()));
    edit.expiry = (asks & 8 == 8).then(|| Expiry::at(Timestamp::from_secs(now + 3)));
    edit
}

/// Tells whether a put ended as it does where there is no item.
fn outcome_needs_absence(when: Condition, outcome: Outcome) -> bool {
    match when {
        Condition::IfAbsent => matches!(outcome, Outcome::Stored(_)),
        Condition::IfPresent => outcome == Outcome::NotStored,
        Condition::IfUnchanged(_) => outcome == Outcome::NotFound,
        _ => false,
    }
}

/// Items held, and reservations open, at a time.
const HELD_MAX: usize = 4;

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
