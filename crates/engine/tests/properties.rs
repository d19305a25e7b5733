//! The engine against a naive map, and against itself with its input in other pieces.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cache;

use std::collections::HashMap;

use cache::Cache;
use proptest::prelude::*;
use steadfast_engine::Settings;
use steadfast_protocol::parse_stored_number;

/// A step of a random conversation. Keys are few, so that commands meet.
#[derive(Debug, Clone)]
enum Step {
    Store {
        verb: &'static str,
        key: u8,
        flags: u32,
        exptime: i32,
        value: String,
    },
    /// A cas with the present id, or with one that is spent.
    Cas {
        key: u8,
        fresh: bool,
        value: String,
    },
    Get {
        keys: Vec<u8>,
    },
    GetAndTouch {
        key: u8,
        exptime: i32,
    },
    Delete {
        key: u8,
    },
    Count {
        up: bool,
        key: u8,
        delta: u64,
    },
    Touch {
        key: u8,
        exptime: i32,
    },
    Flush {
        delay: u32,
    },
    Wait {
        secs: u32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let verb = proptest::sample::select(&["set", "add", "replace", "append", "prepend"][..]);
    let exptime = || proptest::sample::select(&[0, 0, 0, 1, 3, 10, -1, 1_700_000_009][..]);
    let value = || prop_oneof!["[0-9]{0,4}", "[a-z ]{0,9}"];
    let key = || 0u8..4;
    prop_oneof![
        5 => (verb, key(), any::<u32>(), exptime(), value()).prop_map(
            |(verb, key, flags, exptime, value)| Step::Store { verb, key, flags, exptime, value }
        ),
        1 => (key(), any::<bool>(), value())
            .prop_map(|(key, fresh, value)| Step::Cas { key, fresh, value }),
        4 => proptest::collection::vec(key(), 1..4).prop_map(|keys| Step::Get { keys }),
        1 => (key(), exptime()).prop_map(|(key, exptime)| Step::GetAndTouch { key, exptime }),
        1 => key().prop_map(|key| Step::Delete { key }),
        3 => (any::<bool>(), key(), 0u64..200)
            .prop_map(|(up, key, delta)| Step::Count { up, key, delta }),
        1 => (key(), exptime()).prop_map(|(key, exptime)| Step::Touch { key, exptime }),
        1 => (0u32..4).prop_map(|delay| Step::Flush { delay }),
        1 => (1u32..4).prop_map(|secs| Step::Wait { secs }),
    ]
}

#[derive(Debug, Clone)]
struct Known {
    flags: u32,
    /// The second from which on it is gone.
    end: Option<u64>,
    stored: u64,
    value: String,
}

/// The same rules, as plainly as can be: a map and two times.
#[derive(Default)]
struct Naive {
    items: HashMap<u8, Known>,
    now: u64,
    deadline: Option<u64>,
}

impl Naive {
    fn end_of(&self, exptime: i32) -> Option<u64> {
        match exptime {
            0 => None,
            1..=2_592_000 => Some(self.now + u64::try_from(exptime).unwrap()),
            _ => Some(u64::try_from(exptime).unwrap_or(0)),
        }
    }

    /// Lets what is over disappear.
    fn settle(&mut self) {
        let now = self.now;
        let reached = self.deadline.filter(|deadline| *deadline <= now);
        self.items.retain(|_, item| {
            item.end.is_none_or(|end| end > now)
                && reached.is_none_or(|deadline| item.stored > deadline)
        });
    }

    fn put(&mut self, key: u8, flags: u32, exptime: i32, value: &str) -> &'static str {
        let (end, stored, value) = (self.end_of(exptime), self.now, value.to_string());
        self.items.insert(
            key,
            Known {
                flags,
                end,
                stored,
                value,
            },
        );
        "STORED"
    }

