//! The binary protocol against a naive map: what is answered, what is silent, and in which order.

use std::collections::HashMap;

use proptest::prelude::*;
use steadfast_protocol::binary::{Command, NO_INITIAL, Request, StorageVerb};

use crate::cache::Cache;
use crate::wire::{
    answers, begin, bytes, delete, flush, gat, get, getk, loud, only, quiet, storage, touch,
    with_value,
};

/// A random request. Keys are few, so that requests meet.
#[derive(Debug, Clone)]
struct Step {
    kind: Kind,
    key: usize,
    quiet: bool,
    version: Version,
}

#[derive(Debug, Clone)]
enum Kind {
    Get {
        with_key: bool,
    },
    GetAndTouch {
        exptime: u32,
        with_key: bool,
    },
    Touch {
        exptime: u32,
    },
    Store {
        verb: StorageVerb,
        flags: u32,
        exptime: u32,
        value: String,
    },
    Delete,
    Count {
        delta: i64,
        initial: u64,
        exptime: u32,
    },
    Flush,
    Noop,
}

/// Which version a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Any,
    /// The one that was there before the requests were sent.
    Known,
    /// One that never was.
    Wrong,
}

const KEYS: [&str; 4] = ["a", "b key", "c\n", "d"];
const WRONG: u64 = 1 << 60;

