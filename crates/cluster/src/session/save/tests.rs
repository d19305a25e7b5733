use steadfast_ring::{Dialect, Ring};

use super::*;
use crate::copy::Version;
use crate::link::Item;
use crate::{Fleet, Token};

/// A save of the second version, by the holder of the lock.
fn save() -> (Save, Instant) {
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    let now = Instant::now();
    let ring = Ring::builder(Dialect::PECL_CONSISTENT_CRC32)
        .node((), "a", 1, 1)
        .node((), "b", 1, 1);
    let fleet = Fleet::new(ring.build().unwrap(), Settings::default(), now).unwrap();
    let names = Names {
        data: Bytes::from_static(b"id"),
        lock: Bytes::from_static(b"id.lock"),
    };
    let lease = Lease {
        token: Token::new(7),
        version: Version::default().next(),
        until: now,
    };
    let (data, nodes) = (Some(Bytes::from_static(b"mine")), fleet.nodes().collect());
    let save = Save::new(
        names,
        nodes,
        lease,
        data,
        After::Unlock,
        Settings::default(),
    );
    (save, now)
}

/// What a node says that has this version of the session, and the lock if it is still held.
fn holds(version: u32, data: &[u8], is_locked: bool) -> Answer {
    let item = |key: &[u8], flags, value: &[u8]| Item {
        key: key.to_vec(),
        flags,
        cas: 1,
        value: value.to_vec(),
    };
    let mut items = vec![item(b"id", version, data)];
    if is_locked {
        items.push(item(b"id.lock", 0, Token::new(7).as_bytes()));
    }
    Answer::Replies(vec![Reply::Items(items)])
}

fn asked(step: &Step<<Save as Rounds>::Result>) -> Vec<usize> {
    match step {
        Step::Ask(batches) => batches.iter().map(|(copy, _)| *copy).collect(),
        other => panic!("{other:?}"),
    }
}

/// Both nodes are looked at and written to; the second one's copy has changed in between.
fn with_a_change_on_the_second_node() -> (Save, Instant) {
    let (mut save, now) = save();
    let nothing = || Answer::NotAsked;
    assert_eq!(asked(&save.next(&[nothing(), nothing()], now)), [0, 1]);
    let found = [holds(1, b"old", true), holds(1, b"old", true)];
    assert_eq!(asked(&save.next(&found, now)), [0, 1]);
    let reply = |reply| Answer::Replies(vec![reply, Reply::Stored]);
    let stored = [reply(Reply::Stored), reply(Reply::NotStored)];
    assert_eq!(asked(&save.next(&stored, now)), [1], "how it has changed");
    (save, now)
}

#[test]
fn save_that_met_anothers_on_one_node_is_a_conflict() {
    let (mut save, now) = with_a_change_on_the_second_node();
    let found = [Answer::NotAsked, holds(2, b"theirs", false)];
    assert!(matches!(
        save.next(&found, now),
        Step::Done(Err(SessionError::Conflict))
    ));
}

#[test]
fn copy_that_was_repaired_meanwhile_is_stored_once_more() {
    let (mut save, now) = with_a_change_on_the_second_node();
    let found = [Answer::NotAsked, holds(1, b"old", false)];
    assert_eq!(asked(&save.next(&found, now)), [1]);
    let stored = [Answer::NotAsked, Answer::Replies(vec![Reply::Stored])];
    let Step::Done(Ok(saved)) = save.next(&stored, now) else {
        panic!("not saved")
    };
    assert_eq!(saved.nodes, save.nodes);
}

#[test]
fn copy_that_somebody_repaired_with_ours_is_stored() {
    let (mut save, now) = with_a_change_on_the_second_node();
    let found = [Answer::NotAsked, holds(2, b"mine", false)];
    assert_eq!(asked(&save.next(&found, now)), [0usize; 0]);
    let nothing = [Answer::NotAsked, Answer::NotAsked];
    let Step::Done(Ok(saved)) = save.next(&nothing, now) else {
        panic!("not saved")
    };
    assert_eq!(saved.nodes.len(), 2);
}

#[test]
fn copy_that_keeps_changing_is_given_up() {
    let (mut save, now) = with_a_change_on_the_second_node();
    let changed = [Answer::NotAsked, Answer::Replies(vec![Reply::NotStored])];
    for _ in 1..ATTEMPTS_MAX {
        let found = [Answer::NotAsked, holds(1, b"old", false)];
        assert_eq!(asked(&save.next(&found, now)), [1]);
        match save.next(&changed, now) {
            Step::Ask(batches) => assert_eq!(batches.len(), 1),
            Step::Done(outcome) => {
                assert_eq!(outcome.unwrap().nodes.len(), 1);
                return;
            }
            Step::Pause(_) => panic!("a save never pauses"),
        }
    }
    panic!("it never ends");
}