    fn store(
        &mut self,
        verb: &str,
        key: u8,
        (flags, exptime, value): (u32, i32, &str),
    ) -> &'static str {
        let now = self.now;
        let present = self.items.get_mut(&key);
        match (verb, present) {
            ("set", _) | ("add", None) | ("replace", Some(_)) => {
                self.put(key, flags, exptime, value)
            }
            ("append", Some(item)) => {
                item.value.push_str(value);
                item.stored = now;
                "STORED"
            }
            ("prepend", Some(item)) => {
                item.value.insert_str(0, value);
                item.stored = now;
                "STORED"
            }
            _ => "NOT_STORED",
        }
    }

    fn show(&self, keys: &[u8]) -> String {
        let lines = keys.iter().filter_map(|key| {
            let Known { flags, value, .. } = self.items.get(key)?;
            Some(format!(
                "VALUE k{key} {flags} {}\r\n{value}\r\n",
                value.len()
            ))
        });
        lines.chain(["END".to_string()]).collect()
    }

    fn count(&mut self, up: bool, key: u8, delta: u64) -> String {
        let now = self.now;
        let Some(item) = self.items.get_mut(&key) else {
            return "NOT_FOUND".into();
        };
        let Some(old) = parse_stored_number(item.value.as_bytes()) else {
            return "CLIENT_ERROR cannot increment or decrement non-numeric value".into();
        };
        let number = if up {
            old.wrapping_add(delta)
        } else {
            old.saturating_sub(delta)
        };
        item.value = format!("{number:<width$}", width = item.value.len());
        item.stored = now;
        number.to_string()
    }

    fn touch(&mut self, key: u8, exptime: i32) -> bool {
        let (end, now) = (self.end_of(exptime), self.now);
        let Some(item) = self.items.get_mut(&key) else {
            return false;
        };
        item.end = end;
        item.stored = now;
        true
    }
}

/// Does a step on both and compares the answers.
fn compare(step: &Step, cache: &mut Cache, naive: &mut Naive) {
    naive.settle();
    let (request, expected) = match step {
        Step::Store {
            verb,
            key,
            flags,
            exptime,
            value,
        } => (
            format!(
                "{verb} k{key} {flags} {exptime} {}\r\n{value}\r\n",
                value.len()
            ),
            naive
                .store(verb, *key, (*flags, *exptime, value))
                .to_string(),
        ),
        Step::Cas { key, fresh, value } => compare_and_store(*key, *fresh, value, cache, naive),
        Step::Get { keys } => {
            let names: String = keys.iter().map(|key| format!(" k{key}")).collect();
            (format!("get{names}\r\n"), naive.show(keys))
        }
        Step::GetAndTouch { key, exptime } => {
            let shown = naive.show(&[*key]);
            naive.touch(*key, *exptime);
            (format!("gat {exptime} k{key}\r\n"), shown)
        }
        Step::Delete { key } => {
            let found = naive.items.remove(key).is_some();
            (
                format!("delete k{key}\r\n"),
                if found { "DELETED" } else { "NOT_FOUND" }.into(),
            )
        }
        Step::Count { up, key, delta } => {
            let verb = if *up { "incr" } else { "decr" };
            (
                format!("{verb} k{key} {delta}\r\n"),
                naive.count(*up, *key, *delta),
            )
        }
        Step::Touch { key, exptime } => {
            let found = naive.touch(*key, *exptime);
            (
                format!("touch k{key} {exptime}\r\n"),
                if found { "TOUCHED" } else { "NOT_FOUND" }.into(),
            )
        }
        Step::Flush { delay } => {
            if *delay == 0 {
                naive.items.clear();
                naive.deadline = None;
            } else {
                naive.deadline = Some(naive.now + u64::from(*delay) - 1);
            }
            (format!("flush_all {delay}\r\n"), "OK".into())
        }
        Step::Wait { secs } => {
            cache.wait(*secs);
            naive.now += u64::from(*secs);
            return;
        }
    };
    assert_eq!(
        cache.ask(request.as_bytes()),
        format!("{expected}\r\n"),
        "{request}"
    );
}

/// Reads the present id for a cas, or takes one that never was.
fn compare_and_store(
    key: u8,
    fresh: bool,
    value: &str,
    cache: &mut Cache,
    naive: &mut Naive,
) -> (String, String) {
    let answer = cache.ask(format!("gets k{key}\r\n").as_bytes());
    let id = answer.lines().next().unwrap().rsplit(' ').next().unwrap();
    let id = if fresh && id != "END" { id } else { "0" };
    let request = format!("cas k{key} 1 0 {} {id}\r\n{value}\r\n", value.len());
    let expected = match (naive.items.contains_key(&key), fresh) {
        (true, true) => naive.put(key, 1, 0, value),
        (true, false) => "EXISTS",
        (false, _) => "NOT_FOUND",
    };
    (request, expected.to_string())
}

