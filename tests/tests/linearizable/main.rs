//! Each key behaves as if one thing happened to it after the other, whoever asks at the same time.
//!
//! Clients do what they like with a few keys, in the classic and the meta protocol, and note when they
//! asked and what they heard; then a checker looks for an order that explains it. Inside one process,
//! where threads meet most closely, and over TCP against the whole daemon.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod wire;
mod words;

use std::collections::HashMap;
use std::sync::Barrier;
use std::thread;

use steadfast_cached::Server;
use steadfast_cached::settings::{Listen, Settings};
use steadfast_engine::{Engine, NoProcess};
use steadfast_store::Store;
use steadfast_tests::key::{Command, Key, Reply};
use steadfast_tests::linearizable::{Clock, Operation, Unexplained, check};

use wire::{Inside, Tcp, Wire};
use words::Dialect;

type History = Vec<Operation<(Command, Reply)>>;

fn engine() -> Engine {
    let store = Store::new(steadfast_store::Settings::default()).unwrap();
    Engine::new(
        store,
        steadfast_engine::Settings::default(),
        Box::new(NoProcess),
    )
}

fn server() -> steadfast_cached::Running {
    let mut settings = Settings::default();
    settings.listen = vec![Listen::Address("127.0.0.1:0".parse().unwrap()).into()];
    Server::start(settings).unwrap()
}

/// Chances from a seed: xorshift64 (Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }
}

/// One client that asks at random.
struct Client<'a, W> {
    number: usize,
    wire: W,
    clock: &'a Clock,
    dice: Dice,
    /// The last id that was seen of each key.
    ids: [u64; KEYS.len()],
    histories: [History; KEYS.len()],
}

impl<'a, W: Wire> Client<'a, W> {
    fn new(number: usize, wire: W, clock: &'a Clock) -> Self {
        Self {
            number,
            wire,
            clock,
            dice: Dice(0x5eed_0001 + number as u64 * 7919),
            ids: [1; KEYS.len()],
            histories: Default::default(),
        }
    }

    fn run(mut self, steps: usize) -> [History; KEYS.len()] {
        for _ in 0..steps {
            let key = self.dice.below(KEYS.len());
            let command = self.command(key);
            self.perform(key, command);
        }
        self.histories
    }

    fn command(&mut self, key: usize) -> Command {
        let id = self.ids[key];
        let number = self.dice.below(200).to_string();
        match self.dice.below(24) {
            0 | 1 => Command::Look,
            2..=4 => Command::Get,
            5 | 6 => Command::GetOrMake,
            7 => Command::Set(number),
            8 => Command::Set(number + "~"),
            9 => Command::Add(number),
            10 => Command::Replace(number),
            11 | 12 => Command::Append(number),
            13 | 14 => Command::SetIf(id, number),
            15 => Command::SetIf(id, format!("~{number}")),
            16 | 17 => Command::Increment(1),
            18 | 19 => Command::Decrement(7),
            20 | 21 => Command::Delete,
            22 => Command::DeleteIf(id),
            _ => Command::Invalidate,
        }
    }

    fn perform(&mut self, key: usize, command: Command) -> Reply {
        let dialect = [Dialect::Classic, Dialect::Meta][self.dice.below(2)];
        let (request, dialect) = words::request(KEYS[key], &command, dialect);
        let called = self.clock.tick();
        if self.dice.below(8) == 0 {
            thread::yield_now();
        }
        let answer = self.wire.ask(&request);
        let returned = self.clock.tick();
        let reply = words::reply(&command, dialect, &answer);
        if let Reply::Found { id: Some(id), .. } | Reply::Done(Some(id)) = reply {
            self.ids[key] = id;
        }
        self.histories[key].push(Operation {
            client: self.number,
            called,
            returned,
            event: (command, reply.clone()),
        });
        reply
    }
}

/// Runs all clients at once, and returns what happened to each key.
fn run_all<W: Wire>(steps: usize, wire: impl Fn(usize) -> W + Sync) -> [History; KEYS.len()] {
    let (clock, start) = (Clock::default(), Barrier::new(CLIENTS));
    let mut all: [History; KEYS.len()] = Default::default();
    let run = |number| {
        let client = Client::new(number, wire(number), &clock);
        start.wait();
        client.run(steps)
    };
    for histories in at_once(CLIENTS, run) {
        for (all, one) in all.iter_mut().zip(histories) {
            all.extend(one);
        }
    }
    all
}

/// Lets so many clients do that at once, and returns what came of it.
fn at_once<R: Send>(clients: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let work = &work;
    thread::scope(|scope| {
        let start = |number| scope.spawn(move || work(number));
        let clients: Vec<_> = (0..clients).map(start).collect();
        let ends = clients.into_iter().map(|client| client.join().unwrap());
        ends.collect()
    })
}

fn assert_explained(key: &str, result: Result<(), Unexplained<Key>>) {
    if let Err(violation) = result {
        eprintln!("{key}: {:?}", violation.operation);
        for operation in &violation.open {
            eprintln!("  beside {operation:?}");
        }
        panic!("{key}: it may have been any of {:?}", violation.states);
    }
}

/// Every kind of reply has been heard, and clients did meet.
fn assert_telling(history: &History) {
    let mut heard: HashMap<_, usize> = HashMap::new();
    for Operation {
        event: (command, reply),
        ..
    } in history
    {
        let kinds = (
            std::mem::discriminant(command),
            std::mem::discriminant(reply),
        );
        *heard.entry(kinds).or_default() += 1;
    }
    assert!(
        heard.len() > 20,
        "{} kinds of answers to commands",
        heard.len()
    );
    let mut by_call: Vec<_> = history.iter().collect();
    by_call.sort_by_key(|operation| operation.called);
    let overlaps = by_call
        .windows(2)
        .filter(|pair| pair[1].called < pair[0].returned);
    assert!(overlaps.count() > 10, "clients never met");
}

