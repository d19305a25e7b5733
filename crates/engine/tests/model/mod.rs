//! A memcached as plainly as can be: a map, a clock, and the rules of the protocol one by one.
//!
//! Bytes choose commands, so that a property test and a fuzz target can do so both.

mod line;
mod meta;

use std::collections::HashMap;

/// What commands are made of.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// Chooses by these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether they are used up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A number below `count`; 0 when the bytes are used up.
    fn below(&mut self, count: usize) -> usize {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(first) % count
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// What is done next.
pub enum Step {
    /// Ask this, and hear that.
    Ask {
        /// The request with its data block.
        request: String,
        /// All of the answer.
        answer: String,
    },
    /// Let time pass.
    Wait {
        /// So many seconds.
        secs: u32,
    },
}

#[derive(Clone, Default)]
struct Item {
    value: String,
    flags: u32,
    /// The second from which on it is gone.
    end: Option<u64>,
    id: u64,
    used_at: u64,
    was_read: bool,
    is_stale: bool,
    is_claimed: bool,
    is_base64: bool,
}

/// The model.
#[derive(Default)]
pub struct Model {
    items: HashMap<&'static str, Item>,
    now: u64,
    /// The last id that was given.
    last_id: u64,
}

impl Model {
    /// An empty cache at that Unix time.
    pub fn new(now: u64) -> Self {
        Self {
            now,
            last_id: FIRST_ID,
            ..Self::default()
        }
    }

    /// The next step.
    pub fn step(&mut self, choices: &mut Choices<'_>) -> Step {
        let now = self.now;
        self.items
            .retain(|_, item| item.end.is_none_or(|end| end > now));
        let (request, answer) = match choices.below(16) {
            0..2 => self.set(choices),
            2 => self.get(choices),
            3 => self.touch(choices),
            4 => self.delete(choices),
            5 => {
                let secs = 1 + u32::try_from(choices.below(4)).unwrap_or(0);
                self.now += u64::from(secs);
                return Step::Wait { secs };
            }
            6 if choices.below(4) == 0 => {
                self.items.clear();
                ("flush_all\r\n".into(), "OK\r\n".into())
            }
            7..10 => self.meta_get(choices),
            10..13 => self.meta_set(choices),
            13 => self.meta_delete(choices),
            14 => self.meta_arithmetic(choices),
            _ => self.meta_debug(choices),
        };
        Step::Ask { request, answer }
    }

    fn end_of(&self, exptime: i64) -> Option<u64> {
        match exptime {
            0 => None,
            1..=2_592_000 => Some(self.now + exptime.unsigned_abs()),
            _ => Some(u64::try_from(exptime).unwrap_or(0)),
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Classic storage, except cas; ids are not asked for, so that an `ms` follows where one is
    /// needed.
    fn set(&mut self, choices: &mut Choices<'_>) -> (String, String) {
        let (key, value) = (choices.choose(KEYS).0, choices.choose(VALUES));
        let verb = choices.choose(&["set", "add", "replace", "append", "prepend"]);
        let (flags, exptime) = (choices.choose(&[0, 7]), choices.choose(TIMES));
        let request = format!(
            "{verb} {key} {flags} {exptime} {}\r\n{value}\r\n",
            value.len()
        );
        let (end, now) = (self.end_of(exptime), self.now);
        let fresh = Item {
            value: value.into(),
            flags,
            end,
            used_at: now,
            ..Item::default()
        };
        let stored = match (verb, self.items.get_mut(key)) {
            ("add", Some(item)) => {
                item.used_at = now;
                false
            }
            ("set", _) | ("add", None) | ("replace", Some(_)) => {
                self.items.insert(key, fresh);
                true
            }
            ("append", Some(item)) => item.extend(&format!("{}{value}", item.value), now),
            ("prepend", Some(item)) => item.extend(&format!("{value}{}", item.value), now),
            _ => false,
        };
        let answer = if stored {
            "STORED\r\n"
        } else {
            "NOT_STORED\r\n"
        };
        (request, answer.into())
    }

    fn get(&mut self, choices: &mut Choices<'_>) -> (String, String) {
        let key = choices.choose(KEYS).0;
        let mut answer = String::new();
        if let Some(item) = self.items.get_mut(key) {
            item.read(self.now);
            let Item { value, flags, .. } = item;
            answer = format!("VALUE {key} {flags} {}\r\n{value}\r\n", value.len());
        }
        (format!("get {key}\r\n"), answer + "END\r\n")
    }

    fn touch(&mut self, choices: &mut Choices<'_>) -> (String, String) {
        let (key, exptime) = (choices.choose(KEYS).0, choices.choose(TIMES));
        let (end, now) = (self.end_of(exptime), self.now);
        let answer = match self.items.get_mut(key) {
            None => "NOT_FOUND\r\n",
            Some(item) => {
                item.read(now);
                item.end = end;
                "TOUCHED\r\n"
            }
        };
        (format!("touch {key} {exptime}\r\n"), answer.into())
    }

    fn delete(&mut self, choices: &mut Choices<'_>) -> (String, String) {
        let key = choices.choose(KEYS).0;
        let answer = match self.items.remove(key) {
            None => "NOT_FOUND\r\n",
            Some(_) => "DELETED\r\n",
        };
        (format!("delete {key}\r\n"), answer.into())
    }
}

impl Item {
    fn read(&mut self, now: u64) {
        self.used_at = now;
        self.was_read = true;
    }

    fn extend(&mut self, value: &str, now: u64) -> bool {
        *self = Self {
            value: value.into(),
            used_at: now,
            was_read: false,
            is_stale: false,
            is_claimed: false,
            id: 0,
            ..self.clone()
        };
        true
    }

    fn seconds_left(&self, now: u64) -> i64 {
        self.end.map_or(-1, |end| seconds(now, end))
    }

    /// Tells of the marks, and whether this client wins.
    fn put_marks(&mut self, mut wins: bool, answer: &mut String) {
        if self.is_claimed {
            answer.push_str(" Z");
        }
        if self.is_stale {
            answer.push_str(" X");
            wins |= !self.is_claimed;
        }
        if wins {
            answer.push_str(" W");
            self.is_claimed = true;
        }
    }
}

/// The seconds from one time to another, 0 if there are none.
fn seconds(from: u64, to: u64) -> i64 {
    i64::try_from(to.saturating_sub(from)).unwrap_or(0)
}

/// Keys and their base64.
const KEYS: &[(&str, &str)] = &[("k0", "azA="), ("k1", "azE="), ("k2", "azI=")];
const VALUES: &[&str] = &[
    "",
    "1",
    "9",
    "99",
    "12",
    "word",
    "a longer value with spaces",
];
const TIMES: &[i64] = &[0, 0, 2, 30, -1, 1_700_000_009];
/// Above all that a cache gives by itself meanwhile.
const FIRST_ID: u64 = 1 << 32;
