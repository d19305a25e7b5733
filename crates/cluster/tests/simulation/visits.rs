//! Many visitors, one faulty node at a time: the counter counts every visit.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use steadfast_cluster::{After, Lease, SessionError, Settings, Token};

use crate::machine::Outcome;
use crate::node::Mode;
use crate::world::{Happening, RunId, World};

#[test]
fn counter_counts_every_visit_while_one_node_at_a_time_fails() {
    let mut total = Tally::default();
    for seed in 0..12 {
        let tally = Visits::new(seed).run();
        total.visits += tally.visits;
        total.incomplete += tally.incomplete;
        total.timeouts += tally.timeouts;
    }
    // The faults were felt: else nothing was proved.
    assert!(total.visits > 2_000, "{total:?}");
    assert!(total.incomplete > 200, "{total:?}");
    assert!(total.timeouts > 50, "{total:?}");
}

/// What the runs have seen.
#[derive(Debug, Default)]
struct Tally {
    visits: usize,
    /// Visits that did not reach every copy.
    incomplete: usize,
    timeouts: usize,
}

struct Visits {
    seed: u64,
    world: World,
    visitors: Vec<Visitor>,
    /// The last number saved for each session: what every later visit must find.
    saved: HashMap<usize, u64>,
    /// Who is between lock and save, for each session.
    inside: HashMap<usize, usize>,
    tally: Tally,
    /// No new visit begins.
    is_calm: bool,
}

struct Visitor {
    session: usize,
    web: usize,
    stage: Stage,
}

enum Stage {
    Away,
    Opening(RunId),
    Thinking(Lease, u64),
    Saving(RunId, u64),
}

impl Visits {
    fn new(seed: u64) -> Self {
        let mut settings = Settings::default();
        let nodes = 2 + (seed % 4) as u16;
        settings.copies = 2 + (seed / 4 % 2) as usize;
        let mut world = World::new(seed, nodes, 2, settings);
        let visitors = (0..6)
            .map(|visitor| Visitor {
                session: visitor % 3,
                web: world.random.below(2),
                stage: Stage::Away,
            })
            .collect();
        let (saved, inside) = (HashMap::new(), HashMap::new());
        Self {
            seed,
            world,
            visitors,
            saved,
            inside,
            tally: Tally::default(),
            is_calm: false,
        }
    }

    fn run(mut self) -> Tally {
        let _seed = PrintedOnFailure(self.seed);
        for _ in 0..5 {
            self.phase();
            self.heal();
        }
        self.tally.timeouts = self.world.webs.iter().map(|web| web.timeouts).sum();
        self.tally
    }

    /// Twenty seconds of visits, in which one node fails again and again.
    fn phase(&mut self) {
        let node = self.world.random.below(self.world.nodes.len());
        let mut at = Duration::ZERO;
        loop {
            at += self.world.random.micros(100_000, 4_000_000);
            if at > PHASE {
                break;
            }
            let modes = [
                Mode::Up,
                Mode::Flaky,
                Mode::Hung,
                Mode::Refusing,
                Mode::Dark,
                Mode::Up,
            ];
            let mode = modes[self.world.random.below(modes.len())];
            self.world.fault_in(at, node, mode);
        }
        self.is_calm = false;
        for visitor in 0..self.visitors.len() {
            let wait = self.world.random.micros(0, 1_000_000);
            self.world.wake_in(wait, visitor);
        }
        self.world.wake_in(PHASE, PHASE_OVER);
        self.run_until(PHASE_OVER);
        self.is_calm = true;
        self.world.fault(node, Mode::Up);
    }

    /// All visits end, all nodes are found well, and each session is visited once in peace.
    fn heal(&mut self) {
        let began = self.world.clock();
        while !(self.world.is_well() && self.visitors.iter().all(Visitor::is_away)) {
            self.world.wake_in(Duration::from_millis(500), CHECK);
            self.run_until(CHECK);
            assert!(
                self.world.clock() - began < 3 * PHASE,
                "all is well in time"
            );
        }
        // What a slow network still holds arrives.
        self.world.wake_in(Duration::from_secs(1), CHECK);
        self.run_until(CHECK);
        for visitor in 0..3 {
            let incomplete = self.tally.incomplete;
            self.visit(visitor);
            while !self.visitors[visitor].is_away() {
                let happening = self.world.run().unwrap();
                self.handle(happening);
            }
            assert_eq!(
                self.tally.incomplete, incomplete,
                "a visit in peace reaches every copy"
            );
        }
    }

    fn run_until(&mut self, mark: usize) {
        loop {
            match self.world.run().unwrap() {
                Happening::Woken(woken) if woken == mark => return,
                happening => self.handle(happening),
            }
        }
    }