#[test]
fn keys_are_linearizable_inside_the_engine() {
    let engine = engine();
    let histories = run_all(3000, |number| Inside::new(&engine, number % 4));
    for (key, history) in KEYS.iter().zip(&histories) {
        assert_telling(history);
        assert_explained(key, check::<Key>(history));
    }
    engine.store().check_invariants();
}

#[test]
fn keys_are_linearizable_over_tcp() {
    let server = server();
    let address = server.addresses()[0];
    let histories = run_all(1500, |_| Tcp::new(address));
    for (key, history) in KEYS.iter().zip(&histories) {
        assert_telling(history);
        assert_explained(key, check::<Key>(history));
    }
    server.stop();
}

/// A client that counts by reading and writing, and lets another read in between.
struct Careless<'a> {
    wire: Inside<'a>,
    both_have_read: &'a Barrier,
}

impl Wire for Careless<'_> {
    fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        assert_eq!(request, b"incr one 1\r\n");
        let read = self.wire.ask(b"get one\r\n");
        let text = String::from_utf8(read).unwrap();
        let next = text.lines().nth(1).unwrap().parse::<u64>().unwrap() + 1;
        self.both_have_read.wait();
        let digits = next.to_string();
        let set = format!("set one 0 0 {}\r\n{digits}\r\n", digits.len());
        assert_eq!(self.wire.ask(set.as_bytes()), b"STORED\r\n");
        format!("{digits}\r\n").into_bytes()
    }
}

#[test]
fn a_cache_that_loses_an_increment_is_found_out() {
    let (engine, clock, both_have_read) = (engine(), Clock::default(), Barrier::new(2));
    let mut first = Client::new(0, Inside::new(&engine, 0), &clock);
    first.perform(0, Command::Set("5".into()));
    let mut history = std::mem::take(&mut first.histories[0]);
    let count = |number| {
        let mut wire = Careless {
            wire: Inside::new(&engine, number),
            both_have_read: &both_have_read,
        };
        let command = Command::Increment(1);
        let (request, dialect) = words::request(KEYS[0], &command, Dialect::Classic);
        let called = clock.tick();
        let reply = words::reply(&command, dialect, &wire.ask(&request));
        Operation {
            client: 1 + number,
            called,
            returned: clock.tick(),
            event: (command, reply),
        }
    };
    let counted = at_once(2, count);
    history.extend(counted);
    let violation = check::<Key>(&history).unwrap_err();
    assert_eq!(violation.operation.event.0, Command::Increment(1));
}

/// All numbers that `CLIENTS` clients heard when they counted together.
fn count_together<W: Wire>(wire: impl Fn(usize) -> W + Sync) -> Vec<u64> {
    let start = Barrier::new(CLIENTS);
    let count = |number| {
        let mut wire: W = wire(number);
        start.wait();
        let heard = (0..32_000 / CLIENTS).map(|_| {
            let answer = wire.ask(b"incr counter 1\r\n");
            let text = std::str::from_utf8(&answer).unwrap();
            text.trim_end().parse::<u64>().unwrap()
        });
        let heard: Vec<u64> = heard.collect();
        assert!(heard.is_sorted(), "a client sees its own counts in order");
        heard
    };
    let mut heard = at_once(CLIENTS, count).concat();
    heard.sort_unstable();
    heard
}

#[test]
fn thirty_two_thousand_increments_at_once_lose_none() {
    let engine = engine();
    Inside::new(&engine, 0).ask(b"set counter 0 0 1\r\n0\r\n");
    let heard = count_together(|number| Inside::new(&engine, number % 4));
    assert!(heard.into_iter().eq(1..=32_000));
    let server = server();
    let address = server.addresses()[0];
    Tcp::new(address).ask(b"set counter 0 0 1\r\n0\r\n");
    let heard = count_together(|_| Tcp::new(address));
    assert!(heard.into_iter().eq(1..=32_000));
    server.stop();
}

/// How many of all clients, who send the same at once, hear an answer that begins so.
fn winners(address: std::net::SocketAddr, request: &str, is_won: fn(&str) -> bool) -> Vec<usize> {
    const ROUNDS: usize = 200;
    let start = Barrier::new(CLIENTS);
    let race = |_| {
        let mut wire = Tcp::new(address);
        let race = |round: usize| {
            let request = request.replace("KEY", &format!("key-{round}"));
            start.wait();
            let answer = wire.ask(request.as_bytes());
            is_won(std::str::from_utf8(&answer).unwrap())
        };
        (0..ROUNDS).map(race).collect::<Vec<bool>>()
    };
    let won = at_once(CLIENTS, race);
    let of_round = |round: usize| won.iter().filter(|won| won[round]).count();
    (0..ROUNDS).map(of_round).collect()
}

#[test]
fn one_client_adds_and_one_makes() {
    for (request, is_won) in [
        (
            "add KEY 0 0 1\r\nx\r\n",
            (|answer| answer == "STORED\r\n") as fn(&str) -> bool,
        ),
        ("ms KEY 1 ME\r\nx\r\n", |answer| answer == "HD\r\n"),
        ("mg KEY s v N60\r\n", |answer| answer.contains(" W")),
        ("ma KEY N60 J5 v\r\n", |answer| {
            answer.ends_with("\r\n5\r\n")
        }),
    ] {
        let server = server();
        let winners = winners(server.addresses()[0], request, is_won);
        assert!(
            winners.iter().all(|&winners| winners == 1),
            "{request:?}: {winners:?}"
        );
        server.stop();
    }
}

const KEYS: [&str; 3] = ["one", "two", "three"];
const CLIENTS: usize = 8;