fn kind() -> impl Strategy<Value = Kind> {
    use StorageVerb::{Add, Append, Prepend, Replace, Set};
    let verb = proptest::sample::select(&[Set, Add, Replace, Append, Prepend][..]);
    let exptime = || proptest::sample::select(&[0, 0, 0, 5, 2_678_400][..]);
    let value = prop_oneof!["[0-9]{0,4}", "[a-z ]{0,9}"];
    let begins = proptest::sample::select(&[NO_INITIAL, 0, 5, 2_678_400][..]);
    prop_oneof![
        3 => any::<bool>().prop_map(|with_key| Kind::Get { with_key }),
        1 => (exptime(), any::<bool>())
            .prop_map(|(exptime, with_key)| Kind::GetAndTouch { exptime, with_key }),
        1 => exptime().prop_map(|exptime| Kind::Touch { exptime }),
        5 => (verb, any::<u32>(), exptime(), value)
            .prop_map(|(verb, flags, exptime, value)| Kind::Store { verb, flags, exptime, value }),
        1 => Just(Kind::Delete),
        3 => (-300i64..300, 0u64..9, begins)
            .prop_map(|(delta, initial, exptime)| Kind::Count { delta, initial, exptime }),
        1 => Just(Kind::Flush),
        1 => Just(Kind::Noop),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    use Version::{Any, Known, Wrong};
    let version = proptest::sample::select(&[Any, Any, Any, Known, Known, Wrong][..]);
    (kind(), 0..KEYS.len(), any::<bool>(), version).prop_map(|(kind, key, quiet, version)| Step {
        kind,
        key,
        quiet,
        version,
    })
}

#[derive(Debug, Clone)]
struct Item {
    flags: u32,
    value: String,
    end: Option<u32>,
    /// Whether it is still as it was before the requests were sent.
    is_known: bool,
}

/// The same rules, as plainly as can be.
#[derive(Debug, Default)]
struct Naive {
    items: HashMap<usize, Item>,
    now: u32,
}

impl Naive {
    fn end_of(&self, exptime: u32) -> Option<u32> {
        match exptime {
            0 => None,
            1..=2_592_000 => Some(self.now + exptime),
            _ => Some(0),
        }
    }

    fn settle(&mut self) {
        let now = self.now;
        self.items
            .retain(|_, item| item.end.is_none_or(|end| end > now));
    }

    /// What is answered, without the opcode; none if it is silent.
    fn answer(&mut self, step: &Step) -> Option<String> {
        self.settle();
        let name = KEYS[step.key].escape_default().to_string();
        let is_retrieval = matches!(step.kind, Kind::Get { .. } | Kind::GetAndTouch { .. });
        let answer = match &step.kind {
            Kind::Noop => return Some(String::new()),
            Kind::Flush => {
                self.items.clear();
                Ok(String::new())
            }
            Kind::Get { with_key } => self.get(step.key, &name, *with_key),
            Kind::GetAndTouch { exptime, with_key } => {
                let answer = self.get(step.key, &name, *with_key);
                self.touch(step.key, *exptime);
                answer
            }
            Kind::Touch { exptime } => {
                let flags = self.items.get(&step.key).map(|item| item.flags);
                self.touch(step.key, *exptime);
                return Some(flags.map_or(NOT_FOUND.into(), |flags| format!(" cas flags={flags}")));
            }
            Kind::Store { verb, .. } => self.store(step, *verb),
            Kind::Delete => self.delete(step),
            Kind::Count { .. } => self.count(step),
        };
        match answer {
            Ok(told) if is_retrieval || !step.quiet => Some(told),
            Err(told) if !(is_retrieval && step.quiet) => Some(told),
            _ => None,
        }
    }

    fn get(&self, key: usize, name: &str, with_key: bool) -> Result<String, String> {
        let named = if with_key {
            format!(" key={name}")
        } else {
            String::new()
        };
        let Some(Item { flags, value, .. }) = self.items.get(&key) else {
            return Err(if with_key {
                format!(" 0x01{named}")
            } else {
                NOT_FOUND.into()
            });
        };
        let blank = if value.is_empty() { "" } else { " " };
        Ok(format!(" cas flags={flags}{named}{blank}{value}"))
    }

    fn touch(&mut self, key: usize, exptime: u32) {
        let end = self.end_of(exptime);
        if let Some(item) = self.items.get_mut(&key) {
            item.end = end;
        }
    }

    /// Whether the present item is the version that is named.
    fn is_meant(&self, step: &Step) -> bool {
        let is_known = self.items.get(&step.key).is_some_and(|item| item.is_known);
        match step.version {
            Version::Any => true,
            Version::Known => is_known,
            Version::Wrong => false,
        }
    }

    fn store(&mut self, step: &Step, verb: StorageVerb) -> Result<String, String> {
        let Kind::Store {
            flags,
            exptime,
            value,
            ..
        } = &step.kind
        else {
            unreachable!("it is a store");
        };
        let extends = matches!(verb, StorageVerb::Append | StorageVerb::Prepend);
        let is_there = self.items.contains_key(&step.key);
        if extends && !is_there {
            return Err(" 0x05 Not stored.".into());
        }
        if step.version != Version::Any && !is_there {
            return Err(NOT_FOUND.into());
        }
        if !self.is_meant(step) {
            return Err(EXISTS.into());
        }
        match verb {
            StorageVerb::Add if is_there && step.version == Version::Any => {
                return Err(EXISTS.into());
            }
            StorageVerb::Replace if !is_there => return Err(NOT_FOUND.into()),
            _ => {}
        }
        let mut item = Item {
            flags: *flags,
            value: value.clone(),
            end: self.end_of(*exptime),
            is_known: false,
        };
        if let (true, Some(old)) = (extends, self.items.get(&step.key)) {
            item.value = if verb == StorageVerb::Append {
                format!("{}{value}", old.value)
            } else {
                format!("{value}{}", old.value)
            };
            (item.flags, item.end) = (old.flags, old.end);
        }
        self.items.insert(step.key, item);
        Ok(" cas".into())
    }

    fn delete(&mut self, step: &Step) -> Result<String, String> {
        if !self.items.contains_key(&step.key) {
            return Err(NOT_FOUND.into());
        }
        if !self.is_meant(step) {
            return Err(EXISTS.into());
        }
        self.items.remove(&step.key);
        Ok(String::new())
    }

    fn count(&mut self, step: &Step) -> Result<String, String> {
        let Kind::Count {
            delta,
            initial,
            exptime,
        } = step.kind
        else {
            unreachable!("it is a count");
        };
        let is_meant = self.is_meant(step);
        let end = self.end_of(exptime);
        let Some(item) = self.items.get_mut(&step.key) else {
            if exptime == NO_INITIAL {
                return Err(NOT_FOUND.into());
            }
            let item = Item {
                flags: 0,
                value: initial.to_string(),
                end,
                is_known: false,
            };
            self.items.insert(step.key, item);
            return Ok(format!(" cas {initial}"));
        };
        let no_number = " 0x06 Non-numeric server-side value for incr or decr";
        if item.value.is_empty() {
            return Err(no_number.into());
        }
        if !is_meant {
            return Err(EXISTS.into());
        }
        let Some(old) = steadfast_protocol::parse_stored_number(item.value.as_bytes()) else {
            return Err(no_number.into());
        };
        let new = if delta < 0 {
            old.saturating_sub(delta.unsigned_abs())
        } else {
            old.wrapping_add(delta.unsigned_abs())
        };
        let width = item.value.len();
        item.value = format!("{new:<width$}");
        item.is_known = false;
        Ok(format!(" cas {new}"))
    }
}

const NOT_FOUND: &str = " 0x01 Not found";
const EXISTS: &str = " 0x02 Data exists for key.";

/// The request, and its opcode in words.
fn encode(step: &Step, known: &HashMap<usize, u64>) -> (Vec<u8>, String) {
    let name = KEYS[step.key];
    let mut value = "";
    let request: Request<'_> = match &step.kind {
        Kind::Get { with_key: false } => get(name),
        Kind::Get { with_key: true } => getk(name),
        Kind::GetAndTouch { exptime, with_key } => gat(name, *exptime, *with_key),
        Kind::Touch { exptime } => touch(name, *exptime),
        Kind::Store {
            verb,
            flags,
            exptime,
            value: stored,
        } => {
            value = stored;
            let extends = matches!(verb, StorageVerb::Append | StorageVerb::Prepend);
            let extras = if extends { (0, 0) } else { (*flags, *exptime) };
            storage(*verb, name, extras, value.as_bytes())
        }
        Kind::Delete => delete(name),
        Kind::Count {
            delta,
            initial,
            exptime,
        } => begin(name, *delta, *initial, *exptime),
        Kind::Flush => flush(None),
        Kind::Noop => loud(Command::Noop),
    };
    let request = if step.quiet { quiet(request) } else { request };
    let cas = match step.version {
        Version::Any => 0,
        Version::Known => known.get(&step.key).copied().unwrap_or(WRONG),
        Version::Wrong => WRONG,
    };
    let request = only(cas, request);
    let opcode = format!("{:?}", request.opcode());
    (with_value(&request, value.as_bytes()), opcode)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn answers_are_those_of_a_naive_map_and_in_order(
        rounds in proptest::collection::vec(
            (proptest::collection::vec(step(), 1..40), 1usize..90, 0u32..4), 1..6)
    ) {
        let mut cache = Cache::new();
        let mut naive = Naive { now: cache.now.timestamp.as_secs(), ..Naive::default() };
        for (steps, piece_bytes, wait_secs) in rounds {
            cache.wait(wait_secs);
            naive.now += wait_secs;
            naive.settle();
            // What is known of the versions before the round.
            let mut known = HashMap::new();
            for (index, name) in KEYS.iter().enumerate() {
                let answer = answers(&cache.send([&bytes([get(name)])[..]])).pop().unwrap();
                if let Some(item) = naive.items.get_mut(&index) {
                    item.is_known = true;
                    known.insert(index, answer.cas);
                }
                prop_assert_eq!(answer.cas != 0, naive.items.contains_key(&index));
            }
            let (mut sent, mut expected) = (Vec::new(), Vec::new());
            for step in &steps {
                let (request, opcode) = encode(step, &known);
                sent.extend(request);
                expected.extend(naive.answer(step).map(|told| opcode + &told));
            }
            let told = answers(&cache.send(sent.chunks(piece_bytes)));
            let lines: Vec<_> = told.into_iter().map(|answer| answer.line).collect();
            prop_assert_eq!(lines, expected);
        }
        cache.engine.store().check_invariants();
    }
}
