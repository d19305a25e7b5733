//! What survives what, one promise at a time.

use std::time::Duration;

use bytes::Bytes;
use steadfast_cluster::{After, Lease, Loaded, Opened, Session, SessionError, Settings, Token};

use crate::machine::Outcome;
use crate::node::Mode;
use crate::world::{Happening, World};

#[test]
fn home_that_came_back_empty_hides_nothing() {
    let mut lab = Lab::new(2);
    assert_eq!(lab.visit(), 1);
    lab.restart_empty(lab.home());
    assert_eq!(lab.visit(), 2);
    assert_eq!(lab.visit(), 3);
}

#[test]
fn after_one_visit_the_other_node_may_stop() {
    for first in 0..2 {
        let mut lab = Lab::new(2);
        lab.visit();
        lab.restart_empty(first);
        assert_eq!(lab.visit(), 2);
        lab.world.fault(1 - first, Mode::Refusing);
        assert_eq!(lab.visit(), 3);
    }
}

#[test]
fn visit_that_only_reads_refills_an_empty_node_too() {
    let mut lab = Lab::new(2);
    lab.visit();
    lab.restart_empty(lab.home());
    assert_eq!(count(&lab.load().unwrap()), 1);
    let other = 1 - lab.home();
    lab.world.fault(other, Mode::Refusing);
    assert_eq!(count(&lab.load().unwrap()), 1);
}

#[test]
fn without_a_visit_between_both_copies_are_gone() {
    let mut lab = Lab::new(2);
    lab.visit();
    lab.restart_empty(0);
    lab.restart_empty(1);
    assert_eq!(lab.visit(), 1);
}

#[test]
fn silent_node_costs_one_timeout_and_then_nothing() {
    for mode in [Mode::Hung, Mode::Dark] {
        for node in 0..2 {
            let mut lab = Lab::new(2);
            lab.visit();
            lab.world.fault(node, mode);
            let timeout = lab.world.settings.reply_timeout;
            let slow = (0..200).filter(|_| lab.timed_visit() >= timeout).count();
            assert_eq!(slow, 1, "{mode:?}");
            assert_eq!(lab.visit(), 202);
        }
    }
}

#[test]
fn node_that_refuses_costs_no_timeout() {
    let mut lab = Lab::new(2);
    lab.visit();
    lab.world.fault(0, Mode::Refusing);
    let timeout = lab.world.settings.reply_timeout;
    assert!((0..50).all(|_| lab.timed_visit() < timeout / 4));
}

#[test]
fn idle_connections_of_a_restarted_node_cost_nothing() {
    let mut lab = Lab::new(2);
    lab.visit();
    lab.restart_empty_at_once(0);
    assert!(lab.timed_visit() < lab.world.settings.reply_timeout / 4);
    assert!(
        lab.world.is_well(),
        "an old connection is no failure of the node"
    );
}

#[test]
fn node_that_missed_saves_does_not_bring_back_an_old_copy() {
    for node in 0..2 {
        let mut lab = Lab::new(2);
        lab.visit();
        lab.world.fault(node, Mode::Hung);
        assert_eq!(lab.visit(), 2);
        lab.world.fault(node, Mode::Up);
        lab.wait_until_well();
        assert_eq!(count(&lab.load().unwrap()), 2);
        // And that was repaired: the copy that was old is the only one now.
        lab.world.fault(1 - node, Mode::Refusing);
        assert_eq!(lab.visit(), 3);
    }
}

#[test]
fn lock_that_cannot_be_had_is_an_error_and_no_empty_session() {
    let mut settings = Settings::default();
    settings.lock_wait_max = Duration::from_secs(2);
    let mut lab = Lab::with(2, settings);
    lab.visit();
    let opened = lab.open().unwrap();
    let began = lab.world.clock();
    assert_eq!(lab.open(), Err(SessionError::Busy));
    let waited = lab.world.clock() - began;
    assert!(
        waited > Duration::from_secs(1) && waited <= Duration::from_secs(2),
        "{waited:?}"
    );
    assert_eq!(lab.save(&opened.lease, 2), Ok(2));
    assert_eq!(lab.visit(), 3);
}

