//! Many requests in batches, whose answers are compared one by one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;

use steadfast_tests::check::{Checks, Failure, Outcome};

use crate::answer::{Pairs, last_id, tokens};
use crate::dice::Dice;
use crate::peer::Peer;
use crate::reasons::{Difference, reason_of};
use crate::request::{Ids, Request};
use crate::stream::{BIG_KEY, NUMBER_KEYS, Stream, TEXT_KEYS};
use crate::{Dialect, shown};

/// Holds all the conversations, and says what differed.
pub(crate) fn compare(
    addresses: [SocketAddr; 2],
    dialect: Dialect,
    checks: &mut Checks,
) -> Outcome {
    let mut run = Run::new(addresses, dialect)?;
    run.warm_up()?;
    for seed in 0..CONVERSATIONS {
        run.converse(seed)?;
        if run.unexplained.len() > REPORTED_MAX {
            break;
        }
    }
    for (name, count) in &run.explained {
        println!("  {count:6} times: {name}");
    }
    let asked = format!("{} random requests", run.asked);
    let outcome = match run.unexplained.first() {
        None => Ok(()),
        Some(_) => {
            let first = &run.unexplained[..run.unexplained.len().min(REPORTED_MAX)];
            Err(Failure::new(first.join("\n    ")))
        }
    };
    checks.record(
        &format!("{asked} are answered as by memcached, or for a reason"),
        outcome,
    );
    Ok(())
}

struct Run {
    dialect: Dialect,
    peers: [Peer; 2],
    ids: [Ids; 2],
    pairs: Pairs,
    asked: usize,
    explained: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
    history: HashMap<&'static [u8], VecDeque<String>>,
}

impl Run {
    fn new([left, right]: [SocketAddr; 2], dialect: Dialect) -> Outcome<Self> {
        Ok(Self {
            dialect,
            peers: [Peer::connect(left)?, Peer::connect(right)?],
            ids: Default::default(),
            pairs: Pairs::default(),
            asked: 0,
            explained: BTreeMap::new(),
            unexplained: Vec::new(),
            history: HashMap::new(),
        })
    }

    /// Leaves the lowest ids behind, which requests name as those of no item.
    fn warm_up(&mut self) -> Outcome {
        for _ in 0..20 {
            for peer in &mut self.peers {
                for key in all_keys() {
                    peer.ask(&[b"set ", key, b" 0 0 0\r\n\r\n"].concat())?;
                }
            }
        }
        Ok(())
    }

    fn converse(&mut self, seed: u64) -> Outcome {
        self.forget(all_keys())?;
        self.ids = Default::default();
        let mut stream = Stream::new(seed, self.dialect);
        let mut dice = Dice::new(!seed);
        let mut next = None;
        for _ in 0..BATCHES {
            let mut batch: Vec<Request> = Vec::new();
            let mut bytes = 0;
            while batch.len() < BATCH_REQUESTS_MAX && bytes < BATCH_BYTES_MAX {
                let request = next.take().unwrap_or_else(|| stream.request());
                if request.is_alone && !batch.is_empty() {
                    next = Some(request);
                    break;
                }
                bytes += request.render(&self.ids[0]).len();
                batch.push(request);
            }
            self.ask(&batch, &mut dice)?;
        }
        Ok(())
    }

    fn ask(&mut self, batch: &[Request], dice: &mut Dice) -> Outcome {
        let rendered = [0, 1]
            .map(|side| -> Vec<_> { batch.iter().map(|r| r.render(&self.ids[side])).collect() });
        let [left, right] = &mut self.peers;
        let expected = left.ask_all(&rendered[0], dice)?;
        let found = right.ask_all(&rendered[1], dice)?;
        self.asked += batch.len();
        let mut parted: HashMap<&'static [u8], &'static str> = HashMap::new();
        for (at, request) in batch.iter().enumerate() {
            let difference = Difference {
                request: &rendered[0][at],
                memcached: &expected[at],
                ours: &found[at],
            };
            if self.agree(request, &difference) {
                self.remember(request, &difference);
                if request.is_flush {
                    parted.extend(request.keys.iter().map(|&key| (key, FLUSHED)));
                }
                continue;
            }
            let cause = request.keys.iter().find_map(|key| parted.get(key)).copied();
            let reason = reason_of(&difference, self.dialect);
            match (reason, cause) {
                (Some(reason), _) => {
                    *self.explained.entry(reason.name).or_default() += 1;
                    if reason.parts_items {
                        parted.extend(request.keys.iter().map(|&key| (key, reason.name)));
                    }
                }
                (None, Some(cause)) => {
                    let name = if cause == FLUSHED { FLUSHED } else { FOLLOWS };
                    *self.explained.entry(name).or_default() += 1;
                    parted.extend(request.keys.iter().map(|&key| (key, name)));
                }
                (None, None) => self.report(request, &difference),
            }
        }
        self.forget(parted.into_keys())
    }

    /// Whether both say the same; learns the ids that they tell.
    fn agree(&mut self, request: &Request, difference: &Difference<'_>) -> bool {
        let sides = [tokens(difference.memcached), tokens(difference.ours)];
        let agree = self.pairs.agree(&sides[0], &sides[1]);
        if let (true, [key]) = (agree, request.keys.as_slice()) {
            for (ids, tokens) in self.ids.iter_mut().zip(&sides) {
                if let Some(id) = last_id(tokens) {
                    ids.insert(key, id);
                }
            }
        }
        agree
    }

    /// Removes items that are not the same any more.
    fn forget(&mut self, keys: impl Iterator<Item = &'static [u8]>) -> Outcome {
        for key in keys {
            for peer in &mut self.peers {
                // The only way to name a key with a line's end.
                let is_plain = !key.contains(&b'\n');
                let line = [b"delete ", key, b" noreply\r\n"].concat();
                peer.ask(if is_plain {
                    &line
                } else {
                    b"md AQogYg== b q\r\n"
                })?;
            }
        }
        Ok(())
    }

    /// Keeps in mind what was asked about an item last, and what memcached said.
    fn remember(&mut self, request: &Request, difference: &Difference<'_>) {
        for key in &request.keys {
            let history = self.history.entry(key).or_default();
            let said = shown(difference.memcached);
            history.push_back(format!("{} -> {said}", shown(difference.request)));
            if history.len() > HISTORY_MAX {
                history.pop_front();
            }
        }
    }

    fn report(&mut self, request: &Request, difference: &Difference<'_>) {
        let history = request.keys.iter().filter_map(|key| self.history.get(key));
        let history: Vec<_> = history.flatten().cloned().collect();
        self.unexplained.push(format!(
            "{}: memcached says {}, the cache {}; before that\n        {}",
            shown(difference.request),
            shown(difference.memcached),
            shown(difference.ours),
            history.join("\n        "),
        ));
    }
}

fn all_keys() -> impl Iterator<Item = &'static [u8]> {
    let others = [BIG_KEY, b"\x01\n b"];
    TEXT_KEYS.iter().chain(NUMBER_KEYS).copied().chain(others)
}

/// It walks its lists from the head, and stops at the first item of an earlier second.
const FLUSHED: &str = "memcached's flush misses items that were used in that second";
const FOLLOWS: &str = "follows from one of these";
const CONVERSATIONS: u64 = 40;
const BATCHES: usize = 160;
const BATCH_REQUESTS_MAX: usize = 64;
const BATCH_BYTES_MAX: usize = 256 << 10;
const HISTORY_MAX: usize = 8;
const REPORTED_MAX: usize = 8;