    fn handle(&mut self, happening: Happening) {
        match happening {
            Happening::Woken(visitor) if visitor < self.visitors.len() => {
                match &self.visitors[visitor].stage {
                    Stage::Away if !self.is_calm => self.visit(visitor),
                    Stage::Thinking(lease, count) => {
                        let (lease, count) = (lease.clone(), *count);
                        self.save(visitor, &lease, count);
                    }
                    Stage::Away | Stage::Opening(_) | Stage::Saving(..) => {}
                }
            }
            Happening::Woken(_) => {}
            Happening::Done(run, outcome) => {
                let is_of = |visitor: &Visitor| match visitor.stage {
                    Stage::Opening(of) | Stage::Saving(of, _) => of == run,
                    Stage::Away | Stage::Thinking(..) => false,
                };
                let visitor = self.visitors.iter().position(is_of).unwrap();
                self.handle_outcome(visitor, outcome);
            }
        }
    }

    fn visit(&mut self, visitor: usize) {
        let Visitor { session, web, .. } = self.visitors[visitor];
        let token = Token::new(self.world.random.token());
        let operation = self.session(session, web).open(token);
        self.visitors[visitor].stage = Stage::Opening(self.world.start(web, operation));
    }

    fn save(&mut self, visitor: usize, lease: &Lease, count: u64) {
        let Visitor { session, web, .. } = self.visitors[visitor];
        assert!(
            self.world.now() < lease.until(),
            "a visit is shorter than its lease"
        );
        let data = Bytes::from(format!("visits={count}"));
        let operation = self.session(session, web).save(lease, data, After::Unlock);
        self.visitors[visitor].stage = Stage::Saving(self.world.start(web, operation), count);
    }

    fn handle_outcome(&mut self, visitor: usize, outcome: Outcome) {
        let session = self.visitors[visitor].session;
        match (&self.visitors[visitor].stage, outcome) {
            (Stage::Opening(_), Outcome::Opened(Ok(opened))) => {
                self.enter(session, visitor);
                let count = opened.data.map_or(0, |data| count(&data));
                let saved = self.saved.get(&session).copied().unwrap_or(0);
                assert_eq!(
                    count,
                    saved,
                    "session {session} at {:?}",
                    self.world.clock()
                );
                self.visitors[visitor].stage = Stage::Thinking(opened.lease, count + 1);
                let wait = self.world.random.micros(0, 50_000);
                self.world.wake_in(wait, visitor);
            }
            // The lock is elsewhere, or a node swallowed its release: an error and nothing worse.
            (Stage::Opening(_), Outcome::Opened(Err(SessionError::Busy))) => self.go_away(visitor),
            (&Stage::Saving(_, count), Outcome::Saved(Ok(done))) => {
                self.leave(session, visitor, count);
                self.tally.visits += 1;
                let copies = self.world.settings.copies.min(self.world.nodes.len());
                self.tally.incomplete += usize::from(done.nodes.len() < copies);
                self.go_away(visitor);
            }
            (_, outcome) => panic!("{outcome:?} with one node at fault"),
        }
    }

    /// Nobody else may hold the lock, unless they are about to hear that they saved and gave it
    /// back: what they saved counts from then on.
    fn enter(&mut self, session: usize, visitor: usize) {
        if let Some(other) = self.inside.insert(session, visitor) {
            match self.visitors[other].stage {
                Stage::Saving(_, count) => self.saved.insert(session, count),
                _ => panic!(
                    "two hold the lock of session {session} at {:?}",
                    self.world.clock()
                ),
            };
        }
    }

    fn leave(&mut self, session: usize, visitor: usize, count: u64) {
        if self.inside.get(&session) == Some(&visitor) {
            self.inside.remove(&session);
            self.saved.insert(session, count);
        }
    }

    fn go_away(&mut self, visitor: usize) {
        self.visitors[visitor].stage = Stage::Away;
        self.visitors[visitor].web = self.world.random.below(2);
        let wait = self.world.random.micros(10_000, 1_000_000);
        self.world.wake_in(wait, visitor);
    }

    fn session(&self, session: usize, web: usize) -> steadfast_cluster::Session {
        let id = format!("{:x}-{session}", self.seed);
        self.world.webs[web].fleet.session(id.as_bytes()).unwrap()
    }
}

impl Visitor {
    fn is_away(&self) -> bool {
        matches!(self.stage, Stage::Away)
    }
}

struct PrintedOnFailure(u64);

impl Drop for PrintedOnFailure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

fn count(data: &[u8]) -> u64 {
    std::str::from_utf8(data)
        .unwrap()
        .strip_prefix("visits=")
        .unwrap()
        .parse()
        .unwrap()
}

const PHASE: Duration = Duration::from_secs(20);
const PHASE_OVER: usize = usize::MAX;
const CHECK: usize = usize::MAX - 1;