fn request_of(step: &Step) -> String {
    match step {
        Step::Store {
            verb,
            key,
            flags,
            exptime,
            value,
        } => {
            format!(
                "{verb} k{key} {flags} {exptime} {}\r\n{value}\r\n",
                value.len()
            )
        }
        // The value is too short or long by what the key says, so that errors occur.
        Step::Cas { key, value, .. } => format!("cas k{key} 0 0 {key} 1\r\n{value}\r\n"),
        Step::Get { keys } => {
            let names: String = keys.iter().map(|key| format!(" k{key}")).collect();
            format!("get{names}\r\n")
        }
        Step::GetAndTouch { key, exptime } => format!("gats {exptime} k{key}\n"),
        Step::Delete { key } => format!("delete k{key} noreply\r\n"),
        Step::Count { key, delta, .. } => format!("incr k{key} {delta}\r\n"),
        Step::Touch { key, exptime } => format!("touch k{key} {exptime} x\r\n"),
        Step::Flush { delay } => format!("flush_all {delay}\r\n"),
        Step::Wait { .. } => "mn\r\nstats reset\r\n".into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_engine_matches_a_naive_map(steps in proptest::collection::vec(step(), 1..60)) {
        let mut cache = Cache::new();
        let mut naive = Naive { now: cache.now.unix_secs, ..Naive::default() };
        for step in &steps {
            compare(step, &mut cache, &mut naive);
        }
    }

    #[test]
    fn the_split_of_the_input_does_not_matter(
        steps in proptest::collection::vec(step(), 1..30),
        rubbish in proptest::collection::vec(any::<u8>(), 0..20),
        big_bytes in 16_000usize..40_000,
        cuts in proptest::collection::vec(any::<usize>(), 0..10),
    ) {
        let mut input: Vec<u8> = steps.iter().flat_map(|step| request_of(step).into_bytes()).collect();
        input.extend(format!("set k1 0 0 {big_bytes}\r\n").bytes());
        input.extend(std::iter::repeat_n(b'b', big_bytes));
        input.extend(b"\r\nget k1 k2\r\n");
        input.extend(&rubbish);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % input.len()).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]);
        let whole = Cache::new().send([&input[..]]);
        prop_assert_eq!(&whole, &Cache::new().send(pieces));
        prop_assert_eq!(&whole, &Cache::new().send(input.chunks(1)));
    }

    #[test]
    fn no_input_panics(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        Cache::new().send(input.chunks(11));
    }
}

#[test]
fn a_full_output_interrupts_a_look_ahead_that_came_to_half_a_line() {
    let mut cache = Cache::new();
    let value = "v".repeat(600_000);
    cache.ask(format!("set k 0 0 {}\r\n{value}\r\n", value.len()).as_bytes());
    let half_a_line = "get a-key-that-is-longer-than-the-line-before";
    let answer = cache.ask(format!("get k\r\nget k\r\nverbosity 1\r\n{half_a_line}").as_bytes());
    assert!(
        answer.ends_with("v\r\nEND\r\nOK\r\n"),
        "{} bytes",
        answer.len()
    );
    assert_eq!(cache.ask(b"\r\n"), "END\r\n");
}

proptest! {
    // Each case moves megabytes.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn looking_ahead_changes_nothing(
        steps in proptest::collection::vec(step(), 1..40),
        keys in 0usize..60,
        big_bytes in 1_000usize..100_000,
        requests_max in 2usize..60,
    ) {
        // Values so big that the output fills up in the middle of what was planned, retrievals of
        // many keys among the requests, and an end that cuts off what follows.
        let big = "b".repeat(big_bytes);
        let many: String = (0..keys).map(|key| format!(" k{}", key % 5)).collect();
        let mut input: Vec<u8> = format!("set k1 0 0 {big_bytes}\r\n{big}\r\n").into();
        for (index, step) in steps.iter().enumerate() {
            input.extend(request_of(step).bytes());
            match index % 9 {
                4 => input.extend(format!("get k1{many}\r\n").bytes()),
                7 => input.extend(b"gets k1\r\nget k1\r\n"),
                _ => {}
            }
        }
        input.extend(b"quit\r\nget k1\r\n");
        let answers = [1, requests_max].map(|requests_max| {
            let mut settings = Settings::default();
            settings.requests_per_call_max = requests_max;
            let mut cache = Cache::with(steadfast_store::Settings::default(), settings);
            (cache.send([&input[..]]), cache.closed)
        });
        prop_assert!(answers[0] == answers[1]);
    }
}