#[test]
fn lock_outlives_the_node_that_granted_it_first() {
    let mut settings = Settings::default();
    settings.lock_wait_max = Duration::from_secs(2);
    let mut lab = Lab::with(2, settings);
    let opened = lab.open().unwrap();
    lab.restart_empty(lab.home());
    assert_eq!(lab.open(), Err(SessionError::Busy));
    assert_eq!(lab.save(&opened.lease, 1), Ok(2));
    assert_eq!(lab.visit(), 2);
}

#[test]
fn holder_that_vanished_delays_until_its_lease_is_over() {
    let mut lab = Lab::new(2);
    lab.visit();
    lab.open().unwrap();
    let waited = lab.timed_visit();
    assert!(
        waited > Duration::from_secs(13) && waited < Duration::from_secs(16),
        "{waited:?}"
    );
}

#[test]
fn lock_of_another_is_never_freed_nor_its_session_overwritten() {
    let mut lab = Lab::new(2);
    let late = lab.open().unwrap();
    lab.advance(Duration::from_secs(16));
    let now = lab.open().unwrap();
    assert_eq!(lab.unlock(&late.lease), Err(SessionError::LockLost));
    assert_eq!(lab.save(&late.lease, 9), Err(SessionError::LockLost));
    assert_eq!(lab.save(&now.lease, 1), Ok(2));
    assert_eq!(lab.save(&late.lease, 9), Err(SessionError::LockLost));
    assert_eq!(lab.visit(), 2);
}

#[test]
fn restarted_node_that_reuses_cas_ids_frees_nobody_elses_lock() {
    let mut lab = Lab::new(1);
    let first = lab.open().unwrap();
    lab.restart_empty(0);
    let second = lab.open().unwrap();
    assert_eq!(lab.unlock(&first.lease), Err(SessionError::LockLost));
    assert_eq!(lab.unlock(&second.lease), Ok(1));
}

#[test]
fn lock_is_given_back_and_held_on() {
    let mut lab = Lab::new(3);
    let opened = lab.open().unwrap();
    lab.advance(Duration::from_secs(10));
    let operation = lab.session().renew(&opened.lease);
    let Outcome::Renewed(Ok(renewed)) = lab.world.finish(0, operation) else {
        panic!("not held on")
    };
    assert_eq!(renewed.nodes, 2);
    let longer = renewed.lease.until() - opened.lease.until();
    assert!(longer >= Duration::from_secs(10), "{longer:?}");
    lab.advance(Duration::from_secs(10));
    assert_eq!(lab.unlock(&opened.lease), Ok(2));
    assert!(lab.timed_visit() < Duration::from_millis(50));
}

#[test]
fn two_who_met_on_no_node_do_not_overwrite_each_other() {
    let mut lab = Lab::new(2);
    lab.visit();
    lab.world.fault(0, Mode::Refusing);
    let one = lab.open().unwrap();
    lab.world.fault(0, Mode::Up);
    lab.wait_until_well();
    lab.world.fault(1, Mode::Hung);
    let other = lab.open().unwrap();
    assert_eq!((one.answered, other.answered), (1, 1));
    lab.world.fault(1, Mode::Up);
    lab.wait_until_well();
    assert_eq!(lab.save(&one.lease, 2), Ok(2));
    assert_eq!(lab.save(&other.lease, 9), Err(SessionError::Conflict));
    assert_eq!(count(&lab.load().unwrap()), 2);
}

#[test]
fn several_saves_under_one_lock_follow_each_other() {
    let mut lab = Lab::new(2);
    let lease = lab.open().unwrap().lease;
    let operation = lab
        .session()
        .save(&lease, Bytes::from("visits=1"), After::Keep);
    let Outcome::Saved(Ok(saved)) = lab.world.finish(0, operation) else {
        panic!("not saved")
    };
    assert_eq!(lab.save(&saved.lease, 2), Ok(2));
    assert_eq!(lab.visit(), 3);
}

#[test]
fn of_two_creators_one_succeeds() {
    for seed in 0..50 {
        let mut lab = Lab::new(2);
        for _ in 0..seed {
            lab.world.random.next();
        }
        let runs = [0, 1].map(|who| {
            let data = Bytes::from(format!("visits={}", who + 10));
            let operation = lab.session().create(data);
            lab.world.start(who, operation)
        });
        let mut created = Vec::new();
        for _ in runs {
            match lab.world.run() {
                Some(Happening::Done(run, Outcome::Created(Ok(_)))) => created.push(run),
                Some(Happening::Done(_, Outcome::Created(Err(SessionError::Exists)))) => {}
                _ => panic!("neither created nor there, seed {seed}"),
            }
        }
        assert_eq!(created.len(), 1, "seed {seed}");
        let winner = runs.iter().position(|run| *run == created[0]).unwrap();
        assert_eq!(
            count(&lab.load().unwrap()),
            winner as u64 + 10,
            "seed {seed}"
        );
    }
}

#[test]
fn destroyed_session_is_not_brought_back_by_a_node_that_was_away() {
    for node in 0..2 {
        let mut lab = Lab::new(2);
        lab.visit();
        let opened = lab.open().unwrap();
        lab.world.fault(node, Mode::Hung);
        let operation = lab.session().destroy(&opened.lease);
        let outcome = lab.world.finish(0, operation);
        assert!(matches!(outcome, Outcome::Saved(Ok(saved)) if saved.nodes.len() == 1));
        lab.world.fault(node, Mode::Up);
        lab.wait_until_well();
        assert_eq!(lab.load().unwrap().data, None);
        let operation = lab.session().create(Bytes::from("visits=1"));
        let outcome = lab.world.finish(0, operation);
        assert!(matches!(outcome, Outcome::Created(Ok(created)) if created.copies == 2));
        assert_eq!(count(&lab.load().unwrap()), 1);
    }
}

#[test]
fn touched_session_lives_on_and_others_expire() {
    let mut lab = Lab::new(2);
    assert_eq!(lab.counted(Session::touch), Ok(0));
    lab.visit();
    lab.advance(Duration::from_secs(1000));
    assert_eq!(lab.counted(Session::touch), Ok(2));
    lab.advance(Duration::from_secs(1000));
    assert_eq!(count(&lab.load().unwrap()), 1);
    lab.advance(Duration::from_secs(1500));
    assert_eq!(lab.load().unwrap().data, None);
}

#[test]
fn session_too_large_for_the_nodes_is_refused_in_their_words() {
    let mut settings = Settings::default();
    settings.value_bytes_max = 4 << 20;
    let mut lab = Lab::with(2, settings);
    let error = SessionError::Refused("object too large for cache".into());
    assert_eq!(lab.save_long(2 << 20), Err(error));
    assert_eq!(lab.visit(), 1);
}

#[test]
fn lock_that_no_node_stores_is_refused_in_their_words() {
    let mut lab = Lab::new(2);
    for node in &mut lab.world.nodes {
        node.start_full();
    }
    let error = SessionError::Refused("out of memory storing object".into());
    assert_eq!(lab.open(), Err(error));
}

#[test]
fn session_too_large_for_its_readers_is_not_stored() {
    let mut settings = Settings::default();
    settings.value_bytes_max = 1000;
    let mut lab = Lab::with(2, settings);
    let (found, max) = (1001, 1000);
    assert_eq!(
        lab.save_long(found),
        Err(SessionError::TooLong { found, max })
    );
    // Stored, it would have made the nodes look faulty to everybody who reads it.
    assert_eq!(lab.visit(), 1);
    let operation = lab.session().create(vec![b'x'; found].into());
    let outcome = lab.world.finish(0, operation);
    assert!(matches!(
        outcome,
        Outcome::Created(Err(SessionError::TooLong { .. }))
    ));
}

#[test]
fn with_every_node_down_there_is_an_error_at_once() {
    let mut lab = Lab::new(2);
    lab.visit();
    lab.world.fault(0, Mode::Dark);
    lab.world.fault(1, Mode::Dark);
    assert_eq!(lab.open(), Err(SessionError::Unreachable));
    let began = lab.world.clock();
    assert_eq!(lab.load(), Err(SessionError::Unreachable));
    assert_eq!(lab.open(), Err(SessionError::Unreachable));
    assert_eq!(lab.world.clock(), began);
}

#[test]
fn node_that_refused_is_asked_when_nobody_else_is_left() {
    let mut lab = Lab::new(2);
    lab.visit();
    lab.world.fault(0, Mode::Refusing);
    lab.visit();
    // It is back, and nobody has probed it when the other goes.
    lab.world.fault(0, Mode::Up);
    lab.world.fault(1, Mode::Refusing);
    let timeout = lab.world.settings.reply_timeout;
    assert!(lab.timed_visit() < timeout / 4);
    assert_eq!(lab.visit(), 2);
}

/// One session over some nodes, and one who visits it.
struct Lab {
    world: World,
}

impl Lab {
    fn new(nodes: u16) -> Self {
        Self::with(nodes, Settings::default())
    }

    fn with(nodes: u16, settings: Settings) -> Self {
        Self {
            world: World::new(7, nodes, 2, settings),
        }
    }

    fn session(&self) -> Session {
        self.world.webs[0]
            .fleet
            .session(b"aeoj7s47i7ke2l0fr7b534v684")
            .unwrap()
    }

    fn home(&self) -> usize {
        self.session().nodes()[0].index()
    }

    /// One visit: the number that is shown and saved.
    fn visit(&mut self) -> u64 {
        let opened = self.open().unwrap();
        let count = opened.data.map_or(0, |data| number(&data)) + 1;
        self.save(&opened.lease, count).unwrap();
        count
    }

    fn timed_visit(&mut self) -> Duration {
        let began = self.world.clock();
        self.visit();
        self.world.clock() - began
    }

    fn open(&mut self) -> Result<Opened, SessionError> {
        let token = Token::new(self.world.random.token());
        let operation = self.session().open(token);
        match self.world.finish(0, operation) {
            Outcome::Opened(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    fn load(&mut self) -> Result<Loaded, SessionError> {
        let operation = self.session().load();
        match self.world.finish(0, operation) {
            Outcome::Loaded(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Saves and unlocks; the number of copies.
    fn save(&mut self, lease: &Lease, count: u64) -> Result<usize, SessionError> {
        let data = Bytes::from(format!("visits={count}"));
        let operation = self.session().save(lease, data, After::Unlock);
        match self.world.finish(0, operation) {
            Outcome::Saved(outcome) => outcome.map(|saved| saved.nodes.len()),
            other => panic!("{other:?}"),
        }
    }

    /// Opens, tries to save so many bytes, and gives the lock back.
    fn save_long(&mut self, len: usize) -> Result<(), SessionError> {
        let lease = self.open()?.lease;
        let data = vec![b'x'; len].into();
        let operation = self.session().save(&lease, data, After::Unlock);
        let Outcome::Saved(outcome) = self.world.finish(0, operation) else {
            panic!("a save")
        };
        // Where the nodes refused, it was given back with the attempt.
        self.unlock(&lease).ok();
        outcome.map(drop)
    }

    fn unlock(&mut self, lease: &Lease) -> Result<usize, SessionError> {
        self.counted(|session| session.unlock(lease))
    }

    fn counted<P>(
        &mut self,
        operation: impl FnOnce(&Session) -> steadfast_cluster::Operation<P>,
    ) -> Result<usize, SessionError>
    where
        P: steadfast_cluster::Procedure<Outcome = Result<usize, SessionError>> + 'static,
    {
        let operation = operation(&self.session());
        match self.world.finish(0, operation) {
            Outcome::Counted(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Stops a node and starts it again, after long enough to be missed.
    fn restart_empty(&mut self, node: usize) {
        self.world.fault(node, Mode::Refusing);
        self.load().ok();
        self.world.fault(node, Mode::Up);
        self.wait_until_well();
    }

    fn restart_empty_at_once(&mut self, node: usize) {
        self.world.fault(node, Mode::Refusing);
        self.world.fault(node, Mode::Up);
    }

    fn wait_until_well(&mut self) {
        for _ in 0..100 {
            if self.world.webs[0]
                .fleet
                .nodes()
                .all(|node| self.world.webs[0].fleet.health(node) == steadfast_cluster::Health::Up)
            {
                return;
            }
            self.advance(Duration::from_millis(500));
        }
        panic!("a node was not readmitted");
    }

    fn advance(&mut self, wait: Duration) {
        self.world.wake_in(wait, 0);
        while !matches!(self.world.run(), Some(Happening::Woken(_))) {}
    }
}

fn count(loaded: &Loaded) -> u64 {
    number(loaded.data.as_ref().unwrap())
}

fn number(data: &[u8]) -> u64 {
    std::str::from_utf8(data)
        .unwrap()
        .strip_prefix("visits=")
        .unwrap()
        .parse()
        .unwrap()
}
